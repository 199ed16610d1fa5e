"""A case: everything that it takes to look into one mismatch later, as values. Holds no secret (invariant 10).

One thing that differs (entity, revision, surface) is one case, however often it is seen. Bodies are kept only while the
wiki shows the revision to anybody, and are bounded: what is cut, or not kept, is said.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules.reproduce import Exchange
from rules.sample import KEPT_REQUEST_HEADERS, Sample, safe_request_id
from rules.verdict import Verdict
from wikibase.canonical import FORM
from wikibase.json_text import write_json

BODY_BYTES_MAX = 1 << 20
"""How much of each body is kept, before it is packed."""

FORM_BYTES_MAX = 16_384
"""A longer form of a request is not kept."""

ID_CHARS = 12
WITHHELD = "withheld: the revision is not public any more"

_WORDS_MAX = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A body as it is kept. `size_bytes`: of all of it. `why`: why there is less, or none; "" where all is there."""

    text: bytes = b""
    size_bytes: int = 0
    why: str = ""

    def words(self) -> str:
        """Return what is there in words."""
        if not self.why:
            return f"{self.size_bytes} bytes"
        return f"{len(self.text)} of {self.size_bytes} bytes: {self.why}" if self.text else f"not kept: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mismatch. `verdict.sample_id` names the exchange, `exchange` holds the request that showed it."""

    case_id: str
    verdict: Verdict
    exchange: Exchange
    wiki: Kept = field(default_factory=Kept)
    store: Kept = field(default_factory=Kept)
    wiki_digest: str | None = None
    store_digest: str | None = None
    reread: str = ""
    rules_version: str = "none"
    form: int = FORM


def case_id_of(entity_id: str | None, revision: int | None, surface: str) -> str:
    """Return the id of a case: the same thing, differing again, is the same case."""
    told = f"{entity_id} {revision} {surface}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:ID_CHARS]


def exchange_of(sample: Sample, body_sha256: str | None) -> Exchange:
    """Return what of a sample it takes to ask again, and nothing else."""
    form = sample.form
    return Exchange(
        method=sample.method,
        target=sample.target,
        form=form if form is None or len(form) <= FORM_BYTES_MAX else b"",
        headers=tuple(pair for pair in sample.request_headers if pair[0].lower() in KEPT_REQUEST_HEADERS),
        status=sample.status,
        body_sha256=body_sha256,
        request_id=safe_request_id(sample.request_id, sample.header("x-request-id")) or None,
    )


def kept_body(content: Mapping[str, Any] | None, bytes_max: int = BODY_BYTES_MAX) -> Kept:
    """Return a body as it is kept: one JSON text, cut to so many bytes."""
    if content is None:
        return Kept(why="there is none")
    text = write_json(content)
    if len(text) <= bytes_max:
        return Kept(text, len(text))
    return Kept(text[:bytes_max], len(text), "cut")


def without_bodies(case: Case, why: str) -> Case:
    """Return the case without its bodies; their sizes stay."""
    return replace(case, wiki=Kept(b"", case.wiki.size_bytes, why), store=Kept(b"", case.store.size_bytes, why))


def facts_of(case: Case) -> dict[str, Any]:
    """Return everything of a case but its words and bodies, as plain JSON values."""
    verdict, exchange = case.verdict, case.exchange
    form = exchange.form
    return {
        "sample": verdict.sample_id,
        "key": verdict.key,
        "phase": verdict.phase,
        "entity_type": verdict.entity_type,
        "rules": list(verdict.rules),
        "observed_at": verdict.observed_at,
        "judged_at": verdict.judged_at,
        "method": exchange.method,
        "target": exchange.target,
        "form": None if form is None else form.decode("ascii", "replace"),
        "headers": [list(pair) for pair in exchange.headers],
        "status": exchange.status,
        "body_sha256": exchange.body_sha256,
        "request_id": exchange.request_id,
        "wiki_digest": case.wiki_digest,
        "store_digest": case.store_digest,
        "wiki_size": case.wiki.size_bytes,
        "wiki_why": case.wiki.why,
        "store_size": case.store.size_bytes,
        "store_why": case.store.why,
        "reread": case.reread[:_WORDS_MAX],
        "rules_version": case.rules_version,
        "canonical_form": case.form,
    }
