"""Verdicts in the ledger: counted for ever, kept with detail up to a bound, by epoch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.ledger.verdicts import FIRST_EPOCH_WHY, Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.verdict import Finding, Outcome, Verdict


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await opened.migrate()
    yield opened
    await opened.close()


def verdict(outcome: Outcome = Outcome.MATCH, **fields: Any) -> Verdict:
    plain: dict[str, Any] = {"sample_id": "s1", "phase": "shadow_reads", "surface": "entitydata", "key": "Q1",
                             "entity_id": "Q1", "entity_type": "item", "revision": 7, "judged_at": 10.0}  # fmt: skip
    return Verdict(outcome=outcome, **{**plain, **fields})


async def test_counts_add_up_by_phase_surface_type_outcome_and_reason(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(), verdict(judged_at=12.5), verdict(surface="rest")], now=10.0)
    await verdicts.add([verdict(judged_at=20.0), verdict(Outcome.NOT_YET, reason="store_behind")], now=20.0)
    counts = {(one.surface, one.outcome, one.reason): one for one in await verdicts.counts(1)}
    assert {key: one.seen for key, one in counts.items()} == {
        ("entitydata", Outcome.MATCH, ""): 3,
        ("rest", Outcome.MATCH, ""): 1,
        ("entitydata", Outcome.NOT_YET, "store_behind"): 1,
    }
    counted = counts["entitydata", Outcome.MATCH, ""]
    assert (counted.first_at, counted.last_at, counted.phase, counted.entity_type) == (
        10.0, 20.0, "shadow_reads", "item",
    )  # fmt: skip


async def test_matches_under_rules_are_counted_by_rule(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(Outcome.RULE, rules=("language_fallback",))], now=0.0)
    assert [one.reason for one in await verdicts.counts(1)] == ["language_fallback"]


async def test_entities_are_counted_once_each(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(), verdict(), verdict(Outcome.NOT_COMPARED, entity_id="Q9")], now=0.0)
    await verdicts.add([verdict(Outcome.MISMATCH), verdict(entity_id="Q2")], now=0.0)
    await verdicts.add([verdict(Outcome.ERROR, reason="head_behind", entity_id="P1", entity_type="property")], now=0.0)
    found = [(one.entity_type, one.entities, one.failed) for one in await verdicts.entity_counts(1)]
    assert found == [("item", 2, 1), ("property", 1, 1)]


async def test_mismatches_come_back_as_they_were_newest_first(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    first = verdict(
        Outcome.MISMATCH, reason="content", detail="a\nb", rules=("x",), target="/w/api.php?x", observed_at=5.0
    )
    second = verdict(Outcome.MISMATCH, entity_id=None, entity_type=None, revision=None, judged_at=11.0, sample_id="s2")
    await verdicts.add([first, second, verdict()], now=0.0)
    newest, older = await verdicts.latest(Outcome.MISMATCH)
    assert (newest.sample_id, newest.entity_id, newest.revision) == ("s2", None, None)
    assert (older.reason, older.detail, older.rules, older.target) == ("content+x", "a\nb", ("x",), "/w/api.php?x")
    assert (older.judged_at, older.observed_at) == (10.0, 5.0)
    assert await verdicts.latest(Outcome.MATCH) == []


async def test_details_are_kept_up_to_a_bound_and_counts_for_ever(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database, details_max=3)
    for n in range(5):
        mismatch = verdict(Outcome.MISMATCH, sample_id=f"s{n}", judged_at=float(n))
        await verdicts.add([mismatch, verdict(Outcome.ERROR, sample_id=f"s{n}", judged_at=float(n))], now=0.0)
    assert [one.sample_id for one in await verdicts.latest(Outcome.MISMATCH)] == ["s4", "s3", "s2"]
    assert len(await verdicts.latest(Outcome.ERROR)) == 3
    assert sum(one.seen for one in await verdicts.counts(1)) == 10


async def test_a_finding_is_one_row_that_says_when_and_how_often(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    finding = Finding(kind="head_behind", entity_id="Q1", revision=7, detail="late", found_at=1.0)
    nameless = Finding(kind="redirect_differs", entity_id="Q1", revision=None, detail="x", found_at=2.0)
    await verdicts.add([], [finding, nameless], now=0.0)
    await verdicts.add([], [Finding(kind="head_behind", entity_id="Q1", revision=7, detail="still", found_at=9.0)],
                       now=0.0)  # fmt: skip
    first, second = await verdicts.findings()
    assert (first.kind, first.revision, first.detail, first.seen) == ("head_behind", 7, "still", 2)
    assert (first.first_at, first.last_at) == (1.0, 9.0)
    assert second.revision is None
    assert await verdicts.findings_total() == 2
    assert await verdicts.findings(size=1, after=first) == [second]


async def test_epochs_count_apart(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    assert (await verdicts.epoch(5.0)).why == FIRST_EPOCH_WHY
    await verdicts.add([verdict()], shed={"queue_full": 3}, now=5.0)
    second = await verdicts.open_epoch("rules changed", 6.0)
    assert (second.number, second.opened_at) == (2, 6.0)
    await verdicts.add([verdict(), verdict()], shed={"queue_full": 1}, now=7.0)
    await verdicts.add([], shed={"queue_full": 1, "spool_full": 2}, now=7.0)
    assert [one.seen for one in await verdicts.counts(1)] == [1]
    assert [one.seen for one in await verdicts.counts(2)] == [2]
    assert (await verdicts.shed(1), await verdicts.shed(2)) == (
        {"queue_full": 3},
        {"queue_full": 2, "spool_full": 2},
    )


async def test_two_verifiers_on_one_ledger_add_up(tmp_path: Path) -> None:
    first = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    second = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await first.migrate()
    for _ in range(3):
        await Verdicts(first).add([verdict()], now=0.0)
        await Verdicts(second).add([verdict()], now=0.0)
    assert [one.seen for one in await Verdicts(first).counts(1)] == [6]
    await first.close()
    await second.close()


async def test_overlong_words_are_cut_to_what_the_tables_hold(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(Outcome.ERROR, reason="r" * 500, detail="d" * 50_000, sample_id="i" * 99)], now=0.0)
    (kept,) = await verdicts.latest(Outcome.ERROR)
    assert (len(kept.reason), len(kept.detail), len(kept.sample_id)) == (100, 8000, 64)
