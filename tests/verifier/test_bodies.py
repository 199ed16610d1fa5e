"""Bodies of samples: every coding, every format, bounded."""

import gzip
import zlib
from typing import Any

import pytest
from fakes.samples import sample

from rules.routes.route import EntityRead, Projection, Surface
from rules.verdict import Outcome
from verifier.bodies import Body, NoBody, json_body

READ = EntityRead(surface=Surface.WBGETENTITIES, entities=())
JSON = ("content-type", "application/json; charset=utf-8")


def body(raw: bytes, *headers: tuple[str, str], **kwargs: Any) -> Any:
    found = json_body(sample("/w/api.php", raw, response_headers=(JSON, *headers)), READ, **kwargs)
    return found.json if isinstance(found, Body) else found


@pytest.mark.parametrize(
    ("coding", "raw"),
    [("identity", b'{"a":1}'), ("gzip", gzip.compress(b'{"a":1}')), ("X-Gzip", gzip.compress(b'{"a":1}')),
     ("deflate", zlib.compress(b'{"a":1}'))],
)  # fmt: skip
def test_codings(coding: str, raw: bytes) -> None:
    assert body(raw, ("content-encoding", coding)) == {"a": 1}


@pytest.mark.parametrize(
    ("coding", "raw", "outcome", "reason"),
    [
        ("br", b"x", Outcome.NOT_COMPARED, "content_encoding"),
        ("gzip", b"no gzip", Outcome.ERROR, "body_unreadable"),
        ("gzip", gzip.compress(b'{"a":1}')[:-4], Outcome.ERROR, "body_unreadable"),
        ("", b"{", Outcome.ERROR, "body_unreadable"),
        ("", b"[" * 100_000, Outcome.ERROR, "body_unreadable"),
        ("gzip", gzip.compress(b"0" * 10_000_000), Outcome.ERROR, "body_too_large"),
        ("", b"0" * 2000, Outcome.ERROR, "body_too_large"),
    ],
)
def test_bodies_that_cannot_be_read(coding: str, raw: bytes, outcome: Outcome, reason: str) -> None:
    limit = 200_000 if raw.startswith(b"[") else 1000
    found = body(raw, ("content-encoding", coding), bytes_max=limit)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_what_is_no_json() -> None:
    jsonp = EntityRead(surface=Surface.WBGETENTITIES, entities=(), projection=Projection(callback="cb"))
    assert json_body(sample("/", b"{}"), jsonp) == NoBody(Outcome.NOT_COMPARED, "format_jsonp")
    assert json_body(sample("/", b"", method="HEAD"), READ) == NoBody(Outcome.NOT_COMPARED, "no_body")
    xml = EntityRead(surface=Surface.WBGETENTITIES, entities=(), projection=Projection(format="xml"))
    page = sample("/", b"<x/>", response_headers=(("content-type", "text/xml"),))
    assert json_body(page, xml) == NoBody(Outcome.NOT_COMPARED, "format_xml", "text/xml")
