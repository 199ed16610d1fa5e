"""The fence before reads: what the store may answer, given what clients were told of (invariant 6).

Each look at the floors begins after the read came, so it sees every floor that was durable by then; reads that wait at
the same time share one look. Whatever is not known for certain is the wiki's to answer. Entities that the store does
not have are never fenced: the wiki answers for them anyway.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from backends.errors import BackendError
from backends.ledger.floors import Changes, Floors
from backends.reads import Flights
from rules.fence import EVERYTHING, Floor, State, is_met
from rules.routes.route import EntityRead, Surface
from wikibase.ids import EntityId, page_entity

_log = logging.getLogger(__name__)
_CHECKED_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceLimits:
    """Times in seconds. `without_ledger`: what becomes of an edit that cannot be announced: "refuse" or "pass"."""

    look_timeout_s: float = 0.5  # for one look at the floors, else the wiki answers
    announce_timeout_s: float = 2.0  # for a floor to be durable before an edit is sent
    settle_wait_s: float = 0.25  # that an answer waits for what it told to be durable, where that only saves time
    release_timeout_s: float = 5.0  # that an answer waits where it may not be given before
    answer_bytes_max: int = 16_777_216  # of an answer to an edit, above which it is not read
    owed_max: int = 10_000  # edits whose end could not be written down yet
    upkeep_s: float = 2.0  # between two rounds of upkeep
    without_ledger: str = "refuse"


class ReadFence:
    """The floors as one worker knows them (`proxy.answering.ReadFence`)."""

    def __init__(
        self,
        floors: Floors,
        *,
        worker: str,
        has: Callable[[EntityId, int], Awaitable[bool]],
        redirect_of: Callable[[EntityId], Awaitable[EntityId | None]],
        has_lease: Callable[[], bool],
        limits: FenceLimits,
    ) -> None:
        """`has`: whether the store has a revision. `redirect_of`: where an entity leads to in the store."""
        self._floors = floors
        self._worker = worker
        self._has = has
        self._redirect_of = redirect_of
        self._has_lease = has_lease
        self._limits = limits
        self._flights: Flights[None] = Flights()
        self._by_entity: dict[EntityId, dict[str, Floor]] = {}
        self._met: dict[tuple[EntityId, str], Floor] = {}
        self._last = -1
        self._passed = 0
        self._version: int | None = None
        self.looks = 0

    async def clears(self, read: EntityRead) -> bool:
        """Tell whether the store has everything that a client may expect of these entities."""
        try:
            async with asyncio.timeout(self._limits.look_timeout_s):
                await self._look()
                clear = await self._is_clear(read)
        except (BackendError, TimeoutError) as error:
            _log.warning(
                "the floors are not known: %s", str(error) or "no answer in time", extra={"action": "fence_blind"}
            )
            return False
        return clear and self._has_lease()

    @property
    def held(self) -> int:
        """Return how many floors hold the store back, as far as known."""
        return sum(len(floors) for floors in self._by_entity.values())

    async def upkeep(self, alive: Iterable[str], is_open: Callable[[str], bool]) -> None:
        """Forget floors that are met, and take over edits of workers that are gone. Raises backends.errors.

        `is_open`: whether an edit of this worker's is under way; what is open without that was not taken back.
        """
        await self._look()
        waiting = [floor for floors in self._by_entity.values() for floor in floors.values()]
        for floor in waiting[:_CHECKED_AT_ONCE]:
            await self._is_met(floor)
        names = frozenset(alive)
        orphans = [
            floor
            for floor in waiting
            if floor.state is State.OPEN
            and (floor.worker not in names or (floor.worker == self._worker and not is_open(floor.write_id)))
        ]
        if orphans:
            await self._floors.adopt(orphans)
        met = list(self._met.values())[:_CHECKED_AT_ONCE]
        await self._floors.remove(met)
        for floor in met:
            if self._met.get((floor.entity_id, floor.write_id)) == floor:
                del self._met[floor.entity_id, floor.write_id]

    async def _look(self) -> None:
        version = self._floors.version()
        if version is None or version != self._version:
            await self._flights.ask("floors", self._refresh)

    async def _refresh(self) -> None:
        self.looks += 1
        version = self._floors.version()
        self._take(await self._floors.changes(self._last))
        self._version = version

    def _take(self, changes: Changes) -> None:
        if changes.whole:
            self._by_entity.clear()
            self._met.clear()
        for floor in changes.floors:
            key = (floor.entity_id, floor.write_id)
            self._met.pop(key, None)
            if floor.state is State.DONE:
                self._drop(floor)
            else:
                self._by_entity.setdefault(floor.entity_id, {})[floor.write_id] = floor
        self._last = max([changes.clock.seq, *(floor.seq for floor in changes.floors)])
        self._passed = max(self._passed, changes.clock.passed)

    async def _is_clear(self, read: EntityRead) -> bool:
        if not self._by_entity:
            return True
        if not await self._all_met([EVERYTHING]):
            return False
        if not _is_known(read):
            return await self._all_met(list(self._by_entity))
        pages = [page_entity(entity) for entity in read.entities]
        if not await self._all_met(pages):
            return False
        if not self._by_entity or not read.projection.follow_redirects:
            return True
        targets = [target for page in pages if (target := await self._redirect_of(page)) is not None]
        return await self._all_met(targets)

    async def _all_met(self, entities: Sequence[EntityId]) -> bool:
        for entity in entities:
            for floor in list(self._by_entity.get(entity, {}).values()):
                if not await self._is_met(floor):
                    return False
        return True

    async def _is_met(self, floor: Floor) -> bool:
        has = floor.state is State.REVISION and await self._has(floor.entity_id, floor.number)
        if not is_met(floor, passed=self._passed, has=has):
            return False
        if self._by_entity.get(floor.entity_id, {}).get(floor.write_id) == floor:
            self._drop(floor)
        return True

    def _drop(self, floor: Floor) -> None:
        """Hold nothing back for it any more; upkeep removes it from the ledger."""
        floors = self._by_entity.get(floor.entity_id, {})
        floors.pop(floor.write_id, None)
        if not floors:
            self._by_entity.pop(floor.entity_id, None)
        self._met[floor.entity_id, floor.write_id] = floor


def _is_known(read: EntityRead) -> bool:
    """Tell whether `entities` are all that the answer is made of, redirects aside."""
    if not read.entities or read.by_title:
        return False
    return read.surface is not Surface.REVISIONS or read.values_asked <= len(read.entities)
