"""The circuit breaker of reads: when the store is left alone, and when it is tried again. Pure: time comes in.

Closed: the store is asked, and its failures are counted in a window. Open: it is left alone for a while, longer each
time. Half open: a few tries decide. It opens on a share of failures among enough tries, or on many in a row; it closes
only after several tries in a row worked (hysteresis).
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class BreakerState(StrEnum):
    """Whether the store is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """When it opens and closes. A try that took longer than `slow_s` counts as failed."""

    window_s: float = 10.0
    tries_min: int = 20  # in the window, before a share of failures says anything
    failed_max: float = 0.5  # share of failures that is borne
    in_a_row_max: int = 10  # failures in a row that open it at once
    slow_s: float = 2.0
    open_s: float = 5.0  # until the first try; doubled each time it opens again
    open_max_s: float = 60.0
    tries_to_close: int = 5  # in a row
    remembered_max: int = 10_000  # tries of the window


@dataclass(slots=True)
class CircuitBreaker:
    """One breaker. `opened`: how often it opened, for the evidence."""

    limits: BreakerLimits
    state: BreakerState = BreakerState.CLOSED
    opened: int = 0
    _tries: deque[tuple[float, bool]] = field(default_factory=deque)
    _failures: int = 0
    _in_a_row: int = 0
    _until: float = 0.0
    _open_s: float = 0.0
    _trying: int = 0
    _worked: int = 0

    def allows(self, now: float) -> bool:
        """Tell whether the store may be asked. Half open: as many as it takes to close are let through."""
        if self.state is BreakerState.OPEN and now >= self._until:
            self.state, self._trying, self._worked = BreakerState.HALF_OPEN, 0, 0
            self._until = now + max(self._open_s, self.limits.open_s)  # tries whose end nobody tells are let go
        if self.state is BreakerState.HALF_OPEN:
            if self._trying >= self.limits.tries_to_close and now >= self._until:
                self._trying = self._worked
            if self._trying >= self.limits.tries_to_close:
                return False
            self._trying += 1
        return self.state is not BreakerState.OPEN

    def record(self, now: float, *, worked: bool, took_s: float = 0.0) -> None:
        """Learn how a try ended."""
        worked = worked and took_s <= self.limits.slow_s
        if self.state is BreakerState.HALF_OPEN:
            self._try_again(now, worked=worked)
        elif self.state is BreakerState.CLOSED:
            self._count(now, worked=worked)
            if self._is_too_bad():
                self._open(now)

    def _try_again(self, now: float, *, worked: bool) -> None:
        if not worked:
            self._open(now)
            return
        self._worked += 1
        if self._worked >= self.limits.tries_to_close:
            self.state, self._open_s = BreakerState.CLOSED, 0.0
            self._forget()

    def _count(self, now: float, *, worked: bool) -> None:
        self._tries.append((now, worked))
        self._failures += not worked
        self._in_a_row = 0 if worked else self._in_a_row + 1
        while self._tries and (
            self._tries[0][0] <= now - self.limits.window_s or len(self._tries) > self.limits.remembered_max
        ):
            self._failures -= not self._tries.popleft()[1]

    def _is_too_bad(self) -> bool:
        limits = self.limits
        if self._in_a_row >= limits.in_a_row_max:
            return True
        return len(self._tries) >= limits.tries_min and self._failures / len(self._tries) > limits.failed_max

    def _open(self, now: float) -> None:
        self._open_s = min(self._open_s * 2 or self.limits.open_s, self.limits.open_max_s)
        self.state, self._until = BreakerState.OPEN, now + self._open_s
        self.opened += 1
        self._forget()

    def _forget(self) -> None:
        self._tries.clear()
        self._failures = self._in_a_row = 0
