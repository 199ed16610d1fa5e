"""Lookups: the second ways in, by revision id, by page, by redirect target. Repairable from the rest.

Each lies on a shard of its own key, so they are written after the commit; writers that come while a write of lookups
is under way wait for the next one and share it, so that many writers at once cost few commits. Where everything lies
on one shard an edit writes its lookups in its own transaction (`steps`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backends.errors import BackendError
from backends.ledger.revision_rows import Entry
from backends.sql.base import Database, Row, Step
from wikibase.ids import EntityId

BATCH_MAX = 1000
"""The most rows that one shared write holds (a single write that is larger goes alone)."""


@dataclass(slots=True)
class _Waiting:
    revisions: list[dict[str, object]]
    pages: list[dict[str, object]]
    redirects: list[dict[str, object]]
    written: bool = False
    error: BackendError | None = None

    def add(self, entity_id: EntityId, entries: Sequence[Entry], page_id: int | None) -> None:
        self.revisions += [{"rev_id": entry.rev_id, "entity_id": entity_id} for entry in entries]
        if page_id is not None:
            self.pages.append({"page_id": page_id, "entity_id": entity_id})
        targets = sorted({entry.redirect_target for entry in entries if entry.redirect_target})
        self.redirects += [{"redirect_target": target, "entity_id": entity_id} for target in targets]


_TABLES = (("revision_entity_put", "revisions"), ("page_put", "pages"), ("redirect_put", "redirects"))


class Lookups:
    """The tables revision_entities, pages and redirects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting] = []

    async def entity_of(self, rev_id: int) -> EntityId | None:
        """Return the entity that a revision belongs to."""
        return _only_id(await self._database.rows("revision_entity", rev_id=rev_id))

    async def entities_of(self, rev_ids: Sequence[int]) -> Mapping[int, EntityId]:
        """Return the entities that revisions belong to; at most 1000 ids."""
        if not rev_ids:
            return {}
        rows = await self._database.rows("revision_entities_of_ids", rev_ids=list(rev_ids))
        return {int(row["rev_id"]): EntityId(row["entity_id"]) for row in rows}

    async def entity_of_page(self, page_id: int) -> EntityId | None:
        """Return the entity that was last seen on a page of the wiki."""
        return _only_id(await self._database.rows("page", page_id=page_id))

    async def redirects(self, target: EntityId, *, after: str, size: int) -> Sequence[EntityId]:
        """Return one page of the entities that redirected to this one at some time, beginning after an id."""
        rows = await self._database.rows("redirects_to", redirect_target=target, after=after, size=size)
        return [EntityId(row["entity_id"]) for row in rows]

    async def has_redirect(self, target: EntityId, entity_id: EntityId) -> bool:
        """Return whether it is known that an entity redirected to this one at some time."""
        return bool(await self._database.rows("redirect", redirect_target=target, entity_id=entity_id))

    async def note(self, entity_id: EntityId, entries: Sequence[Entry], page_id: int | None) -> None:
        """Write the lookups of committed revisions. Can be repeated, and made up for later."""
        await self.note_many([(entity_id, entries, page_id)])

    def steps(self, entry: Entry, page_id: int | None) -> Sequence[Step]:
        """Return the steps that write the lookups of one revision."""
        own = _Waiting([], [], [])
        own.add(entry.entity_id, [entry], page_id)
        return [Step(name, row) for name, field in _TABLES for row in getattr(own, field)]

    async def note_many(self, notes: Sequence[tuple[EntityId, Sequence[Entry], int | None]]) -> None:
        """Write the lookups of several entities' committed revisions."""
        own = _Waiting([], [], [])
        for entity_id, entries, page_id in notes:
            own.add(entity_id, entries, page_id)
        self._waiting.append(own)
        try:
            async with self._turn:
                while not own.written and own.error is None:
                    await self._write_waiting()
        finally:
            self._waiting = [one for one in self._waiting if one is not own]
        if own.error is not None:
            raise own.error

    async def _write_waiting(self) -> None:
        """Write what waits, in the order of its coming; tell each of them how it went."""
        batch: list[_Waiting] = []
        while self._waiting and sum(len(one.revisions) for one in batch) < BATCH_MAX:
            batch.append(self._waiting.pop(0))
        try:
            for name, field in _TABLES:
                rows = [row for one in batch for row in getattr(one, field)]
                if len(rows) == 1:
                    await self._database.execute(name, **rows[0])  # a transaction by itself: fewer round trips
                elif rows:
                    await self._database.execute_many(name, rows)
        except BackendError as error:
            for one in batch:
                one.error = error
        except BaseException:
            # Only this caller is ending: the others' rows go with whoever has the next turn.
            self._waiting[:0] = batch
            raise
        else:
            for one in batch:
                one.written = True


def _only_id(rows: Sequence[Row]) -> EntityId | None:
    return EntityId(rows[0]["entity_id"]) if rows else None
