"""jsondiff's notation: applied by jsondiff it gives the second value; bounded on what jsondiff alone would not end."""

import json
from typing import Any

import jsondiff
import pytest
from fakes.entities import items
from hypothesis import given
from hypothesis import strategies as st

from rules.difference_jsondiff import machine_difference
from rules.difference_parts import same
from wikibase.canonical import canonical_entity

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(("", "a", "$", "$insert", "$$replace", 1.0))
keys = st.sampled_from(("id", "a", "b", "0", "", "$delete", "$replace", "$$"))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=4), max_leaves=25
)


def applied(first: Any, found: Any) -> Any:
    """Let jsondiff apply it, after a journey as text."""
    return jsondiff.patch(first, json.loads(json.dumps(found)), marshal=True)


@given(values, values)
def test_applied_by_jsondiff_it_gives_the_second_value(first: Any, second: Any) -> None:
    found = machine_difference(first, second)
    if same(first, second):
        assert found.as_json == {}
    else:
        assert same(applied(first, found.as_json), second)


@given(items(), items(), st.sampled_from((0, 100, 10_000)))
def test_of_two_items_as_well_however_little_it_may_do(one: Any, other: Any, steps_max: int) -> None:
    first, second = canonical_entity(one), canonical_entity(other)
    found = machine_difference(first, second, steps_max=steps_max)
    assert same(applied(first, found.as_json), second) or same(first, second)
    assert steps_max or not found.cut_total or found.cut


def test_what_jsondiff_calls_equal_is_still_told() -> None:
    assert machine_difference({"a": 1}, {"a": True}).as_json == {"a": True}
    found = machine_difference({"a": [1, {"x": 5}]}, {"a": [1.0, {"x": 5}]})
    assert same(applied({"a": [1, {"x": 5}]}, found.as_json), {"a": [1.0, {"x": 5}]})


def test_statements_with_their_ids_in_place_are_looked_into_one_by_one() -> None:
    first = {"P1": [{"id": str(n), "rank": "normal", "more": ["x"] * 50} for n in range(500)]}
    second = {"P1": [{**one, "rank": "preferred"} if one["id"] == "77" else one for one in first["P1"]]}
    assert machine_difference(first, second).as_json == {"P1": {"77": {"rank": "preferred"}}}


def test_what_lists_begin_and_end_with_alike_is_not_looked_at() -> None:
    long = [{"x": str(n)} for n in range(3000)]
    found = machine_difference(long, [*long[:1500], {"x": "new"}, *long[1501:]])
    assert (found.as_json, found.cut_total) == ({"1500": {"x": "new"}}, 0)
    assert machine_difference(long, long[:-1]).as_json == {"$delete": [2999]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([{"x": n} for n in range(3000)], [{"x": n} for n in range(5000, 9000)]),
        ([[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]], [[[[[[[[[[[[[[[[[[[[[[[[2]]]]]]]]]]]]]]]]]]]]]]]]),
    ],
    ids=["long lists", "lists in lists"],
)
def test_what_would_not_end_is_replaced_and_named(first: Any, second: Any) -> None:
    found = machine_difference({"a": {"b": first}, "c": 1}, {"a": {"b": second}, "c": 2})
    assert found.cut == ("a.b",)
    assert found.cut_total == 1
    assert same(applied({"a": {"b": first}, "c": 1}, found.as_json), {"a": {"b": second}, "c": 2})


def test_the_bound_is_for_all_lists_together_and_says_how_many_were_cut() -> None:
    first, second = ({str(n): [side, n, side * 2] for n in range(100)} for side in "ab")
    found = machine_difference(first, second, steps_max=1000)
    assert 0 < found.cut_total < 100
    assert len(found.cut) == 20
