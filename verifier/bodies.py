"""The body of a sampled answer as parsed JSON, or why there is none. Bounded; never raises on any bytes."""

import zlib
from dataclasses import dataclass
from typing import Any

from rules.routes.route import EntityRead
from rules.sample import Sample
from rules.verdict import Outcome
from wikibase.errors import NotAnEntityError
from wikibase.json_text import parse_json

BODY_BYTES_MAX = 64 * 1024 * 1024
"""The most bytes of an answer that are judged, after decompression."""

_ANY_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PLAIN = frozenset({"", "identity"})
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class NoBody:
    """Why there is nothing to compare: the outcome, a fixed word, and more in words."""

    outcome: Outcome
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A body as parsed JSON, and how many bytes of plain JSON it was."""

    json: Any
    size_bytes: int


def json_body(sample: Sample, read: EntityRead, *, bytes_max: int = BODY_BYTES_MAX) -> Body | NoBody:
    """Return the parsed JSON of an answer, or a NoBody."""
    if sample.method == "HEAD":
        return NoBody(Outcome.NOT_COMPARED, "no_body")
    if read.projection.callback is not None:
        return NoBody(Outcome.NOT_COMPARED, "format_jsonp")
    media_type = (sample.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return NoBody(Outcome.NOT_COMPARED, f"format_{read.projection.format}", media_type)
    plain = plain_bytes(sample, bytes_max)
    if isinstance(plain, NoBody):
        return plain
    try:
        # Not a strict parser: MediaWiki serves half surrogate pairs.
        return Body(parse_json(plain), len(plain))
    except NotAnEntityError as error:
        return NoBody(Outcome.ERROR, "body_unreadable", str(error)[:200])


def plain_bytes(sample: Sample, bytes_max: int = BODY_BYTES_MAX) -> bytes | NoBody:
    """Return the body of an answer, unpacked, or why there is none."""
    coding = (sample.header("content-encoding") or "").strip().lower()
    if coding in _PLAIN:
        body = sample.body
    elif coding in _ZIPPED:
        unpacker = zlib.decompressobj(_ANY_GZIP_OR_ZLIB)
        try:
            body = unpacker.decompress(sample.body, bytes_max + 1)
        except zlib.error as error:
            return NoBody(Outcome.ERROR, "body_unreadable", str(error)[:200])
        if len(body) <= bytes_max and not unpacker.eof:
            return NoBody(Outcome.ERROR, "body_unreadable", "the compressed body is cut short")
    else:
        return NoBody(Outcome.NOT_COMPARED, "content_encoding", coding[:40])
    if len(body) > bytes_max:
        return NoBody(Outcome.ERROR, "body_too_large", f"more than {bytes_max} bytes")
    return body
