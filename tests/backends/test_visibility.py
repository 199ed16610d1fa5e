from dataclasses import replace

import pytest
from suites.entries import entry_at
from suites.stored import revision

from backends.snapshots.envelope import metadata
from backends.visibility import hidden_now, is_text_hidden, overlay_of, public_part, shown
from wikibase.ids import EntityId
from wikibase.revision import State

TOLD = revision(1, 0)


def test_what_is_hidden_is_no_part_of_the_public_revision() -> None:
    assert public_part(TOLD) == TOLD
    hidden = replace(TOLD, hidden=frozenset({"text", "user", "comment"}))
    assert is_text_hidden(hidden)
    part = public_part(hidden)
    assert (part.content, part.user, part.comment, part.state) == (None, None, None, State.TEXT_HIDDEN)
    assert public_part(part) == part


def test_a_hidden_redirect_does_not_tell_where_it_leads() -> None:
    redirect = revision(1, 0, state=State.REDIRECT, redirect_target=EntityId("Q2"), hidden=frozenset({"text"}))
    assert public_part(redirect).redirect_target is None


def test_what_lies_over_a_snapshot_is_what_differs_its_place_aside() -> None:
    told = metadata(replace(TOLD, position=7, user="Renamed", tags=("x",)))
    assert overlay_of(metadata(TOLD), told) == {"user": "Renamed", "tags": ["x"]}
    entry = replace(entry_at(1, 7), overlay={"user": "Renamed", "tags": ["x"]})
    assert shown(TOLD, entry) == replace(TOLD, position=7, user="Renamed", tags=("x",))


def test_the_row_hides_even_where_only_the_list_of_what_is_hidden_says_so() -> None:
    entry = replace(entry_at(1, 0), overlay={"hidden": ["comment", "text"]})
    seen = shown(TOLD, entry)
    assert (seen.content, seen.comment, seen.state) == (None, None, State.TEXT_HIDDEN)


def test_hiding_a_name_keeps_it_for_the_day_it_is_shown() -> None:
    entry = replace(entry_at(1, 0), overlay={"user": None, "hidden": ["user"], "tags": ["x"]})
    plain = hidden_now(TOLD, entry, frozenset())
    assert (plain["user"], plain["hidden"], plain["tags"]) == ("Alice", [], ["x"])
    with pytest.raises(ValueError, match="summary"):
        hidden_now(TOLD, entry, frozenset({"summary"}))
