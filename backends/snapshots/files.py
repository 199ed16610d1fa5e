"""Snapshots as files under one directory: create-only and durable, the embedded default.

A body is written to a file that has no name yet, synced, and linked to its own name: `link` fails when the name
exists, so the losing writer of a race cannot touch the winner's bytes, and a crash leaves nothing behind. Where the
file system has no nameless files (some network ones) a temporary name is used, of which a crash leaves one that
nobody reads. Two levels of directories above each entity's keep directories small. All disk work happens in a
bounded pool of threads.
"""

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from backends.errors import NotFoundError, RefusedError, UnavailableError

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_TEMPORARY = ".creating-"
_REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
_NO_NAMELESS = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})
_KEYS_AT_ONCE = 1000
_DURABLE_KNOWN_MAX = 10_000

T = TypeVar("T")


class FileSnapshots:
    """A directory of snapshots. Implements `backends.snapshots.base.Snapshots`."""

    def __init__(self, root: Path, *, threads: int = 8, timeout_s: float = 30.0) -> None:
        self._root = root
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="snapshot-files")
        self._turns = asyncio.Semaphore(threads)
        self._durable: set[Path] = set()
        self._closed = False

    async def create(self, key: str, body: bytes) -> bool:
        """Write a file under a new key; False when it exists. Raises RefusedError, UnavailableError."""
        path = self._path(key)
        return await self._run(lambda: self._create(path, body))

    async def read(self, key: str) -> bytes:
        """Return the bytes of a file. Raises NotFoundError, RefusedError, UnavailableError."""
        path = self._path(key)
        try:
            return await self._run(path.read_bytes)
        except FileNotFoundError:
            raise NotFoundError(f"there is no snapshot {key}") from None

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield every key that begins with the prefix. Holds one directory listing in memory at a time."""
        first, slash, _ = prefix.partition("/")
        walk = self._entity_keys(self._folder(first)) if slash else self._all_keys()
        while batch := await self._run(lambda: list(islice(walk, _KEYS_AT_ONCE))):
            for key in batch:
                if key.startswith(prefix):
                    yield key

    async def close(self) -> None:
        """Wait for what is under way. Calling it twice is harmless."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._pool.shutdown, wait=True)

    def _folder(self, first: str) -> Path:
        spread = hashlib.sha256(first.encode()).hexdigest()
        return self._root / spread[:2] / spread[2:4] / first

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise RefusedError(f"{key!r} cannot be the key of a file")
        first, _, rest = key.partition("/")
        return self._folder(first) / rest

    def _all_keys(self) -> Iterator[str]:
        for outer in _entries(self._root):
            for inner in _entries(outer):
                for folder in _entries(inner):
                    yield from self._entity_keys(folder)

    def _entity_keys(self, folder: Path) -> Iterator[str]:
        for path in _walk(folder):
            yield f"{folder.name}/{path.relative_to(folder).as_posix()}"

    def _create(self, path: Path, body: bytes) -> bool:
        # Names of new directories go to disk with the file's: the first sync carries all, the others find it done.
        fresh = self._make(path.parent)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            created = _link_nameless(path, folder, body)
            if created is None:
                created = _link_temporary(path, body)
            # Also for the loser: whoever wrote the name may have died before it was on disk; we promise that it is.
            os.fsync(folder)
        finally:
            os.close(folder)
        for one in fresh:
            _sync_directory(one.parent)
        if len(self._durable) >= _DURABLE_KNOWN_MAX:
            self._durable.clear()
        self._durable.update(fresh)
        return created

    def _make(self, folder: Path) -> list[Path]:
        """Make a directory and those above it; return the ones, from below, whose names may not be on disk yet.

        A directory that is there already is no proof: another thread may have made it and not synced it yet.
        """
        fresh: list[Path] = []
        while folder not in self._durable:
            fresh.append(folder)
            if folder == self._root:
                break
            folder = folder.parent
        for one in reversed(fresh):
            one.mkdir(parents=one == self._root, exist_ok=True)
        return fresh

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise UnavailableError(f"{self._root}: the snapshots are closed")
        try:
            async with asyncio.timeout(self._timeout_s), self._turns:
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except FileNotFoundError:
            raise
        except TimeoutError:
            raise UnavailableError(f"{self._root}: no answer from the disk within {self._timeout_s:g} s") from None
        except OSError as error:
            kind = RefusedError if error.errno in _REFUSALS else UnavailableError
            raise kind(f"{self._root}: {error.strerror}") from error


def _link_nameless(path: Path, folder: int, body: bytes) -> bool | None:
    """Write a new file whole or not at all; False when another writer was first, None where this cannot be done."""
    try:
        file = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return None
        raise
    try:
        _write_all(file, body)
        # With a folder's descriptor Python follows the link in /proc to the nameless file itself.
        os.link(f"/proc/self/fd/{file}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return None  # there is no /proc
    finally:
        os.close(file)
    return True


def _link_temporary(path: Path, body: bytes) -> bool:
    """Write a new file whole or not at all, by a name of its own; False when another writer was first."""
    temporary = path.parent / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
    try:
        file = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            _write_all(file, body)
        finally:
            os.close(file)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _write_all(file: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(path for path in folder.iterdir() if path.is_dir())
    return []


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    for path in entries:
        if path.is_dir():
            yield from _walk(path)
        elif not path.name.startswith(_TEMPORARY):
            yield path
