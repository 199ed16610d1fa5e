"""The index: which revisions an entity has, in which order, and which of them is its head.

One transaction holds everything that becomes visible together: revision rows, the head (compare-and-set on its
generation) and an outbox row (invariant 3). The order along an entity is `position`; the size of a revision id says
nothing (invariant 4). Lookups by other keys are written after the commit and can be written again at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import orjson

from backends.errors import ConflictError, NotFoundError
from backends.sql.base import Database, Row, Statements
from wikibase.ids import EntityId
from wikibase.revision import State

PAGE_SIZE_MAX = 1000
"""The most rows that one page of a history or of heads has."""


class Unseen(Enum):
    """The head is set whatever it was."""

    ANY = "any"


ANY: Final = Unseen.ANY
Expected = int | None | Unseen
"""The generation of the head that was seen; None: there was no head; ANY: not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An entity's newest revision as the index has it. `generation` is what compare-and-set compares."""

    entity_id: EntityId
    generation: int
    rev_id: int
    position: int
    timestamp: str
    state: State
    redirect_target: EntityId | None
    page_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A revision as the index has it. `overlay`: metadata that has changed since the snapshot was written."""

    entity_id: EntityId
    rev_id: int
    position: int
    parent_id: int
    timestamp: str
    state: State
    redirect_target: EntityId | None
    digest: str
    meta: str
    overlay: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadChange:
    """Which revision is to be the head, and which generation of the head that decision was based on."""

    rev_id: int
    page_id: int | None
    expected: Expected = ANY


class RevisionIndex:
    """The meaning of the tables revisions, heads, outbox, and of the lookups beside them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self, entity_id: EntityId) -> Head | None:
        """Return the head of an entity, None when the store does not have the entity."""
        rows = await self._database.rows("head", entity_id=entity_id)
        return _head(rows[0]) if rows else None

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, Head]:
        """Return the heads of those entities that the store has; at most 1000 ids."""
        if not entity_ids:
            return {}
        rows = await self._database.rows("heads_of_ids", entity_ids=list(entity_ids))
        return {head.entity_id: head for head in map(_head, rows)}

    async def heads(self, *, after: str = "", size: int = PAGE_SIZE_MAX) -> Sequence[Head]:
        """Return one page of all heads, in the order of the id's characters, beginning after an id."""
        return [_head(row) for row in await self._database.rows("heads", after=after, size=size)]

    async def entry(self, entity_id: EntityId, rev_id: int) -> Entry | None:
        """Return one revision's row."""
        rows = await self._database.rows("revision", entity_id=entity_id, rev_id=rev_id)
        return _entry(rows[0]) if rows else None

    async def entries(self, entity_id: EntityId, rev_ids: Sequence[int]) -> Mapping[int, Entry]:
        """Return the rows of those revisions that the entity has; at most 1000 ids."""
        return await _entries(self._database, entity_id, rev_ids)

    async def position(self, entity_id: EntityId, rev_id: int) -> int | None:
        """Return a revision's place along the entity, None when the store does not have it."""
        rows = await self._database.rows("revision_position", entity_id=entity_id, rev_id=rev_id)
        return int(rows[0]["position"]) if rows else None

    async def history(
        self, entity_id: EntityId, *, after: tuple[int, int] = (-1, -1), size: int = PAGE_SIZE_MAX
    ) -> Sequence[Entry]:
        """Return one page of a history, oldest first, beginning after (position, rev_id)."""
        rows = await self._database.rows(
            "history", entity_id=entity_id, after_position=after[0], after_rev_id=after[1], size=size
        )
        return [_entry(row) for row in rows]

    async def count(self, entity_id: EntityId) -> int:
        """Return how many revisions an entity has."""
        return int((await self._database.rows("revision_count", entity_id=entity_id))[0]["revisions"])

    async def totals(self) -> tuple[int, int]:
        """Return how many entities and how many revisions the store has; walks everything."""
        row = (await self._database.rows("totals"))[0]
        return int(row["entities"]), int(row["revisions"])

    async def entity_of(self, rev_id: int) -> EntityId | None:
        """Return the entity that a revision belongs to."""
        return _only_id(await self._database.rows("revision_entity", rev_id=rev_id))

    async def entity_of_page(self, page_id: int) -> EntityId | None:
        """Return the entity that was last seen on a page of the wiki."""
        return _only_id(await self._database.rows("page", page_id=page_id))

    async def redirects_to(
        self, entity_id: EntityId, *, after: str = "", size: int = PAGE_SIZE_MAX
    ) -> Sequence[EntityId]:
        """Return one page of the entities whose head redirects to this one now, beginning after an id."""
        found: list[EntityId] = []
        while len(found) < size:
            rows = await self._database.rows("redirects_to", redirect_target=entity_id, after=after, size=size)
            ids = [EntityId(row["entity_id"]) for row in rows]
            heads = await self.heads_of(ids)
            found += [one for one in ids if one in heads and heads[one].redirect_target == entity_id]
            if len(ids) < size:
                break
            after = ids[-1]
        return found[:size]

    async def record(
        self,
        entity_id: EntityId,
        entries: Sequence[Entry],
        change: HeadChange | None,
        *,
        kind: str,
        before_commit: Callable[[], None] = lambda: None,
    ) -> Head | None:
        """Write revision rows, head and outbox in one transaction; return the head afterwards.

        What is there already and equal is left alone, so repeating it changes nothing. Without `change` the head
        stays as it is. Raises ConflictError when the head is not the expected one any more or somebody wrote the
        same rows at the same time, NotFoundError when the head-to-be is not a revision of the entity.
        """
        async with self._database.transaction(entity_id) as inside:
            known = await _entries(inside, entity_id, [entry.rev_id for entry in entries])
            fresh = [entry for entry in entries if entry.rev_id not in known]
            changed = [entry for entry in entries if known.get(entry.rev_id, entry) != entry]
            if fresh:
                await inside.execute_many("revision_insert", [_entry_params(entry) for entry in fresh])
            if changed:
                await inside.execute_many("revision_update", [_entry_params(entry) for entry in changed])
            rows = await inside.rows("head", entity_id=entity_id)
            present = _head(rows[0]) if rows else None
            if change is not None:
                touched = bool(fresh or changed)
                present = await _set_head(inside, entity_id, present, change, kind=kind, touched=touched)
            before_commit()
            return present

    async def note(self, entity_id: EntityId, entries: Sequence[Entry], page_id: int | None) -> None:
        """Write the lookups of committed revisions. Can be repeated, and made up for later."""
        await self._database.execute_many(
            "revision_entity_put", [{"rev_id": entry.rev_id, "entity_id": entity_id} for entry in entries]
        )
        if page_id is not None:
            await self._database.execute("page_put", page_id=page_id, entity_id=entity_id)
        targets = sorted({entry.redirect_target for entry in entries if entry.redirect_target})
        if targets:
            await self._database.execute_many(
                "redirect_put", [{"redirect_target": target, "entity_id": entity_id} for target in targets]
            )


