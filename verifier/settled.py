"""Through when everything that was observed is settled: the highest point in time before which nothing is open.

A sample counts as observed when its exchange ended. Proxies hand samples over a moment later; `margin_s` is the time
that may take, so nothing observed before that long ago is still on its way.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from backends.ledger.evidence import Watermark
from rules.sample import Sample
from rules.verdict import Standing, Verdict, standing

_SECONDS_HELD_MAX = 4096


@dataclass(slots=True)
class Settled:
    """Follows samples from being taken to being let go. Bounded by what the verifier itself holds."""

    margin_s: float
    _open: dict[str, float] = field(default_factory=dict)
    _unread_from: float = 0.0
    _revisions: list[tuple[float, int]] = field(default_factory=list)  # a heap: (observed, revision), not passed yet
    _revision: int | None = None
    _through: float = 0.0

    def taken(self, samples: Iterable[Sample], *, all_of_them: bool, now: float) -> None:
        """Note samples that were taken; `all_of_them`: there were no more when they were."""
        last = now
        for sample in samples:
            last = self._open[sample.sample_id] = observed_at(sample)
        self._unread_from = (now if all_of_them else last) - self.margin_s

    def let_go(self, samples: Iterable[Sample], verdicts: Iterable[Verdict]) -> None:
        """Note samples that are settled, with their verdicts."""
        ended = {sample.sample_id: self._open.pop(sample.sample_id, observed_at(sample)) for sample in samples}
        for verdict in verdicts:
            # "There is no such revision", rightly answered, proves none.
            if verdict.revision is not None and standing(verdict) is Standing.PROVEN and verdict.reason != "missing":
                heapq.heappush(self._revisions, (ended.get(verdict.sample_id, 0.0), verdict.revision))
        while len(self._revisions) > _SECONDS_HELD_MAX:  # the earliest is given up: it may be passed a little late
            at, revision = heapq.heappop(self._revisions)
            later, other = self._revisions[0]
            heapq.heapreplace(self._revisions, (max(at, later), max(revision, other)))

    def watermark(self) -> Watermark | None:
        """Return through when everything is settled, None while that is not known. Never goes back."""
        self._through = max(self._through, min([self._unread_from, *self._open.values()]))
        while self._revisions and self._revisions[0][0] <= self._through:
            self._revision = max(heapq.heappop(self._revisions)[1], self._revision or 0)
        return Watermark(through_at=self._through, revision=self._revision) if self._through > 0 else None


def observed_at(sample: Sample) -> float:
    """Return when an exchange was observed: at its end."""
    return sample.started_at + sample.duration_s
