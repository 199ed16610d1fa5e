"""The index made anew from the bucket alone, into an empty database; and two indexes compared.

First the journal, which is exact. Then the snapshots that it does not know, by `rebuild_rules`; what those assume is
listed, entity by entity. Lookups follow from the rows, the next id from the highest. Not rebuilt, because they mean
nothing after a disaster: the outbox, keys of writes (so finish what is under way first), epochs (claim a new one,
higher than any before).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from backends.errors import RefusedError
from backends.journal import Journal
from backends.ledger.ids import REVISIONS, Ids, is_store_made
from backends.ledger.revision_rows import Entry, Head, Purge
from backends.ledger.revisions import PAGE_SIZE_MAX, RevisionIndex
from backends.redaction import ORDER_PREFIX, parse_order
from backends.snapshots.base import Snapshots
from backends.snapshots.envelope import SnapshotKey, decode, metadata, parse_key
from backends.sql.base import Database
from backends.store import fingerprint
from export.rebuild_rules import conclude
from wikibase.ids import EntityId
from wikibase.revision import Revision

LISTED_MAX = 1000
"""The most assumptions and differences that are listed; all are counted."""

Progress = Callable[[str, int], None]


def no_progress(stage: str, count: int) -> None:
    """Show nothing."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. `assumed`: what the bucket alone does not prove, in words; `assumptions` counts all."""

    journaled: int = 0
    entities_assumed: int = 0
    assumptions: int = 0
    assumed: list[str] = field(default_factory=list)


class Rebuild:
    """Fills an empty index from snapshots."""

    def __init__(self, snapshots: Snapshots, database: Database, *, progress: Progress = no_progress) -> None:
        self._snapshots = snapshots
        self._database = database
        self._index = RevisionIndex(database)
        self._progress = progress
        self._highest = 0

    async def run(self) -> Rebuilt:
        """Fill the index. Raises RefusedError when it is not empty, CorruptError for a damaged segment or snapshot."""
        if await self._index.entity_ids(size=1):
            raise RefusedError("the database to rebuild the index into is not empty")
        done = Rebuilt()
        journal = Journal(self._snapshots, self._index)
        async for one in journal.all():
            await self._restore(one.head, one.head.entity_id, one.entries, one.purges)
            await self._index.set_journaled({one.head.entity_id: one.head.generation})
            done.journaled += 1
            self._progress("journal", done.journaled)
        await self._orders()
        async for entity_id in self._unknown_entities():
            await self._conclude(entity_id, done)
        if self._highest:
            await Ids(self._database, REVISIONS).at_least(self._highest + 1)
        return done

    async def _restore(
        self, head: Head | None, entity_id: EntityId, entries: Sequence[Entry], purges: Sequence[Purge] = ()
    ) -> None:
        for first in range(0, max(len(entries), 1), PAGE_SIZE_MAX):
            some = entries[first : first + PAGE_SIZE_MAX]
            is_last = first + PAGE_SIZE_MAX >= len(entries)
            await self._index.restore(head, entity_id, some, purges, with_head=is_last)
            await self._index.note(entity_id, some, head.page_id if head else None)
            self._highest = max([self._highest, *(entry.rev_id for entry in some if is_store_made(entry.rev_id))])

    async def _orders(self) -> None:
        async for key in self._snapshots.keys(ORDER_PREFIX):
            order = parse_order(await self._snapshots.read(key))
            await self._index.restore(None, order.entity_id, [], [order])

    async def _unknown_entities(self) -> AsyncIterator[EntityId]:
        """Yield each entity that has a snapshot of a revision without a row; perhaps more than once."""
        page: list[SnapshotKey] = []
        seen = 0
        async for key in self._snapshots.keys(""):
            named = parse_key(key)
            if named is None:
                continue
            page.append(named)
            if len(page) == PAGE_SIZE_MAX:
                seen += len(page)
                self._progress("objects", seen)
                for entity_id in await self._unknown(page):
                    yield entity_id
                page = []
        for entity_id in await self._unknown(page):
            yield entity_id

    async def _unknown(self, page: Sequence[SnapshotKey]) -> list[EntityId]:
        found = []
        for entity_id, some in groupby(sorted(page, key=lambda one: one.entity_id), key=lambda one: one.entity_id):
            rev_ids = sorted({one.rev_id for one in some})
            if len(await self._index.entries(entity_id, rev_ids)) < len(rev_ids):
                found.append(entity_id)
        return found

    async def _conclude(self, entity_id: EntityId, done: Rebuilt) -> None:
        unknown: list[Revision] = []
        digests: dict[int, str] = {}
        async for key in self._snapshots.keys(f"{entity_id}/"):
            named = parse_key(key)
            if named is None or await self._index.position(entity_id, named.rev_id) is not None:
                continue
            unknown.append(decode(await self._snapshots.read(key), key))
            digests[id(unknown[-1])] = named.digest
        head = await self._index.head(entity_id)
        conclusion = conclude(head, unknown)
        entries = [_entry_of(one, digests[id(one)]) for one in conclusion.taken]
        by_id = {entry.rev_id: (entry, one) for entry, one in zip(entries, conclusion.taken, strict=True)}
        if entries and conclusion.head_rev_id in by_id:
            entry, revision = by_id[conclusion.head_rev_id]
            page_id = revision.page_id if revision.page_id is not None or head is None else head.page_id
            head = Head(
                entity_id=entity_id,
                generation=(head.generation if head else 0) + _changes(conclusion.taken),
                rev_id=entry.rev_id,
                position=entry.position,
                timestamp=entry.timestamp,
                state=entry.state,
                redirect_target=entry.redirect_target,
                page_id=page_id,
            )
        if entries:
            await self._restore(head, entity_id, entries)
        if conclusion.assumed:
            done.entities_assumed += 1
            done.assumptions += len(conclusion.assumed)
            room = LISTED_MAX - len(done.assumed)
            done.assumed += [f"{entity_id}: {one}" for one in conclusion.assumed[:room]]


