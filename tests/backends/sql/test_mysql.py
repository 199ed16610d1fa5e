"""The same contract on a real MariaDB, and what only a server can do: go away, time out, refuse."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from fakes.mariadb import mariadb_address, server_statement
from suites.database_suite import DatabaseSuite, head

from backends.errors import ConflictError, RefusedError, UnavailableError
from backends.sql.base import Step
from backends.sql.mysql import MysqlAddress, MysqlDatabase, pyformat

pytestmark = pytest.mark.services


@pytest.fixture
async def address() -> AsyncIterator[MysqlAddress]:
    server = mariadb_address()
    name = f"cutover_test_{secrets.token_hex(4)}"
    await server_statement(server, f"CREATE DATABASE {name}")
    yield replace(server, database=name)
    await server_statement(server, f"DROP DATABASE {name}")


@pytest.fixture
async def open_again(address: MysqlAddress) -> AsyncIterator[Callable[[], Awaitable[MysqlDatabase]]]:
    async with AsyncExitStack() as stack:

        async def again() -> MysqlDatabase:
            opened = await MysqlDatabase.open(address, "index", pool_max=4)
            stack.push_async_callback(opened.close)
            return opened

        yield again


@pytest.fixture
async def database(open_again: Callable[[], Awaitable[MysqlDatabase]]) -> MysqlDatabase:
    opened = await open_again()
    await opened.migrate()
    return opened


class TestMysql(DatabaseSuite):
    pass


async def test_a_connection_that_the_server_ends_costs_one_named_error(
    database: MysqlDatabase, address: MysqlAddress
) -> None:
    await database.execute("head_insert", **head())
    for row in await server_statement(address, "SHOW PROCESSLIST"):
        if row["db"] == address.database and row["Command"] == "Sleep":
            await server_statement(address, f"KILL {row['Id']}")
    errors: list[UnavailableError] = []
    for _ in range(10):
        try:
            assert len(await database.rows("head", entity_id="Q1")) == 1
        except UnavailableError as error:
            errors.append(error)
    assert all(error.retry for error in errors)
    assert len(errors) <= 4  # the pool's connections, no more
    assert len(await database.rows("head", entity_id="Q1")) == 1


async def test_a_lock_held_by_somebody_else_is_a_lost_race_or_a_timeout(address: MysqlAddress) -> None:
    database = await MysqlDatabase.open(address, "index", statement_timeout_s=0.3)
    await database.migrate()
    await database.execute("head_insert", **head())
    async with database.transaction("Q1") as first:
        await first.execute("head_update", **head(generation=2), expected=1)
        with pytest.raises((UnavailableError, ConflictError)):
            await database.execute("head_update", **head(generation=3), expected=1)
    assert (await database.rows("head", entity_id="Q1"))[0]["generation"] == 2
    await database.close()


async def test_a_wrong_password_is_refused_and_not_printed(address: MysqlAddress) -> None:
    with pytest.raises(RefusedError) as caught:
        await MysqlDatabase.open(replace(address, password="not-this-one"), "index")
    assert "not-this-one" not in str(caught.value)
    assert "not-this-one" not in repr(replace(address, password="not-this-one"))


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError) as caught:
        await MysqlDatabase.open(MysqlAddress(port=9), "index", connect_timeout_s=2)
    assert caught.value.retry


async def test_a_step_that_died_half_way_is_finished_by_the_next(address: MysqlAddress) -> None:
    first = await MysqlDatabase.open(address, "index")
    await first.migrate()
    await server_statement(address, "DELETE FROM schema_steps")
    await server_statement(address, "DROP TABLE outbox")
    await asyncio.gather(first.migrate(), first.migrate())
    assert await first.rows("revision_count", entity_id="Q1")
    assert [row["n"] for row in await server_statement(address, "SELECT COUNT(*) AS n FROM outbox")] == [0]
    await first.close()


def test_parameters_become_what_the_driver_wants() -> None:
    text = "SELECT ':no', `a:b`, x % 2 FROM t WHERE a = :a AND b LIKE '%x' AND c IN (:c_0, :c_1)"
    assert pyformat(text) == (
        "SELECT ':no', `a:b`, x %% 2 FROM t WHERE a = %(a)s AND b LIKE '%%x' AND c IN (%(c_0)s, %(c_1)s)"
    )


async def test_a_deadlock_of_what_is_known_beforehand_is_nobodys_defeat(
    database: MysqlDatabase, address: MysqlAddress
) -> None:
    single = await MysqlDatabase.open(address, "index", single_shard=True)

    async def is_waited() -> bool:
        rows = await server_statement(address, "SHOW PROCESSLIST")
        return any(row["db"] == address.database and "INSERT INTO pages" in str(row["Info"]) for row in rows)

    for side in (single, database):  # in one message, and statement by statement
        await database.execute_many("page_put", [{"page_id": page_id, "entity_id": "Q1"} for page_id in range(40)])
        async with asyncio.timeout(30), asyncio.TaskGroup() as group, database.transaction("Q1") as inside:
            # Many rows: the server chooses the smaller one to be undone.
            for page_id in range(1, 40):
                await inside.execute("page_put", page_id=page_id, entity_id="Q2")
            steps = [Step("page_put", {"page_id": page_id, "entity_id": "Q3"}) for page_id in (0, 1)]
            task = group.create_task(side.together("Q3", steps))
            while not await is_waited():  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.01)
            await inside.execute("page_put", page_id=0, entity_id="Q2")
        assert task.exception() is None
        owners = [(await database.rows("page", page_id=page_id))[0]["entity_id"] for page_id in (0, 1, 2)]
        assert owners == ["Q3", "Q3", "Q2"]
    await single.close()
