"""A request as the answering looks at it, and what of it is certain enough to be answered without the wiki."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from rules.routes.parameters import Parameters, read_parameters
from rules.routes.route import Request
from wikibase.render.api_call import SEPARATOR
from wikibase.render.outcome import Decline, DeclinedError

_CONTROLS = frozenset(map(chr, range(0x20))) - {"\t", "\n", "\r"}

REFUSED_HEADERS = frozenset(
    {"authorization", "treat-as-untrusted", "promise-non-write-api-action", "x-http-method-override"}
)
"""Headers with an effect that only the wiki can have. Who asks with credentials is answered by the wiki."""

AFTER_EDIT_COOKIES = frozenset({"cpPosIndex", "UseDC", "UseCDNCache"})
"""MediaWiki's own marks of a recent edit: they say which replica to ask, not who asks (wikibase-observed.md 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """A request. `target` is the request target as sent; names of `headers` are in lower case, repeats joined by ", ".

    `body` is the whole body; empty when there is none.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def query(self) -> str:
        """Return the query string as sent."""
        return self.target.partition("#")[0].partition("?")[2]

    @property
    def is_anonymous(self) -> bool:
        """Tell whether the request surely carries no account: a cookie that is not known may be one."""
        names = [pair.partition("=")[0].strip() for pair in self.headers.get("cookie", "").split(";")]
        return all(not name or name in AFTER_EDIT_COOKIES for name in names)


def refuse_headers(request: ReadRequest) -> None:
    """Raise DeclinedError for a header whose effect is not rendered."""
    for name in REFUSED_HEADERS:
        if name in request.headers:
            raise DeclinedError(Decline.HEADER, name)


def read_values(request: ReadRequest) -> dict[str, str]:
    """Return the parameters, those of the form over those of the query.

    Raises DeclinedError for arrays and for text that MediaWiki would change with a warning.
    """
    parameters = read_parameters(
        Request(
            method=request.method,
            target=request.target,
            content_type=request.headers.get("content-type"),
            body=request.body,
        ),
        request.query,
    )
    if not isinstance(parameters, Parameters):
        raise DeclinedError(Decline.PARAMETER, "undecidable")
    values: dict[str, str] = {}
    for name, raw in parameters.encoded.items():
        values[name] = _clean(name, raw, encoded=True)
    for name, raw in parameters.plain.items():
        values[name] = _clean(name, raw, encoded=False)
    return values


def _clean(name: str, raw: str | None, *, encoded: bool) -> str:
    if raw is None:
        raise DeclinedError(Decline.PARAMETER, f"{name[:40]}[]")
    text = raw
    if encoded:
        try:
            text = unquote_to_bytes(raw.replace("+", " ").encode("latin-1")).decode()
        except UnicodeDecodeError:
            raise DeclinedError(Decline.UNCLEAN_TEXT, name[:40]) from None
    inside = text.replace(SEPARATOR, "") if text.startswith(SEPARATOR) else text
    if not unicodedata.is_normalized("NFC", text) or not _CONTROLS.isdisjoint(inside) or "\ufffd" in text:
        raise DeclinedError(Decline.UNCLEAN_TEXT, name[:40])
    return text