def _changes(taken: Sequence[Revision]) -> int:
    """Return how often the head changed: with each edit of the store, and once for what the wiki told."""
    edits = sum(is_store_made(one.rev_id) for one in taken)
    return edits + (len(taken) > edits)


def _entry_of(revision: Revision, digest: str) -> Entry:
    return Entry(
        entity_id=revision.entity_id,
        rev_id=revision.rev_id,
        position=revision.position,
        parent_id=revision.parent_id,
        timestamp=revision.timestamp,
        state=revision.state,
        redirect_target=revision.redirect_target,
        digest=digest,
        meta=fingerprint(metadata(revision)),
    )


async def differences(one: RevisionIndex, other: RevisionIndex, *, progress: Progress = no_progress) -> list[str]:
    """Return what two indexes say differently: rows, heads, lookups, purges. At most 1000 differences are listed."""
    found: list[str] = []
    after, seen = "", 0
    while len(found) < LISTED_MAX:
        left, right = await one.entity_ids(after=after), await other.entity_ids(after=after)
        if not left and not right:
            break
        last = min(page[-1] for page in (left, right) if page)
        ids = sorted({entity_id for entity_id in (*left, *right) if entity_id <= last})
        for entity_id in ids:
            found += [f"{entity_id}: {what}" for what in await _differences_of(one, other, entity_id)]
        after = last
        seen += len(ids)
        progress("compared", seen)
    return found[:LISTED_MAX]


async def _differences_of(one: RevisionIndex, other: RevisionIndex, entity_id: EntityId) -> list[str]:
    found = []
    heads = await one.head(entity_id), await other.head(entity_id)
    if heads[0] != heads[1]:
        found.append(f"head {heads[0]} and {heads[1]}")
    after = (-1, -1)
    while True:
        left, right = await one.history(entity_id, after=after), await other.history(entity_id, after=after)
        if left != right:
            found += [f"only the first has {row}" for row in left if row not in right]
            found += [f"only the second has {row}" for row in right if row not in left]
            break
        if not left:
            break
        ids = [entry.rev_id for entry in left]
        if await one.entities_of(ids) != await other.entities_of(ids):
            found.append(f"lookups of revisions after {after}")
        after = (left[-1].position, left[-1].rev_id)
    page_id = heads[0].page_id if heads[0] else None
    if page_id is not None and await one.entity_of_page(page_id) != await other.entity_of_page(page_id):
        found.append(f"lookup of page {page_id}")
    purges = [{(purge.rev_id, purge.digest) for purge in await index.purges(entity_id)} for index in (one, other)]
    if purges[0] != purges[1]:
        found.append("purges")
    return found
