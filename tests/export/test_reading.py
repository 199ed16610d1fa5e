import hashlib
from dataclasses import replace

import pytest

from backends.ledger.revision_rows import Entry
from backends.snapshots.envelope import content_digest, metadata
from backends.store import fingerprint
from backends.visibility import public_part
from backends.wiki.shapes import WikiRevision
from export.reading import concealed_revision, pieces, read_revision, reason_word, sha1_differs, unchanged
from export.source import Concealed, Text, ToldRevision
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

Q1 = EntityId("Q1")
TEXT = '{"type":"item","id":"Q1","labels":{"en":{"language":"en","value":"x"}},"aliases":[]}'
ABOUT = WikiRevision(
    rev_id=7,
    parent_id=3,
    timestamp="2026-11-22T15:24:12Z",
    user="Alice",
    comment="",
    tags=("mw-undo",),
    minor=True,
    size=10,
    sha1=hashlib.sha1(TEXT.encode(), usedforsecurity=False).hexdigest(),
    content_model="wikibase-item",
)
TOLD = ToldRevision(about=ABOUT, page_id=5, model="wikibase-item", text_sha1=ABOUT.sha1)
HIDDEN = replace(TOLD, about=replace(ABOUT, hidden=frozenset({"text"}), sha1=None))


def text(words: str) -> Text:
    return Text(words.encode())


def test_metadata_is_taken_over_and_content_made_canonical() -> None:
    read = read_revision(Q1, 2, TOLD, text(TEXT))
    assert (read.rev_id, read.parent_id, read.position, read.page_id) == (7, 3, 2, 5)
    assert (read.user, read.comment, read.tags, read.minor, read.bot) == ("Alice", "", ("mw-undo",), True, None)
    assert (read.state, read.wiki_sha1, read.error) == (State.VISIBLE, ABOUT.sha1, None)
    assert read.content is not None
    assert read.content["aliases"] == {}


def test_text_hidden_hides_content_and_sha1_even_if_both_are_told() -> None:
    told = replace(TOLD, about=replace(ABOUT, hidden=frozenset({"text"})))
    read = public_part(read_revision(Q1, 0, told, text(TEXT)))
    assert (read.state, read.content, read.wiki_sha1, read.hidden) == (State.TEXT_HIDDEN, None, None, {"text"})


def test_text_hidden_is_known_from_the_content_alone() -> None:
    read = read_revision(Q1, 0, TOLD, Text(None, "texthidden"))
    assert (read.state, read.hidden, read.wiki_sha1) == (State.TEXT_HIDDEN, {"text"}, None)


@pytest.mark.parametrize("reason", ["textmissing", "slotsmissing", "badrevids", "internal_api_error_X: why"])
def test_a_text_that_cannot_be_had_has_the_wikis_words(reason: str) -> None:
    read = read_revision(Q1, 0, TOLD, Text(None, reason))
    assert (read.state, read.content, read.error) == (State.MISSING, None, reason)


def test_a_redirect_has_its_target() -> None:
    read = read_revision(Q1, 0, TOLD, text('{"entity":"Q1","redirect":"Q2"}'))
    assert (read.state, read.redirect_target) == (State.REDIRECT, "Q2")
    assert read.content == {"entity": "Q1", "redirect": "Q2"}


@pytest.mark.parametrize("words", ["", "x", "[]", "7", '{"type":"item","id":"Q1","claims":[1]}', "[" * 3000])
def test_a_text_that_is_no_entity_is_missing_with_the_reason(words: str) -> None:
    read = read_revision(Q1, 0, TOLD, text(words))
    assert read.state is State.MISSING
    assert str(read.error).startswith("not-an-entity: ")


def test_sha1_is_compared_only_where_both_are_known() -> None:
    assert not sha1_differs(TOLD, text(TEXT))
    assert sha1_differs(TOLD, text(TEXT + " "))
    assert not sha1_differs(replace(TOLD, text_sha1=None), text(TEXT))
    assert not sha1_differs(TOLD, Text(None, "textmissing"))


@pytest.mark.parametrize(
    ("error", "word"),
    [("textmissing", "textmissing"), ("internal_api_error_X: why not", "internal_api_error_X"), ("not in", "not")],
)
def test_a_reason_is_counted_by_its_first_word(error: str, word: str) -> None:
    assert reason_word(error) == word


