"""The gateway of a real Vitess, and the database behind it, die while the store writes: nothing acknowledged is lost.

The ones that `scripts/vitess.sh run` started are killed with SIGKILL, and started again with the same script.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from fakes.served import ROOT
from fakes.vitess import emptied_vitess
from suites.pairs import Pair, made_pair, opened_pair
from suites.stored import Q1, edit, request

from backends.errors import BackendError
from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from export.fsck import Fsck

pytestmark = pytest.mark.services

PATIENCE_S = 90


async def script(verb: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "vitess.sh"), verb, stdout=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with made_pair(("files", "vitess"), tmp_path) as made:
        try:
            yield made
        finally:
            await script("up")


def pid_of(name: str) -> int:
    run = Path(os.environ["CUTOVER_VITESS_SOCKET"]).parent
    return int((run / f"{name}.pid").read_text())


async def write_until(store: Store, ended: asyncio.Event) -> tuple[int, list[BackendError]]:
    """Write edit after edit, each repeated under its key until it is acknowledged; return how many, and the errors."""
    written, errors = 0, list[BackendError]()
    while not ended.is_set():
        rev_id = written + 1
        while written < rev_id:
            try:
                await store.write(edit(rev_id, written, written or None), written or None, key=request(f"k{rev_id}"))
                written = rev_id
            except BackendError as error:
                errors.append(error)
                await asyncio.sleep(0.05)
    return written, errors


async def until_head_at(store: Store, rev_id: int) -> int:
    """Wait until the head is that revision or a later one; return which."""
    while True:
        with suppress(BackendError):
            head = await store.head(Q1)
            if head is not None and head.rev_id >= rev_id:
                return head.rev_id
        await asyncio.sleep(0.01)


async def assert_sound(store: Store, folder: Path, written: int) -> None:
    ids, after = [], (-1, -1)
    while page := await store.index.history(Q1, after=after):
        ids += [entry.rev_id for entry in page]
        after = (page[-1].position, page[-1].rev_id)
    assert ids == list(range(1, written + 1))
    ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
    await ledger.migrate()
    found = (await Fsck(store, Checkpoints(ledger), recheck_after_s=0.01).full()).found
    await ledger.close()
    assert found == {}


@pytest.mark.parametrize("name", ["vitess", "vitess-mariadb"])
async def test_killed_while_the_store_writes_it_goes_on_where_it_was(name: str, pair: Pair, tmp_path: Path) -> None:
    await emptied_vitess()
    async with opened_pair(pair) as store:
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group, asyncio.timeout(PATIENCE_S):
            writing = group.create_task(write_until(store, ended))
            await until_head_at(store, 3)
            os.kill(pid_of(name), signal.SIGKILL)
            await script("up")
            reached = await until_head_at(store, 1)
            await until_head_at(store, reached + 20)
            ended.set()
        written, errors = writing.result()
        assert errors
        assert written > reached
        await assert_sound(store, tmp_path, written)
