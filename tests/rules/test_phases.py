"""The table of phases and the flips it allows."""

import itertools

import pytest

from rules.phases import (
    BUILT,
    PHASES,
    IllegalFlipError,
    IllegalModesError,
    PhaseName,
    Reads,
    Writes,
    check_flip,
    distance,
    is_free_to_go_back,
    needs_fence,
    neighbour,
    phase,
    phases_of,
    without_lease,
)

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


@pytest.mark.parametrize(("reads", "writes"), list(itertools.product(Reads, Writes)))
def test_a_pair_of_modes_belongs_to_phases_or_is_refused_by_name(reads: Reads, writes: Writes) -> None:
    expected = [name for name, modes in EXPECTED.items() if modes == (reads.value, writes.value)]
    if expected:
        assert [row.name.value for row in phases_of(reads, writes)] == expected
    else:
        with pytest.raises(IllegalModesError, match=f"reads {reads} with writes {writes}"):
            phases_of(reads, writes)


def test_the_fence_is_needed_exactly_where_the_store_answers_and_the_wiki_is_edited() -> None:
    assert [row.name.value for row in PHASES if needs_fence(row)] == ["read_cutover", "dual_writes"]


def test_who_cannot_confirm_a_phase_leaves_reads_to_the_wiki() -> None:
    for row in PHASES:
        acting = without_lease(row)
        assert acting.reads is not Reads.NEW
        assert acting is row or row.reads is Reads.NEW


def test_going_back_is_free_until_the_store_takes_the_edits() -> None:
    free = [row.name.value for row in PHASES if is_free_to_go_back(row.name)]
    assert free == ["prepare", "export", "shadow_reads", "read_cutover", "dual_writes"]


def test_beyond_the_ends_there_is_no_neighbour() -> None:
    assert neighbour(PhaseName.PREPARE, -1) is None
    assert neighbour(PhaseName.DECOMMISSION, 1) is None
    assert neighbour(PhaseName.EXPORT, 1) is PhaseName.SHADOW_READS
    assert distance(PhaseName.EXPORT, PhaseName.PREPARE) == -1
