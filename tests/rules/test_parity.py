"""Exact bounds, against published values and against the binomial distribution summed up term by term."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.parity import at_most_probability, bound, comparisons_needed, incomplete_beta, upper_bound


@pytest.mark.parametrize(
    ("failures", "comparisons", "confidence", "published"),
    [
        # Two-sided 95 % Clopper-Pearson intervals, as printed in textbooks: their upper end is one-sided at 97.5 %.
        (0, 10, 0.975, 0.3085),
        (1, 10, 0.975, 0.4450),
        (5, 20, 0.975, 0.4910),
        (10, 100, 0.975, 0.1762),
        (4, 20, 0.975, 0.4366),
        (0, 20, 0.975, 0.1684),
        (50, 100, 0.975, 0.6017),
        # One-sided 95 %: the "rule of three" and its successors, for n = 1,000,000.
        (0, 1_000_000, 0.95, 2.9957e-6),
        (1, 1_000_000, 0.95, 4.7439e-6),
        (2, 1_000_000, 0.95, 6.2958e-6),
        (3, 1_000_000, 0.95, 7.7536e-6),
        (4, 1_000_000, 0.95, 9.1535e-6),
        # Acceptance sampling: 59 without failure prove 5 %, 93 with one, at 95 %.
        (0, 59, 0.95, 0.0495),
        (1, 93, 0.95, 0.0500),
    ],
)
def test_bounds_are_those_of_the_tables(failures: int, comparisons: int, confidence: float, published: float) -> None:
    assert upper_bound(failures, comparisons, confidence) == pytest.approx(published, rel=2e-3)


@pytest.mark.parametrize(("rate", "needed"), [(0.05, 59), (0.01, 299), (1e-3, 2995), (1e-4, 29956), (1e-6, 2995731)])
def test_how_many_are_needed_without_a_failure(rate: float, needed: int) -> None:
    assert comparisons_needed(rate) == needed


@given(st.integers(0, 12), st.integers(1, 60))
def test_the_bound_is_the_rate_at_which_so_few_failures_have_five_percent(failures: int, comparisons: int) -> None:
    failures = min(failures, comparisons)
    p = upper_bound(failures, comparisons)
    if failures == comparisons:
        assert p == 1.0
        return
    exact = sum(comb(comparisons, k) * p**k * (1 - p) ** (comparisons - k) for k in range(failures + 1))
    assert exact == pytest.approx(0.05, rel=1e-6)
    assert at_most_probability(failures, comparisons, p) == pytest.approx(exact, rel=1e-9)


@given(st.integers(0, 20), st.integers(1, 10_000))
def test_more_comparisons_lower_the_bound_and_more_failures_raise_it(failures: int, extra: int) -> None:
    comparisons = failures + extra
    assert upper_bound(failures, comparisons + 1) < upper_bound(failures, comparisons)
    assert upper_bound(failures + 1, comparisons) > upper_bound(failures, comparisons)


def test_large_counts_stay_exact() -> None:
    assert upper_bound(5_000, 10_000_000) == pytest.approx(5.1178e-4, rel=1e-3)
    assert incomplete_beta(2.0, 3.0, 0.5) == pytest.approx(0.6875)
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0.0, 1.0)


@pytest.mark.parametrize(("failures", "comparisons", "confidence"), [(2, 1, 0.95), (-1, 5, 0.95), (0, 1, 1.0)])
def test_counts_that_cannot_be_are_refused(failures: int, comparisons: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"failures|confidence"):
        upper_bound(failures, comparisons, confidence)


def test_the_bound_in_words_and_by_recall() -> None:
    assert "nothing" in bound(0, 0).text()
    assert bound(0, 0).upper == 1.0
    assert "0 of 1000 comparisons differ" in bound(0, 1000).text()
    assert "95% confidence" in bound(0, 1000).text()
    assert "9.51%" in bound(1, 48).text()
    assert bound(0, 1000, recall=0.5).upper == pytest.approx(2 * bound(0, 1000).upper)
    assert bound(0, 1000, recall=0.0).upper == 1.0
