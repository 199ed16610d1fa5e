"""Every statement finds its rows by a key, on each kind of database: none walks a table that grows with the wiki.

Statements that are meant to walk are named here, with the reason. The tables hold enough rows for the planner to
have a choice.
"""

import asyncio
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncmy
import pytest
from asyncmy.cursors import DictCursor
from suites.pairs import made_mariadb

from backends.sql import mysql, sqlite
from backends.sql.migrations import migrations
from backends.sql.mysql import pyformat
from backends.sql.statements import QUERIES, StatementBook, book, parse

SCHEMAS = ("index", "ledger")
ROWS = 600
LIMIT_S = 120

WALKS = {
    "totals": "a report counts everything",
    "findings_total": "a report counts everything; findings are few",
    "purges_to_do": "a sweep; orders are few",
    "epoch_latest": "one row from the end of the key",
    "epoch_totals": "a report over the counts, which do not grow with the wiki",
    "findings": "in the order of the key from its beginning; findings are few",
    "findings_of_epoch": "a report; findings are few",
    "case_ids_of_revision": "cases are few (1,000)",
    "cases_due": "cases are few (1,000)",
    "cases_forget_before": "cases are few (1,000)",
    "cases_latest": "cases are few (1,000)",
    "cases_oldest": "cases are few (1,000)",
    "cases_size": "cases are few (1,000)",
    "wakes_failed": "asked while a round is under way; calls are few",
    "mismatch_ages_forget_cleared": "what is open in one epoch is few",
}

SORTS = {
    "compared_tuple_totals": "a report, one epoch",
    "mismatch_ages_oldest": "what is open in one epoch is few; found by the key of the epoch",
    "verdict_entity_totals": "a report, one epoch",
}

_KINDS = "BIGINT|INT|INTEGER|VARCHAR|CHAR|TEXT|MEDIUMBLOB|VARBINARY|DOUBLE"
_COLUMN = re.compile(rf"^\s+(?P<name>[a-z_0-9]+) (?P<kind>{_KINDS})\b")
_TABLE = re.compile(r"CREATE TABLE (?P<name>[a-z_]+) \(")


def tables(dialect: str) -> Mapping[str, Mapping[str, str]]:
    """The columns of every table, with their kinds."""
    found: dict[str, dict[str, str]] = {}
    for schema in SCHEMAS:
        for step in migrations(schema, dialect):
            for text in step.statements:
                if head := _TABLE.match(text):
                    columns = (_COLUMN.match(line) for line in text.splitlines())
                    found[head["name"]] = {one["name"]: one["kind"] for one in columns if one}
    return found


def kinds(dialect: str) -> dict[str, str]:
    """The kind of each parameter: that of the column of its name, or of the column that it is compared with."""
    columns = {name: kind for table in tables(dialect).values() for name, kind in table.items()}
    return columns | {
        name: kind
        for statement in every_statement(dialect).values()
        for column, name in re.findall(r"([a-z_]+) (?:=|<|>|<=|>=|IN|\+) \(?:([a-z_]+)", statement)
        if (kind := columns.get(column))
    }


def every_statement(dialect: str) -> Mapping[str, str]:
    statements: StatementBook = book(dialect)
    return {name: statements[name].text for name in statements.names()}


def value(kind: str, row: int) -> Any:
    if kind == "VARBINARY":
        return bytes([row % 256])
    if kind in ("BIGINT", "INT", "INTEGER", "DOUBLE"):
        return row
    return f"{row:04}"


def rows_of(columns: Mapping[str, str]) -> list[list[Any]]:
    """As many rows as there are different values of the narrowest key."""
    count = 256 if "VARBINARY" in columns.values() else ROWS
    return [[value(kind, row) for kind in columns.values()] for row in range(count)]


