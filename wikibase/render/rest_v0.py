"""The REST API v0 as in REL1_39: an item, its statements, one statement (wikibase.md 1.4, wikibase-observed.md 6).

Answers hold no page info; revision and time are in ETag and Last-Modified. Every snak must have a data type: a
property that is gone makes the whole answer an unexpected error. If-Match and If-Unmodified-Since never hold on a
GET: MediaWiki checks them before it knows the item (recorded reads 1015-1026).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wikibase.ids import EntityId, parse_entity_id
from wikibase.render.conditions import is_known, read_date
from wikibase.render.entity import Content, Known, properties_of, properties_of_statement, statement_json
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, content_of, is_redirect, redirect_target
from wikibase.render.http_dates import http_date_of
from wikibase.render.outcome import Answer, Decline, DeclinedError, Headers
from wikibase.render.php_json import print_rest

Json = Any

FIELDS = ("type", "labels", "descriptions", "aliases", "statements", "sitelinks")
_ITEMS = "rest.php/wikibase/v0/entities/items"
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_PAGE = ("Content-Type", "text/html; charset=UTF-8")  # what PHP says of an answer without a type
_GUID = re.compile(r"\{?[A-Z\d]{8}-[A-Z\d]{4}-[A-Z\d]{4}-[A-Z\d]{4}-[A-Z\d]{12}\}?", re.ASCII | re.IGNORECASE)
_PLAIN_FIELD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestCall:
    """What a request asks for: an item (`fields`), its statements, or one of them.

    `sent_id`: the item's id as it stands in the path. `statement`: the GUID as sent; `by_item`: it was asked for
    below its item. `query`: as sent. Names of `headers` are in lower case.
    """

    entity_id: EntityId
    sent_id: str
    headers: Mapping[str, str]
    fields: tuple[str, ...] | None = None
    statements: bool = False
    statement: str | None = None
    by_item: bool = False
    query: str = ""


def read_call(
    entity_id: EntityId,
    part: tuple[str, ...],
    headers: Mapping[str, str],
    *,
    sent_id: str,
    query: str,
    fields: str | None,
    by_item: bool,
) -> RestCall:
    """Return what a request asks for; `part` is the path below the item, `fields` the parameter `_fields`.

    Raises DeclinedError for a path that v0 does not have.
    """
    common: dict[str, Any] = {"entity_id": entity_id, "headers": headers, "query": query, "sent_id": sent_id}
    if part == ():
        return RestCall(**common, fields=FIELDS if fields is None else tuple(fields.split(",")))
    if part == ("statements",):
        return RestCall(**common, statements=True)
    if len(part) == 2 and part[0] == "statements":  # noqa: PLR2004
        return RestCall(**common, statement=part[1], by_item=by_item)
    raise DeclinedError(Decline.SURFACE, "no path of REST v0")


def early_answer(asked: RestCall) -> Answer | None:
    """Return the answer to what needs no item: conditions that never hold, malformed parts."""
    if "if-match" in asked.headers:
        return _empty(412)
    if (date := asked.headers.get("if-unmodified-since")) is not None:
        read_date(date, "If-Unmodified-Since")
        return _empty(412)
    refused = _refused(asked)
    if refused is not None and not _CONDITIONS.isdisjoint(asked.headers):
        raise DeclinedError(Decline.ERROR, "conditions are looked at before the parts")
    return refused


_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})


def _refused(asked: RestCall) -> Answer | None:
    for name in asked.fields or ():
        if name not in FIELDS:
            return _error(400, "invalid-field", f"Not a valid field: {name}")
    if asked.statement is not None:
        prefix, dollar, rest = asked.statement.partition("$")
        item = parse_entity_id(prefix)
        if not dollar or item is None or item[0] != "Q" or _GUID.fullmatch(rest) is None:
            return _error(400, "invalid-statement-id", f"Not a valid statement ID: {asked.statement}")
    return None


def item_answer(
    asked: RestCall, found: Found | None, known: Known, facts: RenderingFacts, target: Found | None = None
) -> Answer:
    """Return the answer made of an item's head; None: there is none. `target`: what a redirect leads to."""
    if found is None:
        return _not_found(asked)
    revision = found.revision
    marks = (found.mark,)
    if is_redirect(found):
        return _redirected(asked, found, target, facts)
    content = content_of(found)
    tag = f'"{revision.rev_id}"'
    if is_known(asked.headers, str(revision.rev_id), revision.timestamp):
        return Answer(304, (_NOSNIFF, ("ETag", tag)), b"", marks)
    shown, used = _shown(asked, content)
    if shown is None:
        return _with(_statement_not_found(asked), marks)
    if any(known.data_types[prop] is None for prop in used):
        return _with(_error(500, "unexpected-error", "Unexpected error"), marks)
    changed = ("Last-Modified", http_date_of(revision.timestamp))
    headers = (("Content-Type", "application/json"), _NOSNIFF, changed, ("ETag", tag))
    return Answer(200, headers, print_rest(_with_statements(asked, shown, known)), marks)


