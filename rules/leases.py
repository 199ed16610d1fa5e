"""Leases without synchronised clocks: each side measures durations with its own clock only.

A worker counts from before it sent the sign of life that was taken down. Who watches counts from when it first saw
that sign, which is later. So when the watcher thinks that a lease is over, it has been over for the worker for a
while; `margin_s` is for clocks that do not run at the same pace, and for the step from looking to acting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLimits:
    """How workers and flips are paced. All in seconds."""

    poll_s: float = 0.2  # between two looks of a worker at the agreed state
    lease_s: float = 3.0  # for which a worker may act without having confirmed its phase
    margin_s: float = 1.0  # after which, beyond the lease, others count on a worker's lease being over
    prepare_timeout_s: float = 5.0  # for all workers to be ready, else nothing is changed
    settle_timeout_s: float = 10.0  # for all workers to act in the new phase, before the command stops watching
    statement_timeout_s: float = 1.0  # for one question to the ledger

    @property
    def beat_s(self) -> float:
        """Return the time between two signs of life: several fit into a lease."""
        return self.lease_s / 4


def holds(confirmed_at: float | None, now: float, lease_s: float) -> bool:
    """Tell whether a worker's own lease still holds; None: it was never confirmed."""
    return confirmed_at is not None and now - confirmed_at < lease_s


@dataclass(slots=True)
class Lookout:
    """What one watcher saw of others' signs of life, and when, by its own clock."""

    limits: ControlLimits
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def look(self, beats: Mapping[str, int], now: float) -> frozenset[str]:
        """Take down the present beats; return those whose lease is over for certain."""
        self._seen = {
            name: known if (known := self._seen.get(name)) is not None and known[0] == beat else (beat, now)
            for name, beat in beats.items()
        }
        patience_s = self.limits.lease_s + self.limits.margin_s
        return frozenset(name for name, (_, since) in self._seen.items() if now - since >= patience_s)
