"""Pause, resume and change of pace of exports that are under way, through the ledger: all of them obey."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from backends.ledger.checkpoints import Checkpoints
from export.throttle import Throttle

log = logging.getLogger(__name__)

CONTROL = "export.control"
"""The checkpoint that says so: {"paused": bool, "rows_per_s": number or null}."""


class Control:
    """What the operator wants, looked at every few seconds."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        *,
        throttle: Throttle | None = None,
        every_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`throttle`: whose pace follows what is wanted."""
        self._checkpoints = checkpoints
        self._throttle = throttle
        self._every_s = every_s
        self._clock = clock
        self._sleep = sleep
        self._looked_at = float("-inf")
        self._paused = False

    async def wait(self) -> None:
        """Return at once, or when a pause is over."""
        while self._paused or self._clock() - self._looked_at >= self._every_s:
            wanted = await self._checkpoints.get(CONTROL) or {}
            self._looked_at = self._clock()
            if self._throttle is not None and wanted.get("rows_per_s") is not None:
                self._throttle.set_rows_per_s(float(wanted["rows_per_s"]))
            if bool(wanted.get("paused")) is not self._paused:
                self._paused = not self._paused
                log.info("The export %s", "pauses" if self._paused else "goes on", extra={"action": "pause"})
            if not self._paused:
                return
            await self._sleep(self._every_s)


async def set_control(checkpoints: Checkpoints, **wanted: Any) -> dict[str, Any]:
    """Change what is wanted; what is not named stays. Returns what is wanted now."""
    now = {"paused": False, "rows_per_s": None, **(await checkpoints.get(CONTROL) or {}), **wanted}
    await checkpoints.put(CONTROL, now)
    return now
