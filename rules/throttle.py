"""How fast our own requests may go: halved where the wiki is in trouble, faster by little steps where not. Pure.

Trouble is an answer that says so (maxlag, 429, 503), and one that took twice as long as answers to that kind of
question use to take. One trouble slows down once: for `settle_s` after it, others say nothing new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleLimits:
    """Bounds. Rates in requests a second, times in seconds."""

    rate_max: float = 50.0
    rate_min: float = 0.2
    slower_by: float = 0.5
    faster_by: float = 0.5  # requests a second, added for each second without trouble
    latency_ratio_max: float = 2.0
    latency_floor_s: float = 0.05  # a shorter answer is never slow
    settle_s: float = 1.0
    baseline_weight: float = 0.05  # of one answer in the baseline of its kind
    baseline_drift: float = 1.02  # what each slow answer adds to the baseline: what stays slow is normal at last
    warm_up: int = 5  # answers of a kind before its latency says anything


THROTTLE_LIMITS = ThrottleLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """How long answers to one kind of question use to take."""

    answers: int = 0
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of one request of ours. `busy`: the wiki said that it is."""

    kind: str
    at: float
    latency_s: float
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """The present rate, and what it rests on."""

    rate: float
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    changed_at: float | None = None
    slowed_at: float | None = None
    slowed: int = 0  # how often
    busy: int = 0
    slow: int = 0

    @property
    def interval_s(self) -> float:
        """How long it is from one request to the next."""
        return 1.0 / self.rate


def at_first(limits: ThrottleLimits) -> Throttle:
    """Return the throttle to begin with."""
    return Throttle(rate=limits.rate_max)


def after(throttle: Throttle, seen: Answered, limits: ThrottleLimits) -> Throttle:
    """Return the throttle after an answer."""
    known = throttle.baselines.get(seen.kind, Baseline())
    slow = not seen.busy and _is_slow(known, seen.latency_s, limits)
    baselines = throttle.baselines if seen.busy else {**throttle.baselines, seen.kind: _with(known, seen, slow, limits)}
    told = replace(
        throttle, baselines=baselines, busy=throttle.busy + seen.busy, slow=throttle.slow + slow, changed_at=seen.at
    )
    settled = throttle.slowed_at is None or seen.at - throttle.slowed_at >= limits.settle_s
    if seen.busy or slow:
        if not settled:
            return told
        rate = max(limits.rate_min, throttle.rate * limits.slower_by)
        return replace(told, rate=rate, slowed_at=seen.at, slowed=throttle.slowed + 1)
    if not settled:
        return told
    since = 0.0 if throttle.changed_at is None else max(0.0, seen.at - throttle.changed_at)
    return replace(told, rate=min(limits.rate_max, throttle.rate + limits.faster_by * since))


def _is_slow(known: Baseline, latency_s: float, limits: ThrottleLimits) -> bool:
    if known.answers < limits.warm_up or latency_s < limits.latency_floor_s:
        return False
    return latency_s > known.latency_s * limits.latency_ratio_max


def _with(known: Baseline, seen: Answered, slow: bool, limits: ThrottleLimits) -> Baseline:  # noqa: FBT001  a fact
    """Return the baseline with one answer more. Slow ones move it by little: trouble is not taken for normal."""
    if slow:
        latency_s = known.latency_s * limits.baseline_drift
    elif known.answers < limits.warm_up:
        latency_s = (known.latency_s * known.answers + seen.latency_s) / (known.answers + 1)
    else:
        latency_s = known.latency_s + (seen.latency_s - known.latency_s) * limits.baseline_weight
    return Baseline(answers=known.answers + 1, latency_s=latency_s)