def test_a_history_is_cut_by_bytes_and_by_number() -> None:
    sizes = enumerate((40, 40, 40, 500, 10, 10, 10))
    history = [replace(TOLD, about=replace(ABOUT, rev_id=number, size=size)) for number, size in sizes]
    cut = [[one.rev_id for one in piece] for piece in pieces(history, bytes_max=100, count_max=2)]
    assert cut == [[0, 1], [2], [3], [4, 5], [6]]
    assert list(pieces([], bytes_max=100, count_max=2)) == []


def test_being_archived_is_the_stronger_word_and_nothing_hidden_comes_with_it() -> None:
    archived = read_revision(Q1, 0, replace(TOLD, archived=True), text(TEXT))
    assert (archived.state, archived.error) == (State.ARCHIVED, None)
    assert archived.content is not None
    hidden = read_revision(Q1, 0, replace(HIDDEN, archived=True), text(TEXT))
    assert (hidden.state, hidden.content, hidden.error) == (State.ARCHIVED, None, "texthidden")
    assert public_part(hidden) == hidden
    lost = read_revision(Q1, 0, replace(TOLD, archived=True), Text(None, "textmissing"))
    assert (lost.state, lost.error) == (State.ARCHIVED, "textmissing")
    redirect = read_revision(Q1, 0, replace(TOLD, archived=True), text('{"entity":"Q1","redirect":"Q2"}'))
    assert (redirect.state, redirect.redirect_target) == (State.ARCHIVED, "Q2")


def test_what_is_hidden_is_whole_only_where_the_source_tells_it() -> None:
    assert concealed_revision(read_revision(Q1, 0, TOLD, text(TEXT)), TOLD, text(TEXT)) is None
    unsaid = Text(None, "texthidden")
    assert concealed_revision(read_revision(Q1, 0, HIDDEN, unsaid), HIDDEN, unsaid) is None
    told = replace(HIDDEN, concealed=Concealed(user="Bob", sha1="ab"))
    whole = concealed_revision(read_revision(Q1, 0, told, text(TEXT)), told, text(TEXT))
    assert whole is not None
    assert (whole.user, whole.comment, whole.wiki_sha1) == ("Bob", "", "ab")
    assert whole.content is not None


def _entry(read: Revision) -> Entry:
    return Entry(
        entity_id=Q1,
        rev_id=read.rev_id,
        position=read.position,
        parent_id=read.parent_id,
        timestamp=read.timestamp,
        state=read.state,
        redirect_target=read.redirect_target,
        digest=content_digest(read.content),
        meta=fingerprint(metadata(public_part(read))),
    )


@pytest.mark.parametrize("bot", [None, True, False])
def test_what_the_store_has_as_it_is_told_is_known_without_its_text(bot: bool | None) -> None:
    told = replace(TOLD, bot=bot)
    entry = _entry(read_revision(Q1, 3, told, text(TEXT)))
    assert unchanged(entry, 3, told)
    assert unchanged(entry, 3, TOLD)  # the wiki has forgotten by now who was a bot
    assert not unchanged(entry, 4, told)
    assert not unchanged(entry, 3, replace(told, archived=True))
    assert not unchanged(entry, 3, replace(told, page_id=6))
    for other in ({"user": "Bob"}, {"comment": "x"}, {"hidden": frozenset({"text"})}, {"tags": ()}, {"parent_id": 1}):
        assert not unchanged(entry, 3, replace(told, about=replace(ABOUT, **other)))


def test_a_hidden_and_an_archived_revision_are_known_as_such() -> None:
    assert unchanged(_entry(public_part(read_revision(Q1, 0, HIDDEN, text(TEXT)))), 0, HIDDEN)
    archived = replace(TOLD, archived=True)
    assert unchanged(_entry(read_revision(Q1, 0, archived, text(TEXT))), 0, archived)


def test_what_could_not_be_read_is_looked_at_again() -> None:
    assert not unchanged(_entry(read_revision(Q1, 0, TOLD, Text(None, "textmissing"))), 0, TOLD)
    archived = replace(TOLD, archived=True)
    assert not unchanged(_entry(read_revision(Q1, 0, archived, Text(None, "textmissing"))), 0, archived)
