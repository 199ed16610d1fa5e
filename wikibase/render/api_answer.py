"""Answers of the Action API: result, warnings or error in either formatversion, with their headers.

Errors have status 200 and the header MediaWiki-API-Error; their sentences are MediaWiki's English ones. Rules and
recordings: wikibase-observed.md 3 and 6; recorded reads 450-456, 476, 498-506.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from wikibase.ids import EntityId
from wikibase.render.api_call import ApiError, Call, Dress, error_format_is_usual, is_english
from wikibase.render.facts import RenderingFacts
from wikibase.render.http_dates import http_date
from wikibase.render.outcome import Answer, Decline, DeclinedError, Headers
from wikibase.render.php_json import print_result

Json = Any

MAIL = "https://lists.wikimedia.org/postorius/lists/mediawiki-api-announce.lists.wikimedia.org/"
_ANY_ORIGIN = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "false"),
    (
        "Access-Control-Expose-Headers",
        "MediaWiki-API-Error, Retry-After, X-Database-Lag, MediaWiki-Login-Suppressed",
    ),
)
_NOT_IN_CALLBACK = re.compile(r"[^][.'\"_A-Za-z0-9]")
_PRIVATE = "private, must-revalidate, max-age=0"


def result_answer(
    call: Call, dress: Dress, body: bytes, revisions: Sequence[tuple[EntityId, int]], now: datetime
) -> Answer:
    """Return the answer of a module that ran. `body`: the JSON object of its result, in the dress's escaping.

    `now`: the time, UTC, for Expires.
    """
    if call.warnings and not error_format_is_usual(call):
        raise DeclinedError(Decline.VALUE, "errorformat")
    before = _before(call, dress)
    if before:
        opening = print_result(before, ascii_only=dress.ascii_only)[:-1]
        body = opening + b"," + body[1:] if body != b"{}" else opening + b"}"
    if len(body) > call.facts.result_bytes_max:
        raise DeclinedError(Decline.TOO_LARGE)
    return Answer(200, _headers(call.facts, dress, None) + _cache(dress, now), _wrapped(dress, body), tuple(revisions))


def error_answer(call: Call, dress: Dress, error: ApiError, revisions: Sequence[tuple[EntityId, int]] = ()) -> Answer:
    """Return the answer of a module that failed. Raises DeclinedError where the wiki would word it otherwise."""
    if not error_format_is_usual(call) or (error.message and not is_english(call)):
        raise DeclinedError(Decline.LANGUAGE, error.code)
    old = dress.version == 1
    shown: dict[str, Json] = {"code": error.code, "info": error.info, **error.data}
    if error.message:
        key, parameters, html = error.message
        shown["messages"] = [{"name": key, "parameters": list(parameters), "html": {"*": html} if old else html}]
    shown["*" if old else "docref"] = docref(call.facts)
    plain = print_result({**_before(call, dress), "error": shown}, ascii_only=dress.ascii_only)
    age = ("Cache-Control", f"private, must-revalidate, max-age={dress.ages[1]}")
    return Answer(200, (*_headers(call.facts, dress, error.code), age), _wrapped(dress, plain), tuple(revisions))


def docref(facts: RenderingFacts) -> str:
    """Return the sentence that ends each error."""
    return (
        f"See {facts.server}{facts.script_path}/api.php for API usage. Subscribe to the mediawiki-api-announce "
        f"mailing list at &lt;{MAIL}&gt; for notice of API deprecations and breaking changes."
    )


def _before(call: Call, dress: Dress) -> dict[str, Json]:
    """Return what stands before the result: the request's own mark, and warnings by module."""
    out: dict[str, Json] = {}
    if dress.request_id is not None:
        out["requestid"] = dress.request_id
    if call.warnings:
        by_module: dict[str, str] = {}
        for module, sentence in call.warnings:
            by_module[module] = f"{by_module[module]}\n{sentence}" if module in by_module else sentence
        key = "*" if dress.version == 1 else "warnings"
        out["warnings"] = {module: {key: text} for module, text in by_module.items()}
    return out


def _wrapped(dress: Dress, body: bytes) -> bytes:
    if dress.callback is None:
        return body
    return b"/**/" + _NOT_IN_CALLBACK.sub("", dress.callback).encode() + b"(" + body + b")"


def _headers(facts: RenderingFacts, dress: Dress, error: str | None) -> Headers:
    script = dress.callback is not None
    headers = [("Content-Type", "text/javascript; charset=utf-8" if script else "application/json; charset=utf-8")]
    if script or dress.any_origin:
        headers.append(("MediaWiki-Login-Suppressed", "true"))
    if dress.any_origin:
        headers += _ANY_ORIGIN
    if error is not None:
        headers.append(("MediaWiki-API-Error", error))
    headers.append(("X-Content-Type-Options", "nosniff"))
    if facts.frame_options:
        headers.append(("X-Frame-Options", facts.frame_options))
    headers.append(("Content-Disposition", f"inline; filename=api-result.{'js' if script else 'json'}"))
    if error is None:
        headers.append(("Vary", facts.api_vary))
    return tuple(headers)


def _cache(dress: Dress, now: datetime) -> Headers:
    shared_s, own_s = dress.ages
    if not (shared_s or own_s):
        return (("Cache-Control", _PRIVATE),)
    least_s = min(shared_s, own_s)
    # Without a common age Expires lies one second after 1970 began (recorded reads 498, 499).
    expires = http_date(now + timedelta(seconds=least_s)) if least_s else "Thu, 01 Jan 1970 00:00:01 GMT"
    return (("Expires", expires), ("Cache-Control", f"s-maxage={shared_s}, max-age={own_s}, public"))
