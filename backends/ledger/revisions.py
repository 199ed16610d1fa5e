"""The index: which revisions an entity has, in which order, and which of them is its head.

One transaction holds everything that becomes visible together: revision rows, the head (compare-and-set on its
generation), an outbox row, and what the writer must prove: its epoch and its key (invariants 3, 5, 7). The order
along an entity is `position`; the size of a revision id says nothing (invariant 4). Every change of anything about an
entity's revisions raises its head's generation, so that who has seen a generation has seen all of it. Lookups by
other keys are written after the commit (with it, where all lies on one shard) and can be written again at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from backends.errors import ConflictError, NotFoundError
from backends.gathering import Gathering
from backends.ledger.authority import confirm, confirmation
from backends.ledger.keys import FirstResult, WriteKey, first_result, memory, remember
from backends.ledger.lookups import Lookups
from backends.ledger.revision_rows import (
    ANY,
    Entry,
    Expected,
    Head,
    HeadChange,
    Purge,
    Unseen,
    entry_of,
    entry_params,
    head_of,
    head_params,
)
from backends.sql.base import Database, Statements, Step, carry_out
from wikibase.ids import EntityId

__all__ = ["ANY", "PAGE_SIZE_MAX", "Conditions", "Entry", "Expected", "Head", "HeadChange", "RevisionIndex", "Unseen"]

PAGE_SIZE_MAX = 1000
"""The most rows that one page of a history or of heads has."""

PURGED = "purged"
"""Key in the overlay of a revision whose content was destroyed by order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a write proves in its own transaction. `epoch` None: the wiki decides, nobody's right is asked for."""

    epoch: int | None = None
    key: WriteKey | None = None
    now_ms: int = 0


NO_CONDITIONS = Conditions()


