"""Calls for the follower: durable, one row each, never forgotten when they came again; and the bell beside them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.wakes import LOOK, POKE, RETRY, Bell, Wake, Wakes
from backends.sql.sqlite import SqliteDatabase
from wikibase.ids import EntityId


class Clock:
    now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield database
    await database.close()


async def test_calls_are_due_in_their_time_the_oldest_first(ledger: SqliteDatabase) -> None:
    clock = Clock()
    wakes = Wakes(ledger, now_ms=clock)
    await wakes.put(
        Wake(entity_id=EntityId(name), kind=LOOK, due_ms=due) for name, due in (("Q1", 900), ("Q2", 800), ("Q3", 5000))
    )
    assert [one.entity_id for one in await wakes.due(size=9)] == ["Q2", "Q1"]
    assert (await wakes.overdue(), await wakes.overdue(by_ms=150), await wakes.waiting()) == (2, 1, 3)
    clock.now = 6000
    assert [one.entity_id for one in await wakes.due(size=2)] == ["Q2", "Q1"]


async def test_calls_of_one_kind_are_one_and_due_at_the_earlier_time(ledger: SqliteDatabase) -> None:
    wakes = Wakes(ledger, now_ms=Clock())
    for due_ms in (700, 600, 9000):
        await wakes.put([Wake(entity_id=EntityId("Q1"), kind=LOOK, due_ms=due_ms)])
    await wakes.poke(EntityId("L1-F2"))
    due = await wakes.due(size=9)
    assert [(one.entity_id, one.kind, one.due_ms) for one in due] == [("Q1", LOOK, 600), ("L1", POKE, 1000)]


async def test_a_call_that_came_again_while_it_was_answered_stays(ledger: SqliteDatabase) -> None:
    wakes = Wakes(ledger, now_ms=Clock())
    await wakes.poke(EntityId("Q1"))
    answered = await wakes.due(size=9)
    await wakes.poke(EntityId("Q1"))
    await wakes.done(answered)
    assert await wakes.waiting() == 1
    await wakes.done(await wakes.due(size=9))
    assert await wakes.waiting() == 0


async def test_what_could_not_be_answered_waits_and_counts_its_tries(ledger: SqliteDatabase) -> None:
    clock = Clock()
    wakes = Wakes(ledger, now_ms=clock)
    await wakes.put([Wake(entity_id=EntityId("Q1"), kind=RETRY, due_ms=0)])
    (wake,) = await wakes.due(size=9)
    await wakes.later(wake, 4000)
    assert await wakes.due(size=9) == []
    clock.now = 4000
    assert [one.tries for one in await wakes.due(size=9)] == [1]


async def test_the_bell_is_heard_and_harmless_when_nobody_listens(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    bell.ring()
    with bell.heard() as event:
        bell.ring()
        await asyncio.wait_for(event.wait(), 5)
        event.clear()
        with Bell(tmp_path).heard() as later:  # a second listener takes over; the first one's end does not unbind it
            bell.ring()
            await asyncio.wait_for(later.wait(), 5)
    assert not bell.path.exists()
    bell.ring()


async def test_the_bell_of_a_path_too_long_for_a_socket_lies_elsewhere(tmp_path: Path) -> None:
    bell = Bell(tmp_path / ("x" * 120))
    with bell.heard() as event:
        Bell(tmp_path / ("x" * 120)).ring()
        await asyncio.wait_for(event.wait(), 5)


async def test_a_poke_rings(ledger: SqliteDatabase, tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    with bell.heard() as event:
        await Wakes(ledger, bell).poke(EntityId("Q1"))
        await asyncio.wait_for(event.wait(), 5)
