"""Overrides: slices, and what becomes of them in every phase."""

import itertools

import pytest

from rules.overrides import (
    IdRange,
    Kind,
    Move,
    Override,
    OverrideError,
    SliceFacts,
    as_plain,
    check_overrides,
    effective_phase,
    parse_overrides,
    reachable,
    share_of,
)
from rules.phases import BUILT, PHASES, Phase, PhaseName, distance, phase
from wikibase.ids import EntityId, EntityType

Q42, P5, L7, F = EntityId("Q42"), EntityId("P5"), EntityId("L7"), EntityId("L7-F2")
READ = SliceFacts(kind=Kind.READ, entities=(Q42,))
SHADOW, CUTOVER = phase("shadow_reads"), phase("read_cutover")


def one(move: Move = Move.BACK, **fields: object) -> Override:
    return Override(name="x", move=move, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("present", "move"), list(itertools.product(PHASES, (Move.BACK, Move.FORWARD))))
def test_a_slice_is_never_moved_further_than_to_a_neighbour_that_is_built(present: Phase, move: Move) -> None:
    found = effective_phase(present, [one(move, percent=100.0)], READ, 0.0)
    assert abs(distance(present.name, found.name)) <= 1
    assert found is present or found.name in BUILT
    assert found in reachable(present, [one(move, percent=100.0)])


