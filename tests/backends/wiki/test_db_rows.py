"""Rows as values: what is hidden, what is missing, and how MediaWiki's columns read."""

from typing import Any

import pytest

from backends.wiki.db_rows import (
    DatabaseRevision,
    Slot,
    Withheld,
    iso_timestamp,
    page_of,
    revision_of,
    slots_of,
    stored_timestamp,
    text_of,
)
from wikibase.unreadable import Reason, Unreadable
from wikibase.wiki_sha1 import base36_sha1, revision_sha1, text_sha1

SHA1 = text_sha1(b"x")
ROW = (7, 5, 6, b"20261122152412", 1, 0, 100, base36_sha1(SHA1).encode(), "Zoë".encode(), b"comment")


def slot(**changes: Any) -> Slot:
    known: dict[str, Any] = {"origin": 7, "content_id": 3, "size": 10, "sha1": SHA1, "model": "wikibase-item"}
    return Slot(**{**known, "address": "tt:1", **changes})


def told(
    row: tuple[Any, ...] = ROW, slots: dict[str, Slot] | None = None, *, withheld: bool = False
) -> DatabaseRevision:
    return revision_of(row, slots or {}, ("tag",), bot=None, archived=False, withheld=withheld)


def changed(**columns: Any) -> tuple[Any, ...]:
    names = ("rev_id", "page_id", "parent_id", "timestamp", "minor", "bits", "size", "sha1", "user", "comment")
    return tuple(columns.get(name, value) for name, value in zip(names, ROW, strict=True))


def test_a_row_reads_as_the_api_says_it() -> None:
    one = told(slots={"main": slot()})
    assert (one.rev_id, one.page_id, one.parent_id, one.size) == (7, 5, 6, 100)
    assert (one.timestamp, one.user, one.comment) == ("2026-11-22T15:24:12Z", "Zoë", "comment")
    assert (one.sha1, one.minor, one.tags, one.content_model) == (SHA1, True, ("tag",), "wikibase-item")
    assert one.hidden == frozenset()
    assert one.address() == "tt:1"


@pytest.mark.parametrize("bits", range(16))
def test_every_combination_of_bits_hides_exactly_what_it_says(bits: int) -> None:
    one = told(changed(bits=bits), withheld=True)
    assert (one.sha1 is None, one.comment is None, one.user is None) == (bool(bits & 1), bool(bits & 2), bool(bits & 4))
    assert ("suppressed" in one.hidden, one.deleted_bits) == (bool(bits & 8), bits)
    expected = Withheld(
        sha1=SHA1 if bits & 1 else None, comment="comment" if bits & 2 else None, user="Zoë" if bits & 4 else None
    )
    assert one.withheld == (expected if bits & 7 else None)
    assert told(changed(bits=bits)).withheld is None


def test_what_old_rows_lack_is_made_or_none() -> None:
    slots = {"main": slot(), "notes": slot(sha1=text_sha1(b"n"), size=5)}
    one = told(changed(parent_id=None, size=None, sha1=None, user=None, comment=None), slots)
    assert (one.parent_id, one.size, one.user, one.comment) == (0, 15, None, None)
    assert one.sha1 == revision_sha1({"main": SHA1, "notes": text_sha1(b"n")})
    assert told(changed(sha1=b""), {"main": slot()}).sha1 == SHA1
    assert told(changed(sha1=b"")).sha1 is None
    assert told(changed(sha1=b""), {"main": slot(), "notes": slot(sha1=None)}).sha1 is None


def test_a_revision_without_slots_or_content_says_which() -> None:
    assert told().address() == Unreadable(Reason.NO_SLOT)
    assert told(slots={"main": slot()}).address("notes") == Unreadable(Reason.NO_SLOT, "no slot notes")
    lost = {"main": slot(address=None)}
    assert told(slots=lost).address() == Unreadable(Reason.NO_CONTENT_ROW, "content 3")


def test_slots_are_grouped_by_revision_and_role() -> None:
    sha1 = base36_sha1(SHA1).encode()
    rows = [
        (7, b"main", 6, 3, 10, sha1, b"wikibase-item", b"tt:1"),
        (7, None, 7, 4, None, None, None, None),
        (8, b"main", 8, 5, 10, b"", b"wikibase-item", b"tt:2"),
    ]
    found = slots_of(rows)
    assert found[7]["main"] == slot(origin=6)
    assert found[7]["unknown"] == Slot(origin=7, content_id=4, size=None, sha1=None, model=None, address=None)
    assert found[8]["main"].sha1 is None


@pytest.mark.parametrize(
    ("title", "model", "roles", "expected"),
    [
        (b"Q42", "wikibase-item", (), "Q42"),
        (b"P31", "wikibase-property", (), "P31"),
        (b"L7", "wikibase-lexeme", (), "L7"),
        (b"E7", "EntitySchema", (), "E7"),
        (b"Some_file.jpg", "wikitext", ("main", "mediainfo"), "M5"),
        (b"Q042", "wikibase-item", (), None),
        (b"q42", "wikibase-item", (), None),
        (b"P31", "wikibase-item", (), None),
        (b"Aside:Q42", "wikibase-item", (), None),
    ],
)
def test_a_page_holds_the_entity_that_its_title_and_model_name(
    title: bytes, model: str, roles: tuple[str, ...], expected: str | None
) -> None:
    page = page_of((5, 0, title, 9, 0, None), model=model, slot_roles=roles)
    assert page is not None
    assert (page.entity_id, page.head_rev_id) == (expected, 9)


@pytest.mark.parametrize("model", ["wikitext", None, "", "json"])
def test_a_page_of_another_model_holds_none(model: str | None) -> None:
    assert page_of((5, 120, b"Q42", 9, 0, None), model=model, slot_roles=("main",)) is None


def test_timestamps_go_there_and_back() -> None:
    assert stored_timestamp(iso_timestamp(b"20261122152412")) == b"20261122152412"


def test_a_comment_cut_off_in_mid_character_is_still_text() -> None:
    assert text_of("Zoë".encode()[:-1]) == "Zo\ufffd"
