"""The circuit breaker of one worker: `rules.breaker` with a clock, said aloud when it opens and closes."""

import logging
import time
from collections.abc import Callable

from rules.breaker import BreakerLimits, BreakerState, CircuitBreaker

_log = logging.getLogger(__name__)


class WorkerBreaker:
    """Remembers how the store has been doing (`proxy.answering.Breaker`)."""

    def __init__(self, limits: BreakerLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._breaker = CircuitBreaker(limits)
        self._clock = clock

    @property
    def state(self) -> BreakerState:
        """Return whether the store is asked."""
        return self._breaker.state

    @property
    def opened(self) -> int:
        """Return how often it opened."""
        return self._breaker.opened

    def allows(self) -> bool:
        """Tell whether the store may be tried."""
        return self._breaker.allows(self._clock())

    def succeeded(self, took_s: float = 0.0) -> None:
        """Learn that it worked."""
        self._record(worked=True, took_s=took_s)

    def failed(self) -> None:
        """Learn that it did not."""
        self._record(worked=False, took_s=0.0)

    def _record(self, *, worked: bool, took_s: float) -> None:
        before = self._breaker.state
        self._breaker.record(self._clock(), worked=worked, took_s=took_s)
        after = self._breaker.state
        if after is not before:
            say = _log.info if after is BreakerState.CLOSED else _log.error
            say("the breaker of reads is %s now", after, extra={"action": "breaker", "state": after.value})
