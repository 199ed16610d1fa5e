from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from suites.snapshots_suite import KEY, SnapshotsSuite

from backends.errors import NotFoundError, RefusedError
from backends.snapshots.erasing import FileErasure
from backends.snapshots.files import FileSnapshots


@pytest.fixture
async def snapshots(tmp_path: Path) -> AsyncIterator[FileErasure]:
    one = FileErasure(tmp_path)
    yield one
    await one.close()


class TestFileErasure(SnapshotsSuite):
    """It is a place of snapshots like any other."""


async def test_what_is_erased_is_gone_and_saying_it_twice_is_harmless(snapshots: FileErasure, tmp_path: Path) -> None:
    await snapshots.create(KEY, b"body")
    other = KEY.replace("ab", "cd")
    await snapshots.create(other, b"stays")
    assert await snapshots.erase(KEY)
    assert not await snapshots.erase(KEY)
    assert not await snapshots.erase("Q7/nothing")
    with pytest.raises(NotFoundError):
        await snapshots.read(KEY)
    assert [key async for key in snapshots.keys("")] == [other]


async def test_a_key_that_leads_elsewhere_is_refused(snapshots: FileErasure) -> None:
    with pytest.raises(RefusedError):
        await snapshots.erase("../x")


def test_who_serves_cannot_erase() -> None:
    assert not hasattr(FileSnapshots, "erase")
