"""How sure the counts make us: exact upper bounds on the true rate of mismatches (Clopper-Pearson). Pure.

Zero failures in n comparisons bound the rate by 1 - (1 - confidence)^(1/n), about 3/n at 95 %. The bound holds for
a number of comparisons fixed beforehand and independent ones; counting belongs to an epoch, not to the last window.
"""

from dataclasses import asdict, dataclass
from math import exp, expm1, lgamma, log, log1p

CONFIDENCE = 0.95

_FRACTION_STEPS_MAX = 10_000
_TINY = 1e-300
_EPSILON = 1e-15


@dataclass(frozen=True, slots=True)
class Bound:
    """What was counted, and the rate that is not exceeded at that confidence."""

    failures: int
    comparisons: int
    confidence: float
    upper: float

    def as_json(self) -> dict[str, int | float]:
        """Return the bound as plain values."""
        return asdict(self)

    def text(self) -> str:
        """Return the bound in words."""
        if not self.comparisons:
            return "nothing compared, so nothing is known"
        found = f"{self.failures} of {self.comparisons} comparisons differ"
        return f"{found}; at {self.confidence:.0%} confidence the true rate is at most {_rate(self.upper)}"


def bound(failures: int, comparisons: int, *, confidence: float = CONFIDENCE, recall: float = 1.0) -> Bound:
    """Return the bound for a count. `recall`: the proven share of damage that is found; the bound is divided by it."""
    upper = upper_bound(failures, comparisons, confidence)
    return Bound(failures, comparisons, confidence, min(1.0, upper / recall) if recall > 0 else 1.0)


def upper_bound(failures: int, comparisons: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided exact upper bound: the rate p at which so few failures have probability 1 - confidence.

    Nothing compared bounds nothing: 1.0. Raises ValueError for counts or a confidence that cannot be.
    """
    if not 0 <= failures <= comparisons:
        raise ValueError(f"{failures} failures in {comparisons} comparisons")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is not between 0 and 1")
    if failures == comparisons:
        return 1.0
    alpha = 1.0 - confidence
    if failures == 0:
        return -expm1(log(alpha) / comparisons)
    low, high = failures / comparisons, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if at_most_probability(failures, comparisons, middle) > alpha:
            low = middle
        else:
            high = middle
        if high - low <= 1e-13 * high:
            break
    return high


def at_most_probability(failures: int, comparisons: int, rate: float) -> float:
    """Return the probability of at most so many failures at a rate: the binomial distribution function."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if failures >= comparisons else 0.0
    return 1.0 - incomplete_beta(failures + 1.0, float(comparisons - failures), rate)


def comparisons_needed(rate: float, failures: int = 0, confidence: float = CONFIDENCE) -> int:
    """Return the least number of comparisons whose bound, with so many failures, is at most that rate."""
    low, high = failures + 1, failures + 2
    while upper_bound(failures, high, confidence) > rate:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if upper_bound(failures, middle, confidence) > rate:
            low = middle + 1
        else:
            high = middle
    return low


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (Lentz's evaluation)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1))
    value = d
    for step in range(1, _FRACTION_STEPS_MAX):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        value *= d * c
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) < _EPSILON:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _rate(upper: float) -> str:
    return f"{upper:.2%}" if upper >= 0.01 else f"{upper:.2e} ({upper * 1e6:,.1f} per million)"  # noqa: PLR2004  one percent
