"""Read-only connections to a MariaDB or MySQL server: few, bounded in time, given back whole or closed.

Rules
- Every session is read-only (the server refuses writes), has no SQL mode, and a statement timeout on the server besides
  the one here, so that what we stop waiting for stops there too.
- Text comes as bytes, as it is stored: MediaWiki's columns are binary, and no connection charset may convert them.
- After any error a connection is closed, never used again. Errors are those of backends.errors.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncmy
from asyncmy import errors
from asyncmy.connection import Connection

from backends.errors import BackendError, RefusedError, UnavailableError

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a database server is, and who we are there. `unix_socket` wins over host and port."""

    user: str
    password: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 3306
    unix_socket: str | None = None
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return self.unix_socket or f"{self.host}:{self.port}"


# MySQL's and MariaDB's numbers of what is over as soon as the operator or the server changes something.
_REFUSALS = frozenset({
    1044,  # access to the database denied
    1045,  # access denied
    1049,  # unknown database
    1054,  # unknown column
    1142,  # command denied on a table
    1143,  # command denied on a column
    1146,  # no such table
    1227,  # a privilege is missing
    1698,  # access denied, by plugin
    1792,  # would write in a read-only transaction
})  # fmt: skip


class ReadOnlyServer:
    """A server that can be asked. Holds at most `connections_max` connections; who finds none free waits for one."""

    def __init__(
        self,
        server: Server,
        *,
        database: str | None = None,
        connections_max: int = 4,
        query_timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
    ) -> None:
        """`database`: where names of tables without a database are looked for."""
        self._database = database
        self._server = server
        self._query_timeout_s = query_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._turns = asyncio.Semaphore(connections_max)
        self._idle: list[Connection] = []
        self._closed = False

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """Borrow a connection; each statement stands for itself. Raises backends.errors."""
        try:
            async with asyncio.timeout(self._query_timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            raise UnavailableError(f"no connection to {self._server} came free in {self._query_timeout_s} s") from None
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            session = Session(connection, str(self._server), self._query_timeout_s)
            try:
                yield session
            except BaseException:
                session.whole = False
                raise
            finally:
                if session.whole and not self._closed:
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._turns.release()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Session"]:
        """Borrow a connection whose statements all see the database at one moment. Raises backends.errors."""
        async with self.session() as session:
            await session.rows("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await session.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield session
            await session.rows("COMMIT")

    async def close(self) -> None:
        """Close the connections that are idle now, the others when they come back. Calling it twice is harmless."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                async with asyncio.timeout(self._connect_timeout_s):
                    await connection.ensure_closed()
            except (TimeoutError, errors.MySQLError, OSError):
                connection.close()

    async def _connect(self) -> Connection:
        server = self._server
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                connection = await asyncmy.connect(
                    user=server.user,
                    password=server.password,
                    host=server.host,
                    port=server.port,
                    unix_socket=server.unix_socket,
                    database=self._database,
                    ssl=server.tls,
                    charset="utf8mb4",
                    use_unicode=False,
                    autocommit=True,
                    connect_timeout=self._connect_timeout_s,
                )
        except TimeoutError:
            raise UnavailableError(f"{server} does not answer in {self._connect_timeout_s} s") from None
        except (errors.MySQLError, OSError) as error:
            raise _named(error, str(server)) from error
        try:
            await self._prepare(Session(connection, str(server), self._query_timeout_s))
        except BaseException:
            connection.close()
            raise
        return connection

    async def _prepare(self, session: "Session") -> None:
        await session.rows("SET SESSION TRANSACTION READ ONLY")
        # No mode: NO_BACKSLASH_ESCAPES would change how parameters must be quoted. No conversion of what is read.
        await session.rows("SET SESSION sql_mode = '', character_set_results = NULL")
        [(version,)] = await session.rows("SELECT VERSION()")
        if b"MariaDB" in version:
            await session.rows("SET SESSION max_statement_time = %s", self._query_timeout_s)
        else:
            await session.rows("SET SESSION max_execution_time = %s", int(self._query_timeout_s * 1000))


class Session:
    """A borrowed connection. `whole` until a statement fails, or the borrower does."""

    def __init__(self, connection: Connection, where: str, timeout_s: float) -> None:
        self._connection = connection
        self._where = where
        self._timeout_s = timeout_s
        self.whole = True

    async def rows(self, statement: str, *params: float | bytes | None) -> Sequence[Row]:
        """Run a statement with `%s` for each parameter; return its rows, all text in them as bytes.

        A text parameter is bytes, in the wiki's own bytes. Raises backends.errors.
        """
        return (await self._asked(statement, params))[1]

    async def named_rows(self, statement: str, *params: float | bytes | None) -> Sequence[Mapping[str, Any]]:
        """Run a statement whose columns differ from server to server; return its rows by column name."""
        names, rows = await self._asked(statement, params)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def _asked(
        self, statement: str, params: tuple[float | bytes | None, ...]
    ) -> tuple[Sequence[str], Sequence[Row]]:
        whole, self.whole = self.whole, False
        try:
            async with asyncio.timeout(self._timeout_s):
                cursor = self._connection.cursor()
                await cursor.execute(statement, params or None)
                names = [str(column[0]) for column in cursor.description or ()]
                rows = list(await cursor.fetchall()) if names else []
        except TimeoutError:
            raise UnavailableError(f"{self._where} gave no answer in {self._timeout_s} s") from None
        except (errors.MySQLError, OSError) as error:
            raise _named(error, self._where) from error
        self.whole = whole
        return names, rows


def _named(error: Exception, where: str) -> BackendError:
    number = error.args[0] if error.args else None
    refused = number in _REFUSALS or isinstance(error, errors.ProgrammingError)
    return (RefusedError if refused else UnavailableError)(f"{where}: {error}")
