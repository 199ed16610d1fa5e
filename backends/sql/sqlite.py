"""SQLite behind the seam of databases: the embedded default.

One writer thread with one connection, so that writes queue up here instead of failing on SQLite's lock; a small
pool of reader threads beside it (write-ahead log: readers see the last commit and block nobody). Every commit is
on disk when it returns (synchronous=FULL), since the index row is the commit point (invariant 3). Waiting is
bounded: for the writer by `write_timeout_s`, for other processes by `busy_timeout_s`.

Writes that are known beforehand (all but `transaction`) and come while the writer is busy share the next commit: each
inside a savepoint of its own, so that one that fails is undone alone, and none is acknowledged before the commit.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from backends.errors import BackendError, ConflictError, CorruptError, RefusedError, UnavailableError
from backends.sql.base import Row, Statements, Step, do_nothing
from backends.sql.migrations import migrations
from backends.sql.statements import StatementBook, book
from backends.sql.units import Outcome, Units, all_failed

DIALECT = "sqlite"
_WAL_RETRY_S = 0.01
MEMORY_PAGES_KIB = 16_384
"""Page cache of each connection, in KiB."""

_MIGRATIONS_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_steps (schema_name TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY (schema_name, number)) WITHOUT ROWID"
)

# SQLite's primary result codes (sqlite3.h) by what a caller can do about them.
_KIND_OF_CODE: Mapping[int, type[BackendError]] = {
    sqlite3.SQLITE_BUSY: UnavailableError,
    sqlite3.SQLITE_LOCKED: UnavailableError,
    sqlite3.SQLITE_NOMEM: UnavailableError,
    sqlite3.SQLITE_FULL: UnavailableError,
    sqlite3.SQLITE_IOERR: UnavailableError,
    sqlite3.SQLITE_INTERRUPT: UnavailableError,
    sqlite3.SQLITE_CONSTRAINT: ConflictError,
    sqlite3.SQLITE_READONLY: RefusedError,
    sqlite3.SQLITE_PERM: RefusedError,
    sqlite3.SQLITE_AUTH: RefusedError,
    sqlite3.SQLITE_CANTOPEN: RefusedError,
    sqlite3.SQLITE_CORRUPT: CorruptError,
    sqlite3.SQLITE_NOTADB: CorruptError,
}

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]


class SqliteDatabase:
    """An opened SQLite file. Implements `backends.sql.base.Database`; the shard of a transaction is ignored."""

    single_shard = True

    def __init__(self, path: Path, schema: str, *, busy_timeout_s: float, write_timeout_s: float, readers: int) -> None:
        self._path = path
        self._schema = schema
        self._busy_timeout_s = busy_timeout_s
        self._book = book(DIALECT)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{schema}-writer")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix=f"sqlite-{schema}-reader")
        self._reading = asyncio.Semaphore(readers * 4)
        self._units: Units[Work] = Units(self._commit, where=path.name, turn_s=write_timeout_s)
        self._local = threading.local()
        self._watch: sqlite3.Connection | None = None
        self._opened: list[sqlite3.Connection] = []
        self._opened_guard = threading.Lock()
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        schema: str,
        *,
        busy_timeout_s: float = 10.0,
        write_timeout_s: float = 30.0,
        readers: int = 2,
    ) -> "SqliteDatabase":
        """Open (and create) the file; `migrate()` brings in the tables. Raises RefusedError, CorruptError."""
        database = cls(path, schema, busy_timeout_s=busy_timeout_s, write_timeout_s=write_timeout_s, readers=readers)
        try:
            try:
                await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            except OSError as error:
                raise RefusedError(f"{path.parent} cannot hold a database: {error.strerror}") from error
            await database._in(database._writer, lambda connection: connection.execute("PRAGMA schema_version"))
            database._watch = await database._in(database._writer, lambda _: database._connect(0))
        except BaseException:
            await database.close()
            raise
        return database

    async def execute(self, name: str, /, **params: Any) -> int:
        """Run one named statement in its own transaction; return how many rows it changed."""
        return int(await self._in_unit(_execution(self._book, name, params)))

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        """Run one named query on what is committed; return its rows."""
        async with self._reading:
            return await self._in(self._readers, _query(self._book, name, params))

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one named statement for many parameter sets, in one transaction. Returns the rows changed."""
        return int(await self._in_unit(_executions(self._book, name, params))) if params else 0

    async def together(
        self, shard: str, steps: Sequence[Step], *, before_commit: Callable[[], None] = do_nothing
    ) -> None:
        """Do all steps in one transaction, which may be shared with others' that come at the same moment."""
        del shard  # one file is one shard
        kinds = {True: _query, False: _execution}
        works = [(kinds[step.is_query](self._book, step.name, step.params), step.check) for step in steps]

        def run(connection: sqlite3.Connection) -> None:
            for work, check in works:
                done = work(connection)
                if check is not None:
                    check(done)
            before_commit()

        await self._in_unit(run)

    def version(self) -> int | None:
        """Return SQLite's own count of others' commits, seen from a connection that never writes."""
        if self._watch is None or self._closed:
            return None
        try:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None  # busy, for a moment: then it costs a question

    def transaction(self, shard: str) -> AbstractAsyncContextManager[Statements]:
        """Open a write transaction: commits on leaving, rolls back on any exception."""
        del shard  # one file is one shard
        return self._transaction()

    async def migrate(self) -> None:
        """Bring the schema up to date: all missing steps in one transaction, under SQLite's write lock."""
        steps = migrations(self._schema, DIALECT)

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(_MIGRATIONS_TABLE)
                found = connection.execute("SELECT number FROM schema_steps WHERE schema_name = ?", (self._schema,))
                done = {number for (number,) in found}
                for step in steps:
                    if step.number in done:
                        continue
                    for statement in step.statements:
                        connection.execute(statement)
                    row = (self._schema, step.number, step.name)
                    connection.execute("INSERT INTO schema_steps (schema_name, number, name) VALUES (?, ?, ?)", row)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

        async with self._units.turn():
            await self._in(self._writer, run)

    async def close(self) -> None:
        """Wait for what is under way, then close. Calling it twice is harmless."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close_all)

    def _close_all(self) -> None:
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writer.shutdown(wait=True, cancel_futures=True)
        with self._opened_guard:
            for connection in (*self._opened, *([self._watch] if self._watch else ())):
                connection.close()
            self._opened.clear()

    async def _in_unit(self, work: Work) -> Any:
        if self._closed:
            raise UnavailableError(f"{self._path.name}: the database is closed")
        return await self._units.do(work)

    def _commit(self, works: Sequence[Work]) -> "asyncio.Future[list[Outcome]]":
        return self._in(self._writer, lambda connection: _commit_units(connection, works, self._path.name))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Statements]:
        async with self._units.turn():
            try:
                await self._in(self._writer, lambda connection: connection.execute("BEGIN IMMEDIATE"))
                yield _Inside(self)
                await self._in(self._writer, lambda connection: connection.execute("COMMIT"))
            except BaseException:
                # Submitted at once and shielded: it stands in the writer's line before any other statement, and
                # runs even when this task is cancelled again. After a finished COMMIT it finds nothing to undo.
                await asyncio.shield(self._in(self._writer, _roll_back))
                raise

    def _in(self, pool: ThreadPoolExecutor, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        if self._closed:
            raise UnavailableError(f"{self._path.name}: the database is closed")
        return asyncio.get_running_loop().run_in_executor(pool, self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection())
        except sqlite3.Error as error:
            raise named_error(error, self._path.name) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect(self._busy_timeout_s)
            connection.row_factory = sqlite3.Row
            with self._opened_guard:
                self._opened.append(connection)
            _enter_wal(connection, self._busy_timeout_s)
            for pragma in (
                "synchronous=FULL",
                "foreign_keys=OFF",
                f"cache_size=-{MEMORY_PAGES_KIB}",
                "temp_store=MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
            self._local.connection = connection
        return connection

    def _connect(self, timeout_s: float) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path,
            timeout=timeout_s,
            isolation_level=None,  # transactions are begun by name
            check_same_thread=False,  # closed by another thread than the one that used it
            cached_statements=256,
        )


class _Inside:
    """The statements of an open transaction: all on the writer's connection, so queries see its own writes."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def execute(self, name: str, /, **params: Any) -> int:
        database = self._database
        return await database._in(database._writer, _execution(database._book, name, params))  # noqa: SLF001 -- one class in two

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        database = self._database
        return await database._in(database._writer, _query(database._book, name, params))  # noqa: SLF001 -- one class in two

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        database = self._database
        if not params:
            return 0
        return await database._in(database._writer, _executions(database._book, name, params))  # noqa: SLF001 -- one class in two


