"""The table of phases and the flips it allows."""

import itertools

import pytest

from rules.phases import BUILT, PHASES, IllegalFlipError, PhaseName, Reads, Writes, check_flip, phase

EXPECTED = {
    "prepare": ("legacy", "legacy"),
    "export": ("legacy", "legacy"),
    "shadow_reads": ("shadow", "legacy"),
    "read_cutover": ("new", "legacy"),
    "dual_writes": ("new", "dual"),
    "write_cutover": ("new", "new"),
    "decommission": ("new", "new"),
}


def test_the_seven_phases_and_their_modes() -> None:
    assert {row.name.value: (row.reads.value, row.writes.value) for row in PHASES} == EXPECTED


def test_modes_only_ever_move_forward() -> None:
    reads, writes = list(Reads), list(Writes)
    for before, after in itertools.pairwise(PHASES):
        assert reads.index(before.reads) <= reads.index(after.reads)
        assert writes.index(before.writes) <= writes.index(after.writes)


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(PhaseName, PhaseName)))
def test_only_neighbours_that_are_built_may_be_flipped_to(present: PhaseName, wanted: PhaseName) -> None:
    names = [row.name for row in PHASES]
    legal = abs(names.index(present) - names.index(wanted)) <= 1 and wanted in BUILT
    if legal:
        check_flip(present, wanted)
        return
    with pytest.raises(IllegalFlipError) as caught:
        check_flip(present, wanted)
    assert "neighbours" in str(caught.value) or "cannot carry out" in str(caught.value)


def test_a_refusal_says_where_to_flip_first() -> None:
    with pytest.raises(IllegalFlipError, match="flip to export first"):
        check_flip(PhaseName.PREPARE, PhaseName.SHADOW_READS)


def test_a_phase_that_does_not_exist_is_named() -> None:
    with pytest.raises(IllegalFlipError, match="no phase is called 'shadow'"):
        phase("shadow")
