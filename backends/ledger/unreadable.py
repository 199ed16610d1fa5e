"""Revisions that the wiki itself cannot read, with its reasons, as an export met them. Unsharded, in the ledger."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from backends.sql.base import Database
from wikibase.ids import EntityId

REASON_MAX = 400
PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class UnreadableRevision:
    """A revision without content, and why."""

    entity_id: EntityId
    rev_id: int
    reason: str


class UnreadableRevisions:
    """The list. What stands in it may have become readable since: the store's row says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, found: Sequence[UnreadableRevision], seen_at: str) -> None:
        """Add some; those that are there already get the new reason."""
        rows = [
            {"entity_id": one.entity_id, "rev_id": one.rev_id, "reason": one.reason[:REASON_MAX], "seen_at": seen_at}
            for one in found
        ]
        if rows:
            await self._database.execute_many("unreadable_put", rows)

    async def all(self) -> AsyncIterator[UnreadableRevision]:
        """Yield all, by entity."""
        after = ("", 0)
        while rows := await self._database.rows(
            "unreadable_revisions", after_entity=after[0], after_rev_id=after[1], size=PAGE_SIZE
        ):
            for row in rows:
                yield UnreadableRevision(EntityId(row["entity_id"]), row["rev_id"], row["reason"])
            after = (rows[-1]["entity_id"], rows[-1]["rev_id"])

    async def forget(self, entity_id: EntityId, rev_id: int) -> None:
        """Take one off the list: it could be read."""
        await self._database.execute("unreadable_forget", entity_id=entity_id, rev_id=rev_id)
