"""Answers by the store, held against the wiki: what the client got, what the store has, what the wiki has are one."""

import asyncio
from typing import Any

import pytest
from fakes.samples import sample
from fakes.sides import MemoryStore, MemoryWiki, revision

from backends.wiki.shapes import WikiHead
from rules.routes.route import Site
from rules.sample import STORE
from rules.verdict import Outcome
from verifier.judge import JudgeResult, Limits, judge
from verifier.reverse import STALE

READ = "/w/api.php?action=wbgetentities&ids=Q1&format=json"


def item(text: str) -> dict[str, Any]:
    return {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": text}}}


def sides(*, store_has: str = "same", wiki_has: str = "same") -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = MemoryStore(), MemoryWiki()
    store.put(revision("Q1", 7, item(store_has), position=0))
    wiki.revisions["Q1", 7] = item(wiki_has)
    wiki.known_heads["Q1"] = WikiHead(rev_id=7, modified="2020-01-01T00:00:00Z")
    return store, wiki


def judged(store: MemoryStore, wiki: MemoryWiki, text: str = "same", **fields: Any) -> JudgeResult:
    entity = {**item(text), "pageid": 1, "ns": 120, "title": "Item:Q1", "lastrevid": 7, "aliases": {}, "claims": {}}
    entity |= {"modified": "2020-01-01T00:00:00Z", "descriptions": {}, "sitelinks": {}}
    one = sample(READ, {"entities": {"Q1": entity}, "success": 1}, phase="read_cutover", answered_by=STORE)
    return asyncio.run(
        judge(one, store=store, wiki=wiki, site=Site(), now=lambda: 2e9, limits=Limits(attempts_max=1), **fields)
    )


def test_an_answer_that_all_three_agree_on_is_a_match() -> None:
    (verdict,) = judged(*sides()).verdicts
    assert (verdict.outcome, verdict.phase, verdict.revision) == (Outcome.MATCH, "read_cutover", 7)


def test_a_store_that_differs_from_the_wiki_is_found_though_its_answer_is_its_own() -> None:
    result = judged(*sides(store_has="forged"), text="forged")
    (verdict,) = result.verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.MISMATCH, "content")
    assert "forged" in verdict.detail
    assert result.cases


def test_an_answer_that_was_rendered_wrongly_is_never_excused_as_noise_of_the_wiki() -> None:
    (verdict,) = judged(*sides(), text="garbled").verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.MISMATCH, "content")
    assert "no noise of the wiki" in verdict.detail


def test_a_revision_that_the_wiki_never_had_is_a_finding() -> None:
    store, wiki = sides()
    del wiki.revisions["Q1", 7]
    (finding,) = judged(store, wiki).findings
    assert (finding.kind, finding.entity_id, finding.revision) == ("rogue", "Q1", 7)


def test_an_answer_older_than_what_the_wiki_had_is_a_finding_but_no_mismatch() -> None:
    store, wiki = sides()
    wiki.known_heads["Q1"] = WikiHead(rev_id=9, modified="2020-01-02T00:00:00Z")
    result = judged(store, wiki)
    assert [one.outcome for one in result.verdicts] == [Outcome.MATCH]
    assert [one.kind for one in result.findings] == [STALE]


@pytest.mark.parametrize("modified", ["2033-05-18T03:33:19Z", None])
def test_an_edit_during_or_after_the_read_makes_it_not_stale(modified: str | None) -> None:
    store, wiki = sides()
    wiki.known_heads["Q1"] = WikiHead(rev_id=9, modified=modified)
    assert judged(store, wiki).findings == ()


def test_a_wiki_that_cannot_be_asked_leaves_it_open() -> None:
    store, wiki = sides()
    wiki.down = True
    (verdict,) = judged(store, wiki).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_YET, "wiki_unavailable")
