"""Whole histories of many pages at once, each with what lies of it in the archive, all seen at the same moment.

Most entities are small: read one by one, the round trips would cost more than the rows. What is larger than a bound
is told without its revisions (`whole` False), to be read in batches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.wiki.db_connection import Session
from backends.wiki.db_reading import BATCH_MAX, Reading, groups
from backends.wiki.db_rows import MEDIAINFO, TYPES, DatabasePage, DatabaseRevision, text_of
from backends.wiki.db_statements import Statements, with_ids
from backends.wiki.shapes import titled_entity
from wikibase.ids import EntityId


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityHistory:
    """An entity with all its revisions. `page` None: it is deleted. `title` has no namespace.

    `live` and `archived` are in the wiki's order each. `whole` False: they are empty here, being too many.
    """

    entity_id: EntityId
    namespace: int
    title: str
    page: DatabasePage | None
    live: Sequence[DatabaseRevision] = ()
    archived: Sequence[DatabaseRevision] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class EntityHistories:
    """Some histories. `after`: where the next batch begins, None at the end. `no_ids`: pages whose title is no id."""

    histories: Sequence[EntityHistory]
    after: int | str | None
    no_ids: int = 0


class Histories:
    """Reads histories through one borrowed connection."""

    def __init__(self, session: Session, reading: Reading, asked: Statements, *, revisions_max: int) -> None:
        """`revisions_max`: how many revisions are read at once."""
        self._session = session
        self._reading = reading
        self._asked = asked
        self._revisions_max = revisions_max

    async def of_pages(self, pages: Sequence[DatabasePage]) -> list[EntityHistory]:
        """Return the histories of pages that hold an entity, in their order; perhaps not of the last ones."""
        pages = [page for page in pages if page.entity_id is not None][:BATCH_MAX]
        if not pages:
            return []
        ids = [page.page_id for page in pages]
        statement = with_ids(self._asked.revisions_of_pages, len(ids))
        rows = await self._session.rows(statement, *ids, self._revisions_max + 1)
        if len(rows) > self._revisions_max:
            # The statement orders by page id: from this page on rows are missing.
            cut = rows[-1][1]
            pages = sorted((page for page in pages if page.page_id <= cut), key=lambda page: page.page_id)
            if len(pages) > 1:
                pages = pages[:-1]
            else:
                return [_too_large(pages[0])]
            rows = [row for row in rows if row[1] != cut]
        archived = await self._archived({(page.namespace, page.title) for page in pages})
        live: dict[int | None, list[DatabaseRevision]] = {}
        for one in await self._reading.revisions(rows, archived=False):
            live.setdefault(one.page_id, []).append(one)
        return [
            _too_large(page)
            if (deleted := archived.get((page.namespace, page.title), ())) is None
            else EntityHistory(
                entity_id=page.entity_id,
                namespace=page.namespace,
                title=page.title,
                page=page,
                live=live.get(page.page_id, ()),
                archived=[one for one in deleted if entity_of(page.title, one) == page.entity_id],
            )
            for page in pages
            if page.entity_id is not None
        ]

    async def of_deleted(self, namespace: int, titles: Sequence[str]) -> list[EntityHistory]:
        """Return the histories of entities that lie in the archive alone; titles that hold none are left out."""
        archived = await self._archived({(namespace, title) for title in titles})
        found: list[EntityHistory] = []
        for title in titles:
            deleted = archived.get((namespace, title), ())
            by_entity: dict[EntityId, list[DatabaseRevision]] = {}
            for one in deleted or ():
                if (entity_id := entity_of(title, one)) is not None:
                    by_entity.setdefault(entity_id, []).append(one)
            found += [
                EntityHistory(entity_id=entity_id, namespace=namespace, title=title, page=None, archived=revisions)
                for entity_id, revisions in by_entity.items()
            ]
            if deleted is None and (entity_id := await self._entity_of(namespace, title)) is not None:
                found.append(
                    EntityHistory(entity_id=entity_id, namespace=namespace, title=title, page=None, whole=False)
                )
        return found

    async def _archived(
        self, keys: set[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Sequence[DatabaseRevision] | None]:
        """Return the deleted revisions of titles (of all of their pages); None for a title that has too many."""
        found: dict[tuple[int, str], list[DatabaseRevision] | None] = {}
        for namespace in sorted({namespace for namespace, _ in keys}):
            titles = sorted(title.replace(" ", "_").encode() for number, title in keys if number == namespace)
            for some in groups(titles):
                await self._archived_of(namespace, some, found)
        return found

    async def _archived_of(
        self,
        namespace: int,
        titles: Sequence[bytes],
        found: dict[tuple[int, str], list[DatabaseRevision] | None],
    ) -> None:
        while titles:
            statement = with_ids(self._asked.archived_of_titles, len(titles))
            rows = await self._session.rows(statement, namespace, *titles, self._revisions_max + 1)
            if len(rows) <= self._revisions_max:
                titles = ()
            else:
                # The statement orders by title: of this one rows are missing.
                cut = rows[-1][_TITLE]
                rows = [row for row in rows if row[_TITLE] != cut]
                if not rows:
                    found[(namespace, _shown(cut))] = None
                titles = [title for title in titles if title > cut or (rows and title == cut)]
            revisions = await self._reading.revisions([row[:_TITLE] for row in rows], archived=True)
            for row, one in zip(rows, revisions, strict=True):
                told = found.setdefault((namespace, _shown(row[_TITLE])), [])
                assert told is not None
                told.append(one)

    async def _entity_of(self, namespace: int, title: str) -> EntityId | None:
        """Return the entity that the newest deleted revision of a title is of."""
        key = title.replace(" ", "_").encode()
        rows = await self._session.rows(self._asked.archived_of_title, namespace, key, b"", b"", 0, BATCH_MAX)
        revisions = await self._reading.revisions(rows, archived=True)
        return next((found for one in reversed(revisions) if (found := entity_of(title, one))), None)


def entity_of(title: str, revision: DatabaseRevision) -> EntityId | None:
    """Return the entity that a deleted revision of a title is of, None when it is of none.

    A revision whose slots are lost says no model: the title alone decides.
    """
    if MEDIAINFO in revision.slots and revision.page_id is not None:
        return EntityId(f"M{revision.page_id}")
    if ":" in title:
        return None
    main = revision.slots.get("main")
    types = TYPES.values() if main is None else [of_type] if (of_type := TYPES.get(main.model or "")) else []
    return next((found for one in types if (found := titled_entity(title, one))), None)


_TITLE = 10  # the column after those of a revision


def _shown(title: Any) -> str:
    return text_of(title).replace("_", " ")


def _too_large(page: DatabasePage) -> EntityHistory:
    assert page.entity_id is not None
    return EntityHistory(entity_id=page.entity_id, namespace=page.namespace, title=page.title, page=page, whole=False)
