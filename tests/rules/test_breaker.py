"""The circuit breaker: when it opens, and that it does not flap."""

from rules.breaker import BreakerLimits, BreakerState, CircuitBreaker

LIMITS = BreakerLimits(
    window_s=10, tries_min=4, failed_max=0.5, in_a_row_max=3, open_s=5, open_max_s=15, tries_to_close=2
)


def breaker() -> CircuitBreaker:
    return CircuitBreaker(LIMITS)


def fail(one: CircuitBreaker, now: float, times: int = 3) -> None:
    for _ in range(times):
        one.record(now, worked=False)


def test_failures_in_a_row_open_it() -> None:
    one = breaker()
    fail(one, 0.0, 2)
    assert one.allows(0.0)
    fail(one, 0.0, 1)
    assert one.state is BreakerState.OPEN
    assert not one.allows(4.9)


def test_a_share_of_failures_opens_it_only_when_enough_was_tried() -> None:
    one = breaker()
    for worked in (False, True, False):
        one.record(0.0, worked=worked)
    assert one.state is BreakerState.CLOSED
    one.record(0.0, worked=True)
    assert one.state is BreakerState.CLOSED, "a half is borne"
    one.record(0.0, worked=False)
    assert one.state is BreakerState.OPEN


def test_what_is_older_than_the_window_says_nothing() -> None:
    again = breaker()
    fail(again, 0.0, 2)
    again.record(10.0, worked=True)
    again.record(10.0, worked=False)
    assert again.state is BreakerState.CLOSED


def test_too_slow_is_failed() -> None:
    one = breaker()
    for _ in range(3):
        one.record(0.0, worked=True, took_s=2.1)
    assert one.state is BreakerState.OPEN


def test_it_closes_only_after_several_tries_worked_in_a_row() -> None:
    one = breaker()
    fail(one, 0.0)
    assert one.allows(5.0)
    assert one.allows(5.0)
    assert not one.allows(5.0), "no more than it takes"
    one.record(5.1, worked=True)
    assert one.state is BreakerState.HALF_OPEN
    one.record(5.2, worked=True)
    assert one.state is BreakerState.CLOSED


def test_a_try_that_fails_opens_it_for_longer_up_to_a_limit() -> None:
    one, now, waits = breaker(), 0.0, []
    fail(one, now)
    for _ in range(4):
        waited = next(step for step in range(1, 100) if one.allows(now + step))
        waits.append(waited)
        now += waited
        one.record(now, worked=False)
    assert waits == [5, 10, 15, 15]
    assert one.opened == 5


def test_tries_whose_end_nobody_told_do_not_keep_it_half_open_for_ever() -> None:
    one = breaker()
    fail(one, 0.0)
    assert one.allows(5.0)
    assert one.allows(5.0)
    assert not one.allows(9.9)
    assert one.allows(10.0)
