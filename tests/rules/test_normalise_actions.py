"""Actions of normalisation rules: how they are written, and what they leave alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.normalise_actions import GONE, action_of
from wikibase.canonical import canonical_bytes

NAMES = ("ignore", "lower", "strip", "nfc", "unordered", "set", "round:0", "round:15", "prefix:1", "prefix:10000")


@pytest.mark.parametrize("text", NAMES)
def test_an_action_is_written_as_it_was_read(text: str) -> None:
    assert str(action_of(text)) == text


@pytest.mark.parametrize(
    "text", ["", "round", "round:", "round:x", "round:-1", "round:16", "round:٣", "lower:2", "prefix:0", "drop"]
)
def test_what_is_no_action_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"N from|one of"):
        action_of(text)


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("round:2", 1.005, 1.0),
        ("round:0", 3, 3.0),
        ("round:1", -0.01, 0.0),
        ("round:1", "+1.25", "+1.2"),
        ("round:1", "-0.04", "+0.0"),
        ("round:2", "5", "+5.00"),
        ("round:2", "1" * 50, "1" * 50),
        ("round:2", True, True),
        ("round:2", "about 5", "about 5"),
        ("lower", "ÄB", "äb"),
        ("lower", 5, 5),
        ("set", [2, 1, 2, 1.0], [1, 1.0, 2]),
        ("unordered", [2, 1, 2], [1, 2, 2]),
        ("set", {"b": 1}, {"b": 1}),
    ],
)
def test_actions(text: str, value: Any, result: Any) -> None:
    assert canonical_bytes(action_of(text).apply(value)) == canonical_bytes(result)


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
decimals = st.from_regex(r"[+-][0-9]{1,9}(\.[0-9]{1,9})?", fullmatch=True)
values = st.recursive(
    scalars | st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | decimals,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
)


@given(values, st.sampled_from([name for name in NAMES if name != "ignore"]))
def test_an_action_fails_on_nothing_and_done_twice_changes_nothing_more(value: Any, text: str) -> None:
    action = action_of(text)
    once = action.apply(value)
    assert canonical_bytes(action.apply(once)) == canonical_bytes(once)
    assert action_of("ignore").apply(value) is GONE
