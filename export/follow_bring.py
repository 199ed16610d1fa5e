"""Brings entities for the follower: several at once, each by one at a time, and says what could not be brought.

Whatever is told about an entity, it is brought as a whole (`export.entity`): so one change that was seen makes up for
any of the same entity that was not.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.errors import BackendError
from backends.ledger.findings import AuditFinding, AuditFindings
from backends.ledger.revisions import PAGE_SIZE_MAX
from backends.ledger.wakes import MOVED, Wake, Wakes, now_ms
from backends.reads import Flights
from backends.store import Store
from backends.wiki.changes_shapes import RANGES_MAX, REVISIONS, merged
from export.changes import Changes
from export.entity import ROGUE_AGE_S, bring_entity
from export.outcome import ExportResult
from export.source import Source
from wikibase.ids import EntityId
from wikibase.revision import State

log = logging.getLogger(__name__)

ROGUE = "rogue"
"""The store has revisions that the wiki never had, as far as it says."""


@dataclass(slots=True)
class BringCounts:
    """How much was done: entities that were looked at, revisions that were written, entities that failed."""

    entities: int = 0
    changed: int = 0
    failed: int = 0


@dataclass(slots=True)
class Bringer:
    """Brings entities, at most `at_once` at the same time in the whole process."""

    source: Source
    changes: Changes
    store: Store
    findings: AuditFindings
    wakes: Wakes
    at_once: int = 4
    counts: BringCounts = field(default_factory=BringCounts)
    _flights: Flights[ExportResult] = field(default_factory=Flights)
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make as many turns as there may be."""
        self._turns = asyncio.Semaphore(self.at_once)

    async def bring(self, entity_ids: Iterable[EntityId]) -> Mapping[EntityId, BackendError]:
        """Bring entities to the wiki's present state; return those that could not be brought, and why."""
        wanted = list(dict.fromkeys(entity_ids))
        failed: dict[EntityId, BackendError] = {}

        async def one_by_one(waiting: list[EntityId]) -> None:
            while waiting:
                entity_id = waiting.pop()
                try:
                    await self._flights.ask(entity_id, lambda asked=entity_id: self._bring(asked))  # type: ignore[misc]
                except BackendError as error:
                    failed[entity_id] = error
                    self.counts.failed += 1
                    log.warning("%s could not be brought: %s", entity_id, error, extra={"action": "follow_failed"})

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.at_once, len(wanted))):
                group.create_task(one_by_one(wanted))
        return failed

    async def absent(self, rev_ids: Iterable[int]) -> set[int]:
        """Return those of these revisions that the store does not have."""
        wanted = sorted(set(rev_ids))
        known: set[int] = set()
        for start in range(0, len(wanted), PAGE_SIZE_MAX):
            known |= set(await self.store.index.entities_of(wanted[start : start + PAGE_SIZE_MAX]))
        return set(wanted) - known

    async def entities_of(self, rev_ids: Sequence[int]) -> set[EntityId]:
        """Return the entities that the store knows some of these revisions of."""
        found: set[EntityId] = set()
        for start in range(0, len(rev_ids), PAGE_SIZE_MAX):
            found |= set((await self.store.index.entities_of(rev_ids[start : start + PAGE_SIZE_MAX])).values())
        return found

    async def _bring(self, entity_id: EntityId) -> ExportResult:
        async with self._turns:
            result = await bring_entity(self.source, self.store, entity_id)
            if result.unknown:
                moved = await self._moved(entity_id)
                if moved:
                    # A history merge: what is another entity's now is taken out of this one's sight. What was made
                    # just now is left until it is old enough, so that no lagging wiki hides it: then again.
                    healed = await bring_entity(self.source, self.store, entity_id, heal=True)
                    if healed.unknown:
                        due_ms = now_ms() + int((ROGUE_AGE_S + 1) * 1000)
                        await self.wakes.put([Wake(entity_id=entity_id, kind=MOVED, due_ms=due_ms)])
                if result.unknown > moved:
                    detail = f"{result.unknown - moved} revisions of the store are none of the wiki's"
                    await self.findings.put([AuditFinding(entity_id=entity_id, kind=ROGUE, detail=detail)])
        self.counts.entities += 1
        self.counts.changed += result.changed
        return result

    async def _moved(self, entity_id: EntityId) -> int:
        """Return how many of the revisions that the store has of an entity are other entities' in the wiki now."""
        moved = 0
        after = (-1, -1)
        while page := await self.store.index.history(entity_id, after=after, size=RANGES_MAX):
            after = (page[-1].position, page[-1].rev_id)
            ranges = merged((one.rev_id, one.rev_id) for one in page if one.state is not State.ARCHIVED)
            for part in await self.changes.among(REVISIONS, ranges, since="", size=RANGES_MAX) if ranges else ():
                moved += sum(bool(one.entity_ids) and entity_id not in one.entity_ids for one in part.changes)
        return moved
