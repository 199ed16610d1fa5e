import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from suites.database_suite import DatabaseSuite, head

from backends.errors import BackendError, ConflictError, CorruptError, RefusedError, UnavailableError
from backends.sql.sqlite import SqliteDatabase, named_error

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "index.sqlite", "index")
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def open_again(tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[SqliteDatabase]]]:
    async with AsyncExitStack() as stack:

        async def again() -> SqliteDatabase:
            opened = await SqliteDatabase.open(tmp_path / "index.sqlite", "index")
            stack.push_async_callback(opened.close)
            return opened

        yield again


class TestSqlite(DatabaseSuite):
    pass


async def test_commits_are_synced(database: SqliteDatabase) -> None:
    assert await database._in(database._writer, lambda one: one.execute("PRAGMA synchronous").fetchone()[0]) == 2
    assert await database._in(database._writer, lambda one: one.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


async def test_another_process_that_writes_too_long_is_unavailable(tmp_path: Path) -> None:
    opened = await SqliteDatabase.open(tmp_path / "index.sqlite", "index", busy_timeout_s=0.05)
    await opened.migrate()
    other = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="locked") as caught:
        await opened.execute("head_insert", **head())
    assert caught.value.retry
    other.execute("ROLLBACK")
    other.close()
    assert await opened.execute("head_insert", **head()) == 1
    await opened.close()


async def test_waiting_for_a_turn_to_write_is_timed(tmp_path: Path) -> None:
    opened = await SqliteDatabase.open(tmp_path / "index.sqlite", "index", write_timeout_s=0.05)
    await opened.migrate()
    async with opened.transaction("Q1"):
        with pytest.raises(UnavailableError, match=r"0\.05 s"):
            await opened.execute("head_insert", **head())
    await opened.close()


async def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"this is not a database" * 100)
    with pytest.raises(CorruptError, match=r"index\.sqlite"):
        await SqliteDatabase.open(tmp_path / "index.sqlite", "index")


async def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        await SqliteDatabase.open(tmp_path, "index")


async def test_a_closed_database_says_so(database: SqliteDatabase) -> None:
    await database.close()
    with pytest.raises(UnavailableError, match="closed"):
        await database.rows("head", entity_id="Q1")


async def test_two_schemas_can_live_in_one_file(database: SqliteDatabase, tmp_path: Path) -> None:
    ledger = await SqliteDatabase.open(tmp_path / "index.sqlite", "ledger")
    await ledger.migrate()
    assert await ledger.rows("checkpoint", name="x") == []
    assert await ledger.rows("head", entity_id="Q1") == []
    await ledger.close()


def test_processes_that_open_and_migrate_at_once_all_succeed(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from backends.sql.sqlite import SqliteDatabase\n"
        "async def main():\n"
        "    database = await SqliteDatabase.open(pathlib.Path(sys.argv[1]), 'index')\n"
        "    await database.migrate()\n"
        "    print(await database.rows('totals'))\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "index.sqlite")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ended = [process.communicate(timeout=60) for process in started]
    assert [(out.strip(), err) for out, err in ended] == [("[{'entities': 0, 'revisions': 0}]", "")] * 4


async def test_a_cancellation_while_the_transaction_begins_leaves_none_open(database: SqliteDatabase) -> None:
    async def one() -> None:
        async with database.transaction("Q1") as inside:
            await inside.execute("head_insert", **head())

    for steps in range(12):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(one())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
        # Whether it was committed or not: the writer is free, and the row is there whole or not at all.
        await database.execute("outbox_delete", entity_id="Q1", generation=0)
        if await database.rows("head", entity_id="Q1"):
            break
    async with database.transaction("Q2") as inside:
        assert await inside.execute("head_insert", **head("Q2")) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, UnavailableError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, UnavailableError),
        (sqlite3.SQLITE_FULL, UnavailableError),
        (sqlite3.SQLITE_IOERR_FSYNC, UnavailableError),
        (sqlite3.SQLITE_READONLY, RefusedError),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, ConflictError),
        (sqlite3.SQLITE_CORRUPT, CorruptError),
        (sqlite3.SQLITE_ERROR, RefusedError),
        (None, RefusedError),
    ],
)
def test_each_error_of_sqlite_has_a_name(code: int | None, kind: type[BackendError]) -> None:
    error = sqlite3.OperationalError("said so")
    if code is not None:
        error.sqlite_errorcode = code
    assert type(named_error(error, "index.sqlite")) is kind
