"""wbgetentities: what calls ask for, and what becomes of ids, titles and redirects."""

import json
from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.api_call import ApiError, Call
from wikibase.render.entity import known
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.render.record import ALL_PROPS, Renderer, make_each_time
from wikibase.render.wbgetentities import EntitiesCall, asked_entities, read_call, result_body
from wikibase.revision import Revision, State

FACTS = RenderingFacts(
    server="http://x",
    term_languages=frozenset({"en", "de", "ja"}),
    fallbacks={},
    site_ids=frozenset({"enwiki", "dewiki"}),
)


def read(**values: str) -> EntitiesCall:
    return read_call(Call(values, FACTS, anonymous=True))


def head(entity_id: str, target: str | None = None) -> Found:
    revision = Revision(
        entity_id=EntityId(entity_id),
        rev_id=int(entity_id[1:]) + 100,
        parent_id=0,
        position=0,
        timestamp="2026-11-22T15:24:12Z",
        state=State.REDIRECT if target else State.VISIBLE,
        content=canonical_entity({"type": "item", "id": entity_id}) if target is None else None,
        redirect_target=EntityId(target) if target else None,
    )
    return Found(revision, 5)


def result(asked: EntitiesCall, titles: Any = None, **heads: Found | None) -> tuple[Any, Any]:
    renderer = Renderer(FACTS, known({}, FACTS), 0, make_each_time, ascii_only=True)
    body, marks = result_body(asked, titles or {}, heads, renderer)  # type: ignore[arg-type]  # ids as keywords
    return json.loads(body), marks


def test_ids_are_canonical_and_each_is_answered_once() -> None:
    assert read(ids="q2|Q1|Q2").ids == ("Q2", "Q1")


@pytest.mark.parametrize("text", ["Q0", "Qx", "", "Q1.5", " Q1", "L1", "Q2147483648", "Q4#x"])
def test_a_malformed_id_fails_the_whole_call(text: str) -> None:
    with pytest.raises(ApiError) as error:
        read(ids=f"Q1|{text}|Q2")
    assert (error.value.code, error.value.data) == ("no-such-entity", {"id": text})
    assert error.value.info == f'Could not find an entity with the ID "{text}".'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<b>", Decline.ERROR),
        ("a''b", Decline.ERROR),
        ("{{x}}", Decline.ERROR),
        ("a  b", Decline.ERROR),
        ("RFC 12", Decline.ERROR),
        ("Item:Q1", Decline.FOREIGN_ID),
    ],
)
def test_an_id_that_wikitext_could_be_in_is_the_wikis(text: str, reason: Decline) -> None:
    with pytest.raises(DeclinedError) as error:
        read(ids=text)
    assert error.value.declined.reason is reason


def test_an_id_of_a_type_that_is_not_rendered_is_the_wikis() -> None:
    facts = RenderingFacts(server="x", namespaces={"item": (0, ""), "lexeme": (146, "Lexeme")})
    with pytest.raises(DeclinedError) as error:
        read_call(Call({"ids": "L1"}, facts, anonymous=True))
    assert error.value.declined.reason is Decline.ENTITY_TYPE


def test_ids_of_types_that_no_namespace_tells_are_the_wikis() -> None:
    for text in ("M1", "E1"):
        with pytest.raises(DeclinedError) as error:
            read(ids=text)
        assert error.value.declined.reason is Decline.ENTITY_TYPE


def test_what_was_not_learnt_of_the_wiki_declines_what_needs_it() -> None:
    bare = RenderingFacts(server="x")
    for values in ({"languages": "de"}, {"sitefilter": "enwiki"}, {"sites": "enwiki", "titles": "A"}):
        with pytest.raises(DeclinedError) as error:
            read_call(Call({"ids": "Q1", **values}, bare, anonymous=True))
        assert error.value.declined.reason is Decline.PARAMETER
    some = RenderingFacts(server="x", term_languages=frozenset({"de"}))
    with pytest.raises(DeclinedError):
        read_call(Call({"ids": "Q1", "languages": "de", "languagefallback": ""}, some, anonymous=True))
    assert read_call(Call({"ids": "Q1", "languagefallback": ""}, bare, anonymous=True)).selection.chains is None