class RevisionIndex:
    """The meaning of the tables revisions, heads, outbox, purges, and of the lookups beside them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookups = Lookups(database)
        self.note = self._lookups.note
        self.note_many = self._lookups.note_many
        self.entity_of = self._lookups.entity_of
        self.entities_of = self._lookups.entities_of
        self.entity_of_page = self._lookups.entity_of_page
        self.has_redirect = self._lookups.has_redirect
        self.version = database.version
        self._heads: Gathering[EntityId, Head] = Gathering(self.heads_of)
        self._head_entries: Gathering[EntityId, Entry] = Gathering(self.head_entries_of)
        self.appends_note = database.single_shard
        """Whether `append` has written the lookups too when it returns."""

    async def head(self, entity_id: EntityId) -> Head | None:
        """Return the head of an entity, None when the store does not have the entity."""
        return await self._heads.get(entity_id)

    async def head_entry(self, entity_id: EntityId) -> Entry | None:
        """Return the row of an entity's head, None when the store does not have the entity."""
        return await self._head_entries.get(entity_id)

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, Head]:
        """Return the heads of those entities that the store has; at most 1000 ids."""
        if not entity_ids:
            return {}
        rows = await self._database.rows("heads_of_ids", entity_ids=list(entity_ids))
        return {head.entity_id: head for head in map(head_of, rows)}

    async def head_entries_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, Entry]:
        """Return the rows of the heads of those entities that the store has; at most 1000 ids."""
        if not entity_ids:
            return {}
        rows = await self._database.rows("head_revisions_of_ids", entity_ids=list(entity_ids))
        return {entry.entity_id: entry for entry in map(entry_of, rows)}

    async def heads(self, *, after: str = "", size: int = PAGE_SIZE_MAX) -> Sequence[Head]:
        """Return one page of all heads, in the order of the id's characters, beginning after an id."""
        return [head_of(row) for row in await self._database.rows("heads", after=after, size=size)]

    async def entity_ids(self, *, after: str = "", size: int = PAGE_SIZE_MAX) -> Sequence[EntityId]:
        """Return one page of all entities that have a revision, be it without a head, beginning after an id."""
        rows = await self._database.rows("entities", after=after, size=size)
        return [EntityId(row["entity_id"]) for row in rows]

    async def entry(self, entity_id: EntityId, rev_id: int) -> Entry | None:
        """Return one revision's row."""
        rows = await self._database.rows("revision", entity_id=entity_id, rev_id=rev_id)
        return entry_of(rows[0]) if rows else None

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
        return [entry_of(row) for row in rows]

    async def history_back(
        self, entity_id: EntityId, *, before: tuple[int, int] = (2**62, 0), size: int = PAGE_SIZE_MAX
    ) -> Sequence[Entry]:
        """Return one page of a history, newest first, beginning before (position, rev_id)."""
        rows = await self._database.rows(
            "history_back", entity_id=entity_id, before_position=before[0], before_rev_id=before[1], size=size
        )
        return [entry_of(row) for row in rows]

    async def count(self, entity_id: EntityId) -> int:
        """Return how many revisions an entity has."""
        return int((await self._database.rows("revision_count", entity_id=entity_id))[0]["revisions"])

    async def totals(self) -> tuple[int, int]:
        """Return how many entities and how many revisions the store has; walks everything."""
        row = (await self._database.rows("totals"))[0]
        return int(row["entities"]), int(row["revisions"])

    async def first_result(self, entity_id: EntityId, key: WriteKey) -> FirstResult | None:
        """Return what came of a key on an entity, None when it was never committed. Raises KeyReusedError."""
        return await first_result(self._database, entity_id, key)

    async def purges(self, entity_id: EntityId) -> Sequence[Purge]:
        """Return the orders to destroy a content of an entity, done or not."""
        return [Purge(**row) for row in await self._database.rows("purges_of_entity", entity_id=entity_id)]

    async def purges_to_do(self, *, after: str = "", size: int = PAGE_SIZE_MAX) -> Sequence[Purge]:
        """Return one page of the orders whose objects are not gone yet, beginning after an entity's id."""
        return [Purge(**row) for row in await self._database.rows("purges_to_do", after=after, size=size)]

    async def journaled(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, int]:
        """Return up to which generation the journal has those entities, where it has them; at most 1000 ids."""
        if not entity_ids:
            return {}
        rows = await self._database.rows("journaled_of_ids", entity_ids=list(entity_ids))
        return {EntityId(row["entity_id"]): int(row["generation"]) for row in rows}

    async def set_journaled(self, generations: Mapping[EntityId, int]) -> None:
        """Say that the journal has those entities up to those generations. A lower one changes nothing."""
        rows = [{"entity_id": entity_id, "generation": one} for entity_id, one in generations.items()]
        await self._database.execute_many("journaled_put", rows)

    async def announced(self, entity_id: EntityId, *, after: int, size: int) -> Sequence[tuple[int, str, int]]:
        """Return (generation, kind, rev_id) of the changes of an entity that still stand in the outbox."""
        rows = await self._database.rows("outbox_of_entity", entity_id=entity_id, after_generation=after, size=size)
        return [(int(row["generation"]), str(row["kind"]), int(row["rev_id"])) for row in rows]

    async def purge_done(self, purge: Purge, done_at: str) -> None:
        """Say that the object of an order is gone. Repeating it keeps the first time."""
        await self._database.execute(
            "purge_done", entity_id=purge.entity_id, rev_id=purge.rev_id, digest=purge.digest, done_at=done_at
        )

    async def redirects_to(
        self, entity_id: EntityId, *, after: str = "", size: int = PAGE_SIZE_MAX
    ) -> Sequence[EntityId]:
        """Return one page of the entities whose head redirects to this one now, beginning after an id."""
        found: list[EntityId] = []
        while len(found) < size:
            ids = await self._lookups.redirects(entity_id, after=after, size=size)
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
        conditions: Conditions = NO_CONDITIONS,
        purges: Sequence[Purge] = (),
        before_commit: Callable[[], None] = lambda: None,
    ) -> Head | None:
        """Write revision rows, head and outbox in one transaction; return the head afterwards.

        What is there already and equal is left alone, so repeating it changes nothing. Without `change` the head
        stays as it is. Raises ConflictError when the head is not the expected one any more or somebody wrote the
        same rows or the same key at the same time, NotFoundError when the head-to-be is not a revision of the
        entity, StaleEpochError.
        """
        async with self._database.transaction(entity_id) as inside:
            if conditions.epoch is not None:
                await confirm(inside, entity_id, conditions.epoch)
            known = await _entries(inside, entity_id, [entry.rev_id for entry in entries])
            entries = [_unless_purged(entry, known.get(entry.rev_id)) for entry in entries]
            fresh = [entry for entry in entries if entry.rev_id not in known]
            changed = [entry for entry in entries if known.get(entry.rev_id, entry) != entry]
            if fresh:
                await inside.execute_many("revision_insert", [entry_params(entry) for entry in fresh])
            if changed:
                await inside.execute_many("revision_update", [entry_params(entry) for entry in changed])
            for purge in purges:
                await inside.execute("purge_put", **_purge_params(purge))
            head = await _present(inside, entity_id)
            if change is not None:
                told = {entry.rev_id: entry for entry in entries}
                touched = bool(fresh or changed)
                head = await _set_head(inside, entity_id, head, change, told=told, kind=kind, touched=touched)
                if conditions.key is not None:
                    result = FirstResult(head.generation, head.rev_id)
                    await remember(inside, entity_id, conditions.key, result, conditions.now_ms)
            before_commit()
            return head

    async def append(
        self,
        entry: Entry,
        change: HeadChange,
        *,
        seen: Head | None,
        conditions: Conditions = NO_CONDITIONS,
        before_commit: Callable[[], None] = lambda: None,
    ) -> Head:
        """Write one new revision on top of the head that was seen: what `record` does, in one go.

        Where all lies on one shard the lookups are written with it (`appends_note`). Raises ConflictError when the
        head or the revision is somebody else's by now, StaleEpochError.
        """
        entity_id = entry.entity_id
        head = _head_after(seen, entry, change)
        steps: list[Step] = []
        if conditions.epoch is not None:
            steps.append(confirmation(entity_id, conditions.epoch))
        # The head before what is new: whoever changes the same entity waits here, holding nothing yet.
        steps += [_head_step(seen, head), Step("revision_insert", entry_params(entry)), _announcement(head, "edit")]
        if conditions.key is not None:
            result = FirstResult(head.generation, head.rev_id)
            steps += memory(entity_id, conditions.key, result, conditions.now_ms)
        if self.appends_note:
            page_is_known = seen is not None and seen.page_id == change.page_id
            steps += self._lookups.steps(entry, None if page_is_known else change.page_id)
        await self._database.together(entity_id, steps, before_commit=before_commit)
        return head

    async def restore(
        self,
        head: Head | None,
        entity_id: EntityId,
        entries: Sequence[Entry],
        purges: Sequence[Purge],
        *,
        with_head: bool = True,
    ) -> None:
        """Write rows as they once were, the head's generation with them: for a rebuilt index only, which tells nobody.

        A head of a lower generation than the present one changes no row that is there. A history in pieces has its
        head with the last.
        """
        async with self._database.transaction(entity_id) as inside:
            known = await _entries(inside, entity_id, [entry.rev_id for entry in entries])
            present = await _present(inside, entity_id)
            newer = head is not None and (present is None or head.generation >= present.generation)
            fresh = [entry for entry in entries if entry.rev_id not in known]
            changed = [entry for entry in entries if newer and known.get(entry.rev_id, entry) != entry]
            await inside.execute_many("revision_insert", [entry_params(entry) for entry in fresh])
            await inside.execute_many("revision_update", [entry_params(entry) for entry in changed])
            for purge in purges:
                await inside.execute("purge_put", **_purge_params(purge))
            if head is not None and newer and with_head and head != present:
                await _write_head(inside, present, head)


