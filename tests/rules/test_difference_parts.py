"""When two values are the same, and what lists have in common."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.difference_parts import Kind, alike_ends, members, same, same_probably
from rules.difference_words import json_words
from wikibase.canonical import canonical_bytes

values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from((0.0, 1.0, 0.5, "", "1", "\ud800")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(values, values)
def test_same_is_having_the_same_bytes(first: Any, second: Any) -> None:
    assert same(first, second) is (canonical_bytes(first) == canonical_bytes(second))
    assert same_probably(first, second) is same(first, second)


@given(st.dictionaries(st.text("abc"), values))
def test_the_order_of_keys_makes_no_difference(value: dict[str, Any]) -> None:
    assert same(value, dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        ([], [1], (0, 0)),
        ([1, 2], [1, 2], (2, 0)),
        ([1, 1], [1], (1, 0)),
        ([1, 2, 3], [1, 9, 3], (1, 1)),
        ([1, 2], [1, 2, 1, 2], (2, 0)),
        ([1.0], [1], (0, 0)),
    ],
)
def test_what_lists_begin_and_end_with_alike(first: list[Any], second: list[Any], ends: tuple[int, int]) -> None:
    assert alike_ends(first, second) == ends


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        (["a", "b"], ["b", "a"], [Kind.REORDERED]),
        (["a", "a"], ["a"], [Kind.REMOVED]),
        (["a"], ["a", "a"], [Kind.ADDED]),
        (["a", "b"], ["c", "b", "d"], [Kind.CHANGED, Kind.ADDED]),
    ],
)
def test_members_that_came_and_went_are_told_repeats_counted(first: Any, second: Any, kinds: list[Kind]) -> None:
    assert [change.kind for change in members(first, second, ("x",), "x", json_words)] == kinds
