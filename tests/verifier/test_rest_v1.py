"""Answers of the REST API v1: judged without what v1 leaves out, and left aside where a value is beyond us."""

import asyncio
from typing import Any

import pytest
from fakes.rest_v1 import as_rest_v1
from fakes.samples import LONG_AFTER, sample
from fakes.sides import MemoryStore, MemoryWiki, revision, wiki_a
from shared_truth import SHARED, needs_shared

from rules.routes.route import Site
from rules.verdict import Outcome, Verdict
from verifier.judge import judge
from verifier.rest_v1 import v1_answer
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.opaque import opaque_values

ETAG = (("content-type", "application/json"), ("etag", '"7"'), ("last-modified", "Thu, 02 Jan 2020 00:00:00 GMT"))
TIME = {"time": "+2013-01-01T00:00:00Z", "timezone": 60, "before": 0, "after": 0, "precision": 9,
        "calendarmodel": "http://www.wikidata.org/entity/Q1985727"}  # fmt: skip


def statement(amount: str = "+1", upper: str = "+2") -> dict[str, Any]:
    value = {"amount": amount, "unit": "1", "upperBound": upper, "lowerBound": "+0"}
    snak = {"snaktype": "value", "property": "P1", "datavalue": {"type": "quantity", "value": value}}
    when = {"snaktype": "value", "property": "P2", "datavalue": {"type": "time", "value": TIME}}
    return {"id": "Q1$a", "type": "statement", "rank": "normal", "mainsnak": snak, "qualifiers": {"P2": [when]}}


def item(one: dict[str, Any]) -> dict[str, Any]:
    return canonical_entity(
        {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "x"}}, "claims": {"P1": [one]}}
    )


def judged(body: Any, stored: dict[str, Any], path: str = "entities/items/Q1") -> Verdict:
    store, wiki = MemoryStore(), MemoryWiki()
    store.put(revision("Q1", 7, stored))
    wiki.revisions["Q1", 7] = stored
    shown = sample(f"/w/rest.php/wikibase/v1/{path}", body, response_headers=ETAG)
    result = asyncio.run(judge(shown, store=store, wiki=wiki, site=Site(), now=lambda: LONG_AFTER, attempt=6))
    (verdict,) = result.verdicts
    return verdict


def test_an_item_is_compared_without_what_v1_leaves_out() -> None:
    body = as_rest_v1(item(statement()))
    assert judged(body, item(statement())).outcome is Outcome.MATCH
    assert judged(body, item(statement(upper="+9"))).outcome is Outcome.MATCH  # v1 tells no bound
    found = judged(as_rest_v1(item(statement("+5"))), item(statement()))
    assert (found.outcome, found.reason) == (Outcome.RULE, "wiki_disagrees_with_itself")


def test_statements_and_a_single_statement_are_compared_too() -> None:
    body = as_rest_v1(item(statement()))["statements"]
    assert judged(body, item(statement()), "entities/items/Q1/statements").outcome is Outcome.MATCH
    single = body["P1"][0]
    assert judged(single, item(statement()), "entities/items/Q1/statements/Q1$a").outcome is Outcome.MATCH


def test_a_value_that_cannot_be_brought_there_is_not_compared_and_says_why() -> None:
    body = as_rest_v1(item(statement()))
    body["statements"]["P1"][0]["property"]["data_type"] = "something-new"
    found = judged(body, item(statement()))
    assert (found.outcome, found.reason) == (Outcome.NOT_COMPARED, "rest_v1_value")
    assert "data type" in found.detail


@pytest.mark.parametrize("body", [{"rank": 1}, {"statements": {"P1": [1]}}, {"P1": [{"rank": "x"}]}, [], None])
def test_whatever_the_body_is_it_yields_an_answer(body: Any) -> None:
    found = v1_answer(body, asked=[EntityId("Q1")], etag=None, modified=None)
    assert found.reason in ("unexpected_body", "rest_resource", "rest_v1_value")


@needs_shared
def test_every_item_of_wiki_a_agrees_in_v1_with_a_store_that_has_it() -> None:
    store, wiki = wiki_a(SHARED / "datasets" / "wiki-a")
    outcomes = set()
    for (entity_id, rev_id), kept in list(store.revisions.items()):
        if kept.content is None or kept.content.get("type") != "item" or not kept.content.get("claims"):
            continue
        head = store.heads.get(entity_id)
        if opaque_values(kept.content) or head is None or head.rev_id != rev_id:
            continue
        headers = (("content-type", "application/json"), ("etag", f'"{rev_id}"'))
        shown = sample(f"/w/rest.php/wikibase/v1/entities/items/{entity_id}", as_rest_v1(kept.content),
                       response_headers=headers)  # fmt: skip
        result = asyncio.run(judge(shown, store=store, wiki=wiki, site=Site(), now=lambda: LONG_AFTER, attempt=6))
        outcomes |= {(one.outcome, one.reason) for one in result.verdicts}
    assert outcomes == {(Outcome.MATCH, "")}
