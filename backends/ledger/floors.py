"""Floors under entities: which revisions clients were told of, for all workers to obey (invariant 6). In the ledger.

Every change takes the next number of one clock, whose row it holds until it is committed: numbers appear in their
order, so a reader that asks for what came after the last number it saw misses nothing. A change that is returned from
is durable; a look that begins afterwards sees it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.sql.base import Database, Row, Statements
from rules.fence import EVERYTHING, Floor, State, Told
from wikibase.ids import EntityId

CLOCK = "floors"
PAGE_SIZE = 1000
"""More than one edit can hold: all floors of a change have its number, and a page must not end among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorClock:
    """`seq`: the last change. `passed`: the follower's last round that is over, `asked`: the last one asked for."""

    seq: int
    forgotten: int
    asked: int
    passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since a number. `whole`: this is everything there is, not only what changed."""

    clock: FloorClock
    floors: Sequence[Floor]
    whole: bool


class Floors:
    """The floors, as one worker sets and sees them."""

    def __init__(self, database: Database, *, worker: str) -> None:
        self._database = database
        self._worker = worker

    def version(self) -> int | None:
        """Return what is another number after each change; None where only a question tells."""
        return self._database.version()

    async def announce(self, write_id: str, entities: Sequence[EntityId]) -> None:
        """Say that an edit of these entities is about to be sent. Durable on return."""
        await self._put(write_id, [(entity, State.OPEN, 0) for entity in entities], ask=False)

    async def settle(self, write_id: str, announced: Sequence[EntityId], told: Told) -> None:
        """Say what the edit made; what was announced and is not named is open no more. Durable on return."""
        states = dict.fromkeys(announced, (State.DONE, 0))
        states |= dict.fromkeys(told.unknown, (State.PASS, 0))
        states |= {entity: (State.REVISION, rev_id) for entity, rev_id in told.revisions if entity not in told.unknown}
        rows = [(entity, state, number) for entity, (state, number) in states.items()]
        if rows:
            await self._put(write_id, rows, ask=bool(told.unknown))

    async def hold_everything(self, write_id: str) -> None:
        """Leave all reads to the wiki until the follower has been through it once more. Durable on return."""
        await self.settle(write_id, (), Told(unknown=(EVERYTHING,)))

    async def adopt(self, floors: Iterable[Floor]) -> None:
        """Take over edits whose worker is gone: nobody was told what they made, and the follower will find it."""
        for floor in floors:
            await self._put(floor.write_id, [(floor.entity_id, State.PASS, 0)], ask=True)

    async def changes(self, since: int) -> Changes:
        """Return what changed after that number (-1: everything)."""
        clock = await self.clock()
        whole = since < clock.forgotten
        if clock.seq == since and not whole:
            return Changes(clock=clock, floors=(), whole=False)
        found: list[Floor] = []
        after = -1 if whole else since
        while rows := await self._database.rows("floors_since", seq=after, size=PAGE_SIZE):
            page = [_floor(row) for row in rows]
            if len(page) < PAGE_SIZE:
                found += page
                break
            found += [floor for floor in page if floor.seq < page[-1].seq]
            after = found[-1].seq
        return Changes(clock=clock, floors=found, whole=whole or since < 0)

    async def remove(self, floors: Sequence[Floor]) -> None:
        """Forget floors that hold nothing back any more."""
        if not floors:
            return
        async with self._database.transaction(CLOCK) as inside:
            await inside.execute("floor_clock_tick", name=CLOCK, asked=0)
            for one in floors:
                await inside.execute("floor_remove", entity_id=one.entity_id, write_id=one.write_id, seq=one.seq)
            await inside.execute("floor_clock_forget", name=CLOCK, forgotten=max(one.seq for one in floors))

    async def clock(self) -> FloorClock:
        """Return the clock."""
        return await _clock(self._database)

    async def ask_round(self) -> int:
        """Ask the follower for one more round through the wiki; return its number."""
        async with self._database.transaction(CLOCK) as inside:
            await inside.execute("floor_clock_tick", name=CLOCK, asked=1)
            return (await _clock(inside)).asked

    async def round_asked(self) -> int:
        """Return the last round that was asked for: the follower looks before it asks the wiki anything."""
        return (await self.clock()).asked

    async def round_over(self, number: int) -> None:
        """Say that all that the wiki had when that number was looked up is in the store now."""
        await self._database.execute("floor_clock_pass", name=CLOCK, passed=number)

    async def _put(self, write_id: str, rows: Sequence[tuple[EntityId, State, int]], *, ask: bool) -> None:
        async with self._database.transaction(CLOCK) as inside:
            await inside.execute("floor_clock_tick", name=CLOCK, asked=int(ask))
            clock = await _clock(inside)
            for entity, state, number in rows:
                await inside.execute("floor_put", **self._row(write_id, entity, state, number, clock))

    def _row(self, write_id: str, entity: EntityId, state: State, number: int, clock: FloorClock) -> Mapping[str, Any]:
        return {
            "entity_id": entity,
            "write_id": write_id,
            "seq": clock.seq,
            "state": state.value,
            "number": clock.asked if state is State.PASS else number,
            "worker_id": self._worker,
        }


async def _clock(statements: Statements) -> FloorClock:
    row = (await statements.rows("floor_clock", name=CLOCK))[0]
    return FloorClock(
        seq=int(row["seq"]), forgotten=int(row["forgotten"]), asked=int(row["asked"]), passed=int(row["passed"])
    )


def _floor(row: Row) -> Floor:
    return Floor(
        entity_id=EntityId(row["entity_id"]),
        write_id=row["write_id"],
        seq=int(row["seq"]),
        state=State(row["state"]),
        number=int(row["number"]),
        worker=row["worker_id"],
    )
