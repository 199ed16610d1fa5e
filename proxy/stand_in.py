"""Answers in the wiki's stead, for when it cannot answer: in the shape that each client understands.

Clients of the Action API look at the JSON, not at the status; a 5xx or HTML there makes real ones wait for a
minute or for ever (wikibase.md 6), so they get MediaWiki's own shape: HTTP 200, an error, Retry-After. The code
`maxlag` is what all of them wait for and repeat, so it is said only of requests that the wiki never got.
An edit that was sent and not answered may have been saved: its code is one that nobody repeats blindly.
"""

import html
import re
from email.utils import formatdate
from urllib.parse import parse_qs

import orjson

from proxy.wire.head import RequestHead

_REASONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}
_CALLBACK = re.compile(r"[\w.$\[\]'\"]{1,128}", re.ASCII)


def refusal(status: int, reason: str) -> bytes:
    """Return the response to a request that is refused, and close."""
    return _response(status, "text/plain; charset=utf-8", f"{reason}\n".encode(), b"Connection: close\r\n")


def failure(
    head: RequestHead, reason: str, *, sent: bool, timed_out: bool, is_api: bool, retry_after_s: int
) -> tuple[int, bytes]:
    """Return (status, response) for a wiki that failed before it answered."""
    harmless = not sent or head.method in (b"GET", b"HEAD", b"OPTIONS")
    if is_api:
        return 200, _api(head, reason, harmless=harmless, retry_after_s=retry_after_s)
    status = 504 if timed_out else 502
    title = _REASONS[status].decode()
    advice = "Try again in a moment." if harmless else "What you sent may have been saved: look before you repeat it."
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{status} {title}</h1><p>{html.escape(reason)}.</p><p>{advice}</p></body></html>\n"
    )
    retry = b"Retry-After: %d\r\n" % retry_after_s if harmless else b""
    return status, _response(
        status, "text/html; charset=utf-8", b"" if head.method == b"HEAD" else page.encode(), retry + _CLOSE
    )


_CLOSE = b"Cache-Control: private, no-store\r\nConnection: close\r\n"


def _api(head: RequestHead, reason: str, *, harmless: bool, retry_after_s: int) -> bytes:
    query = parse_qs(head.target.decode("latin-1").partition("?")[2], keep_blank_values=True)
    code = "maxlag" if harmless else "internal_api_error_WikiUnanswered"
    info = reason if harmless else f"{reason}. The edit may have been saved: look before you repeat it"
    error: dict[str, object] = {"code": code, "info": info}
    if harmless:
        error |= {"host": "wiki", "lag": retry_after_s, "type": "proxy"}
    if query.get("errorformat", ["bc"])[-1] == "bc":
        document: dict[str, object] = {"error": error}
    else:
        document = {"errors": [{"code": code, "text": info, "module": "main"}]}
    retry = b"Retry-After: %d\r\n" % retry_after_s if harmless else b""
    extra = b"MediaWiki-API-Error: %b\r\n" % code.encode() + retry + _CLOSE
    if query.get("format", ["json"])[-1] == "xml":
        body = f'<?xml version="1.0"?><api><error code="{code}" info="{html.escape(info)}" /></api>'.encode()
        return _response(200, "text/xml; charset=utf-8", body, extra)
    body = orjson.dumps(document)
    callback = query.get("callback", [""])[-1]
    if callback and _CALLBACK.fullmatch(callback):
        return _response(200, "text/javascript; charset=utf-8", f"/**/{callback}(".encode() + body + b")", extra)
    return _response(200, "application/json; charset=utf-8", body, extra)


def _response(status: int, content_type: str, body: bytes, extra: bytes) -> bytes:
    reason = b"OK" if status == 200 else _REASONS.get(status, b"Error")  # noqa: PLR2004
    return b"HTTP/1.1 %d %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status,
        reason,
        formatdate(usegmt=True).encode(),
        content_type.encode(),
        len(body),
        extra,
        body,
    )
