"""Cases in the ledger: one for each thing, closed and open again, bounded, and gone when the revision is hidden."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.errors import CorruptError
from backends.ledger.cases import BY_TRAFFIC, CaseBounds
from backends.ledger.evidence import NoiseCount
from backends.ledger.verdicts import Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.case import WITHHELD, Case, Kept, case_id_of
from rules.reproduce import Exchange
from rules.verdict import Finding, Outcome, Verdict

BOUNDS = CaseBounds(cases_max=5, bytes_max=100_000, age_max_s=1000.0, recheck_s=10.0, recheck_max_s=25.0)


@pytest.fixture
async def verdicts(tmp_path: Path) -> AsyncIterator[Verdicts]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Verdicts(database, case_bounds=BOUNDS)
    await database.close()


def verdict(entity_id: str = "Q1", outcome: Outcome = Outcome.MISMATCH, at: float = 10.0, **fields: Any) -> Verdict:
    plain: dict[str, Any] = {"sample_id": "s1", "phase": "shadow_reads", "surface": "rest", "key": "k",
                             "entity_type": "item", "revision": 7, "reason": "content", "detail": "words"}  # fmt: skip
    return Verdict(outcome=outcome, entity_id=entity_id, judged_at=at, observed_at=at - 1, **{**plain, **fields})


def case(told: Verdict, body: bytes = b'{"id":"Q1"}') -> Case:
    exchange = Exchange(
        method="POST",
        target="/w/api.php?ids=Q1",
        form=b"action=wbgetentities",
        headers=(("accept", "*/*"),),
        status=200,
        body_sha256="ab" * 32,
        request_id="request-of-the-client-1",
    )
    return Case(
        case_id=case_id_of(told.entity_id, told.revision, told.surface),
        verdict=replace(told, rules=("language_fallback",), target=exchange.target),
        exchange=exchange,
        wiki=Kept(body, len(body)),
        store=Kept(body[:5], len(body), "cut"),
        wiki_digest="w",
        store_digest="s",
        reread="the same",
        rules_version="v1",
    )


async def add(verdicts: Verdicts, *told: Verdict, now: float = 10.0, body: bytes = b'{"id":"Q1"}') -> None:
    cases = [case(one, body) for one in told if one.outcome is Outcome.MISMATCH]
    await verdicts.add(list(told), now=now, cases=cases)


async def test_a_case_is_kept_with_everything(verdicts: Verdicts) -> None:
    await add(verdicts, verdict())
    (listed,) = await verdicts.cases.latest()
    assert listed.case.wiki.text == b""
    found = await verdicts.cases.get(listed.case_id)
    assert found is not None
    assert found.case == case(verdict())
    assert (found.seen, found.first_at, found.is_open, found.epoch, found.located) == (1, 10.0, True, 1, "")
    assert found.kept_bytes > 0
    assert await verdicts.cases.get("nothing") is None


async def test_the_same_thing_again_is_the_same_case_with_the_newest_facts(verdicts: Verdicts) -> None:
    await add(verdicts, verdict())
    await add(verdicts, verdict(at=20.0, detail="other words"), verdict("Q2", at=20.0))
    assert (await verdicts.cases.size())[:2] == (2, 2)
    found = await verdicts.cases.get(case_id_of("Q1", 7, "rest"))
    assert found is not None
    assert (found.seen, found.first_at, found.last_at, found.case.verdict.detail) == (2, 10.0, 20.0, "other words")


async def test_what_is_seen_equal_closes_and_what_differs_again_opens(verdicts: Verdicts) -> None:
    await add(verdicts, verdict(), verdict("Q2"))
    await add(verdicts, verdict(outcome=Outcome.MATCH, at=20.0))
    found = await verdicts.cases.get(case_id_of("Q1", 7, "rest"))
    assert found is not None
    assert (found.closed_at, found.closed_by) == (20.0, BY_TRAFFIC)
    assert (await verdicts.cases.size())[1] == 1
    await add(verdicts, verdict(at=30.0))
    assert (await verdicts.cases.size())[1] == 2
    assert not await verdicts.cases.close(found.case_id, "somebody", 25.0)  # it differed later
    assert await verdicts.cases.close(found.case_id, "somebody", 35.0)
    again = await verdicts.cases.get(found.case_id)
    assert again is not None
    assert (again.closed_at, again.closed_by) == (35.0, "somebody")


async def test_a_case_is_due_later_and_later(verdicts: Verdicts) -> None:
    await add(verdicts, verdict())
    waits = []
    now = 10.0
    for _ in range(4):
        (one,) = await verdicts.cases.due(now)
        await verdicts.cases.looked_at(one, "differs since revision 5", now)
        after = now
        while not await verdicts.cases.due(after):
            after += 1.0
        waits.append(after - now)
        now = after
    assert waits == [10.0, 20.0, 25.0, 25.0]
    assert (await verdicts.cases.latest())[0].located == "differs since revision 5"


async def test_cases_are_bounded_in_number_closed_and_old_ones_go_first(verdicts: Verdicts) -> None:
    for number in range(5):
        await add(verdicts, verdict(f"Q{number}", at=10.0 + number))
    await verdicts.cases.close(case_id_of("Q3", 7, "rest"), "somebody", 50.0)
    await add(verdicts, verdict("Q5", at=16.0), verdict("Q6", at=17.0))
    assert {one.case.verdict.entity_id for one in await verdicts.cases.latest()} == {"Q1", "Q2", "Q4", "Q5", "Q6"}


async def test_cases_are_bounded_in_bytes_and_age(verdicts: Verdicts) -> None:
    noise = bytes((number * 7919 + number // 251) % 256 for number in range(60_000))
    await add(verdicts, verdict("Q1"), body=noise + noise[::-1])
    await add(verdicts, verdict("Q2", at=11.0), now=11.0, body=noise + noise[::-1])
    count, _, held = await verdicts.cases.size()
    assert held <= BOUNDS.bytes_max
    await add(verdicts, verdict("Q3", at=2000.0), now=2000.0)
    assert count >= 1
    assert [one.case.verdict.entity_id for one in await verdicts.cases.latest()] == ["Q3"]


async def test_words_and_bodies_go_when_the_revision_is_hidden(verdicts: Verdicts, tmp_path: Path) -> None:
    await add(
        verdicts, verdict(detail="suppressed words"), verdict("Q2", revision=8, key="k2"), body=b'{"suppressed":1}'
    )
    await add(verdicts, verdict(outcome=Outcome.NOT_YET, reason="visibility", detail=""))
    found = await verdicts.cases.get(case_id_of("Q1", 7, "rest"))
    assert found is not None
    assert (found.case.verdict.detail, found.case.wiki.text, found.case.wiki.why) == (WITHHELD, b"", WITHHELD)
    assert {one.detail for one in await verdicts.latest(Outcome.MISMATCH)} == {WITHHELD, "words"}
    other = await verdicts.cases.get(case_id_of("Q2", 8, "rest"))
    assert other is not None
    assert other.case.wiki.text == b'{"suppressed":1}'


async def test_a_body_that_cannot_be_unpacked_is_named(verdicts: Verdicts) -> None:
    await add(verdicts, verdict())
    (one,) = await verdicts.cases.latest()
    database = verdicts._database
    await database.execute("case_put", **{**verdicts.cases._row(1, case(verdict())), "wiki_body": b"broken"})
    with pytest.raises(CorruptError, match=one.case_id):
        await verdicts.cases.get(one.case_id)


async def test_half_a_surrogate_pair_is_no_trouble(verdicts: Verdicts) -> None:
    await add(verdicts, verdict(detail='label en: "\\ud83d" -> "x"'), body=b'{"value":"\\ud83d"}')
    (one,) = await verdicts.cases.latest()
    found = await verdicts.cases.get(one.case_id)
    assert found is not None
    assert found.case.wiki.text == b'{"value":"\\ud83d"}'


async def test_a_finding_is_closed_until_it_is_seen_again(verdicts: Verdicts) -> None:
    finding = Finding(kind="head_behind", entity_id="Q1", revision=7, detail="late", found_at=10.0)
    await verdicts.add([], [finding, replace(finding, entity_id="Q2")], now=10.0)
    first, _ = await verdicts.findings()
    await verdicts.close_finding(first, "the verifier", 20.0)
    assert await verdicts.findings_total() == await verdicts.evidence.findings(1) == 1
    closed, other = await verdicts.findings()
    assert (closed.closed_at, closed.closed_by, other.closed_at) == (20.0, "the verifier", None)
    await verdicts.add([], [replace(finding, found_at=30.0)], now=30.0)
    assert await verdicts.findings_total() == await verdicts.evidence.findings(1) == 2
    assert (await verdicts.findings())[0].closed_at is None


async def test_the_wiki_against_itself_is_counted_by_surface(verdicts: Verdicts) -> None:
    for count in (NoiseCount(surface="rest", compared=2, differed=1), NoiseCount(surface="rest", unread=1),
                  NoiseCount(surface="entitydata", compared=1)):  # fmt: skip
        await verdicts.add([], now=10.0, noise=[count])
    assert await verdicts.evidence.noise(1) == [
        NoiseCount(surface="entitydata", compared=1),
        NoiseCount(surface="rest", compared=2, differed=1, unread=1),
    ]
    assert await verdicts.evidence.strata(1) == []
