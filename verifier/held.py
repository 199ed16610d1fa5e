"""Samples that the verifier holds: on their way through an attempt, or waiting for the next one. Bounded."""

import heapq
import itertools
from dataclasses import dataclass, field

from rules.case import Case
from rules.sample import Sample
from rules.verdict import Finding, Verdict


@dataclass(slots=True)
class Held:
    """One sample on its way: the attempt that comes next, what is still open, what is settled."""

    sample: Sample
    attempt: int = 1
    only: frozenset[str] | None = None
    settled: list[Verdict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)


class OpenSamples:
    """Cases that wait for another attempt, bounded in number and bytes."""

    def __init__(self, count_max: int, bytes_max: int) -> None:
        self._heap: list[tuple[float, int, Held]] = []
        self._order = itertools.count()
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, case: Held, at: float) -> bool:
        """Hold a case until `at`. False when there is no room."""
        if len(self._heap) >= self._count_max or self._bytes + len(case.sample.body) > self._bytes_max:
            return False
        heapq.heappush(self._heap, (at, next(self._order), case))
        self._bytes += len(case.sample.body)
        return True

    def due(self, now: float, limit: int) -> list[Held]:
        """Take the cases whose time has come."""
        cases: list[Held] = []
        while self._heap and self._heap[0][0] <= now and len(cases) < limit:
            case = heapq.heappop(self._heap)[2]
            self._bytes -= len(case.sample.body)
            cases.append(case)
        return cases

    def next_at(self) -> float | None:
        """Return when the next case is due."""
        return self._heap[0][0] if self._heap else None
