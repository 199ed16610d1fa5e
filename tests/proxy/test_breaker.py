"""A worker's breaker: the rules with a clock, said aloud."""

import logging

import pytest

from proxy.breaker import WorkerBreaker
from rules.breaker import BreakerLimits, BreakerState

LIMITS = BreakerLimits(in_a_row_max=3, open_s=5.0, tries_to_close=1, slow_s=1.0)


def test_it_opens_waits_and_closes_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    breaker = WorkerBreaker(LIMITS, clock=lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert breaker.allows()
            breaker.failed()
        assert (breaker.state, breaker.opened) == (BreakerState.OPEN, 1)
        assert not breaker.allows()
        now[0] = 5.0
        assert breaker.allows()
        breaker.succeeded(took_s=0.5)
    assert breaker.state is BreakerState.CLOSED
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_an_answer_that_took_too_long_is_no_success() -> None:
    breaker = WorkerBreaker(LIMITS, clock=lambda: 0.0)
    for _ in range(3):
        breaker.succeeded(took_s=1.1)
    assert breaker.state is BreakerState.OPEN
