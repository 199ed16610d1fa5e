"""The facts of gates: each found where it is, and none invented."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from fakes.phase_worker import opened_ledger

from backends.config import Config, StoreConfig, WikiConfig
from backends.connect import checkpoints, verdicts
from backends.errors import UnavailableError
from backends.ledger.control import Control, Order
from backends.ledger.control_measures import STORE, WIKI, Measures
from backends.ledger.control_workers import Standing, Workers, this_process
from backends.sql.base import Database
from cutover import gate_facts
from cutover.gate_facts import ATTESTATIONS, FINDERS, gather_facts
from rules.flips import Agreed
from rules.gates import Fact, judge, parse_gates
from rules.gates_measures import SideCounts
from rules.parity_gate import Result
from rules.phases import PhaseName as P

GATES = parse_gates(
    yaml.safe_load((Path(__file__).resolve().parents[2] / "rules" / "gates.yaml").read_text(encoding="utf-8"))
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger(tmp_path) as one:
        yield one


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        wiki=WikiConfig(url="http://127.0.0.1:1", api_tries_max=1, api_patience_s=1.0, api_timeout_s=1.0),
        store=StoreConfig(path=str(tmp_path)),
    )


async def one(config: Config, ledger: Database, name: str) -> Fact:
    return (await gather_facts(config, ledger, [name]))[name]


def test_every_fact_that_a_shipped_gate_asks_for_can_be_looked_up() -> None:
    assert {criterion.fact for criteria in GATES.values() for criterion in criteria} <= set(FINDERS)


async def test_where_nothing_ever_happened_no_gate_towards_the_store_is_open(config: Config, ledger: Database) -> None:
    """invariant 9: nothing known, nothing passed; and the reasons say where to begin."""
    facts = await gather_facts(config, ledger, FINDERS)
    for to in (P.SHADOW_READS, P.READ_CUTOVER, P.DUAL_WRITES, P.WRITE_CUTOVER, P.DECOMMISSION):
        gate = judge(to, GATES[to], facts)
        assert gate.result is Result.UNKNOWN
        assert gate.open_points()
    assert all(fact.why for fact in facts.values() if fact.value is None)
    assert facts["store_opens"].value is True
    assert facts["wiki_answers"].value is None


async def test_the_export_says_how_it_stands(config: Config, ledger: Database) -> None:
    marks = checkpoints(ledger)
    await marks.put("export.history", {"state": "running", "job": "export-1"})
    assert (await one(config, ledger, "export_state")).value == "running"
    assert (await one(config, ledger, "export_unknown")).value is None
    result = {"unknown": 2, "sha1_differs": 0}
    await marks.put("export.history", {"state": "finished", "job": "export-1", "result": result})
    assert (await one(config, ledger, "export_state")).value == "finished"
    assert (await one(config, ledger, "export_unknown")).value == 2
    assert (await one(config, ledger, "export_digests_differ")).value == 0


async def test_a_check_that_has_not_finished_found_nothing_out(config: Config, ledger: Database) -> None:
    marks = checkpoints(ledger)
    await marks.put("fsck.full", {"state": "running", "result": {"found": {}}})
    assert (await one(config, ledger, "fsck_findings")).value is None
    found = {"found": {"head_differs": 1}, "examples": [{"kind": "head_differs", "entity_id": "Q1", "rev_id": 5}]}
    await marks.put("fsck.full", {"state": "finished", "result": found})
    assert await one(config, ledger, "fsck_findings") == Fact(value=1, missing=("head_differs: Q1 5",))


@pytest.mark.parametrize(("off_s", "age"), [(0, 0), (300, 300), (-300, 300)])
async def test_a_lag_that_was_said_at_another_time_is_old_whichever_clock_is_off(
    config: Config, ledger: Database, off_s: int, age: int
) -> None:
    said = (datetime.now(UTC) + timedelta(seconds=off_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await checkpoints(ledger).put("follower", {"seconds": 1.5, "gaps": 0, "at": said})
    fact = await one(config, ledger, "follower_lag_s")
    assert fact.value == 1.5
    assert fact.age_s == pytest.approx(age, abs=3)


async def test_both_sides_are_measured_or_there_is_no_ratio(config: Config, ledger: Database) -> None:
    slow, quick = SideCounts(), SideCounts()
    for _ in range(100):
        slow.add(0.1)
        quick.add(0.01)
    quick.add(0.0, failed=True)
    measures, minute = Measures(ledger), int(time.time() // 60)
    await measures.put(minute, "a", {STORE: quick})
    assert (await one(config, ledger, "latency_ratio_p99")).value is None
    await measures.put(minute, "b", {WIKI: slow})
    await measures.put(minute - 100, "c", {WIKI: quick})
    ratio = (await one(config, ledger, "latency_ratio_p99")).value
    assert isinstance(ratio, float)
    assert ratio == pytest.approx(0.1, rel=0.3)
    assert (await one(config, ledger, "store_reads")).value == 101
    assert (await one(config, ledger, "store_error_share")).value == pytest.approx(1 / 101)


async def test_one_breaker_that_is_not_closed_is_named(config: Config, ledger: Database) -> None:
    workers = Workers(ledger)
    for name, state in (("a", "closed"), ("b", "half_open")):
        await workers.register(name, this_process())
        await workers.beat(name, Standing(applied_version=1, breaker=state))
    assert await one(config, ledger, "breaker") == Fact(value="open", missing=("b: half_open",))
    await workers.beat("b", Standing(breaker="closed"))
    assert (await one(config, ledger, "breaker")).value == "closed"
    await Control(ledger).begin(Agreed(phase=P.EXPORT))
    assert await one(config, ledger, "workers_late") == Fact(value=1, missing=("b",))


async def test_the_way_back_counts_once_it_was_gone(config: Config, ledger: Database) -> None:
    control = Control(ledger)
    row = await control.begin(Agreed(phase=P.SHADOW_READS))
    for wanted, known in ((P.EXPORT, True), (P.SHADOW_READS, True)):
        order = Order(wanted=Agreed(phase=wanted), actor="me")
        row = await control.commit(await control.prepare(row, order), hold_reads=False)
        await control.settle(row.version)
        row = replace(row, settled=True)
        assert (await one(config, ledger, "way_back")).value is known
    hours = (await one(config, ledger, "hours_in_phase")).value
    assert isinstance(hours, float)
    assert 0 <= hours < 0.01


async def test_what_was_said_counts_for_a_day(config: Config, ledger: Database) -> None:
    marks = checkpoints(ledger)
    for ago_s, value in ((10.0, True), (90_000.0, None)):
        await marks.put(ATTESTATIONS, {"operator_confident": {"at": time.time() - ago_s, "who": "me", "why": "x"}})
        assert (await one(config, ledger, "operator_confident")).value is value


async def test_a_fact_that_fails_or_hangs_is_unknown_and_takes_no_other_with_it(
    config: Config, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> Fact:
        raise UnavailableError("the ledger is away")

    async def hangs(_: object) -> Fact:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(gate_facts, "FINDERS", {**FINDERS, "fails": fails, "hangs": hangs})
    found = await gather_facts(config, ledger, ["fails", "hangs", "store_reads", "nonsense"], timeout_s=0.2)
    assert (found["fails"], found["hangs"]) == (Fact(why="the ledger is away"), Fact(why="not found out within 0.2 s"))
    assert found["nonsense"] == Fact(why="there is no such fact")
    assert found["store_reads"].value == 0


async def test_without_a_judgement_parity_is_unknown_and_no_epoch_is_opened(config: Config, ledger: Database) -> None:
    fact = await one(config, ledger, "parity")
    assert (fact.value, fact.why) == (None, "the verifier has not judged anything yet")
    assert await ledger.rows("epoch_latest") == []


async def test_parity_that_is_not_proven_says_what_is_missing(config: Config, ledger: Database) -> None:
    await verdicts(ledger, config).open_epoch("a test", time.time())
    fact = await one(config, ledger, "parity")
    assert fact.value == "unknown"
    assert any("more comparisons" in line for line in fact.missing)
    assert judge(P.READ_CUTOVER, GATES[P.READ_CUTOVER], {"parity": fact}).judged[0].missing == fact.missing
