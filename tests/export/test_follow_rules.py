"""Holes, gaps, and the proof that nobody can commit a gap's ids any more."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.gaps import Gap
from backends.wiki.changes_shapes import merged
from export.follow_rules import GapRules, Proof, holes, joined, next_look_ms, numbers_of, without

RULES = GapRules(margin_s=2.0, bound_s=60.0, first_look_s=0.5, look_every_max_s=8.0)


def gap(low: int, high: int | None = None, noticed_ms: int = 1_000_000) -> Gap:
    return Gap(low=low, high=high or low, noticed_ms=noticed_ms, noticed_at="2026-11-22T15:24:12Z", due_ms=0)


@given(st.integers(0, 50), st.sets(st.integers(1, 120)))
def test_holes_and_what_was_seen_are_all_ids_up_to_the_highest(mark: int, seen: set[int]) -> None:
    above = {one for one in seen if one > mark}
    found = {one for low, high in holes(mark, seen) for one in range(low, high + 1)}
    assert found | above == set(range(mark + 1, max(above, default=mark) + 1))
    assert not found & above


@given(st.tuples(st.integers(1, 60), st.integers(0, 60)), st.sets(st.integers(1, 150)))
def test_without_leaves_just_what_was_not_seen(span: tuple[int, int], seen: set[int]) -> None:
    low, high = span[0], span[0] + span[1]
    left = [one for first, last in without((low, high), seen) for one in range(first, last + 1)]
    assert left == [one for one in range(low, high + 1) if one not in seen]


@given(st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 5), st.integers(1, 99)), max_size=80))
def test_joining_bounds_the_number_and_loses_no_id(some: list[tuple[int, int, int]]) -> None:
    by_low = {low: gap(low, low + more, noticed) for low, more, noticed in some}
    gaps = list(by_low.values())
    closed, opened = joined(gaps, 10)
    left = [one for one in gaps if one not in closed] + opened
    assert len(left) <= max(10, 0)
    ids = {one for low, high in merged((one.low, one.high) for one in gaps) for one in range(low, high + 1)}
    kept = {one for low, high in merged((one.low, one.high) for one in left) for one in range(low, high + 1)}
    assert ids <= kept
    for one in gaps:  # no id is settled before its own gap would be
        assert any(new.low <= one.low and one.high <= new.high and new.noticed_ms >= one.noticed_ms for new in left)


def test_a_gap_is_settled_once_all_transactions_that_may_hold_it_have_ended() -> None:
    proof = Proof(RULES)
    one = gap(5, noticed_ms=10_000)
    proof.look(frozenset({"7 early"}), 11_000)
    assert not proof.settles(one, 11_000)
    proof.look(frozenset({"7 early", "8 later"}), 13_000)
    assert not proof.settles(one, 13_000)
    proof.look(frozenset({"8 later"}), 14_000)
    # 8 was not there at 11 s, which is within the margin: it may be the holder.
    assert not proof.settles(one, 14_000)
    assert proof.settles(replace(one, noticed_ms=9_000), 14_000)
    proof.look(frozenset({"9 newest"}), 15_000)
    assert proof.settles(one, 15_000)


def test_a_transaction_that_was_there_at_the_first_look_holds_everything_until_it_ends() -> None:
    proof = Proof(RULES)
    for now in range(10_000, 200_000, 1000):
        proof.look(frozenset({"dump since yesterday"}), now)
        assert not proof.settles(gap(5, noticed_ms=10_000), now)
    proof.look(frozenset(), 200_000)
    assert proof.settles(gap(5, noticed_ms=10_000), 200_000)
    assert not proof.settles(gap(6, noticed_ms=199_000), 200_000)


def test_without_a_list_of_transactions_only_time_settles() -> None:
    proof = Proof(RULES)
    proof.look(None, 10_000)
    assert not proof.settles(gap(5, noticed_ms=10_000), 69_999)
    assert proof.settles(gap(5, noticed_ms=10_000), 70_000)


def test_another_server_begins_the_proof_anew() -> None:
    proof = Proof(RULES)
    proof.look(frozenset(), 50_000)
    assert proof.settles(gap(5, noticed_ms=10_000), 50_000)
    proof.forget()
    proof.look(frozenset({"1 recovered"}), 51_000)
    assert not proof.settles(gap(5, noticed_ms=10_000), 51_000)


def test_looks_come_more_and_more_seldom() -> None:
    waits = [next_look_ms(replace(gap(5), looks=looks), 0, RULES) for looks in range(7)]
    assert waits == [500, 1000, 2000, 4000, 8000, 8000, 8000]


def test_ids_in_gaps_are_counted_once() -> None:
    assert numbers_of([gap(1, 5), gap(4, 8), gap(10)]) == 9
