"""The schema brought up to date from every earlier version: twice, by two at once, with rows in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from fakes.mariadb import server_statement
from suites.database_suite import head
from suites.pairs import MADE, Side

from backends.sql import mysql, sqlite
from backends.sql.migrations import Migration, migrations
from backends.sql.mysql import MysqlAddress, MysqlDatabase
from backends.sql.sqlite import SqliteDatabase

VERSIONS = [(schema, number) for schema in ("index", "ledger") for number in range(len(migrations(schema, "sqlite")))]


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.services)])
async def side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Side]:
    async with MADE[request.param](tmp_path) as made:
        yield made


async def opened(side: Side, schema: str) -> SqliteDatabase | MysqlDatabase:
    if "path" in side:
        return await SqliteDatabase.open(Path(side["path"]), schema)
    return await MysqlDatabase.open(MysqlAddress(**side["address"]), schema)


async def shape(side: Side, database: SqliteDatabase | MysqlDatabase) -> list[tuple[str, ...]]:
    """Every table with its columns and keys, as the database tells."""
    if isinstance(database, SqliteDatabase):
        text = "SELECT name, COALESCE(sql, '') FROM sqlite_master WHERE name <> 'schema_steps' ORDER BY name"
        return await database._in(database._writer, lambda one: [tuple(row) for row in one.execute(text)])
    address = MysqlAddress(**side["address"])
    found = []
    for row in await server_statement(address, "SHOW TABLES"):
        (table,) = row.values()
        made = await server_statement(address, f"SHOW CREATE TABLE {table}")
        found.append((table, str(made[0]["Create Table"])))
    return found


@pytest.mark.parametrize(("schema", "version"), VERSIONS, ids=[f"{schema}-{number}" for schema, number in VERSIONS])
async def test_from_each_earlier_version_twice_and_by_two_at_once(
    schema: str, version: int, side: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def earlier(name: str, dialect: str) -> tuple[Migration, ...]:
        return migrations(name, dialect)[:version]

    # A connection that is left open when something fails here would keep the loop from ending.
    async with AsyncExitStack() as stack:

        async def opened_here(where: Side) -> SqliteDatabase | MysqlDatabase:
            database = await opened(where, schema)
            stack.push_async_callback(database.close)
            return database

        database = await opened_here(side)
        with monkeypatch.context() as patched:
            patched.setattr(sqlite, "migrations", earlier)
            patched.setattr(mysql, "migrations", earlier)
            await database.migrate()
        if schema == "index" and version:
            await database.execute("head_insert", **head("Q1"))
        other = await opened_here(side)
        await asyncio.gather(database.migrate(), other.migrate())
        await asyncio.gather(database.migrate(), other.migrate())
        if schema == "index" and version:
            assert len(await other.rows("head", entity_id="Q1")) == 1
        upgraded = await shape(side, database)
        assert len(upgraded) > version
        (tmp_path / "fresh").mkdir()
        fresh = await stack.enter_async_context(MADE["sqlite" if "path" in side else "mariadb"](tmp_path / "fresh"))
        database = await opened_here(fresh)
        await database.migrate()
        assert await shape(fresh, database) == upgraded