def sample(name: str, dialect: str) -> dict[str, Any]:
    known = kinds(dialect)

    def of(param: str) -> Any:
        return value(known.get(param, "VARCHAR"), ROWS // 2)

    params = book(dialect)[name].params
    return {param: 50 if param in ("size", "keep") else of(param) for param in params}


NAMES = sorted(every_statement("sqlite"))


def test_the_statements_are_those_of_the_files() -> None:
    texts = [path.read_text("utf-8") for path in sorted(QUERIES.glob("*.sql"))]
    assert sorted({name for text in texts for name, _, _ in parse(text, "x")}) == NAMES
    assert set(WALKS) <= set(NAMES)


def test_each_table_has_a_primary_key_that_statements_name() -> None:
    for dialect in ("sqlite", "mysql"):
        for schema in SCHEMAS:
            for step in migrations(schema, dialect):
                for text in step.statements:
                    assert not text.startswith("CREATE TABLE") or "PRIMARY KEY (" in text, text


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path_factory.mktemp("plans") / "all.sqlite", isolation_level=None)
    connection.execute("BEGIN")
    for schema in SCHEMAS:
        for step in migrations(schema, sqlite.DIALECT):
            for text in step.statements:
                connection.execute(text)
    for table, columns in tables(sqlite.DIALECT).items():
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows_of(columns))
    connection.execute("ANALYZE")
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_each_statement_uses_its_key_in_sqlite(name: str, embedded: sqlite3.Connection) -> None:
    text, params = book(sqlite.DIALECT)[name].spread(listed(name, sqlite.DIALECT))
    plan = [row[3] for row in embedded.execute(f"EXPLAIN QUERY PLAN {text}", params)]
    if name not in WALKS:
        scans = [line for line in plan if line.startswith("SCAN") and line != "SCAN CONSTANT ROW"]
        assert scans == [], plan
        sorts = [line for line in plan if "TEMP B-TREE" in line]
        assert sorts == [] or name in SORTS, plan


def listed(name: str, dialect: str) -> dict[str, Any]:
    """Sample parameters, lists where the statement wants lists."""
    lists = set(re.findall(r"IN \(:([a-z_]+)\)", book(dialect)[name].text))
    return {key: [one, *([one] * 2)] if key in lists else one for key, one in sample(name, dialect).items()}


@pytest.mark.services
async def test_each_statement_uses_its_key_in_mariadb(tmp_path: Path) -> None:
    # The driver waits without end for a server that does not answer, and for a socket to close: here nobody does.
    async with asyncio.timeout(LIMIT_S), made_mariadb(tmp_path) as side:
        address = side["address"]
        connection = await asyncmy.connect(
            unix_socket=address["socket"],
            user=address["user"],
            password=address["password"],
            database=address["database"],
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=10,
        )
        try:
            async with connection.cursor(DictCursor) as cursor:
                await fill_mariadb(cursor)
                wrong = {}
                for name in NAMES:
                    text, params = book(mysql.DIALECT)[name].spread(listed(name, mysql.DIALECT))
                    if text.startswith("INSERT"):
                        continue  # goes by the primary key, or not at all
                    await cursor.execute(f"EXPLAIN {pyformat(text)}", params)
                    plan = await cursor.fetchall()
                    if name not in WALKS and any(not by_key(row) for row in plan):
                        wrong[name] = plan
        finally:
            connection.close()  # at once: a connection that is left open keeps the loop from ending
    assert not wrong, sorted(wrong)


async def fill_mariadb(cursor: Any) -> None:
    for schema in SCHEMAS:
        for step in migrations(schema, mysql.DIALECT):
            for text in step.statements:
                await cursor.execute(text + (mysql._TABLE_OPTIONS if text.startswith("CREATE TABLE") else ""))
    for table, columns in tables(mysql.DIALECT).items():
        marks = ", ".join(["%s"] * len(columns))
        await cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows_of(columns))
        await cursor.execute(f"ANALYZE TABLE {table}")
        await cursor.fetchall()


def by_key(row: Mapping[str, Any]) -> bool:
    """Whether a line of a plan goes by a key; "Impossible WHERE" and the like read nothing at all."""
    if row["type"] is None:
        return True
    return row["type"] not in ("ALL", "index") and bool(row["key"])
