"""A sample: one request and the wiki's answer, as the proxy hands them to the verifier.

Holds no cookie, token, authorisation header or client address (invariant 10): only what `KEPT_HEADERS`
and `rules.sampling.safe_target` let through gets into one.
"""

import re
from dataclasses import dataclass

KEPT_REQUEST_HEADERS = ("accept", "content-type", "accept-encoding", "if-modified-since", "if-none-match")
KEPT_RESPONSE_HEADERS = (
    "content-type",
    "content-encoding",
    "etag",
    "last-modified",
    "location",
    "mediawiki-api-error",
    "cache-control",
    "x-request-id",
)

_REQUEST_ID = re.compile(r"[0-9A-Za-z@_-]{16,64}", re.ASCII)


WIKI, STORE = "wiki", "store"
"""Who gave the answer of a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One observed exchange.

    `target` and `form` hold no secrets; `body` is the answer's body as it came (perhaps compressed, see
    `response_headers`). Times are Unix seconds. `phase`, `worker` and `proxy_version` say who observed it, `surface`
    what the proxy took it for: the verifier recognises by itself, that word only shares out room.
    """

    sample_id: str
    phase: str
    worker: str
    started_at: float
    duration_s: float
    method: str
    target: str
    form: bytes | None  # the request body as urlencoded parameters, None when there was none
    request_headers: tuple[tuple[str, str], ...]
    status: int
    response_headers: tuple[tuple[str, str], ...]
    body: bytes
    surface: str = ""
    proxy_version: str = ""
    answered_by: str = WIKI
    request_id: str = ""  # the client's own X-Request-Id, or the one that the wiki answered with

    def header(self, name: str) -> str | None:
        """Return the first response header of that lower-case name."""
        return next((value for key, value in self.response_headers if key == name), None)


def shed_key(why: str, surface: str) -> str:
    """Return the word under which samples that were given up are counted: why, and of which surface."""
    return f"{why}:{surface}" if surface else why


def shed_parts(key: str) -> tuple[str, str]:
    """Return (why, surface) of a `shed_key`."""
    why, _, surface = key.partition(":")
    return why, surface


def safe_request_id(*told: str | None) -> str:
    """Return the first of these that looks like the id of a request and like nothing else, "" when none does.

    No address has that form, and no host name: neither dots nor colons are taken.
    """
    return next((one for one in told if one is not None and _REQUEST_ID.fullmatch(one)), "")
