"""Who takes part, and who is dead for certain."""

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.phase_worker import opened_ledger_in

from backends.ledger.control_workers import Standing, Workers, is_gone, started, this_process
from backends.sql.base import Database


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("mariadb", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger_in(request.param, tmp_path) as one:
        yield one


async def test_a_worker_registers_beats_and_leaves(database: Database) -> None:
    workers = Workers(database)
    await workers.register("w1", this_process())
    await workers.register("w1", this_process())
    assert await workers.beat("w1", Standing(applied_version=3, ready_flip=2, phase="export", breaker="open"))
    (row,) = await workers.all()
    assert (row.beat, row.standing) == (1, Standing(applied_version=3, ready_flip=2, phase="export", breaker="open"))
    await workers.remove("w1")
    assert not await workers.beat("w1", Standing())
    assert await workers.all() == []


async def test_only_the_dead_of_this_machine_are_buried(database: Database) -> None:
    workers, here = Workers(database), this_process()
    child = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220 - the process itself is what is tested
    place = replace(here, pid=child.pid, started=started(child.pid) or "")
    await workers.register("alive", here)
    await workers.register("child", place)
    await workers.register("elsewhere", replace(place, host="another/pid:[1]"))
    await workers.register("unknown", replace(place, host=""))
    assert await workers.bury(here.host) == []
    child.kill()
    child.wait()
    assert await workers.bury(here.host) == ["child"]
    assert [row.worker for row in await workers.all()] == ["alive", "elsewhere", "unknown"]


def test_a_number_that_another_process_has_by_now_is_another_process() -> None:
    here = this_process()
    assert not is_gone(here)
    assert is_gone(replace(here, started="1"))
    assert here.pid == os.getpid()


def test_a_process_that_is_only_waited_for_is_gone() -> None:
    child = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert started(child.pid) is None
    finally:
        child.wait()
