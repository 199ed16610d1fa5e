"""What changed in a wiki's database, by the ids it gives out: revisions (live and archived), and entries of the log.

An id is given out when a row is inserted and seen when its transaction commits: a batch may have holes that fill
later. Nothing here decides what a hole is; `moment` says which transactions are under way, where that may be known:
on the server that the wiki writes to, with the privileges PROCESS and REPLICA MONITOR (REPLICATION CLIENT on MySQL).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from backends.errors import RefusedError
from backends.wiki.changes_shapes import (
    LOG,
    RANGES_MAX,
    REVISIONS,
    Change,
    Looked,
    Moment,
    PageHead,
    PageHeads,
    Range,
    changed_users,
    logged_entities,
)
from backends.wiki.changes_statements import (
    CLUSTER,
    NOW,
    SECONDS,
    TRANSACTIONS,
    UPTIME,
    ChangeStatements,
    change_statements,
)
from backends.wiki.db_columns import checked_database, checked_prefix, read_columns
from backends.wiki.db_connection import ReadOnlyServer, Row, Server, Session
from backends.wiki.db_reading import Reading, groups
from backends.wiki.db_rows import DatabasePage, iso_timestamp, stored_timestamp, text_of
from backends.wiki.db_statements import COLUMNS, INDEXED, REPLICA_STATUS, Statements, statements
from wikibase.ids import EntityId, EntityType, entity_type, number

_FILE_NAMESPACE = 6
_LIST_TRIES = 10
_LIST_IDLE_S = 0.15  # longer than InnoDB keeps an old list for who reads it again and again


class DatabaseChanges:
    """The changes of an opened database. Use `open`."""

    by_id = True

    def __init__(
        self,
        server: ReadOnlyServer,
        asked: Statements,
        changes: ChangeStatements,
        *,
        namespaces: Mapping[EntityType, int],
        namespace_models: Mapping[int, str],
    ) -> None:
        self._server = server
        self._asked = asked
        self._changes = changes
        self._namespaces = namespaces
        self._namespace_models = namespace_models
        self._proves = True

    @classmethod
    async def open(
        cls,
        server: Server,
        database: str,
        *,
        namespaces: Mapping[EntityType, int],
        prefix: str = "",
        namespace_models: Mapping[int, str] | None = None,
        connections_max: int = 3,
        query_timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
    ) -> "DatabaseChanges":
        """Connect and find out what this version of MediaWiki has. Raises RefusedError, UnavailableError."""
        checked_prefix(prefix)
        wiki = ReadOnlyServer(
            server,
            database=checked_database(database),
            connections_max=connections_max,
            query_timeout_s=query_timeout_s,
            connect_timeout_s=connect_timeout_s,
        )
        try:
            async with wiki.session() as session:
                columns = await session.rows(COLUMNS, database.encode())
                indexed = await session.rows(INDEXED, database.encode())
        except BaseException:
            await wiki.close()
            raise
        pairs = ((text_of(table), text_of(column)) for table, column in columns)
        has = read_columns(prefix, pairs, (text_of(column) for (column,) in indexed))
        return cls(
            wiki,
            statements(has),
            change_statements(has),
            namespaces=namespaces,
            namespace_models=namespace_models or {},
        )

    async def after(self, stream: str, mark: int, *, since: str, size: int) -> Sequence[Change]:
        """Return the next changes with ids above the mark, as far as they are committed. `since` is not needed."""
        del since
        if stream == LOG:
            async with self._server.session() as session:
                return self._logged(await session.rows(self._changes.log_after, mark, size))
        async with self._server.snapshot() as session:
            live = await session.rows(self._changes.revisions_after, mark, size)
            archived = await session.rows(self._changes.archived_after, mark, size)
            # Each list is complete up to its own end only.
            ends = [rows[-1][0] for rows in (live, archived) if len(rows) == size]
            end = min(ends) if ends else None
            return await self._revisions(
                session,
                [row for row in live if end is None or row[0] <= end],
                [row for row in archived if end is None or row[0] <= end],
            )

    async def among(self, stream: str, ranges: Sequence[Range], *, since: str, size: int) -> Sequence[Looked]:
        """Return the changes in each of those ranges (at most 100), at most `size` of each."""
        del since
        found: list[Looked] = []
        async with self._server.snapshot() as session:
            for low, high in ranges[:RANGES_MAX]:
                if stream == LOG:
                    logged = self._logged(await session.rows(self._changes.log_within, low, high, size))
                    found.append(_looked(low, high, logged, size))
                    continue
                live = await session.rows(self._changes.revisions_within, low, high, size)
                archived = await session.rows(self._changes.archived_within, low, high, size)
                found.append(_looked(low, high, await self._revisions(session, live, archived), size))
        return found

    async def first(self, stream: str, since: str, *, above: int) -> int | None:
        """Return the lowest id above another whose row is stamped at that time or later; None when there is none."""
        statement = self._changes.first_log if stream == LOG else self._changes.first_revision
        async with self._server.session() as session:
            [(value,)] = await session.rows(statement, stored_timestamp(since), above)
        return None if value is None else int(value)

    async def moment(self, *, with_transactions: bool) -> Moment:
        """Return the present moment; all transactions under way only when asked for."""
        async with self._server.session() as session:
            [(now, seconds, host, port, read_only)] = await session.rows(NOW)
            uptime = await session.rows(UPTIME)
            [(revisions,)] = await session.rows(self._changes.max_revision)
            [(log,)] = await session.rows(self._changes.max_log)
        transactions = None
        if with_transactions and self._proves and not read_only:
            transactions = await self._transactions()
        return Moment(
            now=iso_timestamp(now),
            last={REVISIONS: revisions, LOG: log},
            server=f"{text_of(host)}:{port}",
            started_s=int(seconds) - int(uptime[0][1]) if uptime else None,
            transactions=transactions,
        )

    async def heads(self, *, after: str | None, size: int) -> PageHeads:
        """Return the heads among the next `size` pages by page id."""
        async with self._server.snapshot() as session:
            rows = await session.rows(self._asked.pages_after, int(after or 0), size)
            pages = await self._reading(session).pages(rows)
        return PageHeads(_heads(pages), str(rows[-1][0]) if len(rows) == size else None)

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, PageHead]:
        """Return the heads of those entities that have a page."""
        titles: dict[int, list[bytes]] = {}
        files: list[int] = []
        for one in entity_ids:
            of_type = entity_type(one)
            if of_type is EntityType.MEDIAINFO:
                files.append(number(one))
            elif of_type in self._namespaces:
                titles.setdefault(self._namespaces[of_type], []).append(one.encode())
        async with self._server.snapshot() as session:
            reading = self._reading(session)
            rows = await reading.for_ids(self._asked.pages_by_id, files)
            for namespace, keys in titles.items():
                rows += await reading.for_ids(self._asked.pages_by_title, keys, namespace)
            wanted = set(entity_ids)
            return {one.entity_id: one for one in _heads(await reading.pages(rows)) if one.entity_id in wanted}

    async def entities_of_user(
        self, user: str, *, after: str | None, size: int
    ) -> tuple[Sequence[EntityId], str | None]:
        """Return some of the entities with live revisions of a user, and where the next ones begin."""
        async with self._server.snapshot() as session:
            found = await session.rows(self._changes.pages_of_user, user.encode(), int(after or 0), size)
            reading = self._reading(session)
            rows = await reading.for_ids(self._asked.pages_by_id, [page_id for (page_id,) in found])
            pages = await reading.pages(rows)
        return [one.entity_id for one in _heads(pages)], str(found[-1][0]) if len(found) == size else None

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        await self._server.close()

    async def _transactions(self) -> frozenset[str] | None:
        """Return the transactions that may write; None for ever when this server or this user cannot prove it."""
        try:
            if not await self._is_primary():
                self._proves = False
                return None
            for _ in range(_LIST_TRIES):
                if (found := await self._listed()) is not None:
                    return found
                await asyncio.sleep(_LIST_IDLE_S)
        except RefusedError:
            self._proves = False
        return None

    async def _listed(self) -> frozenset[str] | None:
        """Return the transactions under way; None: the list is an old one.

        InnoDB makes the list anew only when nobody has read it for 0.1 s. An old one may lack what has begun since,
        which would be taken for proof; so our own transaction must be in it, begun in this second or later.
        """
        async with self._server.session() as session:
            [(began,)] = await session.rows(SECONDS)
        async with self._server.snapshot() as session:
            rows = await session.rows(TRANSACTIONS)
        if not any(is_own and started_s >= began for *_, is_own, started_s in rows):
            return None
        return frozenset(
            f"{thread} {text_of(started)} {text_of(bare)}" for thread, started, bare, is_own, _ in rows if not is_own
        )

    async def _is_primary(self) -> bool:
        async with self._server.session() as session:
            cluster = await session.rows(CLUSTER)
        if cluster and text_of(cluster[0][1]).upper() == "ON":
            return False
        refused: RefusedError | None = None
        for statement in REPLICA_STATUS:
            try:
                async with self._server.session() as session:
                    return not await session.rows(statement)
            except RefusedError as error:
                refused = error
        raise refused or RefusedError("nobody says whether this server is a replica")

    async def _revisions(self, session: Session, live: Sequence[Row], archived: Sequence[Row]) -> list[Change]:
        reading = self._reading(session)
        page_ids = sorted({row[1] for row in live})
        pages: dict[int, DatabasePage] = {}
        for some in groups(page_ids):
            rows = await reading.for_ids(self._asked.pages_by_id, some)
            pages |= {page.page_id: page for page in await reading.pages(rows)}
        found: dict[int, Change] = {}
        for rev_id, page_id, timestamp in live:
            page = pages.get(page_id)
            own: tuple[EntityId, ...] = (page.entity_id,) if page and page.entity_id else ()
            found[rev_id] = Change(
                number=rev_id, at=iso_timestamp(timestamp), entity_ids=own, rev_id=rev_id if own else None
            )
        for rev_id, page_id, timestamp, namespace, title in archived:
            # What a deleted page held is told by the entity itself: no revision is promised here.
            own = logged_entities(self._namespaces, namespace, text_of(title), page_id or 0, "")
            found.setdefault(rev_id, Change(number=rev_id, at=iso_timestamp(timestamp), entity_ids=own))
        return [found[rev_id] for rev_id in sorted(found)]

    def _logged(self, rows: Sequence[Row]) -> list[Change]:
        return [_logged(self._namespaces, row) for row in rows]

    def _reading(self, session: Session) -> Reading:
        return Reading(session, self._asked, self._namespace_models, withheld=False)


def _looked(low: int, high: int, changes: Sequence[Change], size: int) -> Looked:
    if len(changes) < size:
        return Looked((low, high), changes)
    return Looked((low, changes[size - 1].number), changes[:size])


def _logged(namespaces: Mapping[EntityType, int], row: Sequence[Any]) -> Change:
    log_id, timestamp, log_type, action, namespace, raw_title, page_id, raw_params = row
    title, params = text_of(raw_title), text_of(raw_params or b"")
    return Change(
        number=log_id,
        at=iso_timestamp(timestamp),
        entity_ids=logged_entities(namespaces, namespace, title, page_id or 0, params),
        users=changed_users(text_of(log_type), text_of(action), title, params),
    )


def _heads(pages: Sequence[DatabasePage]) -> list[PageHead]:
    return [
        PageHead(entity_id=page.entity_id, page_id=page.page_id, rev_id=page.head_rev_id)
        for page in pages
        if page.entity_id is not None
    ]
