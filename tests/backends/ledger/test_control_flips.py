"""Flips with workers: all act as one, or nothing is changed. Names the regression scenarios of the field."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.phase_worker import QUICK, START, opened_ledger, taking_part
from fakes.waiting import until

from backends.errors import ConflictError, RefusedError
from backends.ledger.control import Control, Order
from backends.ledger.control_flips import Flipper, NotReadyError, VetoError
from backends.ledger.control_workers import Workers, this_process
from backends.sql.base import Database
from rules.flips import Agreed
from rules.phases import IllegalFlipError
from rules.phases import PhaseName as P

SHADOW, CUTOVER, EXPORT = Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER), Agreed(phase=P.EXPORT)
ELSEWHERE = replace(this_process(), host="another machine")


class StoppedError(Exception):
    """What a test puts in the way."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger(tmp_path) as one:
        yield one


def flipper(database: Database, **more: object) -> Flipper:
    return Flipper(Control(database), Workers(database), QUICK, **more)  # type: ignore[arg-type]


def to(wanted: Agreed) -> Order:
    return Order(wanted=wanted, actor="test")


async def state(database: Database) -> object:
    row = await Control(database).row()
    assert row is not None
    return (row.state, row.version, row.pending, row.pending_flip, row.settled)


def everything(folder: Path) -> Sequence[tuple[object, ...]]:
    """All rows of the ledger that are not signs of life."""
    connection = sqlite3.connect(folder / "ledger.sqlite")
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (table, *row)
            for table in sorted(tables)
            if table not in ("workers", "flips") and not table.startswith("sqlite")
            for row in connection.execute(f"SELECT * FROM {table}")  # the names are those of the schema
        ]
    finally:
        connection.close()


async def test_all_workers_act_by_a_flip_and_it_says_how_soon(database: Database) -> None:
    async with taking_part(database, "a") as a, taking_part(database, "b") as b:
        result = await flipper(database).flip(to(CUTOVER))
        assert (a.agreed, b.agreed) == (CUTOVER, CUTOVER)
        assert set(result.acted_s) == {"a", "b"}
        assert result.late == ()
        assert max(result.acted_s.values()) < 1.0
        assert a.phase.name is P.READ_CUTOVER
        await flipper(database).flip(to(SHADOW))
        assert a.phase.name is P.SHADOW_READS
        await until(lambda: not a.fencing and not b.fencing)


async def test_nobody_acts_before_all_are_ready_to_announce(database: Database) -> None:
    """vitess#9400: an edit that began before is answered before anybody reads from the store."""
    under_way: list[float] = []
    async with (
        taking_part(database, "a") as a,
        taking_part(database, "b", oldest_edit=lambda: under_way[0] if under_way else None) as b,
    ):
        under_way.append(b._clock())
        async with asyncio.TaskGroup() as tasks:
            flipping = tasks.create_task(flipper(database).flip(to(CUTOVER)))
            await until(lambda: a.fencing and b.fencing)
            await asyncio.sleep(0.2)
            assert a.phase.name is P.SHADOW_READS, "b has an edit under way that nobody announced"
            under_way.clear()
            await flipping
        assert a.phase.name is P.READ_CUTOVER


async def test_a_worker_that_is_not_ready_in_time_aborts_it_and_nothing_is_changed(database: Database) -> None:
    async with taking_part(database, "a") as a, taking_part(database, "b", oldest_edit=lambda: 0.0) as b:
        before = await state(database)
        with pytest.raises(NotReadyError, match=r"not ready in 1\.5 s: b"):
            await flipper(database).flip(to(CUTOVER))
        assert await state(database) == before
        await until(lambda: not a.fencing and not b.fencing)


async def test_a_worker_elsewhere_that_went_silent_is_not_presumed_dead_towards_the_store(database: Database) -> None:
    await Control(database).begin(START)
    await Workers(database).register("silent", ELSEWHERE)
    with pytest.raises(NotReadyError, match="phase bury"):
        await flipper(database).flip(to(CUTOVER))
    await Workers(database).remove("silent")
    assert (await flipper(database).flip(to(CUTOVER))).row.state == CUTOVER


async def test_where_the_wiki_answers_anyway_a_silent_worker_is_waited_for_as_long_as_its_lease(
    database: Database,
) -> None:
    await Control(database).begin(EXPORT)
    await Workers(database).register("silent", ELSEWHERE)
    began = time.monotonic()
    assert (await flipper(database).flip(to(SHADOW))).row.state == SHADOW
    assert time.monotonic() - began >= QUICK.lease_s + QUICK.margin_s


async def test_reads_are_rolled_back_alone_and_nobody_is_waited_for(database: Database) -> None:
    """vitess#16918: reads go back before any edit was moved; a silent worker does not hold that up."""
    await Control(database).begin(CUTOVER)
    await Workers(database).register("silent", ELSEWHERE)
    began = time.monotonic()
    result = await flipper(database).flip(to(SHADOW), settle=False)
    assert time.monotonic() - began < 0.5
    assert result.row.state == SHADOW
    assert result.row.fenced, "until the silent one's lease is over"


