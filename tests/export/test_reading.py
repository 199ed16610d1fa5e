import hashlib
from dataclasses import replace

import pytest

from backends.wiki.shapes import Content, WikiRevision
from export.reading import pieces, read_revision, reason_word, sha1_differs
from wikibase.ids import EntityId
from wikibase.revision import State

Q1 = EntityId("Q1")
TEXT = '{"type":"item","id":"Q1","labels":{"en":{"language":"en","value":"x"}},"aliases":[]}'
TOLD = WikiRevision(
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


def test_metadata_is_taken_over_and_content_made_canonical() -> None:
    read = read_revision(Q1, 5, 2, TOLD, Content(TEXT, None, "wikibase-item"))
    assert (read.rev_id, read.parent_id, read.position, read.page_id) == (7, 3, 2, 5)
    assert (read.user, read.comment, read.tags, read.minor, read.bot) == ("Alice", "", ("mw-undo",), True, None)
    assert (read.state, read.wiki_sha1, read.error) == (State.VISIBLE, TOLD.sha1, None)
    assert read.content is not None
    assert read.content["aliases"] == {}


def test_text_hidden_hides_content_and_sha1_even_if_both_are_told() -> None:
    told = replace(TOLD, hidden=frozenset({"text"}))
    read = read_revision(Q1, 5, 0, told, Content(TEXT))
    assert (read.state, read.content, read.wiki_sha1, read.hidden) == (State.TEXT_HIDDEN, None, None, {"text"})


def test_text_hidden_is_known_from_the_content_alone() -> None:
    read = read_revision(Q1, 5, 0, TOLD, Content(None, "texthidden"))
    assert (read.state, read.hidden, read.wiki_sha1) == (State.TEXT_HIDDEN, {"text"}, None)


@pytest.mark.parametrize("reason", ["textmissing", "slotsmissing", "badrevids", "internal_api_error_X: why"])
def test_a_text_that_cannot_be_had_has_the_wikis_words(reason: str) -> None:
    read = read_revision(Q1, 5, 0, TOLD, Content(None, reason))
    assert (read.state, read.content, read.error) == (State.MISSING, None, reason)


def test_a_redirect_has_its_target() -> None:
    read = read_revision(Q1, 5, 0, TOLD, Content('{"entity":"Q1","redirect":"Q2"}'))
    assert (read.state, read.redirect_target) == (State.REDIRECT, "Q2")
    assert read.content == {"entity": "Q1", "redirect": "Q2"}


@pytest.mark.parametrize("text", ["", "x", "[]", "7", '{"type":"item","id":"Q1","claims":[1]}', "[" * 3000])
def test_a_text_that_is_no_entity_is_missing_with_the_reason(text: str) -> None:
    read = read_revision(Q1, 5, 0, TOLD, Content(text))
    assert read.state is State.MISSING
    assert str(read.error).startswith("not-an-entity: ")


def test_sha1_is_compared_only_where_both_are_known() -> None:
    assert not sha1_differs(TOLD, Content(TEXT))
    assert sha1_differs(TOLD, Content(TEXT + " "))
    assert not sha1_differs(replace(TOLD, sha1=None), Content(TEXT))
    assert not sha1_differs(TOLD, Content(None, "textmissing"))


@pytest.mark.parametrize(
    ("error", "word"),
    [("textmissing", "textmissing"), ("internal_api_error_X: why not", "internal_api_error_X"), ("not in", "not")],
)
def test_a_reason_is_counted_by_its_first_word(error: str, word: str) -> None:
    assert reason_word(error) == word


def test_a_history_is_cut_by_bytes_and_by_number() -> None:
    history = [replace(TOLD, rev_id=number, size=size) for number, size in enumerate((40, 40, 40, 500, 10, 10, 10))]
    cut = [[one.rev_id for one in piece] for piece in pieces(history, bytes_max=100, count_max=2)]
    assert cut == [[0, 1], [2], [3], [4, 5], [6]]
    assert list(pieces([], bytes_max=100, count_max=2)) == []
