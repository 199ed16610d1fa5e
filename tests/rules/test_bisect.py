"""Bisection of histories: it finds what a comparison of everything finds, with few questions."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bisect import Differing, Span, all_differences, answered, first_difference, range_digest, run_around

digests = st.sampled_from(("a", "b", "c", None))
histories = st.lists(digests, max_size=40)


class Asked:
    """Two histories that answer questions, and count them."""

    def __init__(self, wiki: Sequence[str | None], store: Sequence[str | None]) -> None:
        self.wiki, self.store = wiki, store
        self.questions = 0

    def same(self, span: Span) -> bool:
        assert 0 <= span.begin < span.end <= min(len(self.wiki), len(self.store))
        self.questions += 1
        wiki, store = (range_digest(side[span.begin : span.end]) for side in (self.wiki, self.store))
        return wiki == store

    def truth(self) -> list[int]:
        shared = min(len(self.wiki), len(self.store))
        inside = [place for place in range(shared) if self.wiki[place] != self.store[place]]
        return [*inside, *range(shared, max(len(self.wiki), len(self.store)))]


def steps(size: int) -> int:
    return math.ceil(math.log2(size)) if size > 1 else 0


@given(histories, histories)
def test_the_first_difference_is_the_first(wiki: list[str | None], store: list[str | None]) -> None:
    asked = Asked(wiki, store)
    found = answered(first_difference(len(wiki), len(store)), asked.same)
    assert found == next(iter(asked.truth()), None)
    assert asked.questions <= 1 + steps(min(len(wiki), len(store)))


@given(histories, st.data(), st.integers(0, 50))
def test_all_differences_are_all_or_say_so(wiki: list[str | None], data: st.DataObject, most: int) -> None:
    store = data.draw(histories | st.just(wiki) | st.just([*wiki[:-1], "x"]))
    asked = Asked(wiki, store)
    found = answered(all_differences(len(wiki), len(store), positions_max=most), asked.same)
    truth = asked.truth()
    assert list(found.positions) == truth[:most]
    assert found.complete is (len(truth) <= most) or (not found.complete and len(truth) == most)
    inside = sum(place < min(len(wiki), len(store)) for place in found.positions)
    if found.complete:
        assert asked.questions <= 1 + 2 * inside * steps(min(len(wiki), len(store)))


def test_one_difference_in_a_long_history_takes_few_questions() -> None:
    wiki = [str(number) for number in range(100_000)]
    store = [*wiki[:77_123], "other", *wiki[77_124:]]
    asked = Asked(wiki, store)
    assert answered(first_difference(len(wiki), len(store)), asked.same) == 77_123
    assert asked.questions == 18
    asked = Asked(wiki, store)
    assert answered(all_differences(len(wiki), len(store)), asked.same) == Differing((77_123,))
    assert asked.questions <= 36


def test_equal_and_empty_histories_do_not_differ() -> None:
    for size in (0, 1, 5):
        assert answered(first_difference(size, size), lambda _span: True) is None
        assert answered(all_differences(size, size), lambda _span: True) == Differing()


def test_a_history_that_goes_on_differs_where_the_other_ends() -> None:
    assert answered(first_difference(7, 5), lambda _span: True) == 5
    assert answered(all_differences(5, 7), lambda _span: True) == Differing((5, 6))
    assert answered(all_differences(5, 9, positions_max=2), lambda _span: True) == Differing((5, 6), complete=False)


@pytest.mark.parametrize("other", [["a", "b"], ["ab", None], ["a", "b", None], ["b", "a"], []])
def test_the_digest_of_a_range_is_that_of_its_members_in_their_order(other: list[str | None]) -> None:
    assert range_digest(["a", None]) != range_digest(other)
    assert range_digest(iter(["a", None])) == range_digest(["a", None])


@given(st.integers(1, 400), st.data())
def test_the_run_around_a_known_difference_is_found_with_few_questions(size: int, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(begin + 1, size))
    known = data.draw(st.integers(begin, end - 1))
    wiki = ["b" if begin <= place < end else "a" for place in range(size)]
    asked = Asked(wiki, ["a"] * size)
    assert answered(run_around(known, size), asked.same) == Span(begin, end)
    assert asked.questions <= 4 * steps(size) + 2


@given(st.integers(1, 100), st.data())
def test_a_run_that_is_told_holds_the_known_one_and_has_ends_that_were_seen(size: int, data: st.DataObject) -> None:
    known = data.draw(st.integers(0, size - 1))
    differs = data.draw(st.sets(st.integers(0, size - 1))) | {known}
    asked = Asked(["b" if place in differs else "a" for place in range(size)], ["a"] * size)
    span = answered(run_around(known, size), asked.same)
    assert span.begin <= known < span.end
    assert {span.begin, span.end - 1} <= differs
    assert not {span.begin - 1, span.end} & differs
