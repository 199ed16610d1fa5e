"""Content without rules of its own: kept as PHP reads it, and nothing else is one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase.errors import NotAnEntityError
from wikibase.json_text import NESTING_MAX, parse_json, write_json
from wikibase.verbatim import canonical_number, php_values, verbatim


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1.0", "1"),
        ("1E5", "100000"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1e-400", "0"),
        ("1.5", "1.5"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9.223372036854776e+18"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("36028797018963968.0", "36028797018963970"),
        ("36028797018963968", "36028797018963968"),
        ("1e16", "10000000000000000"),
        ("1e17", "1e+17"),
        ("100000000000000000", "100000000000000000"),
        ("0.00001", "0.00001"),
        ("0.000001", "1e-6"),
        ("[]", "[]"),
        ("{}", "[]"),
        ('{"0":1,"1":{}}', "[1,[]]"),
        ('{"1":1,"0":2}', "[2,1]"),
        ('{"0":1,"2":2}', '{"0":1,"2":2}'),
        ('{"0":1,"01":2}', '{"0":1,"01":2}'),
        ('{"":1}', '{"":1}'),
        ('"e\\u0301"', '"e\u0301"'),
        ("true", "true"),
        ("null", "null"),
    ],
)
def test_values_are_kept_as_php_reads_them(text: str, kept: str) -> None:
    """Each pair was run (json_encode(json_decode(text, true)) of PHP 8.2, read again); keys sorted."""
    made = verbatim(parse_json(text))
    assert write_json(made).decode() == kept
    assert write_json(verbatim(parse_json(kept))).decode() == kept


def test_text_that_is_stored_as_text_keeps_its_objects() -> None:
    assert verbatim({"a": {}, "b": {"0": 1.0}}, exact=True) == {"a": {}, "b": {"0": 1}}


def test_the_argument_is_left_as_it_was() -> None:
    value = {"a": [1.0, {"b": {}}]}
    verbatim(value)
    assert value == {"a": [1.0, {"b": {}}]}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, object(), {1: 2}, {"a": {None: 1}}, (1,)])
def test_what_is_no_json_is_refused_by_name(value: Any) -> None:
    with pytest.raises(NotAnEntityError):
        verbatim([value])


def test_nesting_is_bounded() -> None:
    value: Any = "x"
    for _ in range(NESTING_MAX):
        value = [value]
    assert verbatim(value) == value
    with pytest.raises(NotAnEntityError, match="nested deeper"):
        verbatim([value])
    deep: Any = "x"
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(NotAnEntityError, match="nested deeper"):
        verbatim(deep)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "2", "a", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_is_kept_is_kept_as_it_is(value: Any) -> None:
    try:
        once = verbatim(value)
    except NotAnEntityError:
        return
    assert write_json(verbatim(once)) == write_json(once)
    assert write_json(verbatim(parse_json(write_json(once)))) == write_json(once)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_no_two_integers_are_one(one: int, other: int) -> None:
    assert (verbatim(one) == verbatim(other)) == (one == other)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_no_two_doubles_are_one(one: float, other: float) -> None:
    assert (write_json(canonical_number(one)) == write_json(canonical_number(other))) == (one == other)


def test_the_values_of_a_php_array() -> None:
    assert php_values({"3": "a", "1": "b"}) == ["a", "b"]
    assert php_values(["a"]) == ["a"]
    assert php_values(None) == []
    with pytest.raises(NotAnEntityError):
        php_values("a")
