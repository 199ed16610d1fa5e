"""The id of a request: taken only where it looks like one, and like nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.sample import safe_request_id


def test_the_first_that_looks_like_an_id_is_taken() -> None:
    assert (
        safe_request_id(None, "short", "0a1b2c3d-4e5f-6071-8293", "another-long-enough-id") == "0a1b2c3d-4e5f-6071-8293"
    )
    assert safe_request_id(None, "", "short") == ""


@pytest.mark.parametrize(
    "text",
    [
        "203.0.113.77",
        "2001:db8::1234:5678:9abc:def0",
        "host-name.example.org",
        "token=0123456789abcdef",
        "0123456789abcdef+\\",
        "a" * 65,
        "0123456789abcdef\n",
        "Secret Admin of the wiki",
    ],
)
def test_addresses_names_and_tokens_are_none(text: str) -> None:
    assert safe_request_id(text) == ""


@given(st.text())
def test_whatever_is_taken_is_plain(text: str) -> None:
    taken = safe_request_id(text)
    assert taken in ("", text)
    assert taken.isascii()
    assert not set(taken) & set(".:/+= \\\n")
