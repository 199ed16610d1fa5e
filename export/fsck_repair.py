"""What of a check's findings the rest of the store suffices to mend: lookups, heads, purges, the journal.

Content is never made up: a snapshot that is missing or damaged comes back from the wiki (export that entity again)
or from an older version of the object.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from backends.errors import CorruptError
from backends.journal import Journal
from backends.ledger.revisions import HeadChange
from backends.redaction import finish, parse_order, purge
from backends.snapshots.erasing import Erasing
from backends.store import Store
from export.fsck_result import Finding, Kind
from wikibase.ids import EntityId


class Repair:
    """Mends a store."""

    def __init__(self, store: Store, erasing: Erasing, *, now: Callable[[], str]) -> None:
        """`now`: the time in the wiki's spelling."""
        self._store = store
        self._erasing = erasing
        self._now = now

    async def mend(self, findings: Sequence[Finding]) -> Counter[Kind]:
        """Mend what can be mended of these findings; return how many of each kind were."""
        done: Counter[Kind] = Counter()
        for finding in findings:
            entity_id = EntityId(finding.entity_id)
            if finding.kind is Kind.LOOKUP_MISSING:
                done[finding.kind] += await self._lookups(entity_id, finding.rev_id)
            elif finding.kind is Kind.HEAD_DIFFERS:
                done[finding.kind] += await self._head(entity_id)
            elif finding.kind in (Kind.PURGE_UNFINISHED, Kind.PURGED_CONTENT):
                done[finding.kind] += await self._purge(entity_id, finding.rev_id)
            elif finding.kind is Kind.PURGE_NOT_IN_INDEX:
                done[finding.kind] += await self._order(finding.detail)
        return +done

    async def journal(self, progress: Callable[[int], None]) -> int:
        """Bring the journal up to date; return how many entities were written down."""
        return await Journal(self._store.snapshots, self._store.index).catch_up(progress=progress)

    async def _lookups(self, entity_id: EntityId, rev_id: int | None) -> bool:
        index = self._store.index
        head = await index.head(entity_id)
        entry = await index.entry(entity_id, rev_id) if rev_id is not None else None
        await index.note(entity_id, [entry] if entry else [], head.page_id if head else None)
        return True

    async def _head(self, entity_id: EntityId) -> bool:
        head = await self._store.head(entity_id)
        if head is None:
            return False
        change = HeadChange(rev_id=head.rev_id, page_id=head.page_id, expected=head.generation)
        await self._store.index.record(entity_id, [], change, kind="repair")
        return True

    async def _purge(self, entity_id: EntityId, rev_id: int | None) -> bool:
        orders = [one for one in await self._store.index.purges(entity_id) if one.rev_id == rev_id]
        await finish(self._store, self._erasing, orders, done_at=self._now())
        return bool(orders)

    async def _order(self, key: str) -> bool:
        try:
            order = parse_order(await self._store.snapshots.read(key))
        except CorruptError:
            return False
        await purge(
            self._store,
            self._erasing,
            order.entity_id,
            order.rev_id,
            reason=order.reason,
            ordered_by=order.ordered_by,
            ordered_at=order.ordered_at,
        )
        return True