CASES = {
    "type": ({"entity_types": frozenset({EntityType.ITEM})}, (Q42,), (P5,)),
    "a form is its lexeme": ({"entity_types": frozenset({EntityType.LEXEME})}, (F,), (Q42,)),
    "id range": ({"ids": (IdRange("Q", 40, 42),)}, (Q42,), (EntityId("Q43"),)),
    "id range of a form": ({"ids": (IdRange("L", 7, 7),)}, (F,), (EntityId("L8-F1"),)),
    "percent": ({"percent": share_of(Q42) + 1e-9}, (Q42,), ()),
    "not that percent": ({"percent": share_of(Q42)}, (), (Q42,)),
    "kind": ({"kinds": frozenset({Kind.READ})}, (Q42,), ()),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("move", [Move.BACK, Move.FORWARD])
def test_what_is_in_a_slice_is_moved_and_the_rest_stays(name: str, move: Move) -> None:
    fields, inside, outside = CASES[name]
    present, moved = (CUTOVER, SHADOW) if move is Move.BACK else (SHADOW, CUTOVER)
    override = one(move, **fields)
    for entity in inside:
        facts = SliceFacts(kind=Kind.READ, entities=(entity,))
        assert effective_phase(present, [override], facts, 0.0) is moved
    for entity in outside:
        facts = SliceFacts(kind=Kind.READ, entities=(entity,))
        assert effective_phase(present, [override], facts, 0.0) is present


def test_a_batch_goes_back_with_any_of_its_entities_and_forward_only_with_all() -> None:
    both = SliceFacts(kind=Kind.READ, entities=(Q42, P5))
    items = {"entity_types": frozenset({EntityType.ITEM})}
    assert effective_phase(CUTOVER, [one(Move.BACK, **items)], both, 0.0) is SHADOW
    assert effective_phase(SHADOW, [one(Move.FORWARD, **items)], both, 0.0) is SHADOW


def test_a_request_that_does_not_tell_its_entities_is_held_back() -> None:
    unknown = SliceFacts(kind=Kind.READ, known=False)
    assert effective_phase(CUTOVER, [one(Move.BACK, percent=1.0)], unknown, 0.0) is SHADOW
    assert effective_phase(SHADOW, [one(Move.FORWARD, percent=100.0)], unknown, 0.0) is SHADOW


def test_a_canary_header_counts_with_its_value() -> None:
    canary = one(Move.FORWARD, header=("x-canary", "1"))
    for headers, expected in (({"x-canary": "1"}, CUTOVER), ({"x-canary": "2"}, SHADOW), ({}, SHADOW)):
        assert effective_phase(SHADOW, [canary], SliceFacts(kind=Kind.READ, headers=headers), 0.0) is expected


def test_back_wins_over_forward_in_any_order() -> None:
    present = phase("export")
    pair = [one(Move.BACK, percent=100.0), one(Move.FORWARD, percent=100.0)]
    for order in (pair, pair[::-1]):
        assert effective_phase(present, order, READ, 0.0).name is PhaseName.PREPARE


def test_what_expires_falls_back_to_what_was_declared() -> None:
    ends = one(Move.FORWARD, percent=100.0, until=100.0)
    assert effective_phase(SHADOW, [ends], READ, 99.0) is CUTOVER
    assert effective_phase(SHADOW, [ends], READ, 100.0) is SHADOW
    turns = one(Move.FORWARD, percent=100.0, until=100.0, then=Move.BACK)
    assert effective_phase(SHADOW, [turns], READ, 100.0).name is PhaseName.EXPORT
    assert len(reachable(SHADOW, [turns])) == 3


def test_raising_a_percentage_never_puts_anybody_out() -> None:
    ids = [EntityId(f"Q{number}") for number in range(1, 3000)]
    shares = {one: share_of(one) for one in ids}
    assert all(0 <= share < 100 for share in shares.values())
    held = [sum(share < percent for share in shares.values()) for percent in (1, 10, 50)]
    assert [round(count / len(ids), 1) for count in held] == [0.0, 0.1, 0.5]
    assert share_of(F) == share_of(L7)


def test_a_move_that_the_phase_does_not_allow_is_named() -> None:
    with pytest.raises(OverrideError, match="there is no phase before prepare"):
        check_overrides(PhaseName.PREPARE, [one(Move.BACK, percent=1.0)])
    with pytest.raises(OverrideError, match="cannot carry out phase dual_writes"):
        check_overrides(PhaseName.READ_CUTOVER, [one(Move.FORWARD, percent=1.0)])
    with pytest.raises(OverrideError):
        check_overrides(PhaseName.READ_CUTOVER, [one(Move.BACK, percent=1.0, until=1.0, then=Move.FORWARD)])


FULL = {
    "name": "all at once", "move": "back", "entity_types": ["lexeme", "item"], "ids": ["Q1-Q9", "L3"],
    "percent": 2.5, "kinds": ["read"], "header": "X-Canary: a: b", "until": "2026-12-01T08:00:00+00:00",
    "then": "forward",
}  # fmt: skip


def test_plain_values_are_read_and_written_back() -> None:
    (read,) = parse_overrides([FULL])
    assert read.ids == (IdRange("Q", 1, 9), IdRange("L", 3, 3))
    assert read.header == ("x-canary", "a: b")
    assert parse_overrides(as_plain([read])) == (read,)
    assert parse_overrides(None) == ()


WRONG = {
    "overrides: expected a list": {"a": 1},
    "expected fields": ["x"],
    "no such field": [{"name": "a", "move": "back", "percents": 3}],
    "overrides[0].move: must be given": [{"name": "a"}],
    "expected back or forward": [{"name": "a", "move": "sideways", "percent": 1}],
    "names no slice": [{"name": "a", "move": "back"}],
    "given twice": [{"name": "a", "move": "back", "percent": 1}, {"name": "a", "move": "back", "percent": 2}],
    "from 0 to 100": [{"name": "a", "move": "back", "percent": 101}],
    "ends before": [{"name": "a", "move": "back", "ids": ["Q9-Q1"]}],
    "expected ids such as": [{"name": "a", "move": "back", "ids": ["Q9-P1"]}],
    "expected some of item": [{"name": "a", "move": "back", "entity_types": ["items"]}],
    "expected some of read": [{"name": "a", "move": "back", "kinds": ["reads"]}],
    "expected a header": [{"name": "a", "move": "back", "header": "X-Canary"}],
    "expected a time": [{"name": "a", "move": "back", "percent": 1, "until": "soon"}],
    "which is not given": [{"name": "a", "move": "back", "percent": 1, "then": "back"}],
}


@pytest.mark.parametrize("message", WRONG)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(message: str) -> None:
    with pytest.raises(OverrideError) as caught:
        parse_overrides(WRONG[message])
    assert message in str(caught.value)
