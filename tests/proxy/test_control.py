"""A worker's part in the agreed phase: leases, clocks that are off, and processes that are killed or paused."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fakes.phase_worker import QUICK, START, opened_ledger, taking_part
from fakes.waiting import until

from backends.errors import UnavailableError
from backends.ledger.control import Control, Order
from backends.ledger.control_flips import Flipper, NotReadyError
from backends.ledger.control_workers import Workers
from backends.sql.base import Database
from proxy.control import PhaseControl, registered
from rules.flips import Agreed
from rules.overrides import Kind, SliceFacts, parse_overrides
from rules.phases import PhaseName as P
from wikibase.ids import EntityId

ROOT = Path(__file__).resolve().parents[2]
SHADOW, CUTOVER = Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger(tmp_path) as one:
        yield one


class Process:
    """A worker in a process of its own, and what it said last."""

    def __init__(self, folder: Path, name: str) -> None:
        self.said = folder / f"{name}.out"
        self._out = self.said.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fakes.phase_worker", str(folder), name],
            stdout=self._out,
            cwd=ROOT / "tests",
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        )

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def last(self) -> dict[str, Any]:
        said = self.all()
        return said[-1] if said else {"phase": "", "fencing": False, "version": 0, "lease": False}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._out.close()


@contextmanager
def processes(folder: Path, *names: str) -> Iterator[list[Process]]:
    running = [Process(folder, name) for name in names]
    try:
        yield running
    finally:
        for one in running:
            one.close()


@asynccontextmanager
async def two(database: Database, folder: Path, first: Agreed = START) -> AsyncIterator[tuple[Process, Process]]:
    await Control(database).begin(first)
    with processes(folder, "a", "b") as (a, b):
        await until(lambda: a.last()["lease"] and b.last()["lease"], timeout_s=20.0)
        yield a, b


def flipper(database: Database) -> Flipper:
    return Flipper(Control(database), Workers(database), QUICK)


def to(wanted: Agreed) -> Order:
    return Order(wanted=wanted, actor="test")


async def test_two_processes_act_as_one_there_and_back(database: Database, tmp_path: Path) -> None:
    async with two(database, tmp_path) as (a, b):
        acked = []
        for _ in range(10):
            for wanted in (CUTOVER, SHADOW):
                acked += (await flipper(database).flip(to(wanted))).acted_s.values()
                await until(lambda wanted=wanted: a.last()["phase"] == b.last()["phase"] == wanted.phase)
        assert len(acked) == 40
        assert max(acked) < 1.0
        for one in (a, b):
            assert all(said["fencing"] for said in one.all() if said["phase"] == "read_cutover")


async def test_a_worker_that_is_killed_is_buried_and_holds_nothing_up(database: Database, tmp_path: Path) -> None:
    async with two(database, tmp_path) as (a, b):
        b.signal(signal.SIGKILL)
        b.process.wait()
        began = time.monotonic()
        await flipper(database).flip(to(CUTOVER))
        assert time.monotonic() - began < QUICK.lease_s + 1.0
        assert await registered(Workers(database)) == ["a"]
        await until(lambda: a.last()["phase"] == "read_cutover")


async def test_towards_the_store_a_paused_worker_stops_the_flip_and_works_on_when_it_wakes(
    database: Database, tmp_path: Path
) -> None:
    async with two(database, tmp_path) as (a, b):
        b.signal(signal.SIGSTOP)
        with pytest.raises(NotReadyError, match="b"):
            await flipper(database).flip(to(CUTOVER))
        assert a.last()["phase"] == "shadow_reads"
        b.signal(signal.SIGCONT)
        await flipper(database).flip(to(CUTOVER))
        await until(lambda: b.last()["phase"] == "read_cutover")


async def test_a_paused_worker_does_not_hold_up_the_way_back_and_wakes_without_a_lease(
    database: Database, tmp_path: Path
) -> None:
    async with two(database, tmp_path, CUTOVER) as (a, b):
        await until(lambda: b.last()["phase"] == "read_cutover")
        b.signal(signal.SIGSTOP)
        result = await flipper(database).flip(to(SHADOW))
        assert result.late == ("b",)
        await until(lambda: a.last()["phase"] == "shadow_reads")
        count = len(b.all())
        b.signal(signal.SIGCONT)
        await until(lambda: b.last()["version"] == result.row.version)
        woken = b.all()[count:]
        assert all(said["phase"] != "read_cutover" for said in woken), "its lease was over before it woke"


async def test_without_the_ledger_reads_go_to_the_wiki_when_the_lease_is_over(database: Database) -> None:
    control = Control(database)
    cut = False

    class CutOff(Control):
        async def row(self) -> Any:
            if cut:
                raise UnavailableError("partitioned")
            return await super().row()

    part = PhaseControl(CutOff(database), Workers(database), worker="a", limits=QUICK)
    await part.start(CUTOVER)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(part.run(stop))
        assert part.phase.name is P.READ_CUTOVER
        term = part.term
        began, cut = time.monotonic(), True
        await until(lambda: part.phase.name is P.SHADOW_READS)
        assert time.monotonic() - began <= QUICK.lease_s + 0.5
        assert part.fencing, "others may still answer from the store"
        assert part.term is None
        cut = False
        await until(lambda: part.phase.name is P.READ_CUTOVER)
        assert part.term not in (None, term), "who looked before and after knows that there was a time without"
        stop.set()
    await part.leave()
    assert (await control.row()) is not None


async def test_where_the_wiki_answers_the_ledger_may_be_away_for_ever(database: Database) -> None:
    now = [0.0]
    part = PhaseControl(Control(database), Workers(database), worker="a", limits=QUICK, clock=lambda: now[0])
    await part.start(SHADOW)
    now[0] = 1e6
    assert not part.has_lease
    assert (part.phase.name, part.fencing) == (P.SHADOW_READS, False)


async def test_clocks_that_are_five_minutes_off_change_nothing(database: Database) -> None:
    async with (
        taking_part(database, "a", clock=lambda: time.monotonic() + 300, wall=lambda: time.time() - 300) as a,
        taking_part(database, "b", wall=lambda: time.time() + 300) as b,
    ):
        for wanted in (CUTOVER, SHADOW, CUTOVER):
            await flipper(database).flip(to(wanted))
            assert a.phase.name is b.phase.name is wanted.phase


async def test_a_worker_that_was_taken_for_dead_takes_part_again(database: Database) -> None:
    async with taking_part(database, "a") as a:
        await Workers(database).remove("a")
        await until(lambda: not a.has_lease)
        await until(lambda: a.has_lease)
        assert await registered(Workers(database)) == ["a"]


async def test_a_worker_that_starts_in_the_middle_of_a_flip_announces_at_once(database: Database) -> None:
    control = Control(database)
    await control.prepare(await control.begin(SHADOW), to(CUTOVER))
    part = PhaseControl(control, Workers(database), worker="new", limits=QUICK)
    await part.start(SHADOW)
    assert part.fencing
    (row,) = await Workers(database).all()
    assert row.standing.ready_flip == 1


async def test_a_phase_that_is_over_falls_back_by_itself_once(database: Database) -> None:
    boxed = Agreed(phase=P.READ_CUTOVER, until=time.time() + 0.6, fall_back=P.SHADOW_READS)
    async with taking_part(database, "a") as a, taking_part(database, "b") as b:
        await flipper(database).flip(to(boxed))
        assert a.phase.name is P.READ_CUTOVER
        await until(lambda: a.phase.name is b.phase.name is P.SHADOW_READS)
    records = await Control(database).flips()
    assert [record.reason for record in records if record.outcome == "committed"] == ["its time is over", ""]


async def test_overrides_are_agreed_on_and_end_with_the_lease(database: Database) -> None:
    canary = parse_overrides([{"name": "canary", "move": "forward", "header": "X-Canary: 1"}])
    facts = SliceFacts(kind=Kind.READ, entities=(EntityId("Q1"),), headers={"x-canary": "1"})
    now = [0.0]
    part = PhaseControl(Control(database), Workers(database), worker="a", limits=QUICK, clock=lambda: now[0])
    await part.start(Agreed(phase=P.SHADOW_READS, overrides=canary))
    assert part.fencing
    assert (part.phase.name, part.effective(facts).name) == (P.SHADOW_READS, P.READ_CUTOVER)
    now[0] = QUICK.lease_s
    assert part.effective(facts).name is P.SHADOW_READS
