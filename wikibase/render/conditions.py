"""Conditions of REST reads: whether the client has the revision already (ConditionalHeaderUtil of MediaWiki)."""

import re
from collections.abc import Mapping

from wikibase.render.http_dates import read_http_date
from wikibase.render.outcome import Decline, DeclinedError

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS = re.compile(rf"{_TAG.pattern}(?:[ \t]*,[ \t]*{_TAG.pattern})*")


def is_known(headers: Mapping[str, str], rev_id: str, timestamp: str) -> bool:
    """Tell whether the client has the revision. If-None-Match, where it is sent, is the only header that counts.

    Names of headers are in lower case. Raises DeclinedError for what only the wiki's parsers decide.
    """
    tags = headers.get("if-none-match")
    if tags is not None:
        if _TAGS.fullmatch(tags):
            return rev_id in _TAG.findall(tags)
        if '"' in tags or "," in tags:
            raise DeclinedError(Decline.HEADER, "If-None-Match")
        return False  # `*`, or no tag at all: neither is the revision (recorded reads 1012, 1014)
    since = headers.get("if-modified-since")
    return since is not None and timestamp <= read_date(since, "If-Modified-Since")


def read_date(text: str, header: str) -> str:
    """Return the timestamp of a date in HTTP's own form. Raises DeclinedError for any other form."""
    date = read_http_date(text)
    if date is None:
        raise DeclinedError(Decline.HEADER, header)
    return date
