"""A verdict that its reader can repeat: the requests as curl commands, and what they gave at the time.

Secrets are out: of a request only what `rules.sampling` and `KEPT_REQUEST_HEADERS` let through is told, and addresses
lose their user names. The text can be pasted into a shell as it is: everything from outside is quoted, or stands in a
comment without a character that could end it.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from rules.sample import KEPT_REQUEST_HEADERS
from rules.sampling import safe_form, safe_target
from rules.verdict import Verdict
from wikibase.canonical import FORM
from wikibase.ids import EntityId, page_entity

ENTITY_DATA = "Special:EntityData/{page}.json?revision={revision}"
"""The page that tells one revision of an entity (wikibase.md 1.2)."""

DETAIL_LINES_MAX = 60

_METHOD = re.compile(r"[A-Z]{1,20}", re.ASCII)
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a request
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was observed of a request and its answer: the fields of a sample that it takes to ask again."""

    method: str
    target: str
    form: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    status: int | None = None
    body_sha256: str | None = None  # of the answer's body, unpacked
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to ask. `store_url`: an address of cutover that answers reads from the store, None where none does."""

    wiki_url: str
    article_path: str = "/wiki/$1"
    store_url: str | None = None
    store_headers: tuple[tuple[str, str], ...] = ()  # what makes cutover answer from the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared: the digests of both canonical forms, the version of that form, and under which rules."""

    wiki_digest: str | None = None
    store_digest: str | None = None
    rules_version: str = "none"
    form: int = FORM


def reproduction(verdict: Verdict, exchange: Exchange, place: Place, compared: Compared) -> str:
    """Return a text to read and to paste: comments, and a curl command for each side."""
    blocks = [
        _comment(_heading(verdict, exchange, compared)),
        _comment([f"what the client asked the wiki, and was told: {_told(exchange)}"]),
        curl_of(exchange, place.wiki_url),
    ]
    if (pinned := _pinned(verdict, place)) is not None:
        blocks += [
            _comment([f"the wiki at revision {verdict.revision}: canonical digest {compared.wiki_digest or _UNKNOWN}"]),
            curl_of(pinned, place.wiki_url),
        ]
    blocks.append(_comment([f"the store at this revision: canonical digest {compared.store_digest or _UNKNOWN}"]))
    if place.store_url is None:
        blocks.append(_comment(["no address answers from the store in this phase"]))
    else:
        blocks.append(curl_of(exchange, place.store_url, more=place.store_headers))
    if verdict.detail:
        blocks.append(_comment(["the difference:", *_lines(verdict.detail)]))
    return "\n".join(blocks) + "\n"


def repair_command(entity_id: str) -> str:
    """Return the command that exports an entity anew, in place of what the store has."""
    return f"cutover export --entity {shlex.quote(str(page_entity(EntityId(entity_id))))} --repair"


def curl_of(exchange: Exchange, url: str, *, more: Iterable[tuple[str, str]] = ()) -> str:
    """Return the curl command that sends this request to that address. `more`: headers that are kept unasked."""
    kept = [pair for pair in exchange.headers if pair[0].lower() in KEPT_REQUEST_HEADERS]
    method = exchange.method if _METHOD.fullmatch(exchange.method) else "GET"
    # A target may hold brackets and dots that curl would expand or fold.
    words = ["curl", "--globoff", "--path-as-is", "--silent", "--show-error", "--include"]
    if method == "HEAD":
        words.append("--head")
    elif method != ("GET" if exchange.form is None else "POST"):
        words += ["--request", method]
    for name, value in [*kept, *more]:
        if name.lower() == "accept-encoding":
            words.append("--compressed")  # asks for what curl can unpack, so that the answer can be read
        else:
            words += ["--header", f"{_one_line(name)}: {_one_line(value)}"]
    if exchange.form is not None:
        words += ["--data-raw", safe_form(exchange.form).decode("ascii")]
    words += ["--url", _address(url) + _target(exchange.target)]
    return " ".join(shlex.quote(word) for word in words)


def _heading(verdict: Verdict, exchange: Exchange, compared: Compared) -> list[str]:
    entity = f" of {verdict.entity_id}" if verdict.entity_id else ""
    revision = "an unknown revision" if verdict.revision is None else f"revision {verdict.revision}"
    reason = f" ({verdict.reason})" if verdict.reason else ""
    rules = f"rules {compared.rules_version}" + (f", needed: {', '.join(verdict.rules)}" if verdict.rules else "")
    return [
        f"{verdict.outcome}{reason}{entity} at {revision}, {verdict.surface or 'no surface'}, phase {verdict.phase}",
        f"observed {_day(verdict.observed_at)}, judged {_day(verdict.judged_at)}",
        f"sample {verdict.sample_id}, key {verdict.key or 'none'}, request id {exchange.request_id or _UNKNOWN}",
        f"canonical form {compared.form}, {rules}",
    ]


def _told(exchange: Exchange) -> str:
    status = _UNKNOWN if exchange.status is None else f"HTTP {exchange.status}"
    return f"{status}, body sha256 {exchange.body_sha256 or _UNKNOWN}"


def _pinned(verdict: Verdict, place: Place) -> Exchange | None:
    if verdict.entity_id is None or verdict.revision is None:
        return None
    title = ENTITY_DATA.format(page=page_entity(EntityId(verdict.entity_id)), revision=verdict.revision)
    return Exchange(method="GET", target=place.article_path.replace("$1", title))


def _address(url: str) -> str:
    """Return scheme, host and path of an address: no user, no query, no slash at the end."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{quote(host, safe=':[]')}{quote(parts.path, safe='/%').rstrip('/')}"


def _target(target: str) -> str:
    """Return a request's target with nothing in it but what may be kept, and nothing but visible ASCII."""
    kept = safe_target(_NO_BYTE.sub("\ufffd", target).encode("utf-8", "surrogateescape"))
    if "://" in kept.partition("?")[0]:  # as a proxy is asked: the address is told apart
        kept = re.sub(r"^[^:/?]*://[^/?]*", "", kept)
    return kept if kept.startswith("/") else f"/{kept}"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else _UNKNOWN


def _lines(text: str) -> Sequence[str]:
    lines = text.split("\n")
    more = len(lines) - DETAIL_LINES_MAX
    return [*lines[:DETAIL_LINES_MAX], *([f"... and {more} more lines"] if more > 0 else [])]


def _comment(lines: Iterable[str]) -> str:
    return "\n".join(f"# {_one_line(line)}" for line in lines)


def _one_line(text: str) -> str:
    """Return a text in which no character starts a line, moves a cursor, or turns the direction of reading."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
