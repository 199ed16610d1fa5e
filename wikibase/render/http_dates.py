"""Dates in HTTP headers. Only the form that every client sends is read; for others the wiki's own parser decides."""

import re
from datetime import UTC, datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(rf"(?:{'|'.join(_DAYS)}), (\d\d) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)


def http_date(moment: datetime) -> str:
    """Return a moment (UTC) as HTTP writes it."""
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04}"
        f" {moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )


def http_date_of(timestamp: str) -> str:
    """Return a timestamp, "2026-11-22T15:24:12Z", as HTTP writes it."""
    return http_date(datetime.fromisoformat(timestamp))


def read_http_date(text: str) -> str | None:
    """Return the timestamp of a date in HTTP's preferred form, comparable as text; None for any other form."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute, second = found.groups()
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else None  # noqa: PLR2004
