"""The store while its index or its disk fails for real: each fault has its name, and nothing is lost."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.mariadb import server_statement
from fakes.private_mariadb import PrivateMariadb, private_mariadb
from suites.pairs import Pair, made_files, opened_pair
from suites.stored import Q1, edit, history, request

from backends.errors import BackendError, ConflictError, UnavailableError
from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from export.fsck import Fsck


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PrivateMariadb]:
    with tempfile.TemporaryDirectory(prefix="db-") as folder:  # a socket's path must be short
        async with private_mariadb(Path(folder)) as one:
            yield one


@pytest.fixture
async def pair(server: PrivateMariadb, tmp_path: Path) -> AsyncIterator[Pair]:
    address = server.address
    names = ("socket", "user", "password", "database")
    index = {"open": "suites.pairs:open_mysql", "address": {name: getattr(address, name) for name in names}}
    async with made_files(tmp_path) as snapshots:
        yield Pair(snapshots, index)


async def assert_sound(store: Store, folder: Path, rev_ids: list[int]) -> None:
    assert [entry.rev_id for entry in await store.index.history(Q1)] == rev_ids
    ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
    await ledger.migrate()
    assert (await Fsck(store, Checkpoints(ledger), recheck_after_s=0.01).full()).found == {}
    await ledger.close()


async def until_written(store: Store, rev_id: int, place: int, parent: int | None) -> list[BackendError]:
    """Repeat a write under its key until it is acknowledged; return the errors on the way."""
    errors: list[BackendError] = []
    async with asyncio.timeout(60):
        while True:
            try:
                await store.write(edit(rev_id, place, parent), parent, key=request(f"k{rev_id}"))
            except BackendError as error:
                errors.append(error)
                await asyncio.sleep(0.05)
            else:
                return errors


@pytest.mark.services
async def test_a_server_that_dies_in_the_middle_of_a_transaction_loses_nothing(
    server: PrivateMariadb, pair: Pair, tmp_path: Path
) -> None:
    armed = False

    def kill(point: str) -> None:
        if armed and point == "before_commit":
            assert server._process is not None
            server._process.kill()

    async with opened_pair(pair, crash_point=kill) as store:
        await store.write(edit(1, 0, None), None, key=request("k1"))
        armed = True
        with pytest.raises(UnavailableError) as caught:
            await store.write(edit(2, 1, 1), 1, key=request("k2"))
        assert caught.value.retry
        with pytest.raises(UnavailableError) as caught:
            await store.head(Q1)
        assert caught.value.retry
        armed = False
        await server.kill()
        await server.start()
        assert all(isinstance(error, UnavailableError) for error in await until_written(store, 2, 1, 1))
        await assert_sound(store, tmp_path, [1, 2])


@pytest.mark.services
async def test_a_server_that_is_restarted_under_load_loses_nothing_acknowledged(
    server: PrivateMariadb, pair: Pair, tmp_path: Path
) -> None:
    async with opened_pair(pair) as store:
        errors: list[BackendError] = []

        async def write() -> None:
            parent = None
            for place in range(120):
                errors.extend(await until_written(store, place + 1, place, parent))
                parent = place + 1

        async def restart() -> None:
            for end in (server.kill, server.stop):
                seen = await store.index.count(Q1)
                async with asyncio.timeout(30):
                    while True:
                        with suppress(BackendError):
                            if await store.index.count(Q1) > seen + 5:
                                break
                        await asyncio.sleep(0.01)
                await end()
                await server.start()

        async with asyncio.TaskGroup() as group:
            group.create_task(write())
            group.create_task(restart())
        assert errors
        assert all(isinstance(error, UnavailableError) and error.retry for error in errors)
        await assert_sound(store, tmp_path, list(range(1, 121)))


@pytest.mark.services
async def test_a_server_that_is_read_only_says_so_and_writes_again_later(
    server: PrivateMariadb, pair: Pair, tmp_path: Path
) -> None:
    async with opened_pair(pair) as store:
        await store.write(edit(1, 0, None), None)
        await server_statement(server.root, "SET GLOBAL read_only = 1")
        with pytest.raises(UnavailableError, match="read-only") as caught:
            await store.write(edit(2, 1, 1), 1)
        assert caught.value.retry
        assert await store.revision(Q1, 1) == edit(1, 0, None)
        await server_statement(server.root, "SET GLOBAL read_only = 0")
        await store.write(edit(2, 1, 1), 1)
        await assert_sound(store, tmp_path, [1, 2])


@pytest.mark.services
async def test_a_connection_that_is_ended_inside_a_transaction_undoes_it(
    server: PrivateMariadb, pair: Pair, tmp_path: Path
) -> None:
    async with opened_pair(pair) as store:
        await store.write(edit(1, 0, None), None)
        database = store.index._database
        with pytest.raises(UnavailableError) as caught:  # noqa: PT012 - the whole transaction fails
            async with database.transaction("Q1") as inside:
                await inside.execute("page_put", page_id=77, entity_id="Q1")
                for row in await server_statement(server.root, "SHOW PROCESSLIST"):
                    if row["User"] == server.address.user:
                        await server_statement(server.root, f"KILL {row['Id']}")
                await inside.execute("page_put", page_id=78, entity_id="Q1")
        assert caught.value.retry
        assert all(isinstance(one, UnavailableError) for one in await until_written(store, 2, 1, 1))
        assert await store.index.entity_of_page(77) is None
        await assert_sound(store, tmp_path, [1, 2])


@pytest.mark.services
async def test_a_deadlock_is_a_lost_race_for_one_and_no_matter_for_the_other(
    server: PrivateMariadb, pair: Pair, tmp_path: Path
) -> None:
    async with opened_pair(pair) as store:
        await store.put_history(Q1, history(1), 1)
        database = store.index._database
        for page_id in (1, 2):
            await database.execute("page_put", page_id=page_id, entity_id="Q1")
        met = asyncio.Barrier(2)

        async def cross(first: int, second: int) -> None:
            async with database.transaction("Q1") as inside:
                await inside.execute("page_put", page_id=first, entity_id="Q2")
                await met.wait()
                await inside.execute("page_put", page_id=second, entity_id="Q2")

        done = await asyncio.wait_for(asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True), 30)
        assert sorted(type(one).__name__ for one in done) == ["ConflictError", "NoneType"]
        (lost,) = (one for one in done if isinstance(one, ConflictError))
        assert "Deadlock" in str(lost)
        assert [await store.index.entity_of_page(page_id) for page_id in (1, 2)] == ["Q2", "Q2"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("only root can mount the small disk that this fills")
    with tempfile.TemporaryDirectory(prefix="small-disk-") as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
        mounted = subprocess.run(command, check=False, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("full", ["index", "snapshots", "both"])
async def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(
    full: str, small_disk: Path, tmp_path: Path
) -> None:
    here = {name: small_disk if full in (name, "both") else tmp_path for name in ("index", "snapshots")}
    pair = Pair(
        {"open": "suites.pairs:open_files", "root": str(here["snapshots"] / "snapshots")},
        {"open": "suites.pairs:open_sqlite", "path": str(here["index"] / "index.sqlite")},
    )
    acknowledged: list[int] = []
    async with opened_pair(pair) as store:
        with pytest.raises(UnavailableError, match=r"full|No space") as caught:  # noqa: PT012 - whichever write meets it
            for place in range(20_000):
                await store.write(edit(place + 1, place, place or None), place or None)
                acknowledged.append(place + 1)
        assert caught.value.retry
        assert len(acknowledged) > 5
        entries = [entry.rev_id for entry in await store.index.history(Q1)]
        # The last one may be committed though only its lookups failed: it was not acknowledged, and is there.
        assert entries[: len(acknowledged)] == acknowledged
        assert len(entries) <= len(acknowledged) + 1
        for rev_id in acknowledged[-20:]:
            assert await store.revision(Q1, rev_id) is not None
