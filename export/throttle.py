"""Keeps the export from being a burden: so many rows in a second, and a rest while the wiki's replica lags behind."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Throttle:
    """Says when to go on. One for all that reads from one database."""

    def __init__(
        self,
        *,
        rows_per_s: float = 0.0,
        lag_max_s: float = 5.0,
        look_every_s: float = 2.0,
        patience_s: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`rows_per_s` 0: as fast as can be. `look_every_s`: how often the lag is asked for.

        After `patience_s` of lag without an end the export goes on, slowly: a replica that is stopped is no reason to
        wait for ever.
        """
        self._rows_per_s = rows_per_s
        self._lag_max_s = lag_max_s
        self._look_every_s = look_every_s
        self._patience_s = patience_s
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0
        self._looked_at = float("-inf")
        self.lag_s = 0.0
        self.waited_s = 0.0

    def set_rows_per_s(self, rows_per_s: float) -> None:
        """Go on at another rate from now on."""
        self._rows_per_s = rows_per_s

    def took(self, rows: int) -> None:
        """Say how much was read: what comes next waits for so long as that may take."""
        if self._rows_per_s > 0:
            self._free_at = max(self._free_at, self._clock()) + rows / self._rows_per_s

    async def wait(self, lag_s: Callable[[], Awaitable[float]]) -> None:
        """Return when it is time to read on."""
        began = self._clock()
        if self._free_at > began:
            await self._sleep(self._free_at - began)
        while self._clock() - self._looked_at >= self._look_every_s:
            self._looked_at = self._clock()
            self.lag_s = await lag_s()
            if self.lag_s <= self._lag_max_s or self._clock() - began > self._patience_s:
                break
            log.warning("The replica is %.0f s behind: waiting", self.lag_s, extra={"action": "lag"})
            await self._sleep(self._look_every_s)
        self.waited_s += self._clock() - began
