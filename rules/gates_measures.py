"""How both sides answer reads, as counts in buckets: cheap to take, to add up, and to judge. Pure."""

import bisect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BOUNDS_MS = tuple(round(1.25**step, 3) for step in range(56))
"""Upper bounds of the buckets, 1 ms to about 3.5 minutes; each is a quarter above the one before."""

OVERFLOW_MS = 10_000_000.0


@dataclass(slots=True)
class SideCounts:
    """Answers of one side: how many, how many of them failed, and how long the others took."""

    requests: int = 0
    errors: int = 0
    buckets: dict[float, int] = field(default_factory=dict)  # upper bound in milliseconds: answers

    def add(self, took_s: float, *, failed: bool = False) -> None:
        """Count one answer. A failed one has no time."""
        self.requests += 1
        if failed:
            self.errors += 1
            return
        place = bisect.bisect_left(BOUNDS_MS, took_s * 1000)
        bound = BOUNDS_MS[place] if place < len(BOUNDS_MS) else OVERFLOW_MS
        self.buckets[bound] = self.buckets.get(bound, 0) + 1

    def quantile_ms(self, share: float) -> float | None:
        """Return a time within which that share was answered (the bucket's upper bound); None: nothing was."""
        answered = sum(self.buckets.values())
        if not answered:
            return None
        counts = sorted(self.buckets.items())
        reached = itertools.accumulate(count for _, count in counts)
        return next(bound for (bound, _), up_to in zip(counts, reached, strict=True) if up_to >= share * answered)

    @property
    def error_share(self) -> float | None:
        """Return the share of failures; None: nothing was asked."""
        return self.errors / self.requests if self.requests else None


def added_up(parts: Iterable[SideCounts]) -> SideCounts:
    """Return all counts together."""
    whole = SideCounts()
    for part in parts:
        whole.requests += part.requests
        whole.errors += part.errors
        for bound, count in part.buckets.items():
            whole.buckets[bound] = whole.buckets.get(bound, 0) + count
    return whole


def ratio(store: SideCounts, wiki: SideCounts, share: float) -> float | None:
    """Return how many times as long the store takes, at that quantile; None where one side was not measured."""
    ours, theirs = store.quantile_ms(share), wiki.quantile_ms(share)
    return ours / theirs if ours is not None and theirs else None


def counts_of(requests: int, errors: int, buckets: Mapping[str, int]) -> SideCounts:
    """Return counts as they were written down."""
    return SideCounts(requests, errors, {float(bound): count for bound, count in buckets.items()})
