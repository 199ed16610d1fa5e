"""Snapshots that try again: put on by `connect` around a place whose server may be busy, restarting or out of reach.

Every call may be repeated: creating says False when it had been created the first time, and the writer then compares
what is there with its own. Waiting doubles from try to try, spread by chance so that many writers do not come back at
once, and is never shorter than what the server asked for. For places that list their keys in order, as S3 does: a
listing that breaks off is begun again behind the last key that was told.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from backends.errors import UnavailableError
from backends.snapshots.base import Snapshots

T = TypeVar("T")


class RetryingSnapshots:
    """Another place, with patience. Implements `backends.snapshots.base.Snapshots`."""

    def __init__(
        self,
        inner: Snapshots,
        *,
        tries_max: int,
        delay_s: float,
        delay_max_s: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """`delay_s` before the second try, doubled up to `delay_max_s`; `spread` gives 0 to 1."""
        self.inner = inner
        self._tries_max = tries_max
        self._delay_s = delay_s
        self._delay_max_s = delay_max_s
        self._sleep = sleep
        self._spread = spread

    async def create(self, key: str, body: bytes) -> bool:
        """Write an object under a new key; False when it exists, perhaps by an earlier try of this call."""
        return await self._again(lambda: self.inner.create(key, body))

    async def read(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return await self._again(lambda: self.inner.read(key))

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Yield every key that begins with the prefix, in order."""
        last = ""
        tries = 0
        while True:
            try:
                async for key in self.inner.keys(prefix):
                    if key > last:
                        last, tries = key, 0
                        yield key
            except UnavailableError as error:
                tries += 1
                if tries >= self._tries_max:
                    raise
                await self._wait(tries, error)
            else:
                return

    async def close(self) -> None:
        """Release connections. Calling it twice is harmless."""
        await self.inner.close()

    async def _again(self, work: Callable[[], Awaitable[T]]) -> T:
        tries = 1
        while True:
            try:
                return await work()
            except UnavailableError as error:
                if tries >= self._tries_max:
                    raise
                await self._wait(tries, error)
                tries += 1

    async def _wait(self, tries: int, error: UnavailableError) -> None:
        delay = min(self._delay_max_s, self._delay_s * 2 ** (tries - 1))
        await self._sleep(max(delay * (0.5 + self._spread() / 2), error.retry_after_s or 0.0))