@pytest.mark.parametrize("step", ["checked", "prepared", "ready"])
async def test_a_failure_at_any_step_before_the_commit_changes_nothing(database: Database, step: str) -> None:
    """vitess#17620: whatever fails on the way, all workers are as before, and the next flip works."""

    def stop(name: str) -> None:
        if name == step:
            raise StoppedError(name)

    async with taking_part(database, "a") as a, taking_part(database, "b") as b:
        before = await state(database)
        with pytest.raises(StoppedError):
            await flipper(database, step=stop).flip(to(CUTOVER))
        assert await state(database) == before
        await until(lambda: not a.fencing and not b.fencing)
        await flipper(database).flip(to(CUTOVER))
        assert (a.phase.name, b.phase.name) == (P.READ_CUTOVER, P.READ_CUTOVER)


async def test_a_flip_that_is_cancelled_is_given_up(database: Database) -> None:
    async with taking_part(database, "a", oldest_edit=lambda: 0.0) as a:
        before = await state(database)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await flipper(database).flip(to(CUTOVER))
        assert await state(database) == before
        await until(lambda: not a.fencing)


async def test_a_flip_whose_maker_died_is_given_up_by_the_workers(database: Database) -> None:
    control = Control(database)
    async with taking_part(database, "a", oldest_edit=lambda: 0.0) as a:
        await control.prepare(a.row, to(CUTOVER))
        await until(lambda: a.fencing)
        await until(lambda: not a.fencing, timeout_s=10.0)
    assert (await control.flips())[0].outcome == "aborted"


async def test_a_flip_whose_maker_died_is_given_up_by_the_next_flip(database: Database) -> None:
    control = Control(database)
    await control.prepare(await control.begin(SHADOW), to(CUTOVER))
    assert (await flipper(database).flip(to(EXPORT))).row.state == EXPORT


async def test_a_flip_back_that_failed_can_be_tried_again(database: Database) -> None:
    """vitess#14276: a failed rollback leaves a state from which it works."""

    def stop(name: str) -> None:
        if name == "prepared":
            raise StoppedError(name)

    async with taking_part(database, "a", first=CUTOVER) as a:
        with pytest.raises(StoppedError):
            await flipper(database, step=stop).flip(to(SHADOW))
        assert a.phase.name is P.READ_CUTOVER
        await flipper(database).flip(to(SHADOW))
        assert a.phase.name is P.SHADOW_READS


@pytest.mark.parametrize("asked", [1, 2])
async def test_a_veto_is_obeyed_also_when_it_comes_in_the_middle(database: Database, asked: int) -> None:
    """gh-ost#721: never flips while somebody forbids it, be it said before or meanwhile."""
    times = 0

    async def veto() -> str:
        nonlocal times
        times += 1
        return "postponed" if times >= asked else ""

    async with taking_part(database, "a") as a:
        before = await state(database)
        with pytest.raises(VetoError, match="postponed"):
            await flipper(database, veto=veto).flip(to(CUTOVER))
        assert await state(database) == before
        assert times == asked
        await until(lambda: not a.fencing)


async def test_what_is_illegal_touches_nothing(database: Database, tmp_path: Path) -> None:
    await Control(database).begin(EXPORT)
    before = everything(tmp_path)
    for wanted in (CUTOVER, Agreed(phase=P.DUAL_WRITES)):
        with pytest.raises(IllegalFlipError):
            await flipper(database).flip(to(wanted))
    assert everything(tmp_path) == before


async def test_without_a_first_word_there_is_nothing_to_flip(database: Database) -> None:
    with pytest.raises(RefusedError, match="cutover serve"):
        await flipper(database).flip(to(SHADOW))


async def test_of_two_flips_at_once_one_is_made_and_the_other_refused(database: Database) -> None:
    async with taking_part(database, "a") as a:
        found = await asyncio.gather(
            flipper(database).flip(to(CUTOVER)), flipper(database).flip(to(EXPORT)), return_exceptions=True
        )
        assert sum(isinstance(one, ConflictError | IllegalFlipError) for one in found) == 1
        assert a.agreed in (CUTOVER, EXPORT)


async def test_after_a_flip_towards_the_store_the_wiki_answers_until_the_follower_has_been_through(
    database: Database,
) -> None:
    await Control(database).begin(SHADOW)
    await flipper(database).flip(to(CUTOVER))
    rows = await database.rows("floors_since", seq=-1, size=10)
    assert [(row["entity_id"], row["state"]) for row in rows] == [("*", "pass")]
    await flipper(database).flip(to(SHADOW))
    await flipper(database).flip(to(CUTOVER))
    assert len(await database.rows("floors_since", seq=-1, size=10)) == 2
