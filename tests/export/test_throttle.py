from collections.abc import Awaitable, Callable

import pytest

from export.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def lags(*seconds: float) -> Callable[[], Awaitable[float]]:
    left = list(seconds)

    async def lag_s() -> float:
        return left.pop(0) if len(left) > 1 else left[0]

    return lag_s


def made(clock: Clock, **options: float) -> Throttle:
    return Throttle(clock=clock, sleep=clock.sleep, **options)


async def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    throttle = made(clock)
    for _ in range(5):
        throttle.took(10_000)
        await throttle.wait(lags(0))
    assert clock.slept == []


async def test_rows_are_read_at_the_pace_that_was_asked_for() -> None:
    clock = Clock()
    throttle = made(clock, rows_per_s=100)
    for _ in range(10):
        await throttle.wait(lags(0))
        throttle.took(50)
    await throttle.wait(lags(0))
    assert clock.now - 100 == pytest.approx(5.0)
    throttle.set_rows_per_s(0)
    throttle.took(10**9)
    await throttle.wait(lags(0))
    assert clock.now - 100 == pytest.approx(5.0)


async def test_while_the_replica_lags_nothing_is_read(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    throttle = made(clock, lag_max_s=5, look_every_s=2)
    await throttle.wait(lags(30, 20, 6, 4))
    assert clock.slept == [2, 2, 2]
    assert throttle.lag_s == 4
    assert throttle.waited_s == pytest.approx(6.0)
    assert "30 s behind" in caplog.text


async def test_the_lag_is_not_asked_for_at_every_read() -> None:
    clock = Clock()
    throttle = made(clock, look_every_s=2)
    asked: list[float] = []

    async def lag_s() -> float:
        asked.append(clock.now)
        return 0.0

    for _ in range(10):
        await throttle.wait(lag_s)
        clock.now += 0.5
    assert asked == [100.0, 102.0, 104.0]


async def test_a_replica_that_never_catches_up_is_not_waited_for_for_ever() -> None:
    clock = Clock()
    await made(clock, patience_s=60, look_every_s=2).wait(lags(999))
    assert 60 <= clock.now - 100 <= 64
