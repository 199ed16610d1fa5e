"""MySQL, MariaDB (and what speaks their protocol) as a database: a bounded pool of asyncmy connections.

Autocommit is on; a transaction is begun by name. No session state is set, so that a router in between stays free to
choose the connection. A statement that takes too long costs its connection, never the pool.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncmy
from asyncmy.cursors import DictCursor
from asyncmy.errors import MySQLError

from backends.errors import BackendError, ConflictError, RefusedError, UnavailableError
from backends.sql.base import Row, Statements
from backends.sql.migrations import migrations
from backends.sql.statements import Statement, book

DIALECT = "mysql"
_PARAM = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|:(?P<param>[a-z][a-z0-9_]*)|(?P<percent>%)")
_TABLE = re.compile(r"CREATE TABLE", re.IGNORECASE)
# Binary collation: ids differ by case. The same words mean the same on MySQL and MariaDB.
_TABLE_OPTIONS = " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_STEPS_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_steps (schema_name VARCHAR(64) NOT NULL, number INT NOT NULL,"
    " name VARCHAR(64) NOT NULL, PRIMARY KEY (schema_name, number))" + _TABLE_OPTIONS
)
_ALREADY_DONE = frozenset({1050, 1060, 1061})  # table, column, key exists: a step that died half-way
_DUPLICATE = 1062
_KIND_OF_CODE: Mapping[int, type[BackendError]] = {
    _DUPLICATE: ConflictError,
    1205: ConflictError,  # lock wait timeout
    1213: ConflictError,  # deadlock: somebody else was first
    1020: ConflictError,  # record has changed since last read
    **dict.fromkeys((1021, 1040, 1053, 1077, 1105, 1114, 1129, 1158, 1159, 1160, 1161, 1203, 1226), UnavailableError),
    **dict.fromkeys((2002, 2003, 2005, 2006, 2013, 2014, 2055, 3024, 1927, 1969, 1317), UnavailableError),
    **dict.fromkeys((1290, 1792, 1836), UnavailableError),  # read-only: somebody is switching over
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlAddress:
    """Where the server is and who we are there. `socket` wins over host and port. `password` is never printed."""

    host: str = "127.0.0.1"
    port: int = 3306
    socket: str | None = None
    user: str = "cutover"
    password: str = ""
    database: str = "cutover"
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        """Say where, not with what."""
        return f"{self.user}@{self.socket or f'{self.host}:{self.port}'}/{self.database}"


class MysqlDatabase:
    """One database on a server, holding the tables of one schema ("index" or "ledger")."""

    def __init__(
        self, address: MysqlAddress, schema: str, pool: Any, *, pool_max: int, statement_timeout_s: float, turn_s: float
    ) -> None:
        self._address = address
        self._schema = schema
        self._pool = pool
        self._book = book(DIALECT)
        self._turns = asyncio.Semaphore(pool_max)
        self._statement_timeout_s = statement_timeout_s
        self._turn_s = turn_s
        self._closed = False
        self._rendered: dict[str, str] = {}

    @classmethod
    async def open(
        cls,
        address: MysqlAddress,
        schema: str,
        *,
        pool_max: int = 16,
        connect_timeout_s: float = 5.0,
        statement_timeout_s: float = 30.0,
        turn_s: float = 10.0,
    ) -> "MysqlDatabase":
        """Open a pool; `migrate()` brings in the tables. `turn_s`: how long a caller waits for a connection.

        Raises UnavailableError, RefusedError.
        """
        where: dict[str, Any] = (
            {"unix_socket": address.socket} if address.socket else {"host": address.host, "port": address.port}
        )
        try:
            async with asyncio.timeout(connect_timeout_s):
                pool = await asyncmy.create_pool(
                    minsize=1,
                    maxsize=pool_max,
                    pool_recycle=300,
                    user=address.user,
                    password=address.password,
                    database=address.database,
                    charset="utf8mb4",
                    autocommit=True,
                    cursor_cls=DictCursor,
                    connect_timeout=max(1, int(connect_timeout_s)),
                    ssl=address.tls,
                    **where,
                )
        except (MySQLError, OSError, TimeoutError) as error:
            raise named_error(error, repr(address)) from error
        return cls(address, schema, pool, pool_max=pool_max, statement_timeout_s=statement_timeout_s, turn_s=turn_s)

    async def execute(self, name: str, /, **params: Any) -> int:
        """Run one named statement in its own transaction; return how many rows it changed."""
        async with self._connection() as connection:
            return await self._run(connection, name, params)

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        """Run one named query; return its rows."""
        async with self._connection() as connection:
            return await self._fetch(connection, name, params)

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one named statement for many parameter sets, in one transaction. Returns the rows changed."""
        async with self.transaction("") as inside:
            return await inside.execute_many(name, params)

    def transaction(self, shard: str) -> AbstractAsyncContextManager[Statements]:
        """Open a transaction: commits on leaving, rolls back on any exception."""
        del shard  # one server is one shard
        return self._transaction()

    async def migrate(self) -> None:
        """Bring the schema up to date. Steps may be run by two at once: what exists already counts as done."""
        async with self._connection() as connection:
            await self._plain(connection, _STEPS_TABLE)
            rows = await self._plain(
                connection, "SELECT number FROM schema_steps WHERE schema_name = %(schema)s", {"schema": self._schema}
            )
            done = {int(row["number"]) for row in rows}
            for step in migrations(self._schema, DIALECT):
                if step.number in done:
                    continue
                for statement in step.statements:
                    await self._step(connection, statement)
                await self._plain(
                    connection,
                    "INSERT INTO schema_steps (schema_name, number, name) VALUES (%(schema)s, %(number)s, %(name)s)"
                    " ON DUPLICATE KEY UPDATE name = VALUES(name)",
                    {"schema": self._schema, "number": step.number, "name": step.name},
                )

    async def close(self) -> None:
        """Close every connection. Calling it twice is harmless."""
        if not self._closed:
            self._closed = True
            self._pool.terminate()
            await self._pool.wait_closed()

    async def _step(self, connection: Any, statement: str) -> None:
        text = statement + _TABLE_OPTIONS if _TABLE.match(statement) else statement
        try:
            await self._plain(connection, text.replace("%", "%%"), {})
        except BackendError as error:
            if _code(error.__cause__) not in _ALREADY_DONE:
                raise

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._closed:
            raise UnavailableError(f"{self._address!r}: the database is closed")
        try:
            async with asyncio.timeout(self._turn_s):
                await self._turns.acquire()
        except TimeoutError:
            raise UnavailableError(f"{self._address!r}: no free connection within {self._turn_s:g} s") from None
        try:
            try:
                async with asyncio.timeout(self._turn_s):
                    connection = await self._pool.acquire()
            except (MySQLError, OSError, TimeoutError) as error:
                raise named_error(error, repr(self._address)) from error
            try:
                yield connection
            except UnavailableError:
                connection.close()  # half an answer may be on the wire
                raise
            except asyncio.CancelledError:
                connection.close()
                raise
            finally:
                await asyncio.shield(self._pool.release(connection))
        finally:
            self._turns.release()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Statements]:
        async with self._connection() as connection:
            await self._plain(connection, "BEGIN")
            try:
                yield _Inside(self, connection)
                await self._plain(connection, "COMMIT")
            except BaseException as error:
                # A connection that may hold half a transaction is not given back: closing it rolls back.
                if isinstance(error, ConflictError):
                    await self._plain(connection, "ROLLBACK")
                else:
                    connection.close()
                raise

    async def _run(self, connection: Any, name: str, params: Mapping[str, Any]) -> int:
        text, flat = self._spread(self._book[name], params)
        async with self._cursor(connection) as cursor:
            await cursor.execute(text, flat)
            return int(cursor.rowcount)

    async def _fetch(self, connection: Any, name: str, params: Mapping[str, Any]) -> Sequence[Row]:
        text, flat = self._spread(self._book[name], params)
        return await self._plain(connection, text, flat)

    async def _plain(self, connection: Any, text: str, params: Mapping[str, Any] | None = None) -> Sequence[Row]:
        async with self._cursor(connection) as cursor:
            await cursor.execute(text, params)
            return list(await cursor.fetchall())

    def _spread(self, statement: Statement, params: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        statement.check(params)
        text, flat = statement.spread(params)
        if text is not statement.text:
            return pyformat(text), flat
        rendered = self._rendered.get(statement.name)
        if rendered is None:
            rendered = self._rendered[statement.name] = pyformat(text)
        return rendered, flat

    @asynccontextmanager
    async def _cursor(self, connection: Any) -> AsyncIterator[Any]:
        try:
            async with asyncio.timeout(self._statement_timeout_s), connection.cursor() as cursor:
                yield cursor
        except TimeoutError as error:
            connection.close()
            raise UnavailableError(f"{self._address!r}: no answer within {self._statement_timeout_s:g} s") from error
        except (MySQLError, OSError) as error:
            raise named_error(error, repr(self._address)) from error


class _Inside:
    """The statements of an open transaction."""

    def __init__(self, database: MysqlDatabase, connection: Any) -> None:
        self._database = database
        self._connection = connection

    async def execute(self, name: str, /, **params: Any) -> int:
        return await self._database._run(self._connection, name, params)  # noqa: SLF001 - one class in two

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        return await self._database._fetch(self._connection, name, params)  # noqa: SLF001 - one class in two

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        changed = 0
        for one in params:
            changed += await self._database._run(self._connection, name, one)  # noqa: SLF001 - one class in two
        return changed


def pyformat(text: str) -> str:
    """Return a statement with `:name` as asyncmy wants it; literals stay text."""

    def one(match: re.Match[str]) -> str:
        if match["param"]:
            return f"%({match['param']})s"
        return match[0].replace("%", "%%")

    return _PARAM.sub(one, text)


def named_error(error: BaseException, where: str) -> BackendError:
    """Return the named error for what the driver raised; an unknown code is the caller's fault: RefusedError."""
    code = _code(error)
    if code is None:
        return UnavailableError(f"{where}: {error or type(error).__name__}")
    return _KIND_OF_CODE.get(code, RefusedError)(f"{where}: {error}")


def _code(error: BaseException | None) -> int | None:
    first = error.args[0] if isinstance(error, MySQLError) and error.args else None
    return first if isinstance(first, int) else None
