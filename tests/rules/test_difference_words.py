"""Values in words: every value type, and anything else as JSON, cut."""

from typing import Any

import pytest

from rules.difference_words import (
    VALUE_CHARS_MAX,
    json_words,
    pair_words,
    reference_words,
    snak_words,
    statement_words,
)


def value(kind: str, content: Any) -> dict[str, Any]:
    return {"snaktype": "value", "property": "P1", "datavalue": {"type": kind, "value": content}}


@pytest.mark.parametrize(
    ("snak", "words"),
    [
        (value("string", "x"), '"x"'),
        (value("wikibase-entityid", {"id": "Q5"}), "Q5"),
        (value("quantity", {"amount": "+5", "unit": "1"}), "+5"),
        (
            value("quantity", {"amount": "+5", "unit": "http://x/entity/Q11", "upperBound": "+6", "lowerBound": "+4"}),
            "+5 [+4, +6] Q11",
        ),
        (value("monolingualtext", {"text": "x", "language": "de"}), '"x" (de)'),
        (value("globecoordinate", {"latitude": 1.5, "longitude": 2.0, "precision": None}), "1.5, 2.0 precision None"),
        (
            value("time", {"time": "+2013-01-01T00:00:00Z", "precision": 9, "calendarmodel": "http://x/Q1985727"}),
            "+2013-01-01T00:00:00Z precision 9 calendar Q1985727",
        ),
        (value("time", "odd"), '"odd"'),
        (value("unheard-of", {"a": 1}), '{"a":1}'),
        ({"snaktype": "somevalue", "property": "P1"}, "unknown value"),
        ({"snaktype": "novalue", "property": "P1"}, "no value"),
        ({"snaktype": "value"}, '{"snaktype":"value"}'),
        (None, "null"),
        ([1], "[1]"),
    ],
)
def test_snaks(snak: Any, words: str) -> None:
    assert snak_words(snak) == words


def test_references_and_statements() -> None:
    reference = {"snaks": {"P1": [value("string", "x")], "P2": []}, "snaks-order": ["P1", "P2"]}
    assert reference_words(reference) == '{P1 "x"}'
    assert reference_words(5) == "5"
    statement = {"mainsnak": value("string", "x"), "rank": "preferred", "id": "Q1$x"}
    assert statement_words(statement) == '"x" (preferred, Q1$x)'
    assert statement_words("odd") == '"odd"'


def test_long_values_are_cut_and_say_so() -> None:
    words = json_words("x" * 5000)
    assert len(words) < VALUE_CHARS_MAX + 30
    assert words.endswith("(5002 characters)")


def test_pairs_that_would_read_the_same_show_where_they_part() -> None:
    first, second = ("x" * 1000 + end for end in "ab")
    words = pair_words(first, second, json_words)
    left, _, right = words.partition(" -> ")
    assert left != right
    assert pair_words(None, 1, json_words) == "(none) -> 1"
