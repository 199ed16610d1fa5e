"""Answers of a real Wikibase to real anonymous requests, found again by the request.

A recorded answer is given for the same request only while nothing that it tells of was edited.
What it tells of is read off generously: every entity id that the request or the answer names.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutover.demo.answers import Answer, Asked
from cutover.demo.records import packed_lines

RECORDED_SERVER = b"http://127.0.0.1:8492"

_HEADERS_THAT_MATTER = (
    "accept",
    "accept-encoding",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "origin",
    "range",
)
_ID = re.compile(r"(?<![A-Za-z0-9])[QP][1-9]\d{0,9}(?![A-Za-z0-9])", re.IGNORECASE)
_ANSWERED_ID = re.compile(r'"(?:id|title|from|to)":"(?:Item:|Property:)?([QP]\d+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One exchange. `concerns`: what must be untouched for the answer to hold."""

    n: int
    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    answer: Answer
    concerns: frozenset[str]

    @property
    def unbuffered(self) -> bool:
        """Whether it was recorded with PHP's output buffering off: only then Content-Length and gzip appear."""
        return self.kind.endswith((".unbuffered", ".gzip-on"))


Key = tuple[str, str, tuple[tuple[str, str], ...], bytes]


class RecordedAnswers:
    """The recorded exchanges, by request."""

    def __init__(self, exchanges: Iterable[Recorded]) -> None:
        self.exchanges = tuple(exchanges)
        self._found: dict[Key, list[Recorded]] = {}
        for one in self.exchanges:
            key = one.method, one.target, _kept(dict(one.headers)), one.body
            self._found.setdefault(key, []).append(one)

    @classmethod
    def load(cls, path: Path) -> "RecordedAnswers":
        """Read the packed exchanges."""
        return cls(map(_recorded, packed_lines(path)))

    def find(self, asked: Asked, *, touched: set[str], unbuffered: bool) -> Recorded | None:
        """Return the exchange whose request is this one, None where there is none or it no longer holds."""
        kept = _kept(asked.headers)
        for tried in (kept, tuple(pair for pair in kept if pair[0] != "accept-encoding")):
            same = self._found.get((asked.method, asked.target, tried, asked.body), ())
            # The two ways of buffering recorded some requests twice.
            for one in sorted(same, key=lambda one: one.unbuffered is not unbuffered):
                return None if one.concerns & touched else one
        return None


def _kept(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    lower = {name.lower(): value for name, value in headers.items()}
    kept = {name: lower[name] for name in _HEADERS_THAT_MATTER if name in lower}
    if kept.get("accept") == "*/*":
        del kept["accept"]
    if "accept-encoding" in kept:
        if "gzip" in kept["accept-encoding"].split(";")[0]:
            kept["accept-encoding"] = "gzip"
        else:
            del kept["accept-encoding"]
    return tuple(kept.items())


def _recorded(line: Mapping[str, Any]) -> Recorded:
    request, response = line["request"], line["response"]
    packed = response.get("body_base64")
    body = base64.b64decode(packed) if packed is not None else response["body"].encode("utf-8", "surrogatepass")
    asked = request["target"] + (request["body"] or "")
    return Recorded(
        n=line["n"],
        kind=line["kind"],
        method=request["method"],
        target=request["target"],
        headers=tuple((name, value) for name, value in request["headers"]),
        body=(request["body"] or "").encode(),
        answer=Answer(
            status=response["status"],
            reason=response["reason"],
            headers=tuple((name, value) for name, value in response["headers"]),
            body=body,
            chunked=response["chunked"],
        ),
        concerns=frozenset(_concerns(asked, "" if packed is not None else response["body"])),
    )


def _concerns(asked: str, answered: str) -> Iterable[str]:
    plain = asked.replace("%7C", "|").replace("%3A", ":").replace("%1F", "|").replace("%20", " ")
    yield from (found.upper() for found in _ID.findall(plain))
    yield from _ANSWERED_ID.findall(answered)
    if "sites=" in asked:
        yield "*sites"
    if "allpages" in asked:
        yield "*pages"


def at_server(recorded: Recorded, server: str) -> Answer:
    """Return the answer with the recorded wiki's own address ($wgServer) replaced by this one's."""
    answer = recorded.answer
    if RECORDED_SERVER.decode() == server:
        return answer
    headers = tuple((name, value.replace(RECORDED_SERVER.decode(), server)) for name, value in answer.headers)
    gzipped = any(name == "Content-Encoding" for name, _ in headers)
    body = answer.body if gzipped else answer.body.replace(RECORDED_SERVER, server.encode())
    return Answer(status=answer.status, headers=headers, body=body, chunked=answer.chunked, reason=answer.reason)
