import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from suites.snapshots_suite import KEY, SnapshotsSuite

from backends.errors import RefusedError, UnavailableError
from backends.snapshots.files import FileSnapshots


@pytest.fixture
async def snapshots(tmp_path: Path) -> AsyncIterator[FileSnapshots]:
    opened = FileSnapshots(tmp_path / "snapshots", threads=4)
    yield opened
    await opened.close()


NAMELESS = "a file without a name"


class TestFiles(SnapshotsSuite):
    pass


async def test_what_a_killed_writer_left_is_not_listed(snapshots: FileSnapshots, tmp_path: Path) -> None:
    await snapshots.create(KEY, b"body")
    (folder,) = {path.parent for path in (tmp_path / "snapshots").rglob("*.zst")}
    (folder / ".creating-1-ab").write_bytes(b"half")
    assert [key async for key in snapshots.keys("")] == [KEY]


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_no_temporary_file_is_left(snapshots: FileSnapshots, tmp_path: Path) -> None:
    await snapshots.create(KEY, b"body")
    await snapshots.create(KEY, b"other")
    assert _files(tmp_path) == [KEY.partition("/")[2]]


async def test_a_file_system_without_nameless_files_is_served_as_well(
    snapshots: FileSnapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def no_nameless(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not here")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", no_nameless)
    bodies = [b"%d" % number * 1000 for number in range(8)]
    won = await asyncio.gather(*(snapshots.create(KEY, body) for body in bodies))
    assert sum(won) == 1
    assert await snapshots.read(KEY) == bodies[won.index(True)]
    assert _files(tmp_path) == [KEY.partition("/")[2]]


async def test_files_and_directories_are_synced_before_a_creation_returns(
    snapshots: FileSnapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        name = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        synced.append(NAMELESS if name.endswith(" (deleted)") else name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    await snapshots.create(KEY, b"body")
    (path,) = (tmp_path / "snapshots").rglob("*.zst")
    above = [str(folder) for folder in (*path.parents,)[: len(path.relative_to(tmp_path).parts)]]
    assert set(above) <= set(synced)
    assert synced.index(str(path.parent)) > synced.index(NAMELESS)
    synced.clear()
    await snapshots.create(KEY, b"body")
    assert synced == [NAMELESS, str(path.parent)]


async def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    opened = FileSnapshots(tmp_path / "file")
    with pytest.raises((RefusedError, UnavailableError)):
        await opened.create(KEY, b"body")
    await opened.close()


async def test_a_closed_place_says_so(snapshots: FileSnapshots) -> None:
    await snapshots.close()
    with pytest.raises(UnavailableError, match="closed"):
        await snapshots.read(KEY)
