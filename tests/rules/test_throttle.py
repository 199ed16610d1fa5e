"""The rate of our own requests: down by half in trouble, up by little, always within its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from rules.throttle import Answered, Throttle, ThrottleLimits, after, at_first

LIMITS = ThrottleLimits(rate_max=16.0, rate_min=1.0, faster_by=1.0, settle_s=1.0, warm_up=3)


def fed(*answers: Answered, throttle: Throttle | None = None) -> Throttle:
    told = throttle or at_first(LIMITS)
    for one in answers:
        told = after(told, one, LIMITS)
    return told


def steady(count: int, begin: float = 0.0, latency_s: float = 0.1) -> list[Answered]:
    return [Answered(kind="heads", at=begin + place * 0.5, latency_s=latency_s) for place in range(count)]


def test_it_begins_as_fast_as_it_may() -> None:
    assert at_first(LIMITS).rate == 16.0


def test_a_busy_wiki_halves_the_rate_once_for_each_trouble() -> None:
    busy = [Answered(kind="heads", at=10.0 + place / 10, latency_s=0.1, busy=True) for place in range(5)]
    told = fed(*busy)
    assert (told.rate, told.slowed, told.busy) == (8.0, 1, 5)
    assert fed(Answered(kind="heads", at=12.0, latency_s=0.1, busy=True), throttle=told).rate == 4.0


def test_an_answer_that_takes_twice_as_long_as_usual_slows_down() -> None:
    told = fed(*steady(5), Answered(kind="heads", at=10.0, latency_s=0.25))
    assert (told.rate, told.slow) == (8.0, 1)
    assert fed(*steady(5), Answered(kind="heads", at=10.0, latency_s=0.19)).rate == 16.0


def test_each_kind_of_question_has_its_own_usual() -> None:
    told = fed(*steady(5), Answered(kind="contents of 20", at=10.0, latency_s=3.0))
    assert told.rate == 16.0


def test_without_trouble_it_gets_faster_by_little_steps() -> None:
    slowed = fed(Answered(kind="heads", at=10.0, latency_s=0.1, busy=True))
    told = fed(*steady(5, begin=11.0), throttle=slowed)
    assert 8.0 < told.rate <= 8.0 + 3.0
    assert fed(*steady(60, begin=14.0), throttle=told).rate == 16.0


def test_what_stays_slow_is_normal_at_last() -> None:
    told = fed(*steady(5))
    slow = [Answered(kind="heads", at=100.0 + place, latency_s=0.4) for place in range(200)]
    soon, told = fed(*slow[:10], throttle=told), fed(*slow, throttle=told)
    assert (soon.rate, soon.slow) == (LIMITS.rate_min, 10)
    assert (told.rate, told.baselines["heads"].latency_s > 0.3) == (LIMITS.rate_max, True)


@given(
    st.lists(
        st.builds(
            Answered,
            kind=st.sampled_from(["a", "b"]),
            at=st.floats(0, 1e4),
            latency_s=st.floats(0, 1e3),
            busy=st.booleans(),
        ),
        max_size=60,
    )
)
def test_the_rate_stays_within_its_bounds_whatever_comes(answers: list[Answered]) -> None:
    told = at_first(LIMITS)
    for one in answers:
        told = after(told, one, LIMITS)
        assert LIMITS.rate_min <= told.rate <= LIMITS.rate_max
        assert told.interval_s > 0
    assert told.busy == sum(one.busy for one in answers)
