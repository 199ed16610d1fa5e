"""REST v1: what it leaves out, and that nothing else is lost (a whole wiki of values: test_every_shape)."""

from typing import Any

import pytest

from wikibase.canonical import canonical_entity
from wikibase.errors import NotAnEntityError
from wikibase.rest_v1 import LEFT_OUT, claim_of_v1, claims_of_v1, reduced


def part(prop: str, data_type: str | None, content: Any = None, kind: str = "value") -> dict[str, Any]:
    value = {"type": kind, "content": content} if kind == "value" else {"type": kind}
    return {"property": {"id": prop, "data_type": data_type}, "value": value}


def test_a_statement_keeps_its_order_rank_and_id() -> None:
    qualifiers = [part("P9", "string", "b"), part("P2", "wikibase-item", "Q5"), part("P9", "string", kind="novalue")]
    statement = {"id": "Q1$a", "rank": "preferred", "qualifiers": qualifiers, **part("P1", "url", "https://x/")}
    made = canonical_entity({"id": "Q1", "type": "item", "claims": [claim_of_v1(statement)]})["claims"]["P1"][0]
    assert (made["id"], made["rank"], made["qualifiers-order"]) == ("Q1$a", "preferred", ["P9", "P2"])
    assert made["qualifiers"]["P2"][0]["datavalue"]["value"]["numeric-id"] == 5
    assert [snak["snaktype"] for snak in made["qualifiers"]["P9"]] == ["value", "novalue"]


def test_the_same_is_taken_from_a_whole_form_everywhere() -> None:
    time = {
        "time": "+2013-01-01T00:00:00Z",
        "timezone": 0,
        "before": 0,
        "after": 0,
        "precision": 9,
        "calendarmodel": "x",
    }
    quantity = {"amount": "+1", "unit": "1", "upperBound": "+2", "lowerBound": "+0"}

    def snak(prop: str, kind: str, value: Any) -> dict[str, Any]:
        return {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}

    statement = {
        "mainsnak": snak("P1", "time", time),
        "type": "statement",
        "rank": "normal",
        "qualifiers": {"P2": [snak("P2", "quantity", quantity)]},
        "references": [{"snaks": {"P3": [snak("P3", "time", time), {"snaktype": "novalue", "property": "P3"}]}}],
    }
    made = reduced(canonical_entity({"id": "Q1", "type": "item", "claims": {"P1": [statement]}}))["claims"]["P1"][0]
    held = [
        made["mainsnak"],
        made["qualifiers"]["P2"][0],
        made["references"][0]["snaks"]["P3"][0],
    ]
    assert [LEFT_OUT[one["datavalue"]["type"]] & one["datavalue"]["value"].keys() for one in held] == [set()] * 3
    assert held[1]["datavalue"]["value"] == {"amount": "+1", "unit": "1"}
    assert reduced({"id": "Q1", "claims": {}}) == {"id": "Q1", "claims": {}}


def test_a_value_of_a_data_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(NotAnEntityError, match="data type"):
        claims_of_v1({"P1": [{"id": "Q1$a", "rank": "normal", **part("P1", None, "x")}]})
    assert claims_of_v1(None) == {}
