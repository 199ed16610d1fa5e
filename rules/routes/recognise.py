"""What a request is: entity read, entity write, or not ours (wikibase.md sections 0 to 2).

Pure, bounded by the size of its input, and total: it answers for any input and never raises. What cannot be decided
is not ours, with a reason that begins with `undecidable`.
"""

import re
from urllib.parse import unquote_to_bytes

from rules.routes.action_api import action_route
from rules.routes.pages import page_route
from rules.routes.parameters import Parameters, decode, read_pairs, read_parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.rest import rest_route
from rules.routes.route import Entry, NeedsBody, Request, Route, Site

_API_METHODS = frozenset({"GET", "HEAD", "POST"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_SLASHES = re.compile("/{2,}")
_SCRIPT_INSIDE = ".php/"
_CONCEPT_PREFIX = "/entity/"


def recognise(request: Request, site: Site) -> Route | NeedsBody:
    """Return what a request is.

    `NeedsBody` only for a POST with a form that PHP would read, given without its body, where the body can change the
    answer: it overrides the query, `action` included (wikibase.md 0.2). With a body the answer is always a route.
    """
    path, query = _split_target(request.target)
    entry = site.entries.get(path)
    if entry is None and _is_odd(path):
        entry = site.entries.get(_plain_path(path))
    if entry is Entry.API:
        return _api_route(request, query, site)
    if entry is Entry.INDEX:
        return page_route(request, None, query, site)
    if entry is Entry.REST:
        return not_ours(Reason.REST_NO_ROUTE)
    if not path:
        return not_ours(Reason.UNDECIDABLE_TARGET)
    return _path_route(request, path, query, site)


def _split_target(target: str) -> tuple[str, str]:
    """Return path and query of a request target, both as Latin-1 text of their bytes; no path: an empty one."""
    if not target.isascii():
        target = _octets(target).decode("latin-1")
    if not target.startswith("/"):
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            return "", ""
        target = target[absolute.end() :]
        if not target.startswith("/"):
            target = f"/{target}"
    path, _, query = target.partition("#")[0].partition("?")
    return path, query


def _octets(text: str) -> bytes:
    """Return the bytes a target came as: UTF-8, undecodable ones as surrogates (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _is_odd(path: str) -> bool:
    return "%" in path or "//" in path or "/." in path


def _plain_path(path: str) -> str:
    """Return a path as a web server matches it: decoded, slashes merged, dots resolved."""
    plain = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
    segments: list[str] = []
    for segment in _SLASHES.sub("/", plain).split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    return "/" + "/".join(segments)


def _api_route(request: Request, query: str, site: Site) -> Route | NeedsBody:
    if request.method not in _API_METHODS:
        return not_ours(Reason.METHOD)
    parameters = read_parameters(request, query)
    return action_route(parameters, site) if isinstance(parameters, Parameters) else parameters


def _path_route(request: Request, path: str, query: str, site: Site) -> Route | NeedsBody:
    """Recognise what is more than a script's own path: text after a script, article paths, and the rest."""
    for candidate in (path, _plain_path(path)) if _is_odd(path) else (path,):
        if _SCRIPT_INSIDE in candidate:
            script, _, info = candidate.partition(_SCRIPT_INSIDE)
            entry = site.entries.get(f"{script}.php")
            if entry is not None:
                return _script_route(entry, request, info, query, site)
        if candidate.startswith(_CONCEPT_PREFIX):
            return not_ours(Reason.CONCEPT_URI)
        prefix, suffix = site.article_prefix, site.article_suffix
        if prefix is not None and candidate.startswith(prefix) and candidate.endswith(suffix):
            title = candidate[len(prefix) : len(candidate) - len(suffix)]
            return page_route(request, _decode_path(title), query, site)
    return not_ours(Reason.OTHER_SCRIPT if path.endswith(".php") else Reason.STATIC)


def _script_route(entry: Entry, request: Request, info: str, query: str, site: Site) -> Route | NeedsBody:
    if entry is Entry.API:
        return not_ours(Reason.REDIRECT_API_PATH)
    if entry is Entry.INDEX:
        return page_route(request, _decode_path(info), query, site)
    pairs = read_pairs(query)
    if pairs is None:
        return not_ours(Reason.UNDECIDABLE_PARAMETERS)
    segments = tuple(_decode_path(segment) for segment in info.split("/"))
    return rest_route(request.method, segments, Parameters(pairs), site)


def _decode_path(text: str) -> str:
    """Return the text of a path segment, where a plus sign is a plus sign."""
    return decode(text.replace("+", "%2B"))