def _redirected(asked: RestCall, found: Found, target: Found | None, facts: RenderingFacts) -> Answer:
    if asked.statement is None:
        return Answer(308, (_PAGE, _NOSNIFF, ("Location", _location(asked, found, facts))), b"", (found.mark,))
    # Wikibase looks for the statement in the target, and fails where that is a redirect as well.
    if target is None or is_redirect(target):
        raise DeclinedError(Decline.REDIRECT_CHAIN)
    if _statement_in(content_of(target), asked) is not None:
        raise DeclinedError(Decline.REDIRECT_CHAIN, "a statement of the redirect in its target")
    return _with(_statement_not_found(asked), (found.mark, target.mark))


def used_properties(asked: RestCall, content: Content) -> frozenset[str]:
    """Return the properties whose data types an answer needs."""
    return _shown(asked, content)[1]


def _shown(asked: RestCall, content: Content) -> tuple[Json, frozenset[str]]:
    """Return what of the content is shown, statements as they are stored, and its properties. None: no such part."""
    if asked.statement is not None:
        if not _canonical_guid(asked).startswith(f"{asked.entity_id}$"):
            return None, frozenset()
        one = _statement_in(content, asked)
        return one, frozenset() if one is None else properties_of_statement(one)
    if asked.statements:
        return content, properties_of(content)
    return content, properties_of(content) if "statements" in (asked.fields or ()) else frozenset()


def _statement_in(content: Content, asked: RestCall) -> Content | None:
    guid = _canonical_guid(asked)
    groups = (content.get("claims") or {}).values()
    return next((one for group in groups for one in group if one.get("id") == guid), None)


def _with_statements(asked: RestCall, shown: Content, known: Known) -> Json:
    if asked.statement is not None:
        return _statement(shown, known)
    if asked.statements:
        return _statements(shown, known)
    out: dict[str, Json] = {"id": shown["id"]}
    for name in FIELDS:
        if name in (asked.fields or ()):
            out[name] = _field(name, shown, known)
    return out


def _field(name: str, content: Content, known: Known) -> Json:
    match name:
        case "type":
            return "item"
        case "statements":
            return _statements(content, known)
        case "aliases":
            groups = content.get("aliases") or {}
            return {code: [one["value"] for one in groups[code]] for code in sorted(groups)}
        case "sitelinks":
            links = content.get("sitelinks") or {}
            return {site: {key: links[site][key] for key in ("site", "title", "badges")} for site in sorted(links)}
        case _:
            terms = content.get(name) or {}
            return {code: terms[code]["value"] for code in sorted(terms)}


def _statements(content: Content, known: Known) -> dict[str, Json]:
    claims = content.get("claims") or {}
    order = content.get("claims-order") or claims
    return {prop: [_statement(one, known) for one in claims[prop]] for prop in order if claims.get(prop)}


def _statement(statement: Content, known: Known) -> dict[str, Json]:
    return {"qualifiers": {}, "qualifiers-order": [], "references": [], **statement_json(statement, known)}


def _canonical_guid(asked: RestCall) -> str:
    """Return the GUID with its prefix in the canonical spelling: only that is free (recorded read 1046)."""
    prefix, _, rest = (asked.statement or "").partition("$")
    return f"{prefix.upper()}${rest}"


def _location(asked: RestCall, found: Found, facts: RenderingFacts) -> str:
    path = f"{facts.server}{facts.script_path}/{_ITEMS}/{redirect_target(found)}"
    if asked.statements:
        return f"{path}/statements"
    if not asked.query:
        return path
    name, _, value = asked.query.partition("=")
    if name != "_fields" or _PLAIN_FIELD.fullmatch(value) is None:
        raise DeclinedError(Decline.VALUE, "_fields of a redirect")
    return f"{path}?{asked.query}"


def _not_found(asked: RestCall) -> Answer:
    if asked.statement is not None and not asked.by_item:
        return _statement_not_found(asked)
    named = asked.sent_id if asked.statement is None else asked.entity_id
    return _error(404, "item-not-found", f"Could not find an item with the ID: {named}")


def _statement_not_found(asked: RestCall) -> Answer:
    return _error(404, "statement-not-found", f"Could not find a statement with the ID: {asked.statement}")


def _with(answer: Answer, marks: tuple[tuple[EntityId, int], ...]) -> Answer:
    return Answer(answer.status, answer.headers, answer.body, marks)


def _empty(status: int) -> Answer:
    headers: Headers = (_PAGE, _NOSNIFF)
    return Answer(status, headers, b"")


def _error(status: int, code: str, message: str) -> Answer:
    headers = (("Content-Type", "application/json"), _NOSNIFF, ("Content-Language", "en"))
    return Answer(status, headers, print_rest({"code": code, "message": message}))
