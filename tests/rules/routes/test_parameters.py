"""Parameters as PHP and MediaWiki read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.routes.parameters import (
    INTEGER_MAX,
    Parameters,
    decode,
    form_type,
    read_integer,
    read_pairs,
    split_values,
)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("a=1&a=2", {"a": "2"}),
        ("a", {"a": ""}),
        ("=1&&a=b=c&", {"a": "b=c"}),
        ("a.b=1&c+d=2&+e=3&%61=4", {"a_b": "1", "c_d": "2", "e": "3", "a": "4"}),
        ("a[]=1", {"a": None}),
        ("a[x][y]=1&b=2", {"a": None, "b": "2"}),
        ("a%5B%5D=1", {"a": None}),
        ("a[]=1&a=2", {"a": "2"}),
        ("a[b=1", {"a_b": "1"}),
        ("[a]=1", {}),
        ("a%00b=1", {"a": "1"}),
        ("a;b=1", {"a;b": "1"}),
    ],
)
def test_names_are_those_php_makes(query: str, names: dict[str, str | None]):
    assert read_pairs(query) == names


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a+b%2Bc", "a b+c"),
        ("%zz%4", "%zz%4"),
        ("Caf%C3%A9", "Café"),
        ("Cafe%CC%81", "Café"),
        ("%E9", "é"),  # no UTF-8: Windows-1252, as for the languages of recorded read 538
        ("Caf\xc3\xa9", "Café"),
    ],
)
def test_values_are_decoded_and_composed(raw: str, text: str):
    assert decode(raw) == text


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("a|b|a", ("a", "b", "a")),
        ("", ()),
        ("|", ("", "")),
        ("\x1f", ()),
        ("\x1fa|b\x1fc", ("a|b", "c")),
        ("a\x1fb", ("a\x1fb",)),
    ],
)
def test_multi_values_are_split(value: str, parts: tuple[str, ...]):
    assert split_values(value) == parts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("610abc", 610), ("+610", 610), (" 0610", 610), ("1.5", 1), ("1e3", 1000), (".5e1", 5), ("-1", -1),
        ("abc", 0), ("", 0), (".", 0), ("e5", 0), ("+", 0), ("1e", 1), ("9" * 5000, INTEGER_MAX),
        ("1e999999", INTEGER_MAX), ("-" + "9" * 30, -INTEGER_MAX), ("٣", 0),
    ],
)  # fmt: skip
def test_integers_are_those_of_intval(text: str, number: int):
    assert read_integer(text) == number


@given(st.text())
def test_any_text_is_some_integer(text: str):
    assert -INTEGER_MAX <= read_integer(text) <= INTEGER_MAX


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        (None, None),
        ("application/json", None),
        ("Application/x-www-form-urlencoded;charset=x", "application/x-www-form-urlencoded"),
        ("multipart/form-data, boundary=x", "multipart/form-data"),
        ("text/plain;multipart/form-data", None),
    ],
)
def test_php_reads_two_kinds_of_forms(content_type: str | None, media_type: str | None):
    assert form_type(content_type) == media_type


def test_an_array_is_absent_but_given():
    parameters = Parameters({"a": None, "b": "0"})
    assert (parameters.get("a"), parameters.has("a"), parameters.is_given("a")) == (None, False, True)
    assert (parameters.get("b"), parameters.has("b"), parameters.integer("b")) == ("0", True, 0)
    assert (parameters.has("c"), parameters.is_given("c"), parameters.values("c")) == (False, False, None)


def test_a_multipart_array_hides_the_query():
    parameters = Parameters({"a": "1", "b": "2"}, {"a": None, "b": "e\u0301"})
    assert (parameters.get("a"), parameters.has("a"), parameters.get("b")) == (None, False, "é")
