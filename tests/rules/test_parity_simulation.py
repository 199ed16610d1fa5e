"""Does the gate keep its word? Simulated wikis whose true rate is exactly the limit: how often do they ever pass?

Each simulation is one wiki: a seeded sequence of failures, looked at after every single comparison. A gate that
promises 5 % must pass at most 5 % of them, whoever waits however long. The gates people usually build do not.
"""

import math
import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from rules.parity import comparisons_needed
from rules.parity_gate import Facts, Requirement, Result, StratumFacts, Tally, alpha_spent, parity
from rules.strata import Stratum

RATE = 0.02
WIKIS = 4000
TOLERANCE = 3 * math.sqrt(0.05 * 0.95 / WIKIS)  # three standard errors of a share of 5 %
PERFECT = {"rank": Tally(tried=10**9, caught=10**9)}
REQUIREMENT = Requirement(rate_max=RATE, stratum_rate_max=1.0, by=())
WINDOW = comparisons_needed(RATE)
LOOKS = 20 * WINDOW


def failures(seed: int, rate: float = RATE) -> Iterator[int]:
    """Yield the numbers (from 1) of the comparisons that fail, for ever."""
    dice = random.Random(seed)
    at = 0
    while True:
        at += 1 + int(math.log(1 - dice.random()) / math.log(1 - rate))
        yield at


def share_that_passes(passes: Callable[[int], bool], wikis: int = WIKIS) -> float:
    return sum(passes(seed) for seed in range(wikis)) / wikis


@cache
def passing_size(failed: int, epoch: int = 1) -> int:
    """Return the least number of comparisons at which the gate itself passes with so many failures."""
    low = passing_size(failed - 1, epoch) if failed else 1
    high = low + 1
    while not gate_passes(failed, high, epoch):
        low, high = high, high + WINDOW
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if gate_passes(failed, middle, epoch) else (middle + 1, high)
    return low


def gate_passes(failed: int, compared: int, epoch: int) -> bool:
    one = StratumFacts(stratum=Stratum("item"), compared=compared, failed=failed, distinct=compared,
                       distinct_failed=failed)  # fmt: skip
    return parity(Facts(strata=(one,), epoch=epoch, trials=PERFECT), REQUIREMENT).result is Result.PASS


def ever_passes(seed: int, sizes: Callable[[int], int], looks: int) -> bool:
    """Look after every comparison up to `looks`: does it ever pass? It can only just before the next failure."""
    for failed, at in enumerate(failures(seed)):
        size = sizes(failed)
        if size > looks:
            return False
        if at > size:  # so many comparisons came before this failure
            return True
    return False


def test_a_number_fixed_beforehand_keeps_to_five_percent() -> None:
    found = share_that_passes(lambda seed: next(failures(seed)) > WINDOW)
    assert found == pytest.approx(0.05, abs=TOLERANCE)


def test_a_window_that_begins_anew_after_each_failure_does_not() -> None:
    def passes(seed: int) -> bool:
        before = 0
        for at in failures(seed):
            if at - before > WINDOW:
                return True
            before = at
            if at > 10 * WINDOW:
                return False
        return False

    assert share_that_passes(passes, 1000) > 0.7  # anchors: 80.7 % within ten windows


def test_looking_all_the_time_at_a_bound_made_for_one_look_does_not() -> None:
    sizes = cache(lambda failed: comparisons_needed(RATE, failed))
    found = share_that_passes(lambda seed: ever_passes(seed, sizes, LOOKS), 2000)
    assert found > 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_the_gate_keeps_its_word_though_it_is_looked_at_all_the_time() -> None:
    found = share_that_passes(lambda seed: ever_passes(seed, passing_size, LOOKS))
    assert found <= 0.05 + TOLERANCE
    assert found > 0.005  # and it is not so careful as to be of no use


def test_the_gate_keeps_its_word_though_every_failure_opens_a_new_epoch() -> None:
    def passes(seed: int) -> bool:
        before = 0
        for epoch, at in enumerate(failures(seed), 1):
            if epoch > 60:
                return False
            if at - before > passing_size(0, epoch):
                return True
            before = at
        return False

    assert share_that_passes(passes) <= 0.05 + TOLERANCE


def test_the_gate_passes_what_is_good() -> None:
    looks = 4 * passing_size(0)

    def passes(seed: int) -> bool:
        for failed, at in enumerate(failures(seed, RATE / 20)):
            if passing_size(failed) > looks:
                return False
            if at > passing_size(failed):
                return True
        return False

    assert share_that_passes(passes, 1000) > 0.95


def test_what_is_simulated_is_the_gate() -> None:
    assert passing_size(0) >= comparisons_needed(RATE, 0, 1 - alpha_spent(0.025, 0))
    assert not gate_passes(2, passing_size(2) - 1, 1)
    assert gate_passes(2, passing_size(2), 1)
