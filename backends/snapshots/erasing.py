"""The right to destroy a snapshot for good: a seam of its own, opened only to carry out an order (legal).

Whoever serves or writes has `Snapshots`, which cannot remove anything. Where the place keeps versions, or holds
objects under a lock, erasing means all versions, and needs rights that no other part of the program has.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backends.snapshots.files import FileSnapshots


class Erasing(Protocol):
    """A place of snapshots, opened with the right to remove from it."""

    async def erase(self, key: str) -> bool:
        """Remove an object for good; False when it is not there. Durable on return.

        Raises UnavailableError, RefusedError.
        """

    async def close(self) -> None:
        """Release connections. Calling it twice is harmless."""


class FileErasure(FileSnapshots):
    """A directory of snapshots, opened with the right to remove from it. Implements `Erasing` and `Snapshots`."""

    async def erase(self, key: str) -> bool:
        """Remove a file for good; False when it is not there."""
        path = self._path(key)
        return await self._run(lambda: _remove(path))


def _remove(path: Path) -> bool:
    removed = False
    with suppress(FileNotFoundError):
        path.unlink()
        removed = True
    with suppress(FileNotFoundError):
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return removed
