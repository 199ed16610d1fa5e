"""JSON as PHP prints it. The expected texts were printed by PHP 8.2 or recorded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase.render.outcome import Decline, DeclinedError
from wikibase.render.php_json import cleaned, number, print_json, print_rest, print_result

# Without DEL, which Python escapes and PHP does not.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"))


@given(st.dictionaries(st.text("abc", min_size=1), TEXTS | st.integers(-(2**53), 2**53) | st.none() | st.booleans()))
def test_escaped_json_is_that_of_the_standard_library_and_all_forms_say_the_same(value: dict[str, object]) -> None:
    escaped = print_json(value, ascii_only=True)
    assert escaped == json.dumps(value, separators=(",", ":")).encode()
    assert json.loads(print_json(value, ascii_only=False)) == value
    assert json.loads(print_rest(value)) == value


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (52.516666666667, b"52.516666666667"),
        (1e-05, b"1.0e-5"),
        (-1e-07, b"-1.0e-7"),
        (2.7777777777778e-06, b"2.7777777777778e-6"),
        (0.0001, b"0.0001"),
        (1.5e20, b"1.5e+20"),
        (7, b"7"),
    ],
)
def test_numbers_are_printed_as_php_prints_them(value: float, printed: bytes) -> None:
    assert print_json([number(value)], ascii_only=True) == b"[" + printed + b"]"


def test_del_is_bare() -> None:
    assert print_json("\x7f", ascii_only=True) == b'"\x7f"'


def test_slashes_are_bare_but_in_the_rest_api() -> None:
    assert print_json("a/é", ascii_only=True) == rb'"a/\u00e9"'
    assert print_rest("a/é") == rb'"a\/\u00e9"'


def test_line_ends_of_unicode_stay_escaped_where_letters_are_bare() -> None:
    assert print_json("é\u2028\u2029😀", ascii_only=False) == '"é\\u2028\\u2029😀"'.encode()
    assert print_json("😀", ascii_only=True) == rb'"\ud83d\ude00"'


def test_texts_of_a_result_become_nfc_and_lose_control_characters() -> None:
    assert print_result({"a": ["e\u0301", 1]}, ascii_only=False) == '{"a":["é",1]}'.encode()
    assert print_result("a\x07b\tc", ascii_only=True) == rb'"a\ufffdb\tc"'
    # A combining mark right behind an escape must not join it.
    assert print_result("n\n\u0303", ascii_only=False) == '"n\\n\u0303"'.encode()
    assert cleaned({"k": "\ufffe"}) == {"k": "\ufffd"}


@pytest.mark.parametrize("value", ["\ud800", 2**64])
def test_what_cannot_be_printed_is_declined(value: object) -> None:
    for printed in (print_rest, lambda one: print_result([one], ascii_only=True)):
        with pytest.raises(DeclinedError) as error:
            printed(value)
        assert error.value.declined.reason is Decline.UNREADABLE
