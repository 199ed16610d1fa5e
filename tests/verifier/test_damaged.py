"""A store that lies for one look: each operator, through the real judge, on every kind of answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from fakes.lexeme import ITEM, LEXEME, REDIRECT
from fakes.samples import LONG_AFTER, sample
from fakes.sides import MemoryStore, MemoryWiki, revision

from backends.wiki.shapes import WikiHead
from rules.mutants_heads import DELETED_SHOWN, HIDDEN_SHOWN, STALE_REVISION
from rules.mutants_table import TRIED
from rules.routes.route import Site
from rules.sample import Sample
from rules.verdict import Standing, standing
from verifier.damaged import DamagedStore, Target, damaged_store
from verifier.judge import AnswerRead, Limits, judge, read_answer
from wikibase.canonical import canonical_bytes
from wikibase.ids import EntityId
from wikibase.revision import State

SITE = Site(
    entity_namespaces={"item": 120, "property": 122, "lexeme": 146},
    namespace_names={"Item": 120, "Property": 122, "Lexeme": 146},
)
REVISION = {"Q5": 11, "Q7": 11, "L1": 13}
INFO = {"pageid": 1, "ns": 120, "title": "x", "lastrevid": 11, "modified": "2020-01-01T00:00:00Z"}


def sides() -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = MemoryStore(), MemoryWiki()
    for entity_id, content in (("Q5", ITEM), ("L1", LEXEME)):
        rev_id = REVISION[entity_id]
        older: dict[str, Any] = {"type": content["type"], "id": entity_id}
        older |= {name: content[name] for name in ("language", "lexicalCategory") if name in content}
        store.put(revision(entity_id, rev_id - 1, older, position=0))
        newer = revision(entity_id, rev_id, content, position=1)
        object.__setattr__(newer, "parent_id", rev_id - 1)
        store.put(newer)
        wiki.revisions[entity_id, rev_id] = content
        wiki.known_heads[entity_id] = WikiHead(rev_id=rev_id, modified="2020-01-01T00:00:00Z")
    store.put(revision("Q7", 20, REDIRECT, state=State.REDIRECT, redirect_target="Q5"))
    wiki.known_heads["Q7"] = WikiHead(rev_id=11, modified="2020-01-01T00:00:00Z", redirected_to=EntityId("Q5"))
    store.put(revision("Q8", 30, None, state=State.TEXT_HIDDEN))
    return store, wiki


def read(ids: str, content: Mapping[str, Any], more: str = "") -> Sample:
    body = {"entities": {ids: {**INFO, "lastrevid": REVISION[ids[:2]], **content}}, "success": 1}
    return sample(f"/w/api.php?action=wbgetentities&ids={ids}&format=json{more}", body)


WHOLE = read("Q5", ITEM)
LABELS = read("Q5", {"type": "item", "id": "Q5", "labels": ITEM["labels"]}, "&props=info|labels")
LEXEMES = read("L1", LEXEME)
FORM = read("L1-F1", LEXEME["forms"][0])
FOLLOWED = read("Q7", ITEM)
MISSING = sample(
    "/w/api.php?action=wbgetentities&ids=Q9&format=json", {"entities": {"Q9": {"id": "Q9", "missing": ""}}}
)
HIDDEN = sample(
    "/w/api.php?action=query&prop=revisions&revids=30&rvprop=content|ids&rvslots=main&format=json&formatversion=2",
    {"query": {"pages": [{"title": "Item:Q8", "revisions": [{"revid": 30, "slots": {"main": {"texthidden": True}}}]}]}},
)


async def try_one(one: Sample, operator: str, seed: int = 1) -> str:
    """Damage, judge; return what came of it."""
    store, wiki = sides()
    limits = Limits()

    async def judged(against: Any) -> Any:
        return await judge(
            one, store=against, wiki=wiki, site=SITE, now=lambda: LONG_AFTER, attempt=limits.attempts_max
        )

    (control,) = (await judged(store)).verdicts
    assert standing(control) is Standing.PROVEN, control
    answer = read_answer(one, SITE, limits.body_bytes_max)
    assert isinstance(answer, AnswerRead)
    before = {key: canonical_bytes(kept.content) for key, kept in store.revisions.items()}
    target = Target(verdict=control, answered=answer.entities[0], read=answer.read)
    damaged = await damaged_store(operator, store, target, seed)
    if damaged is None:
        return "does not apply"
    result = await judged(damaged)
    assert {key: canonical_bytes(kept.content) for key, kept in store.revisions.items()} == before
    failed = any(standing(verdict) is Standing.FAILED for verdict in result.verdicts)
    return "caught" if failed or result.findings else "missed"


@pytest.mark.parametrize("operator", TRIED)
async def test_every_operator_applies_somewhere_and_is_always_caught(operator: str) -> None:
    outcomes = {
        name: await try_one(one, operator, seed)
        for seed in (1, 2)
        for name, one in {"item": WHOLE, "labels": LABELS, "lexeme": LEXEMES, "form": FORM, "followed": FOLLOWED,
                          "missing": MISSING, "hidden": HIDDEN}.items()
    }  # fmt: skip
    if operator not in ("property_datatype", "redirect_target"):
        assert "caught" in outcomes.values()
    assert "missed" not in outcomes.values(), outcomes


@pytest.mark.parametrize(
    ("one", "operator", "outcome"),
    [
        (LABELS, "label_byte", "caught"),
        (LABELS, "rank", "does not apply"),
        (LABELS, STALE_REVISION, "caught"),
        (FORM, "representation_byte", "caught"),
        (FORM, "lemma_byte", "does not apply"),
        (FOLLOWED, "head_redirect_target", "caught"),
        (WHOLE, "head_redirect_target", "does not apply"),
        (WHOLE, "head_stale", "caught"),
        (MISSING, DELETED_SHOWN, "caught"),
        (WHOLE, DELETED_SHOWN, "does not apply"),
        (HIDDEN, HIDDEN_SHOWN, "caught"),
        (HIDDEN, "head_lost", "does not apply"),
    ],
)
async def test_only_what_the_answer_shows_is_damaged(one: Sample, operator: str, outcome: str) -> None:
    assert await try_one(one, operator) == outcome


async def test_a_filter_keeps_additions_out() -> None:
    claims = {"id": "Q5", "type": "item", "claims": ITEM["claims"]}
    filtered = read("Q5", claims, "&props=info|claims&languages=en")
    assert await try_one(filtered, "statement_added") == "does not apply"
    assert await try_one(read("Q5", claims, "&props=info|claims"), "statement_added") == "caught"


def test_the_lie_is_about_one_entity_and_never_reaches_the_store() -> None:
    store, _ = sides()
    lie = revision("Q5", 11, {"type": "item", "id": "Q5"})
    damaged = DamagedStore(store, {(EntityId("Q5"), 11): lie}, {EntityId("Q5"): None})

    async def look() -> None:
        assert await damaged.revision(EntityId("Q5"), 11) is lie
        assert await damaged.revision(EntityId("L1"), 13) is store.revisions["L1", 13]
        assert await damaged.head(EntityId("Q5")) is None
        assert await damaged.head(EntityId("L1")) is store.heads["L1"]
        assert await damaged.position(EntityId("Q5"), 11) == 1
        assert (await store.revision(EntityId("Q5"), 11)) is not lie

    asyncio.run(look())
