"""PHP's serialize() format is read exactly, and nothing else is."""

from contextlib import suppress

import pytest
from fakes.php import serialize
from hypothesis import given
from hypothesis import strategies as st

from wikibase.php_values import PhpObject, PhpValueError, parse_php_value

INTEGERS = st.integers(-(2**63), 2**63 - 1)
KEYS = INTEGERS | st.binary(max_size=8).filter(lambda key: not key.lstrip(b"-").isdigit())
LEAVES = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.binary(max_size=30)
NAMES = st.from_regex(r"[A-Za-z_]{1,12}", fullmatch=True)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(KEYS, inner, max_size=5)
        | st.builds(PhpObject, NAMES, st.dictionaries(NAMES, inner, max_size=4))
    ),
    max_leaves=20,
)


@given(VALUES)
def test_what_serialize_writes_is_read_back(value: object) -> None:
    assert parse_php_value(serialize(value)) == value


@given(VALUES, st.data())
def test_a_value_cut_short_is_an_error(value: object, data: st.DataObject) -> None:
    written = serialize(value)
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(PhpValueError):
        parse_php_value(written[:cut])


@given(st.binary(max_size=200) | st.from_regex(rb'([abdisONCR]:\d{0,3}:?[{}";]{0,2}){1,12}', fullmatch=True))
def test_any_bytes_give_a_value_or_a_named_error(text: bytes) -> None:
    with suppress(PhpValueError):
        value = parse_php_value(text)
        assert repr(parse_php_value(serialize(value))) == repr(value)


@given(VALUES, st.data())
def test_one_changed_byte_gives_a_value_or_a_named_error(value: object, data: st.DataObject) -> None:
    written = bytearray(serialize(value))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    with suppress(PhpValueError):
        parse_php_value(bytes(written))


def test_a_key_of_digits_is_a_number_as_in_php() -> None:
    assert parse_php_value(b'a:3:{s:1:"7";i:1;s:2:"07";i:2;s:19:"9223372036854775808";i:3;}') == {
        7: 1,
        b"07": 2,
        b"9223372036854775808": 3,
    }


def test_a_key_given_twice_keeps_its_last_value() -> None:
    assert parse_php_value(b'a:2:{i:7;i:1;s:1:"7";i:2;}') == {7: 2}


def test_fields_lose_the_marks_of_their_visibility() -> None:
    text = b'O:1:"X":3:{s:1:"a";i:1;s:4:"\0*\0b";i:2;s:4:"\0X\0c";i:3;}'
    assert parse_php_value(text) == PhpObject("X", {"a": 1, "b": 2, "c": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no value at byte 0"),
        (b"i:1;i:2;", "bytes after the value"),
        (b's:5:"abc";', "another length"),
        (b's:3:"abc"', "another length"),
        (b"a:1:{i:11;}", "no value"),
        (b"a:1:{i:1;i:2;i:3;}", "no end"),
        (b"a:1:{d:1;i:2;}", "neither number nor string"),
        (b"a:1:{b:1;i:2;}", "neither number nor string"),
        (b"a:999999999:{}", "announced"),
        (b'O:3:"XX":0:{}', "class name of another length"),
        (b'C:1:"X":2:{ab}', "no value"),
        (b"R:1;", "no value"),
        (b"d:1_0;", "no value"),
        (b"d:1.2.3;", "no number"),
        (b"b:2;", "no value"),
    ],
)
def test_what_serialize_never_writes_is_refused_with_its_place(text: bytes, said: str) -> None:
    with pytest.raises(PhpValueError, match=said):
        parse_php_value(text)


def test_bytes_after_the_value_are_passed_over_when_asked() -> None:
    assert parse_php_value(b"i:1;junk", whole=False) == 1


def test_deep_nesting_is_refused_without_recursion() -> None:
    depth = 200_000
    with pytest.raises(PhpValueError, match="nested deeper than 32"):
        parse_php_value(b"a:1:{i:0;" * depth + b"N;" + b"}" * depth)


def test_nesting_up_to_the_bound_is_read() -> None:
    text = b"a:1:{i:0;" * 32 + b"N;" + b"}" * 32
    assert isinstance(parse_php_value(text), dict)
    with pytest.raises(PhpValueError, match="nested deeper than 31"):
        parse_php_value(text, depth_max=31)


def test_more_values_than_allowed_are_refused() -> None:
    text = serialize(list(range(50)))
    assert parse_php_value(text, values_max=101) == dict(enumerate(range(50)))
    with pytest.raises(PhpValueError, match="more values than allowed"):
        parse_php_value(text, values_max=100)
