"""A reason is a word and a short detail."""

from wikibase.unreadable import Reason, Unreadable, UnreadableTextError


def test_a_reason_with_and_without_detail_begins_with_its_word() -> None:
    assert str(Unreadable(Reason.NO_SLOT)) == "slotsmissing"
    assert str(Unreadable(Reason.NO_TEXT_ROW, "tt:7")) == "text-row-missing: tt:7"


def test_a_detail_never_carries_a_whole_text() -> None:
    error = UnreadableTextError(Reason.BAD_ADDRESS, "x" * 10_000)
    assert len(str(error)) < 250
