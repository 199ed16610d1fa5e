"""JSON Patch: applied to the first value it gives the second, whatever they are; the applier against RFC 6902."""

from typing import Any

import orjson
import pytest
from fakes.entities import items
from hypothesis import given
from hypothesis import strategies as st

from rules.difference_parts import same
from rules.patch import OPERATIONS_MAX, PATH_CHARS_MAX, PatchError, apply_patch, patch_of
from wikibase.canonical import canonical_bytes, canonical_entity

scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(("", "a", "/", "~1", "$x"))
)
keys = st.sampled_from(("id", "a", "b", "/", "~", "", "0", "$delete"))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=4), max_leaves=25
)


@given(values, values)
def test_a_patch_of_any_two_values_gives_the_second(first: Any, second: Any) -> None:
    before = canonical_bytes(first)
    patch = patch_of(first, second)
    assert same(apply_patch(first, patch.operations), second)
    assert canonical_bytes(first) == before
    assert bool(patch.operations) is not same(first, second)
    assert not patch.coarse


@given(items(), items(), st.integers(0, 5))
def test_a_patch_of_two_items_gives_the_second_however_few_operations_it_may_have(
    one: dict[str, Any], other: dict[str, Any], operations_max: int
) -> None:
    first, second = canonical_entity(one), canonical_entity(other)
    patch = patch_of(first, second, operations_max=operations_max)
    assert len(patch.operations) <= max(1, operations_max)
    assert same(apply_patch(first, patch.operations), second)


@given(st.permutations(range(12)))
def test_a_list_in_another_order_is_moved_never_rewritten(order: list[int]) -> None:
    patch = patch_of(list(range(12)), order)
    assert {operation["op"] for operation in patch.operations} <= {"move"}
    assert apply_patch(list(range(12)), patch.operations) == order


def test_the_first_put_last_is_one_move() -> None:
    assert patch_of([1, 2, 3, 4], [2, 3, 4, 1]).operations == ({"op": "move", "from": "/0", "path": "/3"},)


def test_a_member_with_an_id_is_never_turned_into_another() -> None:
    first, second = [{"id": "a", "x": 1}, {"id": "b"}], [{"id": "c", "x": 1}, {"id": "b", "x": 2}]
    assert patch_of(first, second).operations == (
        {"op": "remove", "path": "/0"},
        {"op": "add", "path": "/0", "value": {"id": "c", "x": 1}},
        {"op": "add", "path": "/1/x", "value": 2},
    )


def test_too_many_operations_make_a_coarser_patch_that_says_so() -> None:
    first = {"labels": {str(n): {"value": "a"} for n in range(2 * OPERATIONS_MAX)}, "id": "Q1"}
    second = {"labels": {str(n): {"value": "b"} for n in range(2 * OPERATIONS_MAX)}, "id": "Q2"}
    patch = patch_of(first, second)
    assert patch.coarse
    assert [operation["path"] for operation in patch.operations] == ["/labels", "/id"]
    assert apply_patch(first, patch.operations) == second


def test_a_long_list_upside_down_is_replaced_not_moved_one_by_one() -> None:
    first = list(range(100_000))
    patch = patch_of({"x": first}, {"x": first[::-1]})
    assert patch.coarse
    assert patch.operations == ({"op": "replace", "path": "/x", "value": first[::-1]},)


def test_paths_too_long_to_repeat_make_a_coarser_patch() -> None:
    first, second = ({"k" * 50_000: dict.fromkeys("abcdefghij", side)} for side in (1, 2))
    patch = patch_of(first, second)
    assert patch.coarse
    assert sum(len(operation["path"]) for operation in patch.operations) <= PATH_CHARS_MAX
    assert apply_patch(first, patch.operations) == second


@pytest.mark.parametrize(
    ("value", "operations", "result"),
    [  # the cases of RFC 6902, appendix A, in other words
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "q"}], {"baz": "q", "foo": "bar"}),
        ({"foo": ["b", "c"]}, [{"op": "add", "path": "/foo/1", "value": "q"}], {"foo": ["b", "q", "c"]}),
        ({"baz": 1, "foo": 2}, [{"op": "remove", "path": "/baz"}], {"foo": 2}),
        ({"foo": [1, 2, 3]}, [{"op": "remove", "path": "/foo/1"}], {"foo": [1, 3]}),
        ({"foo": 1}, [{"op": "replace", "path": "/foo", "value": 2}], {"foo": 2}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"foo": [1, 2, 3]}, [{"op": "move", "from": "/foo/0", "path": "/foo/2"}], {"foo": [2, 3, 1]}),
        ({"a": [1]}, [{"op": "test", "path": "/a/0", "value": 1}], {"a": [1]}),
        ({"foo": 1}, [{"op": "add", "path": "/child", "value": {"x": {}}, "xyz": 1}], {"foo": 1, "child": {"x": {}}}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"foo": [1]}, [{"op": "add", "path": "/foo/-", "value": [2]}], {"foo": [1, [2]]}),
        ({"foo": None}, [{"op": "replace", "path": "", "value": [1]}], [1]),
        ({"a": {"b": []}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": []}, "c": {"b": []}}),
        ({"": {"": 1}}, [{"op": "replace", "path": "//", "value": 2}], {"": {"": 2}}),
    ],
)
def test_the_applier_does_what_the_standard_says(value: Any, operations: Any, result: Any) -> None:
    assert apply_patch(value, operations) == result


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "add", "path": "/x/y", "value": 1}, "nothing at '/x/y'"),
        ({"op": "add", "path": "/a/3", "value": 1}, "nothing can be put at '/a/3'"),
        ({"op": "add", "path": "/a/01", "value": 1}, "nothing can be put"),
        ({"op": "add", "path": "/a/-1", "value": 1}, "nothing can be put"),
        ({"op": "add", "path": "/s/0", "value": 1}, "nothing can be put"),
        ({"op": "add", "path": "/a/0"}, "without a value"),
        ({"op": "add", "path": "a", "value": 1}, "no JSON Pointer"),
        ({"op": "add", "value": 1}, "no JSON Pointer"),
        ({"op": "remove", "path": "/zz"}, "nothing at '/zz'"),
        ({"op": "remove", "path": "/a/-"}, "nothing at"),
        ({"op": "remove", "path": ""}, "the whole cannot be removed"),
        ({"op": "replace", "path": "/a/7", "value": 1}, "nothing at"),
        ({"op": "test", "path": "/a/0", "value": True}, "test of '/a/0' failed"),
        ({"op": "move", "from": "/m", "path": "/m/x"}, "into itself"),
        ({"op": "spin", "path": "/a"}, "no such operation: {'op': 'spin'"),
        (["op"], "no such operation"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(operation: Any, message: str) -> None:
    value = {"a": [1, 2], "m": {"x": 1}, "s": "text"}
    before = orjson.dumps(value)
    with pytest.raises(PatchError, match=message) as caught:
        apply_patch(value, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert "operation 1" in str(caught.value)
    assert orjson.dumps(value) == before
