"""The REST API v1: shapes from its documentation; no recorded answer of a v1 was at hand."""

import json
from dataclasses import replace
from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.render.entity import known
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found
from wikibase.render.outcome import Answer, Decline, DeclinedError
from wikibase.render.rest_v1 import data_answer, read_call, used_properties
from wikibase.rest_v1 import claims_of_v1, reduced
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x", site_urls={"enwiki": "https://en.example/$1"})
KNOWN = known({"P1": "string", "P2": None, "P3": "wikibase-item", "P4": "time", "P5": "globe-coordinate"}, FACTS)
Q5 = EntityId("Q5")
GUID = "Q5$9F08FFF5-4465-46E0-B25A-7F848BBA1C0E"
TIME = {
    "time": "+2020-01-02T00:00:00Z",
    "timezone": 0,
    "before": 0,
    "after": 0,
    "precision": 11,
    "calendarmodel": "http://www.wikidata.org/entity/Q1985727",
}
PLACE = {"latitude": 1e-05, "longitude": 2, "altitude": None, "precision": 0.1, "globe": "http://x/Q2"}


def snak(prop: str, kind: str = "", value: Any = None) -> dict[str, Any]:
    if not kind:
        return {"snaktype": "somevalue", "property": prop}
    return {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}


CONTENT = canonical_entity(
    {
        "type": "item",
        "id": "Q5",
        "labels": {"en": {"language": "en", "value": "a/é"}},
        "aliases": {"en": [{"language": "en", "value": "x"}]},
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "A b", "badges": ["Q1"]}},
        "claims": {
            "P1": [
                {
                    "mainsnak": snak("P1", "string", "v"),
                    "type": "statement",
                    "id": GUID,
                    "rank": "preferred",
                    "qualifiers": {"P4": [snak("P4", "time", TIME)], "P2": [snak("P2")]},
                    "qualifiers-order": ["P4", "P2"],
                    "references": [{"snaks": {"P5": [snak("P5", "globecoordinate", PLACE)]}}],
                }
            ],
            "P3": [
                {
                    "mainsnak": snak("P3", "wikibase-entityid", {"entity-type": "item", "numeric-id": 7, "id": "Q7"}),
                    "type": "statement",
                    "id": "Q5$b",
                    "rank": "normal",
                }
            ],
        },
    }
)
FOUND = Found(
    Revision(
        entity_id=Q5,
        rev_id=786,
        parent_id=0,
        position=0,
        timestamp="2018-09-25T06:07:11Z",
        state=State.VISIBLE,
        content=CONTENT,
    ),
    5,
)


def ask(*part: str, found: Found = FOUND, values: dict[str, str] | None = None, **headers: str) -> Answer:
    named = {"user-agent": "x/1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    asked = read_call(found.revision.entity_id, part, named, values or {})
    assert found.revision.content is not None
    assert used_properties(asked, found.revision.content) <= KNOWN.data_types.keys()
    return data_answer(asked, found, KNOWN, FACTS)


def test_statements_are_pairs_of_property_and_value() -> None:
    statement = json.loads(ask("statements", GUID).body)
    assert statement["property"] == {"id": "P1", "data_type": "string"}
    assert statement["value"] == {"type": "value", "content": "v"}
    assert statement["qualifiers"] == [
        {
            "property": {"id": "P4", "data_type": "time"},
            "value": {
                "type": "value",
                "content": {key: TIME[key] for key in ("time", "precision", "calendarmodel")},
            },
        },
        {"property": {"id": "P2", "data_type": None}, "value": {"type": "somevalue"}},
    ]
    [part] = statement["references"][0]["parts"]
    assert part["value"]["content"] == {key: PLACE[key] for key in ("latitude", "longitude", "precision", "globe")}
    assert len(statement["references"][0]["hash"]) == 40


def test_what_is_rendered_is_read_back_as_the_same_content_but_for_what_v1_leaves_out() -> None:
    only = {prop: group for prop, group in CONTENT["claims"].items() if prop == "P3"}
    shown = json.loads(ask("statements", values={"property": "P3"}).body)
    assert claims_of_v1(shown).keys() == only.keys()
    whole = canonical_entity({"type": "item", "id": "Q5", "claims": claims_of_v1(shown)})
    assert whole["claims"] == reduced({"claims": only})["claims"]


def test_an_item_has_its_fields_and_its_id() -> None:
    shown = ask()
    entity = json.loads(shown.body)
    assert set(entity) == {"id", "type", "labels", "descriptions", "aliases", "statements", "sitelinks"}
    assert entity["sitelinks"] == {"enwiki": {"title": "A b", "badges": ["Q1"], "url": "https://en.example/A_b"}}
    assert rb'"a/\u00e9"' in shown.body
    assert dict(shown.headers)["ETag"] == '"786"'
    assert json.loads(ask(values={"_fields": "labels"}).body) == {"id": "Q5", "labels": {"en": "a/é"}}


def test_parts_stand_alone() -> None:
    assert json.loads(ask("labels").body) == {"en": "a/é"}
    assert ask("labels", "en").body == rb'"a\/\u00e9"'
    assert json.loads(ask("aliases", "en").body) == ["x"]
    assert json.loads(ask("descriptions").body) == {}
    assert json.loads(ask("sitelinks", "enwiki").body)["title"] == "A b"
    assert list(json.loads(ask("statements").body)) == ["P1", "P3"]


def test_a_property_has_a_data_type_and_no_site_links() -> None:
    content = canonical_entity({"type": "property", "id": "P1", "datatype": "string"})
    found = Found(replace(FOUND.revision, entity_id=EntityId("P1"), content=content), 5)
    assert json.loads(ask(found=found).body)["data_type"] == "string"
    with pytest.raises(DeclinedError):
        ask("sitelinks", found=found)


def test_who_has_the_revision_gets_304() -> None:
    assert ask(if_none_match='"786"').status == 304


@pytest.mark.parametrize(
    ("part", "values", "headers"),
    [
        (("labels", "fr"), {}, {}),
        (("labels_with_language_fallback", "en"), {}, {}),
        (("statements", "Q5$nope"), {}, {}),
        (("statements",), {"property": "p3"}, {}),
        ((), {"_fields": "nope"}, {}),
        (("labels",), {"_fields": "labels"}, {}),
        ((), {}, {"if_match": '"786"'}),
        ((), {}, {"user_agent": ""}),
    ],
)
def test_errors_and_what_is_missing_are_the_wikis(
    part: tuple[str, ...], values: dict[str, str], headers: dict[str, str]
) -> None:
    with pytest.raises(DeclinedError):
        ask(*part, values=values, **headers)


def test_bounds_of_quantities_and_redirects_are_the_wikis() -> None:
    bounded = {"amount": "+2", "unit": "1", "upperBound": "+3", "lowerBound": "+1"}
    claim = {"mainsnak": snak("P1", "quantity", bounded), "type": "statement", "id": "Q5$c", "rank": "normal"}
    content = canonical_entity({"type": "item", "id": "Q5", "claims": {"P1": [claim]}})
    with pytest.raises(DeclinedError) as error:
        ask(found=Found(replace(FOUND.revision, content=content), 5))
    assert error.value.declined.reason is Decline.VALUE_UNDECODED
    with pytest.raises(DeclinedError):
        ask(found=Found(replace(FOUND.revision, state=State.REDIRECT), 5))
