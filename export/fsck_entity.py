"""One entity of the store checked: rows against snapshots, the chain, the head, lookups, purges.

The store may be written meanwhile: whoever finds something wrong looks again a moment later, and believes what was
wrong both times.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from backends.errors import CorruptError, NotFoundError
from backends.ledger.ids import is_store_made
from backends.ledger.revisions import PAGE_SIZE_MAX, Entry, Head
from backends.redaction import content_keys
from backends.snapshots.envelope import SnapshotKey, decode, metadata
from backends.store import Store, fingerprint
from backends.visibility import RESTRICTED, RESTRICTED_PREFIX, shown
from export.fsck_result import Finding, FsckResult, Kind, Note
from wikibase.ids import EntityId

_HEAD_FIELDS = ("position", "timestamp", "state", "redirect_target")


@dataclass(slots=True)
class Look:
    """What one look at an entity saw."""

    entity_id: EntityId
    findings: list[Finding] = field(default_factory=list)
    noted: Counter[Note] = field(default_factory=Counter)
    revisions: int = 0

    def found(self, kind: Kind, rev_id: int | None, detail: str) -> None:
        """Keep a finding."""
        self.findings.append(Finding(kind, self.entity_id, rev_id, detail))


class EntityCheck:
    """Checks entities of one store."""

    def __init__(self, store: Store, *, snapshots_at_once: int = 16) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(snapshots_at_once)

    async def check(self, entity_id: EntityId, *, suspected: Sequence[Finding] | None = None) -> FsckResult:
        """Check everything about one entity; with `suspected`, find only what had been found before.

        Raises UnavailableError, RefusedError.
        """
        look = await self._look(entity_id)
        findings = look.findings
        if suspected is not None:
            before = {(one.kind, one.rev_id) for one in suspected}
            findings = [one for one in findings if (one.kind, one.rev_id) in before]
        return FsckResult.of(findings, look.noted, entities=1, revisions=look.revisions)

    async def _look(self, entity_id: EntityId) -> Look:
        look = Look(entity_id)
        head = await self._store.head(entity_id)
        last: Entry | None = None
        seen: set[int] = set()
        async for page in self._pages(entity_id):
            look.revisions += len(page)
            await asyncio.gather(*(self._snapshot(entry, look) for entry in page))
            for entry in page:
                check_follows(last, entry, seen, look)
                seen.add(entry.rev_id)
                last = entry
            await self._lookups(page, look)
        if last is not None:
            await self._head(head, last, look)
        await self._purges(look)
        return look

    async def _pages(self, entity_id: EntityId) -> AsyncIterator[Sequence[Entry]]:
        after = (-1, -1)
        while page := await self._store.index.history(entity_id, after=after, size=PAGE_SIZE_MAX):
            yield page
            after = (page[-1].position, page[-1].rev_id)

    async def _snapshot(self, entry: Entry, look: Look) -> None:
        key = str(SnapshotKey(entry.entity_id, entry.rev_id, entry.digest))
        async with self._turns:
            try:
                kept = decode(await self._store.snapshots.read(key), key)
            except NotFoundError:
                look.found(Kind.SNAPSHOT_MISSING, entry.rev_id, key)
                return
            except CorruptError as error:
                look.found(Kind.SNAPSHOT_CORRUPT, entry.rev_id, str(error))
                return
            digest = (entry.overlay or {}).get(RESTRICTED)
            if digest is not None and not await self._has_restricted(entry, digest):
                look.found(Kind.RESTRICTED_MISSING, entry.rev_id, digest)
        try:
            told = metadata(shown(kept, entry))
        except (KeyError, TypeError, ValueError) as error:
            look.found(Kind.ROW_DIFFERS, entry.rev_id, f"what lies over it cannot be read: {error!r}")
            return
        if wrong := _differences(entry, told):
            look.found(Kind.ROW_DIFFERS, entry.rev_id, ", ".join(wrong))

    async def _has_restricted(self, entry: Entry, digest: str) -> bool:
        key = str(SnapshotKey(entry.entity_id, entry.rev_id, digest))
        try:
            decode(await self._store.snapshots.read(RESTRICTED_PREFIX + key), key)
        except (NotFoundError, CorruptError):
            return False
        return True

    async def _lookups(self, page: Sequence[Entry], look: Look) -> None:
        index = self._store.index
        known = await index.entities_of([entry.rev_id for entry in page])
        for entry in page:
            if known.get(entry.rev_id) != look.entity_id:
                look.found(Kind.LOOKUP_MISSING, entry.rev_id, f"by revision: {known.get(entry.rev_id)}")
            target = entry.redirect_target
            if target is not None and not await index.has_redirect(target, look.entity_id):
                look.found(Kind.LOOKUP_MISSING, entry.rev_id, f"redirect to {target}")

    async def _head(self, head: Head | None, last: Entry, look: Look) -> None:
        index = self._store.index
        if head is None:
            look.noted[Note.NO_HEAD] += 1
            return
        entry = await index.entry(head.entity_id, head.rev_id)
        if entry is None:
            look.found(Kind.HEAD_UNKNOWN, head.rev_id, "the head is no revision of the entity")
            return
        wrong = [name for name in _HEAD_FIELDS if getattr(head, name) != getattr(entry, name)]
        if wrong:
            look.found(Kind.HEAD_DIFFERS, head.rev_id, ", ".join(wrong))
        if (last.position, last.rev_id) != (entry.position, entry.rev_id):
            if is_store_made(last.rev_id):
                look.found(Kind.HEAD_NOT_LAST, last.rev_id, f"the head is revision {head.rev_id}")
            else:
                look.noted[Note.HEAD_BEFORE_LAST] += 1
        if ahead := await index.announced(head.entity_id, after=head.generation, size=1):
            look.found(Kind.OUTBOX_AHEAD, ahead[0][2], f"generation {ahead[0][0]}, the head has {head.generation}")
        if head.page_id is not None and await index.entity_of_page(head.page_id) is None:
            look.found(Kind.LOOKUP_MISSING, None, f"page {head.page_id}")
        if (await index.journaled([head.entity_id])).get(head.entity_id, 0) < head.generation:
            look.noted[Note.JOURNAL_BEHIND] += 1

    async def _purges(self, look: Look) -> None:
        for order in await self._store.index.purges(look.entity_id):
            look.noted[Note.PURGED] += 1
            keys = await content_keys(self._store.snapshots, look.entity_id, order.rev_id)
            if order.done_at is None:
                look.found(Kind.PURGE_UNFINISHED, order.rev_id, order.digest)
            elif any(named.digest == order.digest for named in keys.values()):
                look.found(Kind.PURGED_CONTENT, order.rev_id, order.digest)


def check_follows(last: Entry | None, entry: Entry, seen: set[int], look: Look) -> None:
    """Look whether a revision follows those before it. The wiki's own may be odd (invariant 4), the store's not."""
    if is_store_made(entry.rev_id):
        before = last.rev_id if last else 0
        first = last is not None and not is_store_made(before)  # its parent was the head: any of the wiki's
        if entry.parent_id != before and not (first and entry.parent_id in seen):
            look.found(Kind.CHAIN_BROKEN, entry.rev_id, f"the parent is {entry.parent_id}, before it lies {before}")
        elif last and is_store_made(before) and entry.rev_id <= before:
            look.found(Kind.CHAIN_BROKEN, entry.rev_id, f"its id does not follow {before}")
        elif last and entry.position <= last.position:
            look.found(Kind.CHAIN_BROKEN, entry.rev_id, f"it shares position {entry.position} with {before}")
        return
    if last and is_store_made(last.rev_id):
        return  # made by the wiki again, after a way back
    if entry.parent_id and entry.parent_id not in seen:
        look.noted[Note.PARENT_ELSEWHERE] += 1
    if last and last.position == entry.position:
        look.noted[Note.POSITION_SHARED] += 1


def _differences(entry: Entry, told: dict[str, object]) -> list[str]:
    """Return the names of what a row says differently from its snapshot with what lies over it."""
    pairs = {
        "parent_id": entry.parent_id,
        "timestamp": entry.timestamp,
        "state": str(entry.state),
        "redirect_target": entry.redirect_target,
    }
    wrong = [name for name, value in pairs.items() if told[name] != value]
    if not wrong and fingerprint(told) != entry.meta:
        wrong = ["meta"]
    return wrong
