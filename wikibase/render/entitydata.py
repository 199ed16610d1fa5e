"""Special:EntityData in JSON (wikibase.md 1.2): data, 304, and the error pages for what is not there.

Only canonical addresses of JSON reach this module (rules/routes/entitydata.py): what is led elsewhere, other formats
and malformed ids are the wiki's. The entity is keyed by its own id, also when a redirect led to it; site links have
addresses; the escaping is that of formatversion 1.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from wikibase.ids import EntityId
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, content_of, is_redirect
from wikibase.render.http_dates import http_date_of, read_http_date
from wikibase.render.outcome import Answer, Decline, DeclinedError, Headers
from wikibase.render.record import Renderer, Selection
from wikibase.revision import State

PARAMETERS = frozenset({"title", "id", "format", "revision", "flavor", "oldid"})
"""Those whose effect is known here. `oldid` has none (recording 409); `flavor` has none on JSON but for `dump`."""

HOPS_MAX = 5
"""How many redirects in a row are followed before the wiki is asked."""

_WHOLE = Selection(urls=True)
_OPEN = ("Access-Control-Allow-Origin", "*")
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
_TITLES = {404: "Not Found", 400: "Bad Request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCall:
    """What a request asks for. `rev_id` None: the head. `path`: the request target as sent.

    `english`: sentences for this reader are surely English; `anonymous`: the request carries no account.
    """

    entity_id: EntityId
    rev_id: int | None
    path: str
    since: str | None = None  # If-Modified-Since
    flavor: str | None = None
    anonymous: bool = True
    english: bool = True


def data_answer(asked: DataCall, found: Found, renderer: Renderer, passed: Sequence[Found] = ()) -> Answer:
    """Return the answer with the data of a revision that is shown. `passed`: the redirects on the way."""
    revision, facts = found.revision, renderer.facts
    if (unchanged := unchanged_answer(asked, found, facts, passed)) is not None:
        return unchanged
    if not renderer.ascii_only:
        raise ValueError("EntityData is printed in ASCII")
    record = renderer.record(found, _WHOLE)
    body = b'{"entities":{"' + revision.entity_id.encode() + b'":' + record + b"}}"
    if len(body) > facts.result_bytes_max:
        raise DeclinedError(Decline.TOO_LARGE)
    headers = [
        ("Content-Type", "application/json; charset=UTF-8"),
        _NOSNIFF,
        _OPEN,
        ("Last-Modified", http_date_of(revision.timestamp)),
    ]
    if facts.frame_options:
        headers.append(("X-Frame-Options", facts.frame_options))
    headers.append(("Cache-Control", _cache_control(asked, facts)))
    return Answer(200, tuple(headers), body, _marks(passed, found))


def unchanged_answer(
    asked: DataCall, found: Found, facts: RenderingFacts, passed: Sequence[Found] = ()
) -> Answer | None:
    """Return the 304 for who has the revision already; it needs no rendering. None: the data is to be sent."""
    content_of(found)  # an unreadable text is an error also for who has it already
    if asked.since is None or not _is_known(asked.since, found.revision.timestamp):
        return None
    if not asked.anonymous:
        raise DeclinedError(Decline.LANGUAGE, "304")
    return Answer(304, _not_modified(facts), b"", _marks(passed, found))


def revision_answer(asked: DataCall, found: Found, renderer: Renderer) -> Answer:
    """Return the answer to a request for one revision: its data, or the page that says why it is not shown."""
    state = found.revision.state
    if state in (State.TEXT_HIDDEN, State.ARCHIVED):
        return no_revision(asked, renderer.facts)
    if is_redirect(found):
        if asked.flavor == "dump":
            raise DeclinedError(Decline.VALUE, "flavor")
        return no_revision(asked, renderer.facts, status=400)
    return data_answer(asked, found, renderer)


def no_entity(asked: DataCall, entity_id: EntityId, facts: RenderingFacts) -> Answer:
    """Return the page for an entity that is not there. `entity_id`: the one that was looked for last."""
    sentence = facts.messages["wikibase-entitydata-not-found"].replace("$1", entity_id)
    return _error_page(asked, 404, sentence)


def no_revision(asked: DataCall, facts: RenderingFacts, *, status: int = 404) -> Answer:
    """Return the page for a revision that is not the entity's, is hidden, or is a redirect (400)."""
    sentence = facts.messages["wikibase-entitydata-bad-revision"]
    return _error_page(asked, status, sentence.replace("$2", str(asked.rev_id)).replace("$1", asked.entity_id))


def _error_page(asked: DataCall, status: int, sentence: str) -> Answer:
    if not asked.english:
        raise DeclinedError(Decline.LANGUAGE, str(status))
    title = _TITLES[status]
    shown = html.escape(sentence).replace("&#x27;", "&#039;")
    page = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>{shown}</p></body></html>\n"
    )
    return Answer(status, (("Content-Type", "text/html; charset=utf-8"), _NOSNIFF, _OPEN), page.encode())


def _marks(passed: Sequence[Found], found: Found) -> tuple[tuple[EntityId, int], ...]:
    return (*(one.mark for one in passed), found.mark)


def _is_known(since: str, timestamp: str) -> bool:
    """Tell whether a client has this revision. Only HTTP's own form of a date is read."""
    known = read_http_date(since)
    if known is None:
        raise DeclinedError(Decline.HEADER, "If-Modified-Since")
    return timestamp <= known


def _not_modified(facts: RenderingFacts) -> Headers:
    frame = (("X-Frame-Options", facts.frame_options),) if facts.frame_options else ()
    return (
        _NOSNIFF,
        _OPEN,
        *frame,
        ("Content-language", facts.content_language),
        ("Vary", "Accept-Encoding, Cookie"),
        ("Expires", _EPOCH),
        ("Cache-Control", "private, must-revalidate, max-age=0"),
    )


def _cache_control(asked: DataCall, facts: RenderingFacts) -> str:
    """Only the one form of address that MediaWiki purges is public, to the byte (wikibase-observed.md 6)."""
    if asked.rev_id is not None:
        path = facts.entitydata_cache_path.replace("{entity_id}", asked.entity_id)
        if asked.path == path.replace("{revision_id}", str(asked.rev_id)):
            age_s = facts.entitydata_max_age_s
            return f"public, s-maxage={age_s}, max-age={age_s}"
    return "private, no-cache, s-maxage=0"
