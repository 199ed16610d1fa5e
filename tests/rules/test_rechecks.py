"""When something is looked at again."""

import math

from hypothesis import given
from hypothesis import strategies as st

from rules.rechecks import recheck_delay_s


def test_the_wait_doubles_up_to_its_limit() -> None:
    assert [recheck_delay_s(attempt, 2.0, 30.0, None) for attempt in (1, 2, 3, 4, 5, 60)] == [2, 4, 8, 16, 30, 30]


def test_a_store_that_is_behind_is_waited_for() -> None:
    assert recheck_delay_s(1, 2.0, 30.0, 12.5) == 12.5
    assert recheck_delay_s(1, 2.0, 30.0, 90.0) == 90.0
    assert recheck_delay_s(4, 2.0, 30.0, 12.5) == 16.0


@given(st.integers(1, 10_000), st.floats(0.01, 100), st.floats(0.01, 1e4), st.none() | st.floats(0, 1e5))
def test_it_is_never_sooner_than_the_lag_and_never_without_end(
    attempt: int, after: float, most: float, lag: float | None
) -> None:
    delay = recheck_delay_s(attempt, after, most, lag)
    assert math.isfinite(delay)
    assert (lag or 0.0) <= delay <= max(most, lag or 0.0)
