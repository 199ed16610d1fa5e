"""REST answers: v0 is turned into the keys of the Action API, v1 is named."""

import json
from typing import Any

from shared_truth import SHARED, needs_shared

from wikibase.answers import entities_in
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.rest_answers import rest_part, rest_reason

Q5 = EntityId("Q5")
STATEMENT = {"mainsnak": {"snaktype": "novalue", "property": "P1"}, "type": "statement", "rank": "normal", "id": "Q5$x"}


def recorded(number: str) -> dict[str, Any]:
    (path,) = (SHARED / "recordings" / "api").glob(f"{number}-*.json")
    return json.loads(path.read_text())["response"]


def test_an_item_of_v0() -> None:
    body = {
        "id": "Q5",
        "type": "item",
        "labels": {"en": "x"},
        "aliases": {"en": ["y"]},
        "statements": {"P1": [{**STATEMENT, "qualifiers": {}, "qualifiers-order": [], "references": []}]},
        "sitelinks": {"enwiki": {"title": "X", "badges": []}},
    }
    made = canonical_entity(rest_part(body, Q5), partial=True)
    assert made["labels"] == {"en": {"language": "en", "value": "x"}}
    assert made["aliases"] == {"en": [{"language": "en", "value": "y"}]}
    assert made["claims"] == {"P1": [STATEMENT]}
    assert made["sitelinks"] == {"enwiki": {"site": "enwiki", "title": "X", "badges": []}}


def test_statements_alone_and_one_alone() -> None:
    assert rest_part({"P1": [STATEMENT]}, Q5) == {"id": "Q5", "type": "item", "claims": {"P1": [STATEMENT]}}
    assert rest_part(STATEMENT, Q5)["claims"] == [STATEMENT]


def test_what_cannot_be_turned_back_is_named() -> None:
    v1 = {"id": "Q5$x", "rank": "normal", "property": {"id": "P1"}, "value": {"type": "novalue"}}
    assert rest_reason({"P1": [v1]}) == "rest_v1"
    assert rest_reason({"id": "Q5", "type": "item", "statements": {"P1": [v1]}}) == "rest_v1"
    assert rest_reason(v1) == "rest_v1"
    assert rest_reason({"en": "x"}) == "rest_resource"
    assert rest_reason({}) == "rest_resource"


@needs_shared
def test_recorded_items_of_v0_are_their_revision() -> None:
    for number in ("488", "489", "490"):
        response = recorded(number)
        headers = {name.lower(): value for name, value in response["headers"]}
        body = json.loads(response["body"])
        (found,) = entities_in("rest", body, asked=[EntityId(body["id"])], etag=headers["etag"]).entities
        assert found.revision is not None
        (path,) = (SHARED / "recordings" / "revisions").glob(f"{found.revision:05d}-*.json")
        assert canonical_entity(dict(found.content or {})) == canonical_entity(json.loads(path.read_text()))
