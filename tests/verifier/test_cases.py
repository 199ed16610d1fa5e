"""From a mismatch to a case: whose body it is, what is not kept, and how much."""

import asyncio
from typing import Any

from fakes.samples import LONG_AFTER, sample
from fakes.sides import MemoryStore, MemoryWiki, revision

from backends.wiki.shapes import WikiHead
from rules.routes.route import Site
from rules.verdict import Outcome
from verifier.cases import KEEPING, NO_ROOM, NOT_PUBLIC, TOO_MANY, Keeping, bounded
from verifier.judge import JudgeResult, judge

INFO = {"pageid": 1, "ns": 120, "title": "x", "modified": "2020-01-01T00:00:00Z"}


def item(entity_id: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": text}}, **more}


def judged(store: MemoryStore, wiki: MemoryWiki, *ids: str, keeping: Keeping = KEEPING) -> JudgeResult:
    body = {"entities": {one: {**INFO, "lastrevid": int(one[1:]), **item(one, f"wiki {one}")} for one in ids}}
    target = f"/w/api.php?action=wbgetentities&ids={'|'.join(ids)}&format=json"
    shown = sample(target, body, request_id="request-of-the-client-1", request_headers=(("accept", "*/*"),))
    return asyncio.run(
        judge(
            shown, store=store, wiki=wiki, site=Site(), now=lambda: LONG_AFTER, attempt=6, keeping=keeping
        )
    )  # fmt: skip


def sides(*ids: str) -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = MemoryStore(), MemoryWiki()
    for one in ids:
        store.put(revision(one, int(one[1:]), item(one, f"store {one}")))
        wiki.revisions[one, int(one[1:])] = item(one, f"wiki {one}")
        wiki.known_heads[one] = WikiHead(rev_id=int(one[1:]), modified="2020-01-01T00:00:00Z")
    return store, wiki


def test_a_mismatch_has_a_case_with_the_bodies_of_that_entity_only() -> None:
    store, wiki = sides("Q1", "Q2")
    store.put(revision("Q2", 2, item("Q2", "wiki Q2")))
    result = judged(store, wiki, "Q1", "Q2", keeping=Keeping(rules_version="abc"))
    (case,) = result.cases
    assert (case.verdict.entity_id, case.verdict.outcome, case.rules_version) == ("Q1", Outcome.MISMATCH, "abc")
    assert b"wiki Q1" in case.wiki.text
    assert b"store Q1" in case.store.text
    assert b"Q2" not in case.wiki.text + case.store.text
    assert case.wiki_digest != case.store_digest
    assert case.reread == "read again, the wiki said the same"
    assert case.exchange.request_id == "request-of-the-client-1"
    assert case.exchange.headers == (("accept", "*/*"),)


def test_what_the_wiki_does_not_show_any_more_is_not_kept() -> None:
    store, wiki = sides("Q1")
    wiki.revisions.clear()
    (case,) = judged(store, wiki, "Q1").cases
    assert (case.wiki.text, case.store.text) == (b"", b"")
    assert case.wiki.why == case.store.why == NOT_PUBLIC
    wiki.down = True
    (case,) = judged(store, wiki, "Q1").cases
    assert case.wiki.text == b""
    assert "could not be read again" in case.reread


def test_bodies_are_cut_and_many_cases_of_one_answer_go_without() -> None:
    ids = [f"Q{number}" for number in range(1, 6)]
    cases = judged(*sides(*ids), *ids, keeping=Keeping(body_bytes_max=30, of_a_sample_max=2)).cases
    assert [case.wiki.why for case in cases] == ["cut", "cut", TOO_MANY, TOO_MANY, TOO_MANY]
    assert {len(case.wiki.text) for case in cases} == {30, 0}
    assert all(case.wiki.size_bytes > 30 for case in cases)


def test_what_is_written_at_once_is_bounded_and_each_case_is_there_once() -> None:
    ids = [f"Q{number}" for number in range(1, 5)]
    cases = judged(*sides(*ids), *ids).cases
    size = len(cases[0].wiki.text) + len(cases[0].store.text)
    kept = bounded([*cases, *cases[:1]], size * 3)
    assert len(kept) == 4
    assert sum(bool(case.wiki.text) for case in kept) == 2  # the repeated one took room twice
    assert {case.wiki.why for case in kept} == {"", NO_ROOM}


def test_what_is_equal_has_no_case() -> None:
    store, wiki = sides("Q1")
    store.put(revision("Q1", 1, item("Q1", "wiki Q1")))
    assert judged(store, wiki, "Q1").cases == ()
