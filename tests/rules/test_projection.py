"""The part of an entity that an answer holds: every filter of every surface."""

from typing import Any

import pytest

from rules.projection import Part, part_of, project, without_fallback
from rules.routes.route import Projection
from wikibase.answers import AnsweredEntity, Presence
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId

Q1 = EntityId("Q1")


def statement(guid: str, prop: str, rank: str = "normal") -> dict[str, Any]:
    reference = {"snaks": {"P9": [{"snaktype": "novalue", "property": "P9"}]}, "snaks-order": ["P9"]}
    snak = {"snaktype": "novalue", "property": prop}
    return {"mainsnak": snak, "type": "statement", "id": guid, "rank": rank, "references": [reference]}


def term(language: str, text: str = "x") -> dict[str, str]:
    return {"language": language, "value": text}


WHOLE = canonical_entity(
    {
        "type": "item",
        "id": "Q1",
        "labels": {"en": term("en"), "de": term("de")},
        "descriptions": {"en": term("en")},
        "aliases": {"de": [term("de")]},
        "claims": {"P2": [statement("Q1$a", "P2"), statement("Q1$b", "P2", "preferred")],
                   "P1": [statement("Q1$c", "P1")]},
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "X", "badges": []}},
    }
)  # fmt: skip


def answered(content: dict[str, Any] | None = None, **fields: Any) -> AnsweredEntity:
    return AnsweredEntity(key="Q1", presence=Presence.ENTITY, asked=Q1, content=content or {}, **fields)


def cut(surface: str, content: dict[str, Any] | None = None, **projection: Any) -> dict[str, Any]:
    return dict(project(WHOLE, part_of(surface, Projection(**projection), answered(content))))


def test_without_any_filter_it_is_the_whole() -> None:
    assert project(WHOLE, part_of("wbgetentities", Projection(), answered())) is WHOLE
    assert project(WHOLE, part_of("entitydata", Projection(props=frozenset()), answered())) is WHOLE
    assert part_of("revisions", Projection(languages=("en",)), answered(whole=True)) == Part()


@pytest.mark.parametrize(
    ("props", "fields"),
    [
        (["labels"], {"labels"}),
        (["claims"], {"claims", "claims-order"}),
        (["sitelinks/urls", "info"], {"sitelinks"}),
        (["datatype"], set()),
        ([], set()),
    ],
)
def test_props_choose_fields(props: list[str], fields: set[str]) -> None:
    assert cut("wbgetentities", props=frozenset(props)).keys() == {"id", "type"} | fields


def test_what_props_has_no_word_for_is_there_unless_nothing_is() -> None:
    whole = canonical_entity({"type": "property", "id": "P1", "datatype": "string"})
    some = part_of("wbgetentities", Projection(props=frozenset({"info"})), answered())
    none = part_of("wbgetentities", Projection(props=frozenset()), answered())
    assert project(whole, some) == {"id": "P1", "type": "property", "datatype": "string"}
    assert project(whole, none) == {"id": "P1", "type": "property"}


def test_languages_choose_terms() -> None:
    made = cut("wbgetentities", {"labels": {"de": term("de")}}, languages=("de", "xx"))
    assert (made["labels"], made["descriptions"]) == ({"de": term("de")}, {})
    assert made["aliases"] == {"de": [term("de")]}


def test_an_answer_that_shows_other_languages_was_not_filtered() -> None:
    assert cut("wbgetentities", {"labels": {"en": term("en")}}, languages=("xx-bad",))["labels"].keys() == {"en", "de"}


def test_sites_choose_links() -> None:
    assert cut("wbgetentities", site_filter=("frwiki",))["sitelinks"] == {}
    assert cut("wbgetentities", {"sitelinks": {"enwiki": {}}}, site_filter=("enwiki",))["sitelinks"].keys() == {
        "enwiki"
    }
    assert cut("wbgetentities", {"sitelinks": {"enwiki": {}}}, site_filter=("nonsense",)) == WHOLE


def test_claims_are_chosen_by_property_rank_and_guid() -> None:
    made = cut("wbgetclaims", property_id="p2", rank="preferred")
    assert [one["id"] for one in made["claims"]["P2"]] == ["Q1$b"]
    assert made["claims-order"] == ["P2"]
    assert made.keys() == {"id", "type", "claims", "claims-order"}
    by_guid = cut("wbgetclaims", statement="Q1$c", property_id="P2", rank="deprecated")
    assert [one["id"] for one in by_guid["claims"]["P1"]] == ["Q1$c"]
    assert cut("wbgetclaims", statement="q1$c")["claims"] == {}
    assert "references" not in cut("wbgetclaims", props=frozenset(), rank="preferred")["claims"]["P2"][0]


def test_rest_answers_are_the_part_that_they_show() -> None:
    content = {"id": "Q1", "type": "item", "labels": {}}
    part = part_of("rest", Projection(), answered(content, by_fields=True))
    assert project(WHOLE, part).keys() == {"id", "type", "labels"}
    one = {"id": "Q1", "type": "item", "claims": [statement("Q1$c", "P1")]}
    part = part_of("rest", Projection(part=("statements", "q1$c")), answered(one, by_fields=True))
    assert list(project(WHOLE, part)["claims"]) == ["P1"]


def test_terms_of_a_language_fallback_are_left_out_only_when_the_store_bears_them_out() -> None:
    stored = project(WHOLE, Part(languages=frozenset({"de-at", "de"})))
    fallback = {"value": "x", "language": "de", "for-language": "de-at"}
    wrong = {"value": "other", "language": "de", "for-language": "de-at"}
    converted = {"value": "y", "language": "de-at", "source-language": "zh"}
    for term_, taken in ((fallback, True), (converted, True), (wrong, False)):
        made, was = without_fallback({"labels": {"de": term("de"), "de-at": term_}}, stored, WHOLE)
        assert was is taken
        assert made["labels"].keys() == ({"de"} if taken else {"de", "de-at"})


def test_redirects_have_no_parts() -> None:
    redirect = {"entity": "Q1", "redirect": "Q2"}
    assert project(redirect, Part(fields=frozenset())) == redirect