async def _set_head(
    inside: Statements, entity_id: EntityId, present: Head | None, change: HeadChange, *, kind: str, touched: bool
) -> Head:
    generation = present.generation if present else None
    if change.expected is not ANY and change.expected != generation:
        raise ConflictError(f"the head of {entity_id} is of generation {generation}, not {change.expected}")
    target = (await _entries(inside, entity_id, [change.rev_id])).get(change.rev_id)
    if target is None:
        raise NotFoundError(f"the head of {entity_id} is to be revision {change.rev_id}, which the store does not have")
    head = Head(
        entity_id=entity_id,
        generation=(generation or 0) + 1,
        rev_id=target.rev_id,
        position=target.position,
        timestamp=target.timestamp,
        state=target.state,
        redirect_target=target.redirect_target,
        page_id=change.page_id,
    )
    params = _head_params(head)
    if present is None:
        await inside.execute("head_insert", **params)
    elif not touched and params == _head_params(present) | {"generation": head.generation}:
        return present
    elif await inside.execute("head_update", **params, expected=generation) != 1:
        raise ConflictError(f"the head of {entity_id} was changed by somebody else")
    await inside.execute(
        "outbox_insert",
        entity_id=entity_id,
        generation=head.generation,
        kind=kind,
        rev_id=head.rev_id,
        made_at=head.timestamp,
    )
    return head


async def _entries(inside: Statements, entity_id: EntityId, rev_ids: Sequence[int]) -> dict[int, Entry]:
    if not rev_ids:
        return {}
    rows = await inside.rows("revisions_of_ids", entity_id=entity_id, rev_ids=list(rev_ids))
    return {entry.rev_id: entry for entry in map(_entry, rows)}


def _only_id(rows: Sequence[Row]) -> EntityId | None:
    return EntityId(rows[0]["entity_id"]) if rows else None


def _head(row: Row) -> Head:
    return Head(
        entity_id=EntityId(row["entity_id"]),
        generation=row["generation"],
        rev_id=row["rev_id"],
        position=row["position"],
        timestamp=row["made_at"],
        state=State(row["state"]),
        redirect_target=row["redirect_target"],
        page_id=row["page_id"],
    )


def _head_params(head: Head) -> dict[str, Any]:
    return {
        "entity_id": head.entity_id,
        "generation": head.generation,
        "rev_id": head.rev_id,
        "position": head.position,
        "made_at": head.timestamp,
        "state": str(head.state),
        "redirect_target": head.redirect_target,
        "page_id": head.page_id,
    }


def _entry(row: Row) -> Entry:
    return Entry(
        entity_id=EntityId(row["entity_id"]),
        rev_id=row["rev_id"],
        position=row["position"],
        parent_id=row["parent_id"],
        timestamp=row["made_at"],
        state=State(row["state"]),
        redirect_target=row["redirect_target"],
        digest=row["digest"],
        meta=row["meta"],
        overlay=orjson.loads(row["overlay"]) if row["overlay"] else None,
    )


def _entry_params(entry: Entry) -> dict[str, Any]:
    return {
        "entity_id": entry.entity_id,
        "rev_id": entry.rev_id,
        "position": entry.position,
        "parent_id": entry.parent_id,
        "made_at": entry.timestamp,
        "state": str(entry.state),
        "redirect_target": entry.redirect_target,
        "digest": entry.digest,
        "meta": entry.meta,
        "overlay": orjson.dumps(entry.overlay).decode() if entry.overlay else None,
    }