def named_error(error: sqlite3.Error, where: str) -> BackendError:
    """Return the named error for what SQLite raised; unknown codes are the caller's fault: RefusedError."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = _KIND_OF_CODE.get((code or 0) & 0xFF, RefusedError)  # the low byte is the primary code
    return kind(f"{where}: {error}")


def _enter_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Switch to write-ahead logging; SQLite does not wait for others that do the same at once, so we do."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _commit_units(connection: sqlite3.Connection, works: Sequence[Work], where: str) -> list[Outcome]:
    """Do several writes in one transaction; return what came of each. One that fails is undone alone."""

    def refused(error: sqlite3.Error) -> list[Outcome]:
        return all_failed(works, lambda: named_error(error, where))

    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes: list[Outcome] = []
        for work in works:
            connection.execute("SAVEPOINT unit")
            try:
                outcomes.append((work(connection), None))
            except Exception as error:
                if not connection.in_transaction:
                    raise  # a fault so grave that SQLite has undone everything
                connection.execute("ROLLBACK TO unit")
                outcomes.append((None, named_error(error, where) if isinstance(error, sqlite3.Error) else error))
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _roll_back(connection)
        return refused(error)
    except BaseException:
        _roll_back(connection)
        raise
    return outcomes


def _execution(statements: StatementBook, name: str, params: Mapping[str, Any]) -> Callable[[sqlite3.Connection], int]:
    statement = statements[name]
    statement.check(params)
    text, flat = statement.spread(params)
    return lambda connection: connection.execute(text, flat).rowcount


def _executions(
    statements: StatementBook, name: str, params: Sequence[Mapping[str, Any]]
) -> Callable[[sqlite3.Connection], int]:
    statement = statements[name]
    for one in params:
        statement.check(one)
    return lambda connection: connection.executemany(statement.text, params).rowcount


def _query(
    statements: StatementBook, name: str, params: Mapping[str, Any]
) -> Callable[[sqlite3.Connection], Sequence[Row]]:
    statement = statements[name]
    statement.check(params)
    text, flat = statement.spread(params)
    return lambda connection: [dict(row) for row in connection.execute(text, flat)]
