"""How both sides answered reads, minute by minute, from all workers. In the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from backends.sql.base import Database
from rules.gates_measures import SideCounts, added_up, counts_of

PAGE_SIZE = 500
WIKI, STORE = "wiki", "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideMeasures:
    """The counts of both sides since a minute."""

    wiki: SideCounts
    store: SideCounts


class Measures:
    """The measures of a ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, minute: int, worker: str, sides: Mapping[str, SideCounts]) -> None:
        """Keep what a worker counted in a minute (since 1970) that is over. Raises ConflictError when it did before."""
        rows = [
            {
                "minute": minute,
                "side": side,
                "worker_id": worker,
                "requests": counts.requests,
                "errors": counts.errors,
                "buckets": orjson.dumps({f"{bound:g}": count for bound, count in counts.buckets.items()}).decode(),
            }
            for side, counts in sides.items()
            if counts.requests
        ]
        if rows:
            await self._database.execute_many("side_measure_insert", rows)

    async def since(self, minute: int) -> SideMeasures:
        """Return what all workers counted since a minute."""
        found: dict[str, list[SideCounts]] = {WIKI: [], STORE: []}
        at, side, worker = minute, "", ""
        while rows := await self._database.rows(
            "side_measures_since", minute=at, side=side, worker_id=worker, size=PAGE_SIZE
        ):
            for row in rows:
                counts = counts_of(row["requests"], row["errors"], orjson.loads(row["buckets"]))
                found.setdefault(row["side"], []).append(counts)
            at, side, worker = int(rows[-1]["minute"]), rows[-1]["side"], rows[-1]["worker_id"]
        return SideMeasures(wiki=added_up(found[WIKI]), store=added_up(found[STORE]))

    async def forget_before(self, minute: int) -> None:
        """Forget what is older."""
        await self._database.execute("side_measures_forget", minute=minute)