def test_neither_ids_nor_pairs_is_an_error() -> None:
    for values in ({}, {"sites": "enwiki"}, {"titles": "a"}, {"sites": "xwiki", "titles": "a"}):
        with pytest.raises(ApiError) as error:
            read(**values)
        assert error.value.code == "param-missing"


def test_no_ids_at_all_give_no_entities() -> None:
    assert result(read(ids=""))[0] == {"success": 1}


def test_filters_that_hold_nothing_known_filter_nothing() -> None:
    call = Call({"ids": "Q1", "languages": "xx|yy", "sitefilter": "zwiki"}, FACTS, anonymous=True)
    selection = read_call(call).selection
    assert (selection.languages, selection.sites) == (None, None)
    assert [sentence for _, sentence in call.warnings] == [
        'Unrecognized values for parameter "languages": xx, yy',
        'Unrecognized value for parameter "sitefilter": zwiki',
    ]


def test_addresses_of_site_links_bring_the_links() -> None:
    selection = read(ids="Q1", props="sitelinks/urls").selection
    assert (selection.urls, selection.props) == (True, frozenset({"sitelinks/urls", "sitelinks"}))
    assert read(ids="Q1").selection.props == ALL_PROPS
    assert read(ids="Q1", props="").selection.props == frozenset()


def test_fallback_is_on_by_presence_and_needs_languages() -> None:
    chains = read(ids="Q1", languages="de|ja", languagefallback="0").selection.chains
    assert chains is not None
    assert list(chains) == ["de", "ja"]
    assert read(ids="Q1", languagefallback="1").selection.chains is None


def test_missing_deleted_and_unfollowed_ones_look_the_same() -> None:
    asked = read(ids="Q1|Q2", redirects="no", props="")
    shown, marks = result(asked, Q1=None, Q2=head("Q2", "Q3"))
    assert shown["entities"] == {"Q1": {"id": "Q1", "missing": ""}, "Q2": {"id": "Q2", "missing": ""}}
    assert marks == (("Q2", 102),)


def test_one_step_of_redirects_is_followed_under_the_id_asked_for() -> None:
    asked = read(ids="Q2|Q4|Q6", props="info")
    shown, marks = result(
        asked,
        Q2=head("Q2", "Q3"),
        Q3=head("Q3"),
        Q4=head("Q4", "Q5"),
        Q5=head("Q5", "Q3"),
        Q6=head("Q6", "Q7"),
        Q7=None,
    )
    assert shown["entities"]["Q2"]["id"] == "Q3"
    assert shown["entities"]["Q2"]["redirects"] == {"from": "Q2", "to": "Q3"}
    assert shown["entities"]["Q2"]["lastrevid"] == 103
    assert shown["entities"]["Q4"] == {"id": "Q4", "missing": ""}
    assert shown["entities"]["Q6"] == {"id": "Q6", "missing": ""}
    assert marks == (("Q2", 102), ("Q3", 103), ("Q4", 104), ("Q5", 105), ("Q6", 106))


def test_every_site_is_combined_with_every_title_and_missing_ones_come_first() -> None:
    asked = read(ids="Q1", sites="enwiki|enwiki", titles="A|B", props="")
    titles = {("enwiki", "A"): None, ("enwiki", "B"): EntityId("Q2")}
    assert asked_entities(asked, titles) == ("Q1", "Q2")
    shown, _ = result(asked, titles, Q1=head("Q1"), Q2=head("Q2"))
    missing = {"site": "enwiki", "title": "A", "missing": ""}
    assert list(shown["entities"].items())[:2] == [("-1", missing), ("-2", missing)]
    assert list(shown["entities"])[2:] == ["Q1", "Q2"]


def test_numbers_of_sites_and_titles_that_do_not_fit_are_an_error() -> None:
    for values in (
        {"sites": "enwiki|dewiki", "titles": "a|b|c"},
        {"sites": "enwiki|dewiki", "titles": "a", "normalize": ""},
    ):
        with pytest.raises(ApiError) as error:
            read(**values)
        assert error.value.code == "params-illegal"


def test_a_choice_that_is_none_is_the_wikis() -> None:
    with pytest.raises(DeclinedError) as error:
        read(ids="Q1", redirects="maybe")
    assert error.value.declined.reason is Decline.VALUE
