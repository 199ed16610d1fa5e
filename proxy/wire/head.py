"""Heads of HTTP/1.1 messages: read strictly, kept verbatim.

A head is validated as a whole and its field lines stay the bytes they were, in their order; only the
fields that matter to a relay are looked at one by one. Whatever two servers could read in two ways
(request smuggling) is refused: RFC 9112 sections 3, 5, 6 and 11.2.

Pure: takes bytes, raises `WireError`, knows no socket.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb"{1,32}+) ([\x21-\x7e\x80-\xff]++) HTTP/1\.([01])")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*+))?")
_FIELDS = re.compile(rb"(?:" + _TOKEN + rb"++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+")
_FIELD = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")
_LENGTH = re.compile(rb"\d{1,18}")
_HOST = re.compile(rb"[A-Za-z0-9.\-_~!$&'()*+,;=%:\[\]]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#@]*)([^#]*)", re.IGNORECASE)
_LOOKED_AT = re.compile(
    rb"^(accept|connection|content-length|content-type|cookie|authorization|expect|host|keep-alive|location|"
    rb"proxy-connection|te|trailer|transfer-encoding|upgrade|x-forwarded-for|x-forwarded-host|x-forwarded-proto)"
    rb":([^\r\n]*)\r\n",
    re.IGNORECASE | re.MULTILINE,
)

HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"})
"""Fields that belong to one connection (RFC 9110 7.6.1). Transfer-Encoding stays: bodies are relayed as framed."""

CHUNKED = -1
UNTIL_CLOSE = -2


class WireError(Exception):
    """A message that is no clean HTTP/1.1. The sender's fault; sending the same again will not help."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Fields:
    """The field lines of a head, verbatim, and where the looked-at ones stand."""

    raw: bytes
    found: dict[bytes, list[tuple[bytes, int, int]]]  # lower-case name -> (value, start, end)

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of a looked-at field."""
        spots = self.found.get(name)
        return spots[0][0] if spots else None

    def listed(self, name: bytes) -> list[bytes]:
        """Return the comma-separated lower-case members of a looked-at field, over all its lines."""
        return [
            part
            for value, _, _ in self.found.get(name, ())
            for part in (piece.strip(b" \t").lower() for piece in value.split(b","))
            if part
        ]

    def without(self, names: frozenset[bytes]) -> bytes:
        """Return the field lines less these looked-at ones and those that Connection names."""
        found = self.found
        named = frozenset(self.listed(b"connection")) - _KEPT_THOUGH_NAMED if b"connection" in found else frozenset()
        if named - names - found.keys():
            return self._without_unknown(names | named)
        spots = sorted(
            (start, end) for name in found if name in names or name in named for _, start, end in found[name]
        )
        if not spots:
            return self.raw
        raw, out, at = self.raw, [], 0
        for start, end in spots:
            out.append(raw[at:start])
            at = end
        out.append(raw[at:])
        return b"".join(out)

    def _without_unknown(self, names: frozenset[bytes]) -> bytes:
        return b"".join(match[0] for match in _FIELD.finditer(self.raw) if match[1].lower() not in names)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield (lower-case name, value) of every line, as text (latin-1, which loses nothing)."""
        for match in _FIELD.finditer(self.raw):
            yield match[1].decode("latin-1").lower(), match[2].decode("latin-1").strip(" \t")


# Naming these in Connection must not strip them: it would be a way to hide them from the wiki.
_KEPT_THOUGH_NAMED = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"content-type", b"cookie", b"authorization", b"close"}
    | {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
)


@dataclass(slots=True)
class RequestHead:
    """A request's head. `body` is its length, CHUNKED, or 0."""

    method: bytes
    target: bytes
    minor: int  # of HTTP/1.x
    fields: Fields
    body: int
    host: bytes
    keep_alive: bool


@dataclass(slots=True)
class ResponseHead:
    """A response's head. `body` is its length, CHUNKED, UNTIL_CLOSE, or 0 where there can be none."""

    status: int
    reason: bytes
    minor: int
    fields: Fields
    body: int
    keep_alive: bool


def find_head_end(data: bytes, bytes_max: int) -> int:
    """Return where a request's head ends, before its empty line; -1: not yet. Raises WireError(400, 431)."""
    end = data.find(b"\r\n\r\n")
    if (len(data) if end < 0 else end) > bytes_max:
        raise WireError(431, "the head of the request is too long")
    if end < 0 and (data[:1] in (b"\x16", b"\x80") or b"\n\n" in data):
        raise WireError(400, "this is not HTTP/1.1")
    return end


