"""Answers that say "missing": deleted, never there, redirects, single revisions, and what changed since."""

import asyncio
from typing import Any

import pytest
from fakes.sides import MemoryHead, MemoryStore, MemoryWiki, revision

from backends.wiki.shapes import WikiHead
from rules.projection import Part
from rules.verdict import Outcome
from verifier.compare import Bench, Judgement, Question
from verifier.missing import judge_missing
from wikibase.answers import AnsweredEntity, Presence
from wikibase.ids import EntityId
from wikibase.revision import State

Q1, Q2 = EntityId("Q1"), EntityId("Q2")
ITEM = {"type": "item", "id": "Q1"}


def judge(store: MemoryStore, wiki: MemoryWiki, *, asked: str = "Q1", last: bool = False, **fields: Any) -> Judgement:
    one = AnsweredEntity(key=asked, presence=Presence.MISSING, asked=EntityId(asked))
    plain: dict[str, Any] = {"part": Part(), "pinned": None, "head_read": True, "follow_redirects": True}
    question = Question(answered=one, **{**plain, **fields})
    bench = Bench(store=store, wiki=wiki, started_at=2e9, margin_s=5.0, last=last, confirmed=True)
    return asyncio.run(judge_missing(bench, question))


def with_head(state: State, target: EntityId | None = None) -> MemoryStore:
    store = MemoryStore()
    store.put(revision("Q1", 7, ITEM))
    store.heads["Q1"] = MemoryHead(7, 0, state, target)
    return store


@pytest.mark.parametrize("state", [State.ARCHIVED, State.MISSING, State.TEXT_HIDDEN])
def test_what_the_store_does_not_have_either_is_a_match(state: State) -> None:
    assert judge(MemoryStore(), MemoryWiki()) == Judgement(Outcome.MATCH, "missing")
    assert judge(with_head(state), MemoryWiki()).outcome is Outcome.MATCH


def test_redirects_that_are_not_followed_or_lead_to_redirects_are_missing() -> None:
    store = with_head(State.REDIRECT, Q2)
    assert judge(store, MemoryWiki(), follow_redirects=False).outcome is Outcome.MATCH
    assert judge(store, MemoryWiki()).outcome is Outcome.MATCH  # to what is not there
    store.heads["Q2"] = MemoryHead(8, 0, State.REDIRECT, EntityId("Q3"))
    assert judge(store, MemoryWiki()).outcome is Outcome.MATCH
    store.heads["Q2"] = MemoryHead(8, 0, State.VISIBLE)
    assert judge(store, MemoryWiki()).outcome is Outcome.NOT_YET


def test_an_entity_that_the_store_still_has_becomes_a_finding() -> None:
    found = judge(with_head(State.VISIBLE), MemoryWiki())
    assert (found.outcome, found.reason, found.open, found.findings) == (Outcome.NOT_YET, "visibility", True, ())
    found = judge(with_head(State.VISIBLE), MemoryWiki(), last=True)
    assert [(one.kind, one.entity_id, one.revision) for one in found.findings] == [("present_though_missing", "Q1", 7)]


def test_what_was_made_since_cannot_be_compared() -> None:
    wiki = MemoryWiki(known_heads={"Q1": WikiHead(rev_id=7, modified="2020-01-01T00:00:00Z")})
    assert judge(with_head(State.VISIBLE), wiki) == Judgement(Outcome.NOT_COMPARED, "missing")


def test_a_wiki_that_does_not_say_is_asked_again() -> None:
    broken = MemoryWiki(known_heads={"Q1": WikiHead(rev_id=None, reason="internal_api_error")})
    for wiki in (broken, MemoryWiki(down=True)):
        found = judge(with_head(State.VISIBLE), wiki)
        assert (found.outcome, found.reason, found.open) == (Outcome.NOT_YET, "wiki_unavailable", True)


def test_a_form_that_its_lexeme_may_have_lost_is_not_compared() -> None:
    store = MemoryStore(heads={"L1": MemoryHead(7, 0, State.VISIBLE)})
    assert judge(store, MemoryWiki(), asked="L1-F1") == Judgement(Outcome.NOT_COMPARED, "missing")
    assert judge(MemoryStore(), MemoryWiki(), asked="L1-F1").outcome is Outcome.MATCH


@pytest.mark.parametrize("state", [State.ARCHIVED, State.MISSING, State.TEXT_HIDDEN, State.REDIRECT])
def test_a_revision_that_is_not_served(state: State) -> None:
    store = MemoryStore()
    assert judge(store, MemoryWiki(), pinned=7).outcome is Outcome.MATCH
    store.put(revision("Q1", 7, None, state=state))
    assert judge(store, MemoryWiki(), pinned=7).outcome is Outcome.MATCH


def test_a_revision_that_only_the_store_would_serve_becomes_a_finding() -> None:
    store = with_head(State.VISIBLE)
    assert judge(store, MemoryWiki(), pinned=7).open
    found = judge(store, MemoryWiki(), pinned=7, last=True)
    assert found.findings[0].kind == "served_though_missing"
    store.heads["Q1"] = MemoryHead(7, 0, State.ARCHIVED)
    assert judge(store, MemoryWiki(), pinned=7).outcome is Outcome.MATCH


def test_a_store_that_is_away_or_broken_says_so() -> None:
    store = with_head(State.VISIBLE)
    store.corrupt.add(("Q1", 7))
    found = judge(store, MemoryWiki(), pinned=7)
    assert (found.reason, found.findings[0].kind) == ("snapshot_corrupt", "snapshot_corrupt")
    store.down = True
    assert judge(store, MemoryWiki()).reason == "store_unavailable"
