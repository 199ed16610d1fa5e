"""The seam of snapshots: what every place that keeps them promises."""

from collections.abc import AsyncIterator
from typing import Protocol


class Snapshots(Protocol):
    """Objects that are created once and never changed (invariant 2). Keys are relative, with "/" inside."""

    async def create(self, key: str, body: bytes) -> bool:
        """Write an object under a new key. False when the key exists already; its bytes are then untouched.

        Durable on return. Raises UnavailableError, RefusedError.
        """

    async def read(self, key: str) -> bytes:
        """Return the bytes of an object. Raises NotFoundError, UnavailableError."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield every key that begins with the prefix, each exactly once, in no promised order."""

    async def close(self) -> None:
        """Release connections. Calling it twice is harmless."""
