"""Answers and declines as values."""

from wikibase.ids import EntityId
from wikibase.render.outcome import Answer, Decline, Declined, DeclinedError


def test_an_answer_names_what_it_was_made_of() -> None:
    assert Answer(200, (), b"", ((EntityId("Q1"), 7),)).revisions == (("Q1", 7),)
    assert Answer(200, (), b"").revisions == ()


def test_a_decline_is_raised_inside_and_a_value_outside() -> None:
    error = DeclinedError(Decline.PARAMETER, "foo")
    assert error.declined == Declined(Decline.PARAMETER, "foo")
    assert str(error) == "parameter: foo"


def test_the_words_of_reasons_are_plain_enough_for_labels_of_metrics() -> None:
    assert all(reason.replace("_", "").isalpha() and reason.islower() for reason in Decline)
