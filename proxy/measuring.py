"""How both sides answer reads, as this worker sees it, minute by minute: what the gate towards the store looks at.

In shadow reads the store answers nobody; so some of the reads that the wiki answered are made from the store too, in
the background and few at once, and only their time is kept. Nobody waits for them, and large ones are left out: making
them would hold up others.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from backends.errors import BackendError, ConflictError
from backends.ledger.control_measures import STORE, WIKI, Measures
from proxy.answering import Answers
from proxy.reads.request import ReadRequest
from rules.gates_measures import SideCounts
from rules.routes.route import EntityRead
from wikibase.render.outcome import Declined

_log = logging.getLogger(__name__)
_MINUTE_S = 60
_KEPT_MINUTES = 3 * 24 * 60
_WIKI_FAILED = 500

Spawn = Callable[[Coroutine[Any, Any, None]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRead:
    """An entity read that was answered: by whom, how fast, with how much."""

    request: ReadRequest
    read: EntityRead
    seconds: float
    status: int
    size_bytes: int
    answered_by: str


class Keeping(Protocol):
    """Where minutes that are over are kept."""

    async def put(self, minute: int, worker: str, sides: Mapping[str, SideCounts]) -> None:
        """Keep what a worker counted. Raises backends.errors."""

    async def forget_before(self, minute: int) -> None:
        """Forget what is older."""


@dataclass(slots=True)
class SideMeter:
    """Counts of the minute under way, and of those that could not be kept yet."""

    worker: str
    clock: Callable[[], float] = time.time
    _minutes: dict[int, dict[str, SideCounts]] = field(default_factory=dict)

    def add(self, side: str, seconds: float, *, failed: bool = False) -> None:
        """Count one answer."""
        sides = self._minutes.setdefault(int(self.clock() // _MINUTE_S), {WIKI: SideCounts(), STORE: SideCounts()})
        sides[side].add(seconds, failed=failed)

    async def keep(self, measures: Keeping, *, everything: bool = False) -> None:
        """Hand over the minutes that are over. Raises backends.errors."""
        now = int(self.clock() // _MINUTE_S)
        for minute in [one for one in self._minutes if everything or one < now]:
            try:
                await measures.put(minute, self.worker, self._minutes[minute])
            except ConflictError:
                _log.debug("minute %d was kept before", minute)
            del self._minutes[minute]
        for minute in sorted(self._minutes)[:-_MINUTE_S]:  # an hour of them is enough to wait for a ledger
            del self._minutes[minute]

    async def run(self, measures: Measures, stop: asyncio.Event, every_s: float = 5.0) -> None:
        """Hand over minutes until `stop`, then the last one."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(every_s):
                    await stop.wait()
            except TimeoutError:
                pass
            try:
                await self.keep(measures, everything=stop.is_set())
                await measures.forget_before(int(self.clock() // _MINUTE_S) - _KEPT_MINUTES)
            except BackendError as error:
                _log.warning("the measures could not be kept: %s", error, extra={"action": "measures_not_kept"})


class ShadowReads:
    """Makes some of the reads that the wiki answered from the store too, to know how long that takes."""

    def __init__(
        self,
        answers: Answers,
        meter: SideMeter,
        spawn: Spawn,
        *,
        is_shadow: Callable[[], bool],
        timeout_s: float,
        every_s: float,
        size_bytes_max: int,
    ) -> None:
        """`every_s`: between two of them, at least. `size_bytes_max`: of the wiki's answer."""
        self._answers = answers
        self._meter = meter
        self._spawn = spawn
        self._is_shadow = is_shadow
        self._timeout_s = timeout_s
        self._every_s = every_s
        self._size_bytes_max = size_bytes_max
        self._next_at = 0.0

    def seen(self, one: SeenRead) -> None:
        """Count an answer of the wiki, and perhaps make it from the store. Returns at once."""
        if one.answered_by != WIKI:
            return
        self._meter.add(WIKI, one.seconds, failed=one.status >= _WIKI_FAILED)
        now = asyncio.get_running_loop().time()
        if now >= self._next_at and one.size_bytes <= self._size_bytes_max and self._is_shadow():
            self._next_at = now + self._every_s
            self._spawn(self._make(one))

    async def _make(self, one: SeenRead) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                made = await self._answers.answer(one.request, one.read)
        except (BackendError, TimeoutError):
            self._meter.add(STORE, 0.0, failed=True)
        except Exception:  # noqa: BLE001 - a mistake of ours is the store's failure, and nobody else's
            _log.exception("a read could not be made from the store", extra={"action": "shadow_read_broken"})
            self._meter.add(STORE, 0.0, failed=True)
        else:
            if not isinstance(made, Declined):
                self._meter.add(STORE, time.perf_counter() - began)
