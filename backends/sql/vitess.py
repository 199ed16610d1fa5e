"""Vitess as a database: everything in which it differs from one MySQL server.

- Two keyspaces, named `SHARDED,UNSHARDED` where MySQL has the database. Connections choose none of them: a table's
  name is known in one keyspace only, and the VSchema says in which.
- A transaction lies on one shard. `execute_many` outside of one is cut by shard: rows of one shard are written
  together or not at all, in the order in which shards are first named; what was written before a failure stays.
- Reads are never answered with what another client asked a moment before (Vitess shares answers by default): who has
  committed sees it.
- Only statements that say ALLOW_SCATTER may ask every shard.
- What rows are ordered by is named with its table: Vitess warns of ambiguity otherwise, and a warning costs a question.
- Errors carry Vitess's own words; some of its codes mean "wrong" where MySQL's mean "later".
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import asyncmy
from asyncmy.cursors import DictCursor
from asyncmy.errors import MySQLError

from backends.errors import BackendError, RefusedError, UnavailableError
from backends.sql.migrations import migrations
from backends.sql.mysql import DIALECT, MysqlAddress, MysqlDatabase, named_error
from backends.sql.statements import Statement, StatementBook, book
from backends.sql.vschema import VSchema, columns, keyspace_id, role_of, shard_of, shard_param, table_of, wanted

ALLOW_SCATTER = "/*vt+ ALLOW_SCATTER */"
"""What a statement says that walks every shard on purpose; a comment everywhere else."""

_OWN_ANSWER = "/*vt+ CONSOLIDATOR=disabled */"
_OWN_ANSWER_SCATTER = "/*vt+ ALLOW_SCATTER CONSOLIDATOR=disabled */"
_SEVERAL_SHARDS = "multi-db transaction attempted"
_WRONG = re.compile(
    rf"{_SEVERAL_SHARDS}|plan includes scatter|syntax error at|table \S+ not found"
    r"|VT0[357]\d\d\d|VT090[012]\d|VT12\d\d\d"
)
_OVERLOADED = frozenset({1041, 1203})
_VSCHEMA_THERE = re.compile(r"already (?:contains|exists|defined)")
_VSCHEMA_TRIES = 20
_VSCHEMA_WAIT_S = 0.1
_ORDER = re.compile(r"(?<= ORDER BY )(?P<by>[a-z_]+(?: DESC)?(?:, [a-z_]+(?: DESC)?)*)(?= LIMIT|$)")
_STEPS = "schema_steps"
_STEPS_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {_STEPS} (schema_name VARCHAR(64) NOT NULL, number INT NOT NULL,"
    " name VARCHAR(64) NOT NULL, PRIMARY KEY (schema_name, number))"
)


@dataclass(frozen=True, slots=True)
class Keyspaces:
    """The names of both keyspaces. `revisions` is empty where only control data is kept (the ledger)."""

    revisions: str
    control: str

    @classmethod
    def of(cls, text: str, schema: str) -> "Keyspaces":
        """Read `SHARDED,UNSHARDED`, or `UNSHARDED` for a ledger. Raises RefusedError."""
        names = text.split(",")
        if schema != "index" and len(names) == 1 and names[0]:
            return cls("", names[0])
        if len(names) != 2 or not all(names) or names[0] == names[1]:  # noqa: PLR2004 - both
            raise RefusedError(f"Vitess needs two keyspaces, SHARDED,UNSHARDED, not {text!r}")
        return cls(*names)

    def named(self, role: str) -> str:
        """Return the name of the keyspace "revisions" or "control"."""
        return self.revisions if role == "revisions" else self.control

    def roles(self) -> Sequence[str]:
        """Return which of both are used."""
        return ("revisions", "control") if self.revisions else ("control",)


class VitessDatabase(MysqlDatabase):
    """The tables of one schema ("index" or "ledger") behind a vtgate."""

    def __init__(self, address: MysqlAddress, schema: str, pool: Any, **limits: Any) -> None:
        super().__init__(address, schema, pool, **limits)
        self._book = vitess_book()
        self.keyspaces = Keyspaces("", "")
        self._shards: Sequence[str] = ()

    @classmethod
    async def open(cls, address: MysqlAddress, schema: str, **limits: Any) -> "VitessDatabase":
        """Open a pool. `address.database` names both keyspaces. Raises UnavailableError, RefusedError."""
        keyspaces = Keyspaces.of(address.database, schema)
        opened = await super().open(replace(address, database=""), schema, **limits)
        assert isinstance(opened, cls)
        opened.keyspaces = keyspaces
        try:
            await opened.shards()
        except BaseException:
            await opened.close()
            raise
        return opened

    async def shards(self) -> Sequence[str]:
        """Ask for the shards of the sharded keyspace anew. Raises RefusedError: there is none, or no Vitess."""
        async with self._connection() as connection:
            rows = await self._plain(connection, "SHOW VITESS_SHARDS")
        every = [str(row["Shards"]).partition("/") for row in rows]
        for role in self.keyspaces.roles():
            if (name := self.keyspaces.named(role)) not in {one for one, _, _ in every}:
                known = ", ".join(sorted({one for one, _, _ in every}))
                raise RefusedError(f"{self._address!r}: there is no keyspace {name!r}; there are {known}")
        self._shards = [shard for keyspace, _, shard in every if keyspace == self.keyspaces.revisions]
        return self._shards

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one named statement for many parameter sets: in one transaction for each shard that they lie on."""
        for one in params:
            self._book[name].check(one)
        changed = 0
        waiting = list(params)
        for attempt in range(2):
            parts = self._by_shard(self._book[name], waiting)
            try:
                while parts:
                    changed += await super().execute_many(name, parts[0])
                    del parts[0]
            except RefusedError as error:
                if _SEVERAL_SHARDS not in str(error) or attempt:
                    raise
                # The shards are not the ones they were.
                await self.shards()
                waiting = [one for part in parts for one in part]
            else:
                break
        return changed

    def _by_shard(self, statement: Statement, params: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
        found = shard_param(statement)
        if found is None:
            return [list(params)]
        key, param = found
        parts: dict[str, list[Mapping[str, Any]]] = {}
        for one in params:
            parts.setdefault(shard_of(keyspace_id(key.kind, one[param]), self._shards), []).append(one)
        return list(parts.values())

    async def migrate(self) -> None:
        """Bring VSchema and tables up to date, where a step is missing. Safe to run twice, and by two at once."""
        steps = migrations(self._schema, DIALECT)
        done = await self._done()
        if done >= {step.number for step in steps}:
            return
        async with AsyncExitStack() as stack:
            inside = {
                role: await stack.enter_async_context(self.within(self.keyspaces.named(role)))
                for role in self.keyspaces.roles()
            }
            for role, connection in inside.items():
                await self._bring_vschema(connection, self.keyspaces.named(role), wanted(role, self._schema))
            await self._step(inside["control"], _STEPS_TABLE)
            for step in steps:
                if step.number in done:
                    continue
                for statement in step.statements:
                    await self._step(inside[role_of(statement)], statement)
                await self._plain(
                    inside["control"],
                    f"INSERT INTO {_STEPS} (schema_name, number, name) VALUES (%(schema)s, %(number)s, %(name)s)"  # noqa: S608 - a constant
                    " ON DUPLICATE KEY UPDATE name = VALUES(name)",
                    {"schema": self._schema, "number": step.number, "name": step.name},
                )

    async def _done(self) -> set[int]:
        text = f"SELECT number FROM {self.keyspaces.control}.{_STEPS} WHERE schema_name = %(schema)s"  # noqa: S608 - ours
        try:
            async with self._connection() as connection:
                rows = await self._plain(connection, text, {"schema": self._schema})
        except RefusedError:
            return set()  # no such table yet
        return {int(row["number"]) for row in rows}

    async def _bring_vschema(self, connection: Any, keyspace: str, needed: VSchema) -> None:
        """Add what the VSchema of a keyspace lacks. Two may do so at once: a lost race is tried again."""
        for text in vschema_statements(keyspace, needed):
            for attempt in range(_VSCHEMA_TRIES):
                try:
                    await self._plain(connection, text)
                    break
                except BackendError as error:
                    if _VSCHEMA_THERE.search(str(error)):
                        break
                    if attempt == _VSCHEMA_TRIES - 1 or "version" not in str(error):
                        raise
                await asyncio.sleep(_VSCHEMA_WAIT_S)

    @asynccontextmanager
    async def within(self, target: str) -> AsyncIterator[Any]:
        """Open a connection of its own to a keyspace, or to one shard of it (`revisions/-80`)."""
        where = {"unix_socket": self._address.socket} if self._address.socket else {"host": self._address.host}
        try:
            async with asyncio.timeout(self._statement_timeout_s):
                connection = await asyncmy.connect(
                    port=self._address.port,
                    user=self._address.user,
                    password=self._address.password,
                    database=target,
                    charset="utf8mb4",
                    autocommit=True,
                    cursor_cls=DictCursor,
                    ssl=self._address.tls,
                    **where,
                )
        except (MySQLError, OSError, TimeoutError) as error:
            raise named_error(error, repr(self._address)) from error
        try:
            yield connection
        finally:
            connection.close()

    async def asked(
        self, connection: Any, text: str, params: Mapping[str, Any] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Run a statement of the administrator's on a connection of `within`; return its rows."""
        return await self._plain(connection, text, params)

    @property
    def schema(self) -> str:
        """Which schema it is opened for: "index" or "ledger"."""
        return self._schema

    @asynccontextmanager
    async def _cursor(self, connection: Any) -> AsyncIterator[Any]:
        try:
            async with super()._cursor(connection) as cursor:
                yield cursor
        except BackendError as error:
            kind = vitess_kind(error)
            if kind is type(error):
                raise
            raise kind(str(error)) from error.__cause__


def vitess_kind(error: BackendError) -> type[BackendError]:
    """Return what an error of MySQL's protocol is when Vitess says it."""
    if _WRONG.search(str(error)):
        return RefusedError  # whatever the code is: a duplicate on one of several shards comes with both
    code = error.__cause__.args[0] if error.__cause__ and error.__cause__.args else None
    if code in _OVERLOADED:
        return UnavailableError
    return type(error)


@cache
def vitess_book() -> StatementBook:
    """Return every named statement as Vitess is asked."""
    mysql = book(DIALECT)
    return StatementBook([replace(mysql[name], text=directed(mysql[name].text)) for name in mysql.names()])


def directed(text: str) -> str:
    """Return a statement with what Vitess is to do differently."""
    if not text.startswith("SELECT"):
        return text
    table = table_of(text)
    if table and " JOIN " not in text and (order := _ORDER.search(text)):
        known = {**columns("index"), **columns("ledger")}.get(table, ())
        parts = order["by"].split(", ")
        if all(part.split()[0] in known for part in parts):
            text = text[: order.start()] + ", ".join(f"{table}.{part}" for part in parts) + text[order.end() :]
    if ALLOW_SCATTER in text:
        return text.replace(ALLOW_SCATTER, _OWN_ANSWER_SCATTER, 1)
    return text.replace("SELECT", f"SELECT {_OWN_ANSWER}", 1)


def vschema_statements(keyspace: str, needed: VSchema) -> Sequence[str]:
    """Return what makes an empty VSchema the wanted one."""
    texts = [
        f"ALTER VSCHEMA CREATE VINDEX `{keyspace}`.{name} USING `{kind}`" for name, kind in needed.vindexes.items()
    ]
    for table, key in needed.tables.items():
        if key is None:
            texts.append(f"ALTER VSCHEMA ADD TABLE `{keyspace}`.{table}")
        else:
            texts.append(f"ALTER VSCHEMA ON `{keyspace}`.{table} ADD VINDEX {key.vindex}({key.column})")
    return texts
