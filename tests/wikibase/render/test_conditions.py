"""Conditions of REST reads. The cases of tags are those of the recorded reads 1009-1030."""

import pytest

from wikibase.render.conditions import is_known, read_date
from wikibase.render.outcome import Decline, DeclinedError

STAMP = "2018-09-25T06:07:11Z"


@pytest.mark.parametrize(
    ("tags", "known"),
    [
        ('"786"', True),
        ('W/"786"', True),
        ('"1",W/"786"', True),
        ('"7"', False),
        ("*", False),
        ("786", False),
        ("", False),
    ],
)
def test_tags_are_compared_weakly(tags: str, *, known: bool) -> None:
    assert is_known({"if-none-match": tags}, "786", STAMP) is known


def test_a_date_counts_only_without_tags() -> None:
    date = {"if-modified-since": "Tue, 25 Sep 2018 06:07:11 GMT"}
    assert is_known(date, "786", STAMP)
    assert not is_known({**date, "if-none-match": '"1"'}, "786", STAMP)
    assert not is_known({}, "786", STAMP)


def test_what_only_the_wikis_parsers_decide_is_declined() -> None:
    for headers in ({"if-none-match": '"1",,"786"'}, {"if-modified-since": "yesterday"}):
        with pytest.raises(DeclinedError) as error:
            is_known(headers, "786", STAMP)
        assert error.value.declined.reason is Decline.HEADER
    assert read_date("Tue, 25 Sep 2018 06:07:11 GMT", "X") == STAMP
