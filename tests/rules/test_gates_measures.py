"""Measures: quantiles from buckets, never better than the truth by more than a bucket."""

import random

from rules.gates_measures import BOUNDS_MS, SideCounts, added_up, counts_of, ratio


def test_a_quantile_is_at_most_a_quarter_above_the_truth_and_never_below() -> None:
    dice = random.Random(7)
    times = sorted(dice.lognormvariate(3, 1) for _ in range(5000))
    counts = SideCounts()
    for one in times:
        counts.add(one / 1000)
    for share in (0.5, 0.9, 0.99):
        truth = times[max(0, round(share * len(times)) - 1)]
        found = counts.quantile_ms(share)
        assert found is not None
        assert truth <= found <= truth * 1.251


def test_what_failed_counts_as_failed_and_has_no_time() -> None:
    counts = SideCounts()
    counts.add(0.001)
    counts.add(9.0, failed=True)
    assert (counts.requests, counts.errors, counts.error_share) == (2, 1, 0.5)
    assert counts.quantile_ms(0.99) == BOUNDS_MS[0]


def test_nothing_measured_is_not_known() -> None:
    assert SideCounts().quantile_ms(0.5) is None
    assert SideCounts().error_share is None
    some = SideCounts()
    some.add(0.01)
    assert ratio(some, SideCounts(), 0.5) is None
    assert ratio(SideCounts(), some, 0.5) is None


def test_what_takes_for_ever_is_counted_too() -> None:
    counts = SideCounts()
    counts.add(1e5)
    assert counts.quantile_ms(1.0) == 10_000_000.0


def test_parts_add_up_and_come_back_from_where_they_were_written() -> None:
    one, other = SideCounts(), SideCounts()
    for took in (0.001, 0.1):
        one.add(took)
        other.add(took * 2)
    whole = added_up([one, counts_of(2, 0, {f"{bound:g}": count for bound, count in other.buckets.items()})])
    assert whole.requests == sum(whole.buckets.values()) == 4
    assert ratio(other, one, 1.0) is not None
