"""Is a Vitess as the index needs it? VSchema, tables on every shard, transaction mode, and where each statement goes.

Changes nothing. The plans are vtgate's own: what it says that it would do with each named statement.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import orjson

from backends.errors import RefusedError
from backends.sql.mysql import pyformat
from backends.sql.statements import StatementBook
from backends.sql.vitess import ALLOW_SCATTER, VitessDatabase, vitess_book
from backends.sql.vschema import columns, role_of, table_of, wanted

MODE = "SINGLE"
"""The transaction mode in which nothing can be committed on one shard and lost on another."""

ONE_SHARD = frozenset({"EqualUnique", "Unsharded", "Sharded"})
"""What Vitess calls a step that goes to one shard: found by a key, or the row of an insert by its own."""

EACH_ITS_SHARD = "IN"
"""The rows of a list of keys, each asked of its own shard: reads only, and never inside a transaction."""

_LIST = re.compile(r"IN \(:([a-z_0-9]+)\)")
_STEPS = frozenset({"Route", "Update", "Delete", "Insert"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a statement that reach a database: what Vitess calls each (`Route`, ...), and how far it goes."""

    steps: Sequence[tuple[str, str]]

    @property
    def ways(self) -> frozenset[str]:
        """How far the steps go, as Vitess says it: EqualUnique, IN, Scatter..."""
        return frozenset(way for _, way in self.steps)

    @property
    def is_on_one_shard(self) -> bool:
        """Whether it never goes to more than one shard."""
        return bool(self.steps) and self.ways <= ONE_SHARD

    @property
    def is_by_key(self) -> bool:
        """Whether each row is asked for where it lies: one shard, or of a list each key's own."""
        return bool(self.steps) and all(
            way in ONE_SHARD or (way == EACH_ITS_SHARD and what == "Route") for what, way in self.steps
        )


async def plans(database: VitessDatabase, statements: StatementBook | None = None) -> Mapping[str, Plan]:
    """Return what vtgate would do with each named statement of the index. Raises backends.errors."""
    book = statements or vitess_book()
    found: dict[str, Plan] = {}
    async with AsyncExitStack() as stack:
        inside = {
            role: await stack.enter_async_context(database.within(database.keyspaces.named(role)))
            for role in database.keyspaces.roles()
        }
        for name in book.names():
            text = book[name].text
            if table_of(text) not in columns(database.schema):
                continue
            # Planning looks at the form of a statement, not at its values: any will do.
            lists = set(_LIST.findall(text))
            sample = {param: [1, 2] if param in lists else 1 for param in book[name].params}
            spread, flat = book[name].spread(sample)
            rows = await database.asked(inside[role_of(text)], f"VEXPLAIN PLAN {pyformat(spread)}", flat)
            found[name] = Plan(tuple(_steps(orjson.loads(rows[0]["JSON"]))))
    return found


async def findings(database: VitessDatabase) -> list[str]:
    """Return, as sentences, what is not as it must be. Raises backends.errors when it cannot be asked."""
    found = boundary_findings(await database.shards())
    for role in database.keyspaces.roles():
        found += await _vschema_findings(database, role)
        found += await _table_findings(database, role)
    async with database.within(database.keyspaces.control) as connection:
        mode = str((await database.asked(connection, "SELECT @@transaction_mode AS mode"))[0]["mode"])
    if mode.upper() != MODE:
        found.append(f"transactions are {mode}, not {MODE}: one that touches two shards could be committed by half")
    return found or await _plan_findings(database)


def boundary_findings(shards: Sequence[str]) -> list[str]:
    """Return which shards begin or end inside a lane: the lane's row would not be on the shard of all its entities."""
    return [
        f"shard {shard} does not begin and end at a whole byte: the right to write could not be checked with a write"
        for shard in shards
        if any(len(edge) > 2 for edge in shard.split("-"))  # noqa: PLR2004 - the digits of a byte
    ]


async def _vschema_findings(database: VitessDatabase, role: str) -> list[str]:
    keyspace, needed = database.keyspaces.named(role), wanted(role, database.schema)
    found: list[str] = []
    async with database.within(keyspace) as connection:
        every = await database.asked(connection, "SHOW VSCHEMA KEYSPACES")
        is_sharded = {str(row["Keyspace"]): str(row["Sharded"]) == "true" for row in every}
        if is_sharded.get(keyspace) != needed.sharded:
            return [f"keyspace {keyspace} is{'' if needed.sharded else ' not'} to be sharded, and its VSchema differs"]
        known = {str(row["Tables"]) for row in await database.asked(connection, "SHOW VSCHEMA TABLES")}
        for table, key in needed.tables.items():
            keys = await _keys(database, connection, table) if key and table in known else []
            if table not in known or (key and not keys):
                found.append(f"VSchema of {keyspace} lacks the table {table}")
            elif key and keys != [(key.column, key.kind)]:
                found.append(f"VSchema of {keyspace}: {table} is sharded by {keys}, not {key.column} ({key.kind})")
    return found


async def _keys(database: VitessDatabase, connection: Any, table: str) -> list[tuple[str, str]]:
    """Return by which columns a table is sharded, and how; nothing when the VSchema does not have it."""
    try:
        rows = await database.asked(connection, f"SHOW VSCHEMA VINDEXES ON {table}")
    except RefusedError:
        return []  # a table of the shards that only the schema tracker knows
    return [(str(row["Columns"]), str(row["Type"])) for row in rows]


async def _table_findings(database: VitessDatabase, role: str) -> list[str]:
    keyspace, found = database.keyspaces.named(role), list[str]()
    tables = needed_tables(database, role)
    for shard in await database.shards() if role == "revisions" else ("0",):
        target = f"{keyspace}/{shard}" if role == "revisions" else keyspace
        async with database.within(target) as connection:
            for table, names in tables.items():
                try:
                    rows = await database.asked(connection, f"SHOW COLUMNS FROM {table}")
                except RefusedError:
                    found.append(f"{target} lacks the table {table}")
                    continue
                present = {str(row["Field"]) for row in rows}
                found += [f"{target}: {table} lacks the column {name}" for name in names if name not in present]
    return found


def needed_tables(database: VitessDatabase, role: str) -> Mapping[str, Sequence[str]]:
    """Return the tables of the database's schema that lie in a keyspace, each with its columns."""
    of_role = wanted(role, database.schema).tables
    return {table: names for table, names in columns(database.schema).items() if table in of_role}


async def _plan_findings(database: VitessDatabase) -> list[str]:
    book, found = vitess_book(), list[str]()
    for name, plan in (await plans(database)).items():
        text = book[name].text
        if not plan.is_by_key and not walks(text):
            found.append(f"statement {name} goes to several shards: {', '.join(sorted(plan.ways)) or 'no plan'}")
    return found


def walks(text: str) -> bool:
    """Whether a statement says that it goes to every shard."""
    return ALLOW_SCATTER.split()[1] in text


def _steps(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        if node.get("OperatorType") in _STEPS:
            yield str(node["OperatorType"]), str(node.get("Variant", ""))
        for below in node.values():
            yield from _steps(below)
    elif isinstance(node, list):
        for below in node:
            yield from _steps(below)
