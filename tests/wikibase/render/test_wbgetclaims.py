"""wbgetclaims: filters, GUIDs, errors (recorded reads 609-694)."""

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
from wikibase.render.record import Renderer, make_each_time
from wikibase.render.wbgetclaims import read_call, result_body
from wikibase.revision import Revision, State

FACTS = RenderingFacts(server="http://x")
Q1 = EntityId("Q1")


def statement(prop: str, guid: str, rank: str) -> dict[str, Any]:
    reference = {"snaks": {"P1": [{"snaktype": "novalue", "property": "P1"}]}}
    snak = {"snaktype": "somevalue", "property": prop}
    return {"mainsnak": snak, "type": "statement", "id": guid, "rank": rank, "references": [reference]}


CLAIMS = {
    "P2": [statement("P2", "Q1$A", "normal"), statement("P2", "Q1$B", "preferred")],
    "P1": [statement("P1", "Q1$C", "normal")],
}


def head(state: State = State.VISIBLE) -> Found:
    content = canonical_entity({"type": "item", "id": "Q1", "claims": CLAIMS})
    revision = Revision(
        entity_id=Q1, rev_id=7, parent_id=0, position=0, timestamp="2026-11-22T15:24:12Z", state=state, content=content
    )
    return Found(revision, 5)


def claims(found: Found | None = None, **values: str) -> dict[str, list[str]]:
    call = Call(values, FACTS, anonymous=True)
    renderer = Renderer(FACTS, known({"P1": "string", "P2": "url"}, FACTS), 0, make_each_time, ascii_only=True)
    body, marks = result_body(read_call(call), {Q1: found or head()}, renderer, call)
    assert marks == (("Q1", 7),)
    return {
        prop: [f"{one['id']}{'+' if 'references' in one else ''}" for one in group]
        for prop, group in json.loads(body)["claims"].items()
    }


def test_all_statements_come_in_the_order_of_their_properties() -> None:
    assert list(claims(entity="q1").items()) == [("P2", ["Q1$A+", "Q1$B+"]), ("P1", ["Q1$C+"])]


def test_filters_leave_out_properties_without_statements() -> None:
    assert claims(entity="Q1", rank="normal") == {"P2": ["Q1$A+"], "P1": ["Q1$C+"]}
    assert claims(entity="Q1", property="p2", rank="preferred") == {"P2": ["Q1$B+"]}
    assert claims(entity="Q1", property="P9") == {}


def test_references_are_left_out_unless_props_name_them() -> None:
    assert claims(entity="Q1", property="P1", props="") == {"P1": ["Q1$C"]}
    assert claims(entity="Q1", property="P1", props="references|x") == {"P1": ["Q1$C+"]}


def test_a_guid_is_compared_exactly_and_switches_filters_off() -> None:
    assert claims(claim="Q1$B", rank="deprecated", property="P1") == {"P2": ["Q1$B+"]}
    assert claims(claim="Q1$b") == {}
    assert claims(claim="q1$B") == {}
    assert claims(claim="Q1$B", entity="Q1", props="") == {"P2": ["Q1$B"]}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"entity": "Qx"},
        {"claim": "nope"},
        {"claim": "Q1$B$C"},
        {"claim": "Q1$B", "entity": "Q2"},
        {"entity": "Q1", "property": "xx"},
        {"entity": "Q1", "rank": "best"},
    ],
)
def test_errors_of_parameters_are_the_wikis(values: dict[str, str]) -> None:
    with pytest.raises(DeclinedError) as error:
        read_call(Call(values, FACTS, anonymous=True))
    assert error.value.declined.reason in (Decline.ERROR, Decline.VALUE)


def test_redirects_and_missing_entities_are_errors() -> None:
    call = Call({"entity": "Q1"}, FACTS, anonymous=True)
    renderer = Renderer(FACTS, known({}, FACTS), 0, make_each_time, ascii_only=True)
    with pytest.raises(ApiError) as missing:
        result_body(read_call(call), {Q1: None}, renderer, call)
    assert (missing.value.code, missing.value.info) == ("no-such-entity", "⧼no-such-entity⧽")
    with pytest.raises(ApiError) as redirect:
        result_body(read_call(call), {Q1: head(State.REDIRECT)}, renderer, call)
    assert redirect.value.code == "unresolved-redirect"


def test_a_lexeme_is_the_wikis() -> None:
    facts = RenderingFacts(server="x", namespaces={"lexeme": (146, "Lexeme")})
    with pytest.raises(DeclinedError) as error:
        read_call(Call({"entity": "L1"}, facts, anonymous=True))
    assert error.value.declined.reason is Decline.ENTITY_TYPE
