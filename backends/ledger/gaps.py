"""How far the streams of the wiki's ids were read, and which ids below that were never seen. Unsharded, in the ledger.

A mark moves on together with the gaps that it leaves behind and with the wakes that it causes, or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backends.ledger.wakes import Wake, wake_params
from backends.sql.base import Database

PAGE_SIZE = 500
SHARD = "follower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Up to which id a stream was read; `seen_at`: the wiki's time just before the row of that id was read."""

    number: int
    seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Ids from `low` to `high`, both included, that were not seen when ids above them were.

    `noticed_ms`: when, by our clock; `noticed_at`: by the wiki's. `due_ms`: when they are looked for again;
    `looks`: how often they were.
    """

    low: int
    high: int
    noticed_ms: int
    noticed_at: str
    due_ms: int
    looks: int = 0


class Gaps:
    """Marks and gaps by stream."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self, stream: str) -> Mark | None:
        """Return up to where a stream was read, None when it never was."""
        rows = await self._database.rows("follower_mark", stream=stream)
        return Mark(number=rows[0]["mark"], seen_at=rows[0]["seen_at"]) if rows else None

    async def all(self, stream: str) -> list[Gap]:
        """Return all gaps of a stream, lowest first."""
        found: list[Gap] = []
        after = -1
        while rows := await self._database.rows("follower_gaps", stream=stream, after=after, size=PAGE_SIZE):
            found += [Gap(**row) for row in rows]
            after = found[-1].low
        return found

    async def change(
        self,
        stream: str,
        *,
        mark: Mark | None = None,
        closed: Sequence[Gap] = (),
        opened: Sequence[Gap] = (),
        wakes: Sequence[Wake] = (),
    ) -> None:
        """Write all of it in one transaction: durable on return, or nothing of it was written."""
        async with self._database.transaction(SHARD) as inside:
            for gap in closed:
                await inside.execute("follower_gap_delete", stream=stream, low=gap.low)
            if opened:
                await inside.execute_many("follower_gap_put", [_gap_params(stream, gap) for gap in opened])
            if wakes:
                await inside.execute_many("wake_put", [wake_params(wake) for wake in wakes])
            if mark is not None:
                await inside.execute("follower_mark_put", stream=stream, mark=mark.number, seen_at=mark.seen_at)


def _gap_params(stream: str, gap: Gap) -> Mapping[str, object]:
    return {"stream": stream, **{name: getattr(gap, name) for name in Gap.__slots__}}
