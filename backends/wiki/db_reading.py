"""What belongs to rows of pages and revisions and stands in other tables: slots, tags, the bot flag."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backends.wiki.db_connection import Session
from backends.wiki.db_rows import DatabasePage, DatabaseRevision, Slot, page_of, revision_of, slots_of, text_of
from backends.wiki.db_statements import Statements, with_ids

BATCH_MAX = 500
"""How many rows a list is read in, and how many ids a statement names."""

_FILE_NAMESPACE = 6


class Reading:
    """Completes rows through one borrowed connection, so that all is seen at the same moment."""

    def __init__(
        self, session: Session, asked: Statements, namespace_models: Mapping[int, str], *, withheld: bool
    ) -> None:
        self._session = session
        self._asked = asked
        self._namespace_models = namespace_models
        self._withheld = withheld

    async def pages(self, rows: Sequence[Sequence[Any]]) -> list[DatabasePage]:
        """Return the pages among the rows that hold an entity."""
        unsaid = [row[3] for row in rows if row[5] is None or row[1] == _FILE_NAMESPACE]
        slots = await self.slots(unsaid)
        pages = []
        for row in rows:
            of_head = slots.get(row[3], {})
            model = text_of(row[5]) if row[5] is not None else of_head["main"].model if "main" in of_head else None
            page = page_of(row, model=model or self._namespace_models.get(row[1]), slot_roles=of_head)
            if page is not None:
                pages.append(page)
        return pages

    async def revisions(self, rows: Sequence[Sequence[Any]], *, archived: bool) -> tuple[DatabaseRevision, ...]:
        """Return the revisions of rows of `revision` or `archive`, in the same order."""
        ids = [row[0] for row in rows]
        slots = await self.slots(ids)
        tags = await self._tags(ids)
        bots = await self._bots(ids)
        return tuple(
            revision_of(
                row,
                slots.get(row[0], {}),
                tags.get(row[0], ()),
                bot=bots.get(row[0]),
                archived=archived,
                withheld=self._withheld,
            )
            for row in rows
        )

    async def slots(self, rev_ids: Sequence[int]) -> dict[int, dict[str, Slot]]:
        """Return the slots of each revision by role; a revision without any is left out."""
        return slots_of(await self.for_ids(self._asked.slots, rev_ids))

    async def for_ids(self, statement: str, ids: Sequence[Any], *before: Any) -> list[Sequence[Any]]:
        """Run a statement for all ids, some at a time; `before` are the parameters that come before them."""
        rows: list[Sequence[Any]] = []
        for some in groups(ids):
            rows += await self._session.rows(with_ids(statement, len(some)), *before, *some)
        return rows

    async def _tags(self, rev_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        found: dict[int, tuple[str, ...]] = {}
        for rev_id, name in await self.for_ids(self._asked.tags, rev_ids):
            found[rev_id] = (*found.get(rev_id, ()), text_of(name))
        return found

    async def _bots(self, rev_ids: Sequence[int]) -> dict[int, bool]:
        if self._asked.bots is None:
            return {}
        return {rev_id: bool(bot) for rev_id, bot in await self.for_ids(self._asked.bots, rev_ids)}


def groups(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Cut a list into lists that one statement may name."""
    for start in range(0, len(items), BATCH_MAX):
        yield items[start : start + BATCH_MAX]
