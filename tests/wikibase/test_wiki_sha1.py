"""MediaWiki's SHA-1 in its two spellings."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikibase.wiki_sha1 import base36_sha1, hex_sha1, revision_sha1, text_sha1


def test_the_sha1_of_nothing_is_the_one_that_every_wiki_knows() -> None:
    assert base36_sha1(text_sha1(b"")) == "phoiac9h4m842xq45sp7s6u21eteeq1"


@given(st.binary(min_size=20, max_size=20))
def test_base_36_and_hex_are_the_same_number(digest: bytes) -> None:
    base36 = base36_sha1(digest.hex())
    assert len(base36) == 31
    assert hex_sha1(base36) == digest.hex()


@pytest.mark.parametrize("column", ["", "0", "z" * 31, "A" * 31, "é" * 31, " " * 31, "0" * 32])
def test_what_is_no_sha1_is_none(column: str) -> None:
    assert hex_sha1(column) is None


def test_one_slot_has_the_revisions_sha1() -> None:
    assert revision_sha1({"main": text_sha1(b"x")}) == text_sha1(b"x")
    assert revision_sha1({}) is None


def test_several_slots_are_folded_in_the_order_of_their_roles() -> None:
    slots = {"notes": text_sha1(b"n"), "main": text_sha1(b"m"), "aside": text_sha1(b"a")}
    first = hashlib.sha1((base36_sha1(slots["aside"]) + base36_sha1(slots["main"])).encode()).hexdigest()
    folded = hashlib.sha1((base36_sha1(first) + base36_sha1(slots["notes"])).encode()).hexdigest()
    assert revision_sha1(slots) == folded
