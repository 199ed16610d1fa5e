"""JSON text: what orjson refuses and JSON allows, and named errors for the rest, in bounded time."""

import json
import math
import struct
import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase import json_text
from wikibase.errors import NotAnEntityError
from wikibase.json_text import NESTING_MAX, parse_json, shown, write_json

SECONDS_MAX = 5.0
"""Far above what any of these takes on a slow machine, and far below what a quadratic step would."""

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def slowly(value: Any, monkeypatch: pytest.MonkeyPatch) -> bytes:
    with monkeypatch.context() as patched:
        patched.setattr(json_text, "_FAST", False)
        return write_json(value)


@given(VALUES)
def test_both_ways_of_writing_say_the_same(value: Any) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert slowly(value, monkeypatch) == write_json(value)


@given(st.integers(0, 2**64 - 1))
def test_every_double_is_written_the_same_in_both_ways(bits: int) -> None:
    (value,) = struct.unpack("d", bits.to_bytes(8, "little"))
    if math.isfinite(value):
        with pytest.MonkeyPatch.context() as monkeypatch:
            assert slowly(value, monkeypatch) == write_json(value)


def test_this_orjson_writes_floats_as_specified() -> None:
    assert json_text._FAST


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert write_json(parse_json(write_json(value))) == write_json(value)


def test_half_a_surrogate_pair_is_read_and_written() -> None:
    value = parse_json(b'{"b":"x\\ud800","\\udFFFa":"\\ud83d\\ude00"}')
    assert value == {"b": "x\ud800", "\udfffa": "😀"}
    assert write_json(value) == '{"b":"x\\ud800","\\udfffa":"😀"}'.encode()
    assert parse_json(write_json(value)) == value
    assert parse_json('"\ud800"') == "\ud800"
    assert write_json("\\ud800") == b'"\\\\ud800"'


def test_the_last_of_equal_keys_counts_at_the_place_of_the_first() -> None:
    assert list(parse_json('{"a":1,"b":2,"a":3}').items()) == [("a", 3), ("b", 2)]


def test_nesting_is_written_as_deep_as_php_reads() -> None:
    def nested(depth: int) -> Any:
        value: Any = []
        for _ in range(depth - 1):
            value = {"a": value}
        return value

    assert write_json(nested(NESTING_MAX)).count(b"{") == NESTING_MAX - 1
    with pytest.raises(NotAnEntityError, match="nested deeper than 511"):
        write_json(nested(NESTING_MAX + 1))


@pytest.mark.parametrize(
    "value",
    [2**70, {1: 2}, {("a",): [["x"] * 3] * 300}, object(), {"a": {2**80}}, "x", None],
)  # fmt: skip
def test_what_json_cannot_say_is_refused_by_name_or_written(value: Any) -> None:
    try:
        assert orjson.loads(write_json(value)) == value
    except NotAnEntityError:
        assert value not in ("x", None)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_not_are_refused_where_orjson_would_write_null(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotAnEntityError):
        slowly({"a": [value]}, monkeypatch)


BOMBS = {
    "nothing": b"",
    "a word": b"nul",
    "NaN": b'{"a":NaN}',
    "NaN beside half a pair": b'{"b":"\\ud800","a":NaN}',
    "infinity beside half a pair": b'{"b":"\\ud800","a":-Infinity}',
    "broken UTF-8": b'"\xff\xfe"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a number beyond doubles": b"1e400",
    "a number of 100,000 digits": b"1" * 100_000,
    "such a number beside half a pair": b'["\\ud800",' + b"1" * 100_000 + b"]",
    "a nesting bomb": b"[" * 1_000_000,
    "a closed nesting bomb": b"[" * 5000 + b"]" * 5000,
    "a nesting bomb of objects": b'{"a":' * 300_000,
    "a nesting bomb beside half a pair": b'["\\ud800",' + b"[" * 200_000,
    "a control character": b'"\x01"',
    "an unfinished text of 10 MB": b'"' + b"x" * 10_000_000,
    "a comma too many": b"[1,]",
    "two values": b"{} {}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_no_json_is_refused_by_name_and_at_once(name: str) -> None:
    started = time.perf_counter()
    with pytest.raises(NotAnEntityError, match="no JSON") as refused:
        parse_json(BOMBS[name])
    assert len(str(refused.value)) < 300
    assert time.perf_counter() - started < SECONDS_MAX


@pytest.mark.parametrize("text", [b'"' + b"x" * 10_000_000 + b'"', b'"' + b"\\ud800" * 1_500_000 + b'"'])
def test_long_strings_are_no_problem(text: bytes) -> None:
    started = time.perf_counter()
    assert len(parse_json(write_json(parse_json(text)))) > 1_000_000
    assert time.perf_counter() - started < SECONDS_MAX


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: json.dumps(text).encode()[:-1]))
def test_any_bytes_give_a_value_or_the_named_error(text: bytes) -> None:
    try:
        parse_json(text)
    except NotAnEntityError:
        return


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "an empty object"),
        ({"a": 1, "b": {}}, "an object with 2 keys (a, b)"),
        ([1] * 9, "a list of 9"),
        ("x" * 100, "'" + "x" * 60 + "'"),
        (None, "None"),
    ],
)
def test_values_are_shown_in_few_words(value: Any, words: str) -> None:
    assert shown(value) == words
