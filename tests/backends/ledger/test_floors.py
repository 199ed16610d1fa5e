"""Floors in the ledger: durable, in order, seen by all, and forgotten without anybody missing it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.phase_worker import opened_ledger, opened_ledger_in

from backends.ledger.floors import Floors
from backends.sql.base import Database
from rules.fence import EVERYTHING, State, Told
from wikibase.ids import EntityId

Q1, Q2 = EntityId("Q1"), EntityId("Q2")


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("mariadb", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger_in(request.param, tmp_path) as one:
        yield one


async def seen(floors: Floors, since: int = -1) -> set[tuple[str, str, int]]:
    return {(one.entity_id, one.state.value, one.number) for one in (await floors.changes(since)).floors}


async def test_nothing_was_ever_said(database: Database) -> None:
    changes = await Floors(database, worker="a").changes(0)
    assert (changes.floors, changes.whole, changes.clock.seq) == ((), False, 0)


async def test_an_edit_is_announced_then_settled_and_each_step_is_seen(database: Database) -> None:
    writer, reader = Floors(database, worker="a"), Floors(database, worker="b")
    await writer.announce("w1", [Q1, Q2])
    first = await reader.changes(0)
    assert await seen(reader) == {("Q1", "open", 0), ("Q2", "open", 0)}
    await writer.settle("w1", [Q1, Q2], Told(revisions=((Q1, 77),)))
    assert await seen(reader, first.clock.seq) == {("Q1", "revision", 77), ("Q2", "done", 0)}
    assert await seen(reader, (await reader.clock()).seq) == set()


async def test_what_is_not_known_waits_for_a_round_that_begins_afterwards(database: Database) -> None:
    floors = Floors(database, worker="a")
    before = await floors.round_asked()
    await floors.settle("w1", [Q1], Told(unknown=(Q1,)))
    await floors.hold_everything("w2")
    assert await seen(floors) == {("Q1", "pass", before + 1), (EVERYTHING, "pass", before + 2)}
    await floors.round_over(before)
    assert (await floors.clock()).passed == before
    await floors.round_over(await floors.round_asked())
    await floors.round_over(before)
    assert (await floors.clock()).passed == before + 2, "it never goes back"


async def test_a_revision_of_which_more_may_have_been_made_waits_for_the_round(database: Database) -> None:
    floors = Floors(database, worker="a")
    await floors.settle("w1", [Q1], Told(revisions=((Q1, 5),), unknown=(Q1,)))
    assert await seen(floors) == {("Q1", "pass", 1)}


async def test_numbers_appear_in_their_order_however_many_write_at_once(database: Database) -> None:
    writers = [Floors(database, worker=str(number)) for number in range(8)]
    reader, last, found = Floors(database, worker="r"), 0, []

    async def write(floors: Floors, name: str) -> None:
        for number in range(12):
            await floors.announce(f"{name}-{number}", [EntityId(f"Q{name}{number + 1}")])

    async with asyncio.TaskGroup() as tasks:
        writing = [tasks.create_task(write(one, str(place + 1))) for place, one in enumerate(writers)]
        while not all(one.done() for one in writing) or last < 96:
            changes = await reader.changes(last)
            found += [floor.write_id for floor in changes.floors]
            last = max([changes.clock.seq, *(floor.seq for floor in changes.floors)])
    assert len(found) == len(set(found)) == 96, "each once, none missed"


async def test_who_missed_what_was_forgotten_gets_everything_anew(database: Database) -> None:
    floors = Floors(database, worker="a")
    await floors.announce("w1", [Q1])
    late = (await floors.changes(0)).clock.seq
    await floors.announce("w2", [Q2])
    await floors.settle("w1", [Q1], Told())
    done = [one for one in (await floors.changes(late)).floors if one.state is State.DONE]
    await floors.remove(done)
    changes = await floors.changes(late)
    assert changes.whole
    assert {(one.entity_id, one.write_id) for one in changes.floors} == {("Q2", "w2")}


async def test_a_floor_that_changed_since_is_not_removed(database: Database) -> None:
    floors = Floors(database, worker="a")
    await floors.settle("w1", [], Told(revisions=((Q1, 5),)))
    old = (await floors.changes(0)).floors
    await floors.settle("w1", [], Told(revisions=((Q1, 6),)))
    await floors.remove(old)
    assert await seen(floors) == {("Q1", "revision", 6)}


async def test_many_floors_come_in_pages_without_a_change_being_cut(database: Database) -> None:
    floors = Floors(database, worker="a")
    for number in range(5):
        await floors.announce(f"w{number}", [EntityId(f"Q{number * 300 + each}") for each in range(1, 301)])
    assert len((await floors.changes(-1)).floors) == 1500


async def test_edits_of_a_worker_that_is_gone_are_taken_over(database: Database) -> None:
    gone, floors = Floors(database, worker="gone"), Floors(database, worker="a")
    await gone.announce("w1", [Q1])
    await floors.adopt((await floors.changes(0)).floors)
    assert await seen(floors) == {("Q1", "pass", 1)}


async def test_floors_outlive_everybody(tmp_path: Path) -> None:
    async with opened_ledger(tmp_path) as database:
        await Floors(database, worker="a").settle("w1", [], Told(revisions=((Q1, 5),)))
    async with opened_ledger(tmp_path) as database:
        assert await seen(Floors(database, worker="b")) == {("Q1", "revision", 5)}
