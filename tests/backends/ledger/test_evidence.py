"""Evidence in the ledger: strata, different tuples, mutants, ages, the watermark; all of it bounded."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.ledger.evidence import Age, Bounds, Distinct, StratumCount, TrialCount, Watermark, tuple_key
from backends.ledger.verdicts import UNKNOWN_BASIS_WHY, Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.epochs import Basis
from rules.mutants import Trial
from rules.strata import Stratum
from rules.verdict import Finding, Outcome, Standing, Verdict

ITEMS = Stratum("item", "entitydata", "<4K", ">=2022", "json")
OLD = Stratum("item", "entitydata", "<4K", "<2015", "json")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await opened.migrate()
    yield opened
    await opened.close()


def verdict(
    outcome: Outcome = Outcome.MATCH, entity_id: str | None = "Q1", revision: int = 7, **fields: Any
) -> Verdict:
    plain: dict[str, Any] = {"sample_id": "s1", "phase": "shadow_reads", "surface": "entitydata", "key": "k",
                             "entity_type": "item", "judged_at": 10.0, "stratum": ITEMS, "shape": "a"}  # fmt: skip
    return Verdict(outcome=outcome, entity_id=entity_id, revision=revision, **{**plain, **fields})


async def test_counts_add_up_by_stratum_and_standing(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(), verdict(Outcome.RULE), verdict(stratum=OLD)], now=0.0)
    await verdicts.add([verdict(Outcome.MISMATCH), verdict(Outcome.NOT_YET), verdict(Outcome.NOT_COMPARED)], now=0.0)
    await verdicts.add([verdict(Outcome.ERROR, entity_id=None, stratum=None, surface="")], now=0.0)
    assert await verdicts.evidence.strata(1) == [
        StratumCount(stratum=OLD, standing=Standing.PROVEN, seen=1),
        StratumCount(stratum=ITEMS, standing=Standing.FAILED, seen=1),
        StratumCount(stratum=ITEMS, standing=Standing.PROVEN, seen=2),
        StratumCount(stratum=ITEMS, standing=Standing.UNPROVEN, seen=1),
        StratumCount(stratum=Stratum(), standing=Standing.UNPROVEN, seen=1),
    ]


async def test_the_same_thing_seen_often_counts_once(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    for _ in range(3):
        await verdicts.add([verdict(), verdict(), verdict(revision=8), verdict(shape="b")], now=0.0)
    await verdicts.add([verdict(entity_id="Q2", stratum=OLD), verdict(Outcome.NOT_YET, entity_id="Q3")], now=0.0)
    assert await verdicts.evidence.distinct(1) == [
        Distinct(stratum=OLD, tuples=1, failed=0),
        Distinct(stratum=ITEMS, tuples=3, failed=0),
    ]


async def test_what_failed_once_has_failed_however_often_it_was_equal(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict()], now=0.0)
    await verdicts.add([verdict(Outcome.MISMATCH)], now=0.0)
    await verdicts.add([verdict(), verdict()], now=0.0)
    await verdicts.add([verdict(revision=8), verdict(Outcome.MISMATCH, revision=8), verdict(revision=8)], now=0.0)
    assert await verdicts.evidence.distinct(1) == [Distinct(stratum=ITEMS, tuples=2, failed=2)]


async def test_beyond_the_bound_only_failures_are_added(database: SqliteDatabase) -> None:
    bounds = Bounds(tuples_max=10, entities_max=5)
    verdicts = Verdicts(database, bounds=bounds)
    for number in range(40):
        await verdicts.add([verdict(entity_id=f"Q{number + 1}")], now=0.0)
    assert await verdicts.evidence.distinct(1) == [Distinct(stratum=ITEMS, tuples=10, failed=0)]
    assert [one.entities for one in await verdicts.entity_counts(1)] == [5]
    await verdicts.add([verdict(Outcome.MISMATCH, entity_id="Q999"), verdict(entity_id="Q998")], now=0.0)
    assert await verdicts.evidence.distinct(1) == [Distinct(stratum=ITEMS, tuples=11, failed=1)]
    # The counts by traffic go on; a verifier that starts again knows the bound is reached.
    again = Verdicts(database, bounds=bounds)
    await again.add([verdict(entity_id="Q5000")], now=0.0)
    assert await again.evidence.distinct(1) == [Distinct(stratum=ITEMS, tuples=11, failed=1)]
    assert sum(one.seen for one in await again.evidence.strata(1)) == 43


async def test_repeats_do_not_use_up_the_bound(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database, bounds=Bounds(tuples_max=10))
    for _ in range(30):
        await verdicts.add([verdict()], now=0.0)
    await verdicts.add([verdict(revision=8)], now=0.0)
    assert await verdicts.evidence.distinct(1) == [Distinct(stratum=ITEMS, tuples=2, failed=0)]


def test_a_tuple_is_entity_revision_and_shape() -> None:
    keys = {tuple_key(one) for one in (verdict(), verdict(entity_id="Q2"), verdict(revision=8), verdict(shape="b"))}
    assert len(keys) == 4
    assert tuple_key(verdict()) == tuple_key(verdict(Outcome.MISMATCH, sample_id="other", judged_at=99.0))
    assert all(-(2**63) <= key < 2**63 for key in keys)


async def test_trials_add_up_by_operator(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    caught = Trial(operator="rank", tried=1, caught=1, detect_s=2.0)
    await verdicts.add([verdict()], now=0.0, trials=[caught, Trial(operator="badge", not_applicable=1)])
    await verdicts.add([], now=0.0, trials=[Trial(operator="rank", tried=1), Trial(operator="badge", unclear=1)])
    await verdicts.add([], now=0.0, trials=[Trial(operator="rank", tried=1, caught=1, detect_s=5.0)])
    assert await verdicts.evidence.trials(1) == [
        TrialCount(operator="badge", tried=0, caught=0, not_applicable=1, unclear=1, detect_s=0.0, detect_s_max=0.0),
        TrialCount(operator="rank", tried=3, caught=2, not_applicable=0, unclear=0, detect_s=7.0, detect_s_max=5.0),
    ]
    assert await verdicts.counts(1) != []
    assert sum(one.seen for one in await verdicts.counts(1)) == 1  # a trial is no verdict


async def test_a_mismatch_has_an_age_until_it_is_seen_equal(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(Outcome.MISMATCH, reason="content", judged_at=100.0)], now=0.0)
    await verdicts.add([verdict(Outcome.ERROR, entity_id="Q2", reason="head_behind", judged_at=150.0)], now=0.0)
    await verdicts.add([verdict(Outcome.MISMATCH, reason="content", judged_at=160.0)], now=0.0)
    oldest, later = await verdicts.evidence.ages(1)
    assert oldest == Age(entity_id="Q1", revision=7, surface="entitydata", reason="content", seen=2, first_at=100.0,
                         last_at=160.0)  # fmt: skip
    assert (oldest.age_s, later.entity_id) == (60.0, "Q2")
    await verdicts.add([verdict(judged_at=170.0), verdict(entity_id="Q3")], now=0.0)
    assert [one.entity_id for one in await verdicts.evidence.ages(1)] == ["Q2"]
    await verdicts.add([verdict(Outcome.MISMATCH, judged_at=200.0)], now=0.0)
    assert [(one.entity_id, one.age_s) for one in await verdicts.evidence.ages(1)] == [("Q1", 100.0), ("Q2", 0.0)]
    assert await verdicts.evidence.ages_total(1) == 2


async def test_seen_equal_before_it_differed_clears_nothing(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict(Outcome.MISMATCH, judged_at=100.0)], now=0.0)
    await verdicts.add([verdict(judged_at=90.0)], now=0.0)
    assert await verdicts.evidence.ages_total(1) == 1


async def test_ages_are_bounded_and_what_is_settled_makes_room(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database, bounds=Bounds(ages_max=3))
    for number in range(6):
        await verdicts.add([verdict(Outcome.MISMATCH, entity_id=f"Q{number + 1}", judged_at=float(number))], now=0.0)
    assert [one.entity_id for one in await verdicts.evidence.ages(1)] == ["Q1", "Q2", "Q3"]
    await verdicts.add([verdict(Outcome.MISMATCH, entity_id="Q1", judged_at=50.0)], now=0.0)
    assert (await verdicts.evidence.ages(1))[0].seen == 2
    await verdicts.add([verdict(entity_id="Q2", judged_at=60.0)], now=0.0)
    await verdicts.add([verdict(Outcome.MISMATCH, entity_id="Q9", judged_at=70.0)], now=0.0)
    assert [one.entity_id for one in await verdicts.evidence.ages(1)] == ["Q1", "Q3", "Q9"]


async def test_a_watermark_only_rises(database: SqliteDatabase) -> None:
    evidence = Verdicts(database).evidence
    assert await evidence.watermark() is None
    await evidence.mark(Watermark(through_at=100.0), 101.0)
    await evidence.mark(Watermark(through_at=200.0, revision=50), 201.0)
    await evidence.mark(Watermark(through_at=150.0, revision=40), 202.0)
    assert await evidence.watermark() == Watermark(through_at=200.0, revision=50)


# ---- Epochs ----


async def test_a_change_of_what_comparisons_rest_on_opens_an_epoch_and_says_why(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    first = await verdicts.declare(Basis(form=1, rules="a", verifier="1"), 5.0)
    await verdicts.add([verdict()], now=6.0)
    assert (await verdicts.declare(Basis(form=1, rules="a", verifier="1"), 7.0)).number == first.number == 1
    second = await verdicts.declare(Basis(form=2, rules="a", verifier="1"), 8.0)
    assert (second.number, second.why, second.opened_at) == (2, "canonical form 1 -> 2", 8.0)
    assert [one.why for one in await verdicts.epochs()] == ["the first comparison", "canonical form 1 -> 2"]
    assert await verdicts.basis(2) == Basis(form=2, rules="a", verifier="1")


async def test_what_becomes_known_is_added_to_the_epoch(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.declare(Basis(form=1), 5.0)
    assert (await verdicts.declare(Basis(form=1, proxy="1.0"), 6.0)).number == 1
    assert (await verdicts.declare(Basis(form=1), 7.0)).number == 1
    assert await verdicts.basis(1) == Basis(form=1, proxy="1.0")


async def test_counts_of_which_nobody_knows_what_they_rest_on_stay_behind(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.add([verdict()], now=5.0)
    opened = await verdicts.declare(Basis(form=1), 6.0)
    assert (opened.number, opened.why) == (2, UNKNOWN_BASIS_WHY)


async def test_a_report_that_looked_first_costs_no_epoch(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    await verdicts.epoch(5.0)
    assert (await verdicts.declare(Basis(form=1), 6.0)).number == 1


async def test_a_new_epoch_counts_from_nothing_and_keeps_the_counts_of_the_one_before(database: SqliteDatabase) -> None:
    verdicts = Verdicts(database)
    finding = Finding(kind="head_behind", entity_id="Q1", revision=7, detail="late", found_at=1.0)
    await verdicts.add([verdict(), verdict(Outcome.MISMATCH, entity_id="Q2")], [finding], now=5.0,
                       trials=[Trial(operator="rank", tried=1, caught=1)])  # fmt: skip
    await verdicts.open_epoch("rules changed", 6.0)
    await verdicts.add([verdict()], now=7.0)
    evidence = verdicts.evidence
    assert await evidence.distinct(2) == [Distinct(stratum=ITEMS, tuples=1, failed=0)]
    assert (await evidence.trials(2), await evidence.ages(2), await evidence.findings(2)) == ([], [], 0)
    assert await evidence.findings(1) == 1
    totals = await verdicts.totals()
    assert totals == {1: {Standing.PROVEN: 1, Standing.FAILED: 1}, 2: {Standing.PROVEN: 1}}
    # What only the present epoch needs is gone.
    assert (await evidence.distinct(1), await verdicts.entity_counts(1)) == ([], [])
