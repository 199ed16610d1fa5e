"""The wiki's own database, read with a read-only user: entity pages, histories with the archive, texts, heads.

The meaning is that of `backends.wiki.http`: the same values, the same things hidden, the same order of a history.

Rules
- Decides by content model, not by namespace or title (wikibase.md 4.6): page_content_model; where that is NULL the
  model of the head's main slot; without one the namespace's default (`namespace_models`). Files' pages hold an entity
  when they have the slot mediainfo.
- Every list is read by key in batches, each bounded by `size` rows looked at, each seen at one moment.
- A history is in the wiki's order, (timestamp, revision id); the head is page_latest, whatever the order says.
"""

import codecs
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backends.errors import NotFoundError, RefusedError
from backends.wiki.db_columns import checked_database, checked_prefix, read_columns
from backends.wiki.db_connection import ReadOnlyServer, Server, Session
from backends.wiki.db_histories import EntityHistories, EntityHistory, Histories
from backends.wiki.db_measures import Measures
from backends.wiki.db_reading import BATCH_MAX, Reading
from backends.wiki.db_rows import (
    ArchivedTitles,
    DatabasePage,
    DatabasePages,
    DatabaseRevision,
    RevisionBatch,
    Slot,
    stored_timestamp,
    text_of,
)
from backends.wiki.db_statements import COLUMNS, INDEXED, Statements, blobs, statements
from backends.wiki.db_texts import Shelf, TextReader
from backends.wiki.shapes import Content, History
from wikibase.ids import EntityId, EntityType, entity_type, number
from wikibase.stored_text import Decoding
from wikibase.unreadable import Reason, Unreadable

HISTORIES_REVISIONS_MAX = 2000
"""How many revisions' metadata a batch of whole histories holds."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where an external cluster's blobs are. `server` None: on the wiki's own server."""

    database: str
    table: str = "blobs"
    server: Server | None = None


