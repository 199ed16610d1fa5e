"""Samples made of recorded exchanges, and by hand."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rules.routes.multipart import read_multipart
from rules.sample import KEPT_REQUEST_HEADERS, KEPT_RESPONSE_HEADERS, Sample

LONG_AFTER = 2_000_000_000.0
"""A time after everything that was recorded."""


def sample(target: str, body: Any = None, **fields: Any) -> Sample:
    """Return a sample of a GET that was answered with 200 and that JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    plain: dict[str, Any] = {
        "sample_id": "s1",
        "phase": "shadow_reads",
        "worker": "w1",
        "started_at": LONG_AFTER,
        "duration_s": 0.01,
        "method": "GET",
        "target": target,
        "form": None,
        "request_headers": (),
        "status": 200,
        "response_headers": (("content-type", "application/json; charset=utf-8"),),
        "body": raw,
    }
    return Sample(**{**plain, **fields})


def reads_of_wiki_a(folder: Path) -> Iterator[tuple[str, Sample]]:
    """Yield (kind, sample) of each recorded read of dataset A."""
    with gzip.open(folder / "reads.jsonl.gz") as lines:
        for line in lines:
            row = json.loads(line)
            asked, answer = row["request"], row["response"]
            body = (
                base64.b64decode(answer["body_base64"]) if "body_base64" in answer else (answer["body"] or "").encode()
            )
            yield row["kind"], _sample(str(row["n"]), asked, answer, body)


def recorded_reads(folder: Path) -> Iterator[tuple[str, Sample]]:
    """Yield (file name, sample) of each recorded GET of `recordings/api`."""
    for path in sorted(folder.glob("*.json")):
        row = json.loads(path.read_text())
        asked, answer = row["request"], row["response"]
        if asked["method"] == "GET" and isinstance(answer["body"], str):
            query = urlencode(asked["query"] or {})
            request = {**asked, "target": f"{asked['path']}?{query}" if query else asked["path"], "body": None}
            request["headers"] = list((asked.get("headers") or {}).items())
            yield path.name, _sample(path.stem, request, answer, answer["body"].encode())


def _sample(name: str, asked: dict[str, Any], answer: dict[str, Any], body: bytes) -> Sample:
    headers = {key.lower(): value for key, value in asked["headers"]}
    return Sample(
        sample_id=name,
        phase="shadow_reads",
        worker="w1",
        started_at=LONG_AFTER,
        duration_s=0.01,
        method=asked["method"],
        target=asked["target"],
        form=_form(asked["body"], headers.get("content-type", "")),
        request_headers=tuple((key, value) for key, value in headers.items() if key in KEPT_REQUEST_HEADERS),
        status=answer["status"],
        response_headers=tuple(
            (key.lower(), value) for key, value in answer["headers"] if key.lower() in KEPT_RESPONSE_HEADERS
        ),
        body=body,
    )


def _form(body: str | None, content_type: str) -> bytes | None:
    """Return a form as a sample keeps it: urlencoded, whatever it was sent as."""
    if not body:
        return None
    if content_type.startswith("multipart/"):
        return urlencode(read_multipart(content_type, body.encode(), parts_max=100) or ()).encode()
    return body.encode() if "urlencoded" in content_type else None