def _unless_purged(entry: Entry, known: Entry | None) -> Entry:
    """Return the row to write: a content that was destroyed by order does not come back, whoever tells it."""
    if known is None or not (known.overlay or {}).get(PURGED) or (entry.overlay or {}).get(PURGED):
        return entry
    return replace(known, position=entry.position)


async def _set_head(
    inside: Statements,
    entity_id: EntityId,
    present: Head | None,
    change: HeadChange,
    *,
    told: Mapping[int, Entry],
    kind: str,
    touched: bool,
) -> Head:
    generation = present.generation if present else None
    if change.expected is not ANY and change.expected != generation:
        raise ConflictError(f"the head of {entity_id} is of generation {generation}, not {change.expected}")
    target = told.get(change.rev_id) or (await _entries(inside, entity_id, [change.rev_id])).get(change.rev_id)
    if target is None:
        raise NotFoundError(f"the head of {entity_id} is to be revision {change.rev_id}, which the store does not have")
    head = _head_after(present, target, change)
    if present is not None and not touched and head == replace(present, generation=head.generation):
        return present
    await _write_head(inside, present, head)
    await _announce(inside, head, kind)
    return head


def _head_after(present: Head | None, target: Entry, change: HeadChange) -> Head:
    return Head(
        entity_id=target.entity_id,
        generation=(present.generation if present else 0) + 1,
        rev_id=target.rev_id,
        position=target.position,
        timestamp=target.timestamp,
        state=target.state,
        redirect_target=target.redirect_target,
        page_id=change.page_id,
    )


def _head_step(seen: Head | None, head: Head) -> Step:
    """Return the compare-and-set of a head. Raises ConflictError."""
    if seen is None:
        return Step("head_insert", head_params(head))

    def check(changed: int) -> None:
        if changed != 1:
            raise ConflictError(f"the head of {head.entity_id} was changed by somebody else")

    return Step("head_update", {**head_params(head), "expected": seen.generation}, check)


async def _write_head(inside: Statements, seen: Head | None, head: Head) -> None:
    await carry_out(inside, [_head_step(seen, head)])


def _announcement(head: Head, kind: str) -> Step:
    names = {"entity_id": head.entity_id, "generation": head.generation, "rev_id": head.rev_id}
    return Step("outbox_insert", {**names, "kind": kind, "made_at": head.timestamp})


async def _announce(inside: Statements, head: Head, kind: str) -> None:
    await carry_out(inside, [_announcement(head, kind)])


async def _present(statements: Statements, entity_id: EntityId) -> Head | None:
    rows = await statements.rows("head", entity_id=entity_id)
    return head_of(rows[0]) if rows else None


async def _entries(statements: Statements, entity_id: EntityId, rev_ids: Sequence[int]) -> dict[int, Entry]:
    if not rev_ids:
        return {}
    rows = await statements.rows("revisions_of_ids", entity_id=entity_id, rev_ids=list(rev_ids))
    return {entry.rev_id: entry for entry in map(entry_of, rows)}


def _purge_params(purge: Purge) -> dict[str, object]:
    return {name: getattr(purge, name) for name in Purge.__slots__}
