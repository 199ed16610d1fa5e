"""New ids: reserved in blocks by compare-and-set, given out one by one.

Revisions of the store lie from 2^40, where the wiki never gets, up to what JavaScript can hold, and grow along each
entity (invariant 4): an id is asked for with the one it must exceed, and a block that is older is discarded.
What is reserved and not used is never given out again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from backends.errors import ConflictError, RefusedError, UnavailableError
from backends.ledger.keys import WriteKey
from backends.sql.base import Database
from wikibase.ids import INT32_MAX, EntityId

FIRST_STORE_REVISION = 2**40
"""The first id of revisions that the store makes itself; every id of the wiki is below it."""

LAST_STORE_REVISION = 2**53 - 1
"""The last id that JavaScript holds exactly."""

TRIES_MAX = 100
"""How often a block is asked for again after somebody else was first."""


def is_store_made(rev_id: int) -> bool:
    """Return whether a revision was made by the store, not by the wiki."""
    return rev_id >= FIRST_STORE_REVISION


@dataclass(frozen=True, slots=True)
class IdKind:
    """A row of ids: its name, and the range from which it is given out."""

    name: str
    first: int
    last: int


REVISIONS = IdKind("revision", FIRST_STORE_REVISION, LAST_STORE_REVISION)
ENTITIES = {letter: IdKind(f"entity {letter}", 1, INT32_MAX) for letter in "QPL"}
"""Ids of new entities; before the first one is given out, `at_least` must have told the wiki's highest."""


class Ids:
    """Gives out ids of one kind. Several processes may share the row; one object is one process's share of it."""

    def __init__(self, database: Database, kind: IdKind = REVISIONS, *, block: int = 64) -> None:
        if block < 1:
            raise ValueError(f"a block has at least one id, not {block}")
        self._database = database
        self._kind = kind
        self._block = block
        self._next = self._end = 0
        self._reserving = asyncio.Lock()

    async def take(self, *, above: int = 0) -> int:
        """Return an id that nobody was given, higher than `above`. Raises RefusedError: none are left."""
        async with self._reserving:
            if self._next <= above:
                self._next = self._end  # an older block: somebody with a newer one has written since
            if self._next >= self._end:
                self._next = await self._reserve(self._block, above)
                self._end = self._next + self._block
            self._next += 1
            return self._next - 1

    async def allocate(self, count: int, *, above: int = 0) -> range:
        """Return so many ids in a row that nobody was given. Raises RefusedError: none are left."""
        if count < 1:
            raise ValueError(f"at least one id can be asked for, not {count}")
        first = await self._reserve(count, above)
        return range(first, first + count)

    async def at_least(self, next_id: int) -> None:
        """Make sure that no id below this one is given out from now on (by blocks reserved from now on)."""
        for _ in range(TRIES_MAX):
            seen = await self._seen()
            if seen is not None and seen >= next_id:
                return
            if await self._moved(seen, next_id):
                return
        raise UnavailableError(f"ids of {self._kind.name}: others were first {TRIES_MAX} times")

    async def _reserve(self, count: int, above: int) -> int:
        kind = self._kind
        for _ in range(TRIES_MAX):
            seen = await self._seen()
            first = max(kind.first, above + 1, seen or 0)
            if first + count - 1 > kind.last:
                raise RefusedError(f"ids of {kind.name}: none are left up to {kind.last} (asked: {count} from {first})")
            if await self._moved(seen, first + count):
                return first
        raise UnavailableError(f"ids of {kind.name}: others were first {TRIES_MAX} times")

    async def _seen(self) -> int | None:
        rows = await self._database.rows("ids_next", name=self._kind.name)
        return int(rows[0]["next_id"]) if rows else None

    async def _moved(self, seen: int | None, next_id: int) -> bool:
        name = self._kind.name
        try:
            if seen is None:
                return await self._database.execute("ids_insert", name=name, next_id=next_id) == 1
            return await self._database.execute("ids_take", name=name, seen=seen, next_id=next_id) == 1
        except ConflictError:
            return False


@dataclass(frozen=True, slots=True)
class Allotment:
    """The entity and the revision that a key was given."""

    entity_id: EntityId
    rev_id: int


class Allotments:
    """Which new entity belongs to a write key, settled before anything of it is written (invariant 5)."""

    def __init__(self, database: Database, *, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    async def find(self, key: WriteKey) -> Allotment | None:
        """Return what the key was given, if anything. Raises KeyReusedError."""
        rows = await self._database.rows("allotment", write_key=key.key)
        if not rows:
            return None
        key.same(rows[0]["request"], "a new entity")
        return Allotment(EntityId(rows[0]["entity_id"]), int(rows[0]["rev_id"]))

    async def settle(self, key: WriteKey, offered: Allotment) -> Allotment:
        """Give the key what is offered, or return what it was given before. Raises KeyReusedError."""
        if found := await self.find(key):
            return found
        try:
            await self._database.execute(
                "allotment_insert",
                write_key=key.key,
                request=key.request,
                entity_id=offered.entity_id,
                rev_id=offered.rev_id,
                made_at_ms=self._now_ms(),
            )
        except ConflictError:
            found = await self.find(key)
            if found is None:
                raise
            return found
        return offered
