"""MySQL, MariaDB (and what speaks their protocol) as a database: a bounded pool of asyncmy connections.

Autocommit is on; a transaction is begun by name. No session state is set, so that a router in between stays free to
choose the connection. A statement that takes too long costs its connection, never the pool. What is known beforehand
goes out in one message: a whole transaction takes two round trips, the second of them its COMMIT. Where everything is
on one server, writes of different entities that come at the same moment share such a transaction.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncmy
from asyncmy.cursors import DictCursor
from asyncmy.errors import MySQLError

from backends.errors import BackendError, ConflictError, UnavailableError
from backends.sql.base import Row, Statements, Step, carry_out, do_nothing
from backends.sql.migrations import migrations
from backends.sql.mysql_errors import code_of, is_undone, named_error
from backends.sql.statements import Statement, book
from backends.sql.units import Outcome, Units, all_failed

__all__ = ["DIALECT", "MysqlAddress", "MysqlDatabase", "named_error", "pyformat"]

DIALECT = "mysql"
_PARAM = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|:(?P<param>[a-z][a-z0-9_]*)|(?P<percent>%)")
_TABLE = re.compile(r"CREATE TABLE", re.IGNORECASE)
# Binary collation: ids differ by case. The same words mean the same on MySQL and MariaDB.
_TABLE_OPTIONS = " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_STEPS_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_steps (schema_name VARCHAR(64) NOT NULL, number INT NOT NULL,"
    " name VARCHAR(64) NOT NULL, PRIMARY KEY (schema_name, number))" + _TABLE_OPTIONS
)
_ALREADY_DONE = frozenset({1050, 1060, 1061, 1062})  # table, column, key, row is there: a step that died half-way
TRIES_MAX = 5
"""How often a transaction that is known beforehand is tried while the server undoes it for a deadlock."""
MESSAGE_BYTES_MAX = 1_000_000
"""The longest text of several statements in one message (a single longer one goes alone); servers take 16 MB."""


@dataclass(frozen=True, slots=True)
class _Write:
    """What `together` was asked for."""

    shard: str
    steps: Sequence[Step]
    before_commit: Callable[[], None]


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
        self,
        address: MysqlAddress,
        schema: str,
        pool: Any,
        *,
        pool_max: int,
        statement_timeout_s: float,
        turn_s: float,
        single_shard: bool,
        several_at_once: bool,
    ) -> None:
        self.single_shard = single_shard
        self._several_at_once = several_at_once
        self._address = address
        self._schema = schema
        self._pool = pool
        self._book = book(DIALECT)
        self._turns = asyncio.Semaphore(pool_max)
        self._statement_timeout_s = statement_timeout_s
        self._turn_s = turn_s
        self._closed = False
        self._rendered: dict[str, str] = {}
        self._units: Units[_Write] = Units(
            self._commit, where=repr(address), turn_s=turn_s, key=lambda write: write.shard
        )

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
        single_shard: bool = False,
        several_at_once: bool = True,
    ) -> "MysqlDatabase":
        """Open a pool; `migrate()` brings in the tables. `turn_s`: how long a caller waits for a connection.

        `single_shard`: it is one server, so one transaction may touch every table. `several_at_once`: it takes
        several statements in one message, as MySQL and MariaDB do. Raises UnavailableError, RefusedError.
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
        return cls(
            address,
            schema,
            pool,
            pool_max=pool_max,
            statement_timeout_s=statement_timeout_s,
            turn_s=turn_s,
            single_shard=single_shard,
            several_at_once=several_at_once,
        )

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

    async def together(
        self, shard: str, steps: Sequence[Step], *, before_commit: Callable[[], None] = do_nothing
    ) -> None:
        """Do all steps in one transaction. A deadlock is nobody's victory: tried again, up to `TRIES_MAX` times."""
        if self._several_at_once and self.single_shard:
            await self._units.do(_Write(shard, steps, before_commit))
            return
        for attempt in range(TRIES_MAX):
            try:
                async with self.transaction(shard) as inside:
                    await carry_out(inside, steps)
                    before_commit()
            except ConflictError as error:
                if not is_undone(error) or attempt == TRIES_MAX - 1:
                    raise
            else:
                return

    def version(self) -> int | None:
        """Return None: only the server knows."""
        return None

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
            with suppress(TimeoutError):  # somebody still holds a connection, which is closed by now
                async with asyncio.timeout(self._turn_s):
                    await self._pool.wait_closed()

    async def _step(self, connection: Any, statement: str) -> None:
        text = statement + _TABLE_OPTIONS if _TABLE.match(statement) else statement
        try:
            await self._plain(connection, text.replace("%", "%%"), {})
        except BackendError as error:
            if code_of(error.__cause__) not in _ALREADY_DONE:
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
            async with self._committed(connection):
                yield _Inside(self, connection)

    @asynccontextmanager
    async def _committed(self, connection: Any) -> AsyncIterator[None]:
        """Commit what was begun; roll back on any exception."""
        try:
            yield
            await self._plain(connection, "COMMIT")
        except BaseException as error:
            # A connection that may hold half a transaction is not given back: closing it rolls back.
            if isinstance(error, ConflictError):
                await self._plain(connection, "ROLLBACK")
            else:
                connection.close()
            raise

    async def _commit(self, writes: Sequence[_Write]) -> Sequence[Outcome]:
        """Commit several writes together; one that fails is taken out, and the others are tried again without it."""
        outcomes: dict[int, Outcome] = {}
        left = list(enumerate(writes))
        tries = 0
        while left:
            place = [0]
            try:
                await self._commit_all([one for _, one in left], place)
            except UnavailableError as error:
                said = str(error)
                failed = all_failed(left, lambda said=said: UnavailableError(said))  # type: ignore[misc]
                outcomes |= dict(zip((number for number, _ in left), failed, strict=True))
                break
            except Exception as error:  # noqa: BLE001 - raised again where it was asked for
                tries += is_undone(error)
                if is_undone(error) and tries < TRIES_MAX:
                    continue
                number, _ = left.pop(place[0])
                outcomes[number] = (None, error)
            else:
                outcomes |= {number: (None, None) for number, _ in left}
                break
        return [outcomes[number] for number in range(len(writes))]

    async def _commit_all(self, writes: Sequence[_Write], place: list[int]) -> None:
        """Commit all of them or none; `place` says which of them failed."""
        steps = [(number, step) for number, write in enumerate(writes) for step in write.steps]
        texts = [self._spread(self._book[step.name], step.params) for _, step in steps]
        done: list[tuple[int, Sequence[Row]]] = []
        async with self._connection() as connection, self._committed(connection):
            try:
                await self._several(connection, [("BEGIN", None), *texts], done)
            finally:
                place[0] = steps[min(max(len(done) - 1, 0), len(steps) - 1)][0]
            for (place[0], step), (changed, rows) in zip(steps, done[1:], strict=True):
                if step.check is not None:
                    step.check(rows if step.is_query else changed)
            for place[0], write in enumerate(writes):
                write.before_commit()

    async def _several(
        self,
        connection: Any,
        statements: Sequence[tuple[str, Mapping[str, Any] | None]],
        done: list[tuple[int, Sequence[Row]]],
    ) -> None:
        """Run statements in one message; add to `done` what each changed and its rows. The first that fails ends it."""
        async with self._cursor(connection) as cursor:
            await cursor.execute(";".join(cursor.mogrify(text, params) for text, params in statements))
            while True:
                rows = list(await cursor.fetchall()) if cursor.description else []
                done.append((int(cursor.rowcount), rows))
                if len(done) == len(statements) or not await cursor.nextset():
                    return

    async def _run_many(self, connection: Any, name: str, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one statement for many parameter sets, several to a message where the server takes that."""
        texts = [self._spread(self._book[name], one) for one in params]
        changed, first = 0, 0
        while first < len(texts):
            last, length = first + 1, _length(params[first], texts[first][0])
            while self._several_at_once and last < len(texts):
                length += _length(params[last], texts[last][0])
                if length > MESSAGE_BYTES_MAX:
                    break
                last += 1
            done: list[tuple[int, Sequence[Row]]] = []
            await self._several(connection, texts[first:last], done)
            changed += sum(one for one, _ in done)
            first = last
        return changed

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
        return await self._database._run_many(self._connection, name, params)  # noqa: SLF001 - one class in two


def pyformat(text: str) -> str:
    """Return a statement with `:name` as asyncmy wants it; literals stay text."""

    def one(match: re.Match[str]) -> str:
        if match["param"]:
            return f"%({match['param']})s"
        return match[0].replace("%", "%%")

    return _PARAM.sub(one, text)


def _length(params: Mapping[str, Any], text: str) -> int:
    """Return how long a rendered statement may be, in bytes, at most: everything escaped."""
    return len(text) + sum(8 * len(value) if isinstance(value, str | bytes) else 24 for value in params.values())
