"""Dates in HTTP headers."""

from datetime import UTC, datetime

import pytest

from wikibase.render.http_dates import http_date, http_date_of, read_http_date


def test_a_timestamp_is_written_in_the_form_of_http() -> None:
    assert http_date_of("2019-04-13T03:43:11Z") == "Sat, 13 Apr 2019 03:43:11 GMT"
    assert http_date(datetime(1970, 1, 1, tzinfo=UTC)) == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_what_was_written_is_read_back() -> None:
    assert read_http_date(http_date_of("2026-11-22T15:24:12Z")) == "2026-11-22T15:24:12Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "Friday, 22-Feb-19 00:07:11 GMT",
        "Fri, 22 Feb 2019 00:07:11 GMT; length=100",
        "Fri, 31 Feb 2019 00:07:11 GMT",
        "Fri, 22 Feb 2019 24:07:11 GMT",
        "Fri, 22 Feb 0019 00:07:11 GMT",
    ],
)
def test_other_forms_are_not_read(text: str) -> None:
    assert read_http_date(text) is None
