"""Telling somebody: a log line, and a webhook where one is set. Never in the way of judging.

What is told waits in a bounded queue; what does not fit is counted and said so in the next notice. Grouping and
pace are decided in `rules.alerting`. A webhook that fails is logged and not tried again: the ledger has everything.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

import aiohttp

from rules.alerting import Alert, Groups, Notice, alerts_of, due, gather, next_due
from rules.verdict import Finding, Verdict

log = logging.getLogger(__name__)

_IDLE_S = 60.0
_HTTP_ERROR = 400


class Alerts:
    """Takes what was found and sends notices while `run` runs."""

    def __init__(
        self,
        *,
        webhook: str = "",
        webhook_timeout_s: float = 5.0,
        every_s: float = 60.0,
        waiting_max: int = 256,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._webhook = webhook
        self._webhook_timeout_s = webhook_timeout_s
        self._every_s = every_s
        self._waiting_max = waiting_max
        self._clock = clock
        self._waiting: deque[Alert] = deque()
        self._groups: Groups = {}
        self._woken = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self.sent = 0
        self.failed = 0
        self.dropped = 0

    async def __aenter__(self) -> Self:
        if self._webhook:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._webhook_timeout_s))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def tell(self, verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> None:
        """Take what was found. Returns at once; what has no room is counted in `dropped`."""
        self.say(alerts_of(verdicts, findings))

    def say(self, alerts: Iterable[Alert]) -> None:
        """Take alerts. Returns at once; what has no room is counted in `dropped`."""
        for alert in alerts:
            if len(self._waiting) >= self._waiting_max:
                self.dropped += 1
                continue
            self._waiting.append(alert)
        if self._waiting:
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send notices until `stop`, then what is left, whatever its pace."""
        while not stop.is_set():
            await self._send(all_of_them=False)
            await self._pause(stop)
        await self._send(all_of_them=True)

    async def _send(self, *, all_of_them: bool) -> None:
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._groups, notices = due(gather(self._groups, taken), self._clock(), self._every_s, all_of_them=all_of_them)
        for notice in notices:
            log.warning("%s", notice.text(), extra={"action": "alert", "group": notice.group, "count": notice.count})
            await self._post(notice)
            self.sent += 1

    async def _post(self, notice: Notice) -> None:
        if self._session is None:
            return
        body = {
            "group": notice.group,
            "count": notice.count,
            "lines": list(notice.lines),
            "first_at": notice.first_at,
            "last_at": notice.last_at,
            "dropped": self.dropped,
            "text": notice.text(),
        }
        try:
            async with self._session.post(self._webhook, json=body) as answer:
                if answer.status < _HTTP_ERROR:
                    return
                why = f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = f"{type(error).__name__}: {error}"
        self.failed += 1
        log.error("the webhook did not take an alert: %s", why, extra={"action": "webhook_failed"})

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait until there is something to send, at most until the next notice is due."""
        at = next_due(self._groups, self._every_s)
        wait_s = _IDLE_S if at is None else max(0.0, min(_IDLE_S, at - self._clock()))
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(event.wait()) for event in (self._woken, stop)]
            await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        self._woken.clear()
