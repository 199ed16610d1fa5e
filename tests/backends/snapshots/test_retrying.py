"""Patience around a place of snapshots: what is asked again, how long is waited, when it ends."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from suites.snapshots_suite import KEY, SnapshotsSuite

from backends.errors import NotFoundError, UnavailableError
from backends.snapshots.files import FileSnapshots
from backends.snapshots.retrying import RetryingSnapshots


class Failing(FileSnapshots):
    """Files that are out of reach so often, after the work was done or before."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, threads=2)
        self.failures = 0
        self.retry_after_s: float | None = None
        self.after_work = False

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("out of reach", retry_after_s=self.retry_after_s)

    async def create(self, key: str, body: bytes) -> bool:
        if not self.after_work:
            self._fail()
        made = await super().create(key, body)
        self._fail()
        return made

    async def read(self, key: str) -> bytes:
        self._fail()
        return await super().read(key)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        for key in sorted([key async for key in super().keys(prefix)]):
            yield key
            self._fail()


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Failing]:
    opened = Failing(tmp_path / "snapshots")
    yield opened
    await opened.close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def snapshots(failing: Failing, waits: list[float]) -> RetryingSnapshots:
    async def sleep(delay_s: float) -> None:
        waits.append(delay_s)

    return RetryingSnapshots(failing, tries_max=4, delay_s=1.0, delay_max_s=3.0, sleep=sleep, spread=lambda: 1.0)


class TestRetrying(SnapshotsSuite):
    pass


async def test_waiting_doubles_up_to_its_bound(
    snapshots: RetryingSnapshots, failing: Failing, waits: list[float]
) -> None:
    failing.failures = 3
    assert await snapshots.create(KEY, b"body")
    assert waits == [1.0, 2.0, 3.0]


async def test_after_the_last_try_the_error_is_told(
    snapshots: RetryingSnapshots, failing: Failing, waits: list[float]
) -> None:
    failing.failures = 4
    with pytest.raises(UnavailableError, match="out of reach"):
        await snapshots.read(KEY)
    assert len(waits) == 3


async def test_what_the_server_asks_for_is_waited_at_least(
    snapshots: RetryingSnapshots, failing: Failing, waits: list[float]
) -> None:
    failing.failures, failing.retry_after_s = 1, 7.5
    await snapshots.create(KEY, b"body")
    assert waits == [7.5]


async def test_a_creation_that_worked_before_its_answer_was_lost_is_there_once(
    snapshots: RetryingSnapshots, failing: Failing
) -> None:
    failing.failures, failing.after_work = 1, True
    assert not await snapshots.create(KEY, b"body")
    assert await snapshots.read(KEY) == b"body"


async def test_what_is_not_there_is_not_waited_for(snapshots: RetryingSnapshots, waits: list[float]) -> None:
    with pytest.raises(NotFoundError):
        await snapshots.read(KEY)
    assert waits == []


async def test_a_listing_that_breaks_off_goes_on_behind_what_was_told(
    snapshots: RetryingSnapshots, failing: Failing
) -> None:
    keys = [f"Q1/{rev:016}-{'0' * 64}.zst" for rev in range(6)]
    for key in keys:
        await snapshots.create(key, b"x")
    failing.failures = 3
    assert [key async for key in snapshots.keys("")] == keys
