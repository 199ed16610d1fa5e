"""What of a request may be kept: reads, never secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.sampling import chosen, safe_form, safe_target

SECRETS = [
    "token",
    "lgpassword",
    "password",
    "logintoken",
    "assertuser",
    "origin",
    "centralauthtoken",
    "wpEditToken",
    "lgname",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_parameter_never_gets_into_a_sample(name: str) -> None:
    target = f"/w/api.php?action=wbgetentities&{name}=hush&ids=Q1".encode()
    assert safe_target(target) == "/w/api.php?action=wbgetentities&ids=Q1"
    assert safe_form(f"{name}=hush&ids=Q1%7CQ2".encode()) == b"ids=Q1%7CQ2"


def test_what_says_what_was_read_stays_as_it_was() -> None:
    target = b"/wiki/Special:EntityData/Q5.json?revision=188&flavor=dump"
    assert safe_target(target) == target.decode()
    assert safe_form("titles=Zürich%1F&ids[]=Q1".encode()) == b"titles=Z%C3%BCrich%1F&ids%5B%5D=Q1"


@given(st.binary(max_size=80))
def test_any_target_becomes_plain_text(raw: bytes) -> None:
    assert safe_target(b"/" + raw).isascii()
    assert safe_form(raw).isascii()


def test_the_share_decides() -> None:
    assert (chosen(0.0, 0.0), chosen(1.0, 0.999), chosen(0.5, 0.5), chosen(0.5, 0.49)) == (False, True, False, True)
