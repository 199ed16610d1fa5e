"""What audits found wrong with entities of the store, each with the command that repairs it. Unsharded, in the ledger.

A finding is opened when it is seen, and closed when the same audit looked at the same entity and did not see it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backends.ledger.checkpoints import utc_now
from backends.sql.base import Database
from wikibase.ids import EntityId

DETAIL_MAX = 400
PAGE_SIZE = 500
ENTITY_FINDINGS_MAX = 400
"""The most findings that are kept of one entity; the rest is said by a last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that is wrong. `rev_id` 0: not with one revision alone. Details name ids and digests, no content."""

    entity_id: EntityId
    kind: str
    rev_id: int = 0
    detail: str = ""

    @property
    def repair(self) -> str:
        """Return the command that repairs it."""
        return f"cutover export --entity {self.entity_id} --repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFinding:
    """A finding as the ledger has it. `closed_at` None: open."""

    found: AuditFinding
    repair: str
    first_at: str
    last_at: str
    seen: int
    closed_at: str | None


class AuditFindings:
    """The findings that are kept."""

    def __init__(self, database: Database, *, now: Callable[[], str] = utc_now) -> None:
        self._database = database
        self._now = now

    async def put(self, found: Iterable[AuditFinding]) -> None:
        """Open findings, or say that they were seen again."""
        now = self._now()
        rows = [
            {
                "entity_id": one.entity_id,
                "kind": one.kind,
                "rev_id": one.rev_id,
                "detail": one.detail[:DETAIL_MAX],
                "repair": one.repair,
                "seen_at": now,
            }
            for one in found
        ]
        if rows:
            await self._database.execute_many("audit_finding_put", rows)

    async def looked_at(
        self, entity_id: EntityId, found: Sequence[AuditFinding], kinds: Iterable[str] | None = None
    ) -> None:
        """Say what was found of an entity: what is open of those kinds (None: all) and was not found is closed."""
        kept = found[:ENTITY_FINDINGS_MAX]
        await self.put(kept)
        seen = {(one.kind, one.rev_id) for one in kept}
        wanted = None if kinds is None else set(kinds)
        now = self._now()
        closing = [
            {"entity_id": entity_id, "kind": one.found.kind, "rev_id": one.found.rev_id, "closed_at": now}
            for one in await self.of(entity_id)
            if one.closed_at is None
            and (wanted is None or one.found.kind in wanted)
            and (one.found.kind, one.found.rev_id) not in seen
        ]
        if closing:
            await self._database.execute_many("audit_finding_close", closing)

    async def of(self, entity_id: EntityId) -> Sequence[KeptFinding]:
        """Return all findings of an entity, closed ones too."""
        return [_kept(row) for row in await self._database.rows("audit_findings_of", entity_id=entity_id)]

    async def open(self) -> AsyncIterator[KeptFinding]:
        """Yield all open findings, by entity."""
        after = ""
        while rows := await self._database.rows("audit_findings_page", after=after, size=PAGE_SIZE):
            last = rows[-1]["entity_id"]
            # The last entity may go on beyond the page: it is read by itself.
            for row in rows:
                if row["entity_id"] != last and row["closed_at"] is None:
                    yield _kept(row)
            for one in await self.of(EntityId(last)):
                if one.closed_at is None:
                    yield one
            after = last

    async def open_counts(self) -> Mapping[str, int]:
        """Return how many findings of each kind are open."""
        return Counter([one.found.kind async for one in self.open()])


def _kept(row: Mapping[str, object]) -> KeptFinding:
    found = AuditFinding(
        entity_id=EntityId(str(row["entity_id"])),
        kind=str(row["kind"]),
        rev_id=int(str(row["rev_id"])),
        detail=str(row["detail"]),
    )
    closed_at = row["closed_at"]
    return KeptFinding(
        found=found,
        repair=str(row["repair"]),
        first_at=str(row["first_at"]),
        last_at=str(row["last_at"]),
        seen=int(str(row["seen"])),
        closed_at=None if closed_at is None else str(closed_at),
    )
