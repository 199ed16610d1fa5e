"""Flips as decisions: the whole product of states where it matters."""

import itertools

import pytest

from rules.flips import (
    Agreed,
    CostFacts,
    StateError,
    Wait,
    agreed_of,
    as_value,
    begins_behind,
    changes,
    check,
    cost_of_back,
    fallen_back,
    gone_back,
    is_fenced,
    phases_apart,
    waits_for,
)
from rules.overrides import OverrideError, parse_overrides
from rules.phases import BUILT, PHASES, IllegalFlipError, PhaseName, distance, phase

CANARY = parse_overrides([{"name": "canary", "move": "forward", "header": "X-Canary: 1"}])
HELD = parse_overrides([{"name": "lexemes", "move": "back", "entity_types": ["lexeme"]}])
P = PhaseName
NAMES = list(PhaseName)


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(NAMES, NAMES)))
def test_towards_the_store_everybody_must_be_ready_and_back_nobody(present: P, wanted: P) -> None:
    fenced = {P.READ_CUTOVER, P.DUAL_WRITES}
    expected = (
        Wait.EVERYONE
        if wanted in fenced and present not in fenced
        else Wait.NOBODY
        if distance(present, wanted) < 0
        else Wait.LIVE
    )
    found = waits_for(Agreed(phase=present), Agreed(phase=wanted))
    assert found is expected
    assert begins_behind(Agreed(phase=present), Agreed(phase=wanted)) is (expected is Wait.EVERYONE)


def test_a_canary_in_shadow_needs_the_fence_as_the_phase_itself_would() -> None:
    shadow, canary = Agreed(phase=P.SHADOW_READS), Agreed(phase=P.SHADOW_READS, overrides=CANARY)
    assert not is_fenced([shadow])
    assert is_fenced([shadow, canary])
    assert waits_for(shadow, canary) is Wait.EVERYONE
    assert waits_for(canary, Agreed(phase=P.READ_CUTOVER)) is Wait.LIVE


@pytest.mark.parametrize("present", NAMES)
def test_back_is_one_phase_and_ends_the_overrides(present: P) -> None:
    back = gone_back(Agreed(phase=present, overrides=HELD))
    names = [row.name for row in PHASES]
    if present is P.PREPARE:
        assert back is None
    else:
        assert back == Agreed(phase=names[names.index(present) - 1])


@pytest.mark.parametrize("present", sorted(BUILT))
def test_from_every_phase_that_is_built_the_way_back_is_legal_and_costs_nothing(present: P) -> None:
    back = gone_back(Agreed(phase=present))
    told = cost_of_back(Agreed(phase=present), CostFacts(workers=2, confirm_s=0.25))
    if back is None:
        assert told == "there is no phase to go back to"
        return
    check(Agreed(phase=present), back)
    assert told == f"roll back now to {back.phase}: 0 lost, 0 to replay, 0.2 s"


def test_the_cost_of_what_is_not_known_is_not_zero() -> None:
    told = cost_of_back(Agreed(phase=P.WRITE_CUTOVER), CostFacts(workers=1, confirm_s=1.8, lost=0))
    assert told == "roll back now to dual_writes: 0 lost, an unknown number to replay, 1.8 s"
    assert "at once" in cost_of_back(Agreed(phase=P.EXPORT), CostFacts())


def test_a_phase_that_ends_falls_back_to_the_one_before_and_nowhere_else() -> None:
    check(Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER, until=9.0, fall_back=P.SHADOW_READS))
    for until, fall_back in ((9.0, P.EXPORT), (9.0, None), (None, P.SHADOW_READS), (9.0, P.READ_CUTOVER)):
        with pytest.raises(StateError):
            check(Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER, until=until, fall_back=fall_back))


def test_it_falls_back_when_its_time_is_over_and_not_before() -> None:
    boxed = Agreed(phase=P.READ_CUTOVER, until=100.0, fall_back=P.SHADOW_READS, overrides=HELD)
    assert fallen_back(boxed, 99.9) is None
    assert fallen_back(boxed, 100.0) == Agreed(phase=P.SHADOW_READS)
    assert fallen_back(Agreed(phase=P.READ_CUTOVER), 1e12) is None


def test_an_illegal_flip_or_override_is_refused_by_name() -> None:
    with pytest.raises(IllegalFlipError, match="neighbours"):
        check(Agreed(phase=P.PREPARE), Agreed(phase=P.SHADOW_READS))
    with pytest.raises(IllegalFlipError, match="cannot carry out"):
        check(Agreed(phase=P.READ_CUTOVER), Agreed(phase=P.DUAL_WRITES))
    with pytest.raises(OverrideError, match="cannot carry out phase dual_writes"):
        check(Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER, overrides=CANARY))


def test_a_state_survives_being_written_down() -> None:
    for state in (
        Agreed(phase=P.PREPARE),
        Agreed(phase=P.SHADOW_READS, overrides=(*CANARY, *HELD), until=12.5, fall_back=P.EXPORT),
    ):
        assert agreed_of(as_value(state)) == state
    with pytest.raises(StateError):
        agreed_of({})


def test_a_flip_says_in_words_what_it_changes() -> None:
    told = changes(Agreed(phase=P.SHADOW_READS, overrides=HELD), Agreed(phase=P.READ_CUTOVER))
    assert told == [
        "phase: shadow_reads -> read_cutover",
        "entity reads answered by: wiki -> store",
        "reads compared with: store -> wiki",
        "store kept current by: follower -> follower + fence",
        "override lexemes: ends",
    ]
    assert changes(Agreed(phase=P.EXPORT), Agreed(phase=P.EXPORT)) == []
    (line,) = changes(Agreed(phase=P.SHADOW_READS), Agreed(phase=P.SHADOW_READS, overrides=CANARY))
    assert line == "override canary: forward by one phase: header x-canary: 1"


def test_how_far_workers_are_apart() -> None:
    assert phases_apart([]) == 0
    assert phases_apart([phase("export"), phase("read_cutover"), phase("shadow_reads")]) == 2
