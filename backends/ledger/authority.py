"""Who may write: an epoch that every write confirms inside its own transaction (invariant 7).

The epoch is kept once per lane (see the schema), so that the transaction stays on the entity's shard. Claiming the
next epoch takes the first lane by compare-and-set, which one claimant wins, then raises the others. A write holds
its lane's row until it ends: when a claim returns, no write of an older epoch can be committed any more.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from backends.errors import ConflictError, RefusedError
from backends.sql.base import Database, Row, Statements, Step, carry_out
from wikibase.ids import EntityId

LANES = tuple(bytes([number]) for number in range(256))


class StaleEpochError(RefusedError):
    """The writer's epoch is not the present one: somebody else may write by now, or nobody confirmed it yet."""


def lane(entity_id: EntityId) -> bytes:
    """Return the lane of an entity: the first byte of the MD5 of its id."""
    return hashlib.md5(entity_id.encode(), usedforsecurity=False).digest()[:1]


def confirmation(entity_id: EntityId, epoch: int) -> Step:
    """Return the step that makes sure, until its transaction ends, that an epoch is the present one.

    It raises StaleEpochError. Comes first in its transaction: who waits here holds nothing that others wait for.
    """

    def check(rows: Sequence[Row]) -> None:
        present = int(rows[0]["epoch"]) if rows else 0
        if present != epoch:
            raise StaleEpochError(f"{entity_id}: written in epoch {epoch}, but the present one is {present}")

    return Step("authority_held", {"lane": lane(entity_id)}, check, is_query=True)


async def confirm(inside: Statements, entity_id: EntityId, epoch: int) -> None:
    """Take the step of `confirmation` inside a transaction. Raises StaleEpochError."""
    await carry_out(inside, [confirmation(entity_id, epoch)])


class Authority:
    """The epochs of an index. Epoch 0: nobody ever claimed to write."""

    def __init__(self, database: Database, *, lanes_at_once: int = 8) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(lanes_at_once)

    async def epoch(self) -> int:
        """Return the newest epoch that was claimed, be its claim finished or not."""
        return (await self._lanes()).get(LANES[0], 0)

    async def claim(self, seen: int) -> int:
        """End the epoch that was seen and return the next one, which the caller alone was given.

        Raises ConflictError when somebody else claimed it first. A claim that died before it returned may be ended
        with `finish`, or by claiming the next one.
        """
        taken = seen + 1
        if seen == 0 and LANES[0] not in await self._lanes():
            await self._database.execute("authority_insert", lane=LANES[0], epoch=taken)
        elif await self._database.execute("authority_take", lane=LANES[0], seen=seen, epoch=taken) != 1:
            raise ConflictError(f"epoch {seen} has been ended by somebody else")
        await self.finish(taken)
        return taken

    async def finish(self, epoch: int) -> None:
        """Bring every lane to a claimed epoch. Repeating it is harmless. Raises StaleEpochError, if it was ended."""
        lanes = await self._lanes()
        async with asyncio.TaskGroup() as group:
            for one in LANES:
                if lanes.get(one, -1) < epoch:
                    group.create_task(self._raise(one, epoch, known=one in lanes))
        if (present := await self.epoch()) != epoch:
            raise StaleEpochError(f"epoch {epoch} cannot be finished, the present one is {present}")

    async def _raise(self, one: bytes, epoch: int, *, known: bool) -> None:
        async with self._turns:
            if not known:
                try:
                    await self._database.execute("authority_insert", lane=one, epoch=epoch)
                except ConflictError:
                    pass  # somebody else is at it too: raise what is there
                else:
                    return
            await self._database.execute("authority_raise", lane=one, epoch=epoch)

    async def _lanes(self) -> Mapping[bytes, int]:
        rows = await self._database.rows("authority_lanes", first=b"", size=len(LANES))
        return {bytes(row["lane"]): int(row["epoch"]) for row in rows}