class WikiDatabase:
    """An opened database of a wiki. Use `open`."""

    def __init__(
        self,
        server: ReadOnlyServer,
        asked: Statements,
        texts: TextReader,
        *,
        others: Sequence[ReadOnlyServer] = (),
        namespace_models: Mapping[int, str],
        withheld: bool,
    ) -> None:
        self._server = server
        self._asked = asked
        self._texts = texts
        self._others = others
        self._namespace_models = namespace_models
        self._withheld = withheld
        self.measures = Measures(server, asked)

    @classmethod
    async def open(
        cls,
        server: Server,
        database: str,
        *,
        prefix: str = "",
        clusters: Mapping[str, Cluster] | None = None,
        namespace_models: Mapping[int, str] | None = None,
        legacy_encoding: str | None = None,
        withheld: bool = False,
        connections_max: int = 4,
        query_timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
        text_bytes_max: int = 64 * 1024 * 1024,
    ) -> "WikiDatabase":
        """Connect and find out what this version of MediaWiki has. Raises RefusedError, UnavailableError.

        `clusters`: the external stores by name. `namespace_models`: default content models, for pages that name none.
        `legacy_encoding`: the wiki's $wgLegacyEncoding. `withheld`: tell, apart, what is hidden from the public.
        `text_bytes_max`: a larger text, or history blob, is not read ("too-large").
        """
        checked_prefix(prefix)
        _check_encoding(legacy_encoding)

        def reached(where: Server, name: str | None) -> ReadOnlyServer:
            return ReadOnlyServer(
                where,
                database=name,
                connections_max=connections_max,
                query_timeout_s=query_timeout_s,
                connect_timeout_s=connect_timeout_s,
            )

        shelved = {
            name: (one.server, blobs(checked_database(one.database), checked_database(one.table)))
            for name, one in (clusters or {}).items()
        }
        wiki = reached(server, checked_database(database))
        try:
            asked = await _probed(wiki, database, prefix)
        except BaseException:
            await wiki.close()
            raise
        others = {where: reached(where, None) for where, _ in shelved.values() if where}
        shelves = {
            name: Shelf(others[where] if where else wiki, statement) for name, (where, statement) in shelved.items()
        }
        texts = TextReader(
            Shelf(wiki, asked.texts),
            Shelf(wiki, asked.cur_texts) if asked.cur_texts else None,
            shelves,
            Decoding(legacy_encoding=legacy_encoding, bytes_max=text_bytes_max),
        )
        return cls(
            wiki,
            asked,
            texts,
            others=tuple(others.values()),
            namespace_models=namespace_models or {},
            withheld=withheld,
        )

    async def pages(self, *, after: int | None = None, size: int = BATCH_MAX) -> DatabasePages:
        """Return the pages with an entity among the next `size` pages by id (None: the first)."""
        async with self._server.snapshot() as session:
            rows = await session.rows(self._asked.pages_after, after or 0, size)
            pages = await self._reading(session).pages(rows)
        return DatabasePages(tuple(pages), rows[-1][0] if len(rows) == size else None)

    async def pages_by_id(self, page_ids: Sequence[int]) -> Mapping[int, DatabasePage]:
        """Return those of these pages that are there and hold an entity: their heads are page_latest."""
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            rows = await reading.for_ids(self._asked.pages_by_id, page_ids)
            return {page.page_id: page for page in await reading.pages(rows)}

    async def pages_by_title(self, namespace: int, titles: Sequence[str]) -> Mapping[str, DatabasePage]:
        """Return those of these pages of a namespace that are there and hold an entity, by title."""
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            rows = await reading.for_ids(self._asked.pages_by_title, [*map(_title_key, titles)], namespace)
            return {page.title: page for page in await reading.pages(rows)}

    async def archived_titles(
        self, namespace: int, *, after: str | None = None, size: int = BATCH_MAX
    ) -> ArchivedTitles:
        """Return the next titles of a namespace that have deleted revisions; a page of that title may live beside."""
        async with self._server.session() as session:
            rows = await session.rows(self._asked.archived_titles, namespace, _title_key(after or ""), size)
        titles = tuple(text_of(title).replace("_", " ") for (title,) in rows)
        return ArchivedTitles(titles, titles[-1] if len(rows) == size else None)

    async def revisions(
        self, page_id: int, *, after: tuple[str, int] | None = None, size: int = BATCH_MAX
    ) -> RevisionBatch:
        """Return the next live revisions of a page, oldest first; `after`: (timestamp, revision id)."""
        timestamp, rev_id = _position(after)
        async with self._server.snapshot() as session:
            rows = await session.rows(self._asked.revisions_of_page, page_id, timestamp, timestamp, rev_id, size)
            return _batch(await self._reading(session).revisions(rows, archived=False), size)

    async def archived_revisions(
        self, namespace: int, title: str, *, after: tuple[str, int] | None = None, size: int = BATCH_MAX
    ) -> RevisionBatch:
        """Return the next deleted revisions of a title, oldest first; they may be of several pages."""
        timestamp, rev_id = _position(after)
        async with self._server.snapshot() as session:
            key = _title_key(title)
            rows = await session.rows(self._asked.archived_of_title, namespace, key, timestamp, timestamp, rev_id, size)
            return _batch(await self._reading(session).revisions(rows, archived=True), size)

    async def histories_within(
        self, low: int, high: int, *, size: int = BATCH_MAX, revisions_max: int = HISTORIES_REVISIONS_MAX
    ) -> EntityHistories:
        """Return the histories of the entities on the next pages with ids from `low` on, below `high`."""
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            rows = await session.rows(self._asked.pages_within, low, high, min(size, BATCH_MAX))
            pages = await reading.pages(rows)
            found = await Histories(session, reading, self._asked, revisions_max=revisions_max).of_pages(pages)
        named = [page for page in pages if page.entity_id is not None]
        if len(found) < len(named):
            return EntityHistories(found, named[len(found)].page_id)
        after = rows[-1][0] + 1 if len(rows) == min(size, BATCH_MAX) else None
        return EntityHistories(found, after, len(pages) - len(named))

    async def histories_deleted(
        self,
        namespace: int,
        low: str,
        high: str,
        *,
        size: int = BATCH_MAX,
        revisions_max: int = HISTORIES_REVISIONS_MAX,
    ) -> EntityHistories:
        """Return the histories of the entities that lie in the archive alone, of the next titles from `low` on.

        A page of that title that lives tells its archived revisions itself (`histories_within`).
        """
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            bounds = (_title_key(low), _title_key(high), _title_key(high))
            rows = await session.rows(self._asked.archived_within, namespace, *bounds, min(size, BATCH_MAX))
            keys = [title for (title,) in rows]
            living = await reading.for_ids(self._asked.pages_by_title, keys, namespace)
            pages = {page.title for page in await reading.pages(living) if page.role == "main"}
            titles = [title for key in keys if (title := text_of(key).replace("_", " ")) not in pages]
            histories = Histories(session, reading, self._asked, revisions_max=revisions_max)
            found = await self._without_living(reading, await histories.of_deleted(namespace, titles))
        after = text_of(keys[-1]) + "\0" if len(rows) == min(size, BATCH_MAX) else None
        return EntityHistories(found, after)

    async def history_of(
        self, entity_id: EntityId, namespace: int, *, revisions_max: int = HISTORIES_REVISIONS_MAX
    ) -> EntityHistory | None:
        """Return the history of one entity, live or deleted; None when the wiki has nothing of it.

        The page of a mediainfo is found by its id; once it is deleted, its title is not known any more.
        """
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            histories = Histories(session, reading, self._asked, revisions_max=revisions_max)
            if entity_type(entity_id) is EntityType.MEDIAINFO:
                rows = await reading.for_ids(self._asked.pages_by_id, [number(entity_id)])
            else:
                rows = await reading.for_ids(self._asked.pages_by_title, [_title_key(entity_id)], namespace)
            pages = [page for page in await reading.pages(rows) if page.entity_id == entity_id]
            if pages:
                return (await histories.of_pages(pages))[0]
            deleted = await histories.of_deleted(namespace, [entity_id])
            return next((one for one in deleted if one.entity_id == entity_id), None)

    async def revisions_after(self, rev_id: int, *, size: int = BATCH_MAX) -> tuple[DatabaseRevision, ...]:
        """Return the next live revisions of all pages by id. Ids are not given in the order of commits."""
        async with self._server.snapshot() as session:
            rows = await session.rows(self._asked.revisions_after, rev_id, size)
            return await self._reading(session).revisions(rows, archived=False)

    async def revisions_by_id(self, rev_ids: Sequence[int]) -> Mapping[int, DatabaseRevision]:
        """Return those of these revisions that are live."""
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            rows = await reading.for_ids(self._asked.revisions_by_id, rev_ids)
            return {one.rev_id: one for one in await reading.revisions(rows, archived=False)}

    async def history(self, page_id: int) -> History:
        """Return a page's live revisions, oldest first, as WikiHttp.history does. Raises NotFoundError.

        The head is read after the revisions: it may be one that is not among them yet.
        """
        revisions: list[DatabaseRevision] = []
        after: tuple[str, int] | None = None
        while True:
            batch = await self.revisions(page_id, after=after)
            revisions += batch.revisions
            after = batch.after
            if after is None:
                break
        page = (await self.pages_by_id([page_id])).get(page_id)
        if page is None:
            raise NotFoundError(f"the wiki has no page {page_id} with an entity")
        return History(
            page_id=page_id,
            title=page.title,
            content_model=page.content_model,
            head_rev_id=page.head_rev_id,
            revisions=tuple(revisions),
        )

    async def revision_counts(self, page_ids: Sequence[int]) -> Mapping[int, int]:
        """Return how many live revisions each page has; a page without any is left out."""
        async with self._server.session() as session:
            rows = await self._reading(session).for_ids(self._asked.counts, page_ids)
        return {page_id: count for page_id, count in rows}  # noqa: C416  mypy takes no rows of Any for pairs

    async def archived_counts(self, namespace: int, titles: Sequence[str]) -> Mapping[str, int]:
        """Return how many deleted revisions each title has; a title without any is left out."""
        keys = [_title_key(title) for title in titles]
        async with self._server.session() as session:
            rows = await self._reading(session).for_ids(self._asked.archived_counts, keys, namespace)
        return {text_of(title).replace("_", " "): count for title, count in rows}

    async def max_rev_id(self) -> int:
        """Return the highest revision id in the database, deleted ones included; 0 when there is none."""
        async with self._server.session() as session:
            [(live, archived)] = await session.rows(self._asked.max_rev_id)
        return max(live or 0, archived or 0)

    async def texts(self, addresses: Iterable[str]) -> Mapping[str, bytes | Unreadable]:
        """Return the stored text at each content address, or why there is none. Raises UnavailableError."""
        return await self._texts.read(addresses)

    async def stored_texts(
        self, revisions: Sequence[DatabaseRevision], role: str = "main"
    ) -> Mapping[int, bytes | Unreadable]:
        """Return the stored text of each revision's slot, or why there is none, whether or not the public may see it.

        A text that is gone is looked for once more where the database says now: scripts move texts while we read.
        """
        addresses = {one.rev_id: one.address(role) for one in revisions}
        found = await self._at(addresses)
        gone = [
            rev_id
            for rev_id, text in found.items()
            if isinstance(text, Unreadable) and text.reason in (Reason.NO_TEXT_ROW, Reason.NO_BLOB)
        ]
        if not gone:
            return found
        async with self._server.session() as session:
            slots = await self._reading(session).slots(gone)
        moved = {
            rev_id: slot.address
            for rev_id in gone
            if (slot := slots.get(rev_id, {}).get(role)) and slot.address and slot.address != addresses[rev_id]
        }
        return {**found, **await self._at(moved)}

    async def contents(self, revisions: Sequence[DatabaseRevision], role: str = "main") -> Mapping[int, Content]:
        """Return text or reason for each revision, as WikiHttp.contents does: what is hidden stays hidden."""
        shown = [one for one in revisions if "text" not in one.hidden]
        texts = await self.stored_texts(shown, role)
        return {one.rev_id: _content(texts.get(one.rev_id), one.slots.get(role)) for one in revisions}

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        for server in (self._server, *self._others):
            await server.close()

    async def _without_living(self, reading: Reading, found: Sequence[EntityHistory]) -> Sequence[EntityHistory]:
        """Leave out the mediainfo of files that live: their pages are known by id, not by title."""
        ids = [number(one.entity_id) for one in found if entity_type(one.entity_id) is EntityType.MEDIAINFO]
        if not ids:
            return found
        rows = await reading.for_ids(self._asked.pages_by_id, ids)
        living = {page.entity_id for page in await reading.pages(rows)}
        return [one for one in found if one.entity_id not in living]

    def _reading(self, session: Session) -> Reading:
        return Reading(session, self._asked, self._namespace_models, withheld=self._withheld)

    async def _at(self, addresses: Mapping[int, str | Unreadable]) -> dict[int, bytes | Unreadable]:
        texts = await self._texts.read({one for one in addresses.values() if isinstance(one, str)})
        return {rev_id: texts[one] if isinstance(one, str) else one for rev_id, one in addresses.items()}