def read_request_head(raw: bytes) -> RequestHead:
    """Read a request head (without the empty line at its end). Raises WireError(400, 505)."""
    line, _, rest = raw.partition(b"\r\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        if line.endswith((b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9")):
            raise WireError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        raise WireError(400, "the request line is not one of HTTP/1.1")
    method, target, minor = match[1], match[2], 1 if match[3] == b"1" else 0
    fields = _read_fields(rest, 400)
    host = _host(fields, minor)
    if target[:1] != b"/":
        target, host = _origin_form(method, target, host)
    return RequestHead(method, target, minor, fields, _request_body(fields, minor), host, _keeps(fields, minor))


def read_response_head(raw: bytes, request_method: bytes) -> ResponseHead:
    """Read a response head. Raises WireError(502)."""
    line, _, rest = raw.partition(b"\r\n")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise WireError(502, "the wiki's status line is not one of HTTP/1.x")
    minor, status = 1 if match[1] == b"1" else 0, int(match[2])
    fields = _read_fields(rest, 502)
    return ResponseHead(
        status, match[3] or b"", minor, fields, _response_body(fields, status, request_method), _keeps(fields, minor)
    )


def _read_fields(rest: bytes, status: int) -> Fields:
    raw = rest + b"\r\n" if rest else b""
    if _FIELDS.fullmatch(raw) is None:
        raise WireError(status, "a header line is malformed (folded, without a name, or with a control character)")
    found: dict[bytes, list[tuple[bytes, int, int]]] = {}
    for match in _LOOKED_AT.finditer(raw):
        found.setdefault(match[1].lower(), []).append((match[2].strip(b" \t"), match.start(), match.end()))
    return Fields(raw, found)


def _host(fields: Fields, minor: int) -> bytes:
    hosts = fields.found.get(b"host", [])
    if len(hosts) > 1 or (minor and not hosts):
        raise WireError(400, "a request has exactly one Host header")
    host = hosts[0][0] if hosts else b""
    if _HOST.fullmatch(host) is None:
        raise WireError(400, "the Host header holds a character that no host has")
    return host


def _origin_form(method: bytes, target: bytes, host: bytes) -> tuple[bytes, bytes]:
    if target == b"*" and method == b"OPTIONS":
        return target, host
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or _HOST.fullmatch(absolute[1]) is None or not absolute[1]:
        raise WireError(400, "the request target is neither a path nor an absolute http URL")
    path = absolute[2]
    return (path if path[:1] == b"/" else b"/" + path), absolute[1]


def _length(fields: Fields, status: int) -> int | None:
    lengths = fields.found.get(b"content-length")
    if lengths is None:
        return None
    if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0][0]) is None:
        raise WireError(status, "Content-Length must be given once, as a number")
    return int(lengths[0][0])


def _request_body(fields: Fields, minor: int) -> int:
    length = _length(fields, 400)
    codings = fields.found.get(b"transfer-encoding")
    if codings is None:
        return length or 0
    if length is not None:
        raise WireError(400, "Content-Length and Transfer-Encoding contradict one another")
    if minor == 0:
        raise WireError(400, "HTTP/1.0 knows no Transfer-Encoding")
    if len(codings) > 1 or codings[0][0].lower() != b"chunked":
        raise WireError(400, "the only transfer coding spoken here is chunked, said once")
    return CHUNKED


def _response_body(fields: Fields, status: int, request_method: bytes) -> int:
    length = _length(fields, 502)
    codings = fields.found.get(b"transfer-encoding")
    if codings is not None and (length is not None or len(codings) > 1 or codings[0][0].lower() != b"chunked"):
        raise WireError(
            502, "the wiki's answer says its length in two ways, or in a transfer coding other than chunked"
        )
    if request_method == b"HEAD" or status in (204, 304) or status < 200:  # noqa: PLR2004 - HTTP statuses
        return 0
    if codings is not None:
        return CHUNKED
    return UNTIL_CLOSE if length is None else length


def _keeps(fields: Fields, minor: int) -> bool:
    if b"connection" not in fields.found:
        return minor == 1
    options = fields.listed(b"connection")
    return b"close" not in options and (minor == 1 or b"keep-alive" in options)