async def _probed(server: ReadOnlyServer, database: str, prefix: str) -> Statements:
    async with server.session() as session:
        columns = await session.rows(COLUMNS, database.encode())
        indexed = await session.rows(INDEXED, database.encode())
    pairs = ((text_of(table), text_of(column)) for table, column in columns)
    return statements(read_columns(prefix, pairs, (text_of(column) for (column,) in indexed)))


def _batch(revisions: tuple[DatabaseRevision, ...], size: int) -> RevisionBatch:
    last = revisions[-1] if len(revisions) == size else None
    return RevisionBatch(revisions, (last.timestamp, last.rev_id) if last else None)


def _position(after: tuple[str, int] | None) -> tuple[bytes, int]:
    return (stored_timestamp(after[0]), after[1]) if after else (b"", 0)


def _title_key(title: str) -> bytes:
    return title.replace(" ", "_").encode()


def _content(text: bytes | Unreadable | None, slot: Slot | None) -> Content:
    model = slot.model if slot else None
    if text is None:
        return Content(None, "texthidden", model)
    if isinstance(text, Unreadable):
        return Content(None, str(text), model)
    try:
        return Content(text.decode(), None, model)
    except UnicodeDecodeError as error:
        return Content(None, f"not-utf-8: {error.reason} at byte {error.start}", model)


def _check_encoding(legacy_encoding: str | None) -> None:
    try:
        codecs.lookup(legacy_encoding or "utf-8")
    except LookupError:
        raise RefusedError(f"legacy encoding {legacy_encoding!r} is not known") from None
