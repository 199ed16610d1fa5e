"""From observed exchanges to samples in the spool: recognised, secrets out, off the event loop.

The queue is bounded; what does not fit is shed and counted, never waited for (invariant 1). A flood on one surface
takes the room of nobody else: the longest line gives way (`rules.shedding`).
"""

import asyncio
import logging
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from backends.ledger.spool import Written
from proxy.measuring import SeenRead
from proxy.reads.request import ReadRequest
from proxy.tap import Observation
from proxy.wire.chunks import join_chunks
from proxy.wire.head import CHUNKED, WireError
from rules.routes.multipart import read_multipart
from rules.routes.parameters import MULTIPART, PARAMETERS_MAX, URLENCODED
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, NeedsBody, Request, Route, Site, Surface
from rules.sample import KEPT_REQUEST_HEADERS, KEPT_RESPONSE_HEADERS, Sample, safe_request_id, shed_key, shed_parts
from rules.sampling import safe_form, safe_pairs, safe_target
from rules.shedding import gives_way, line_of

_log = logging.getLogger(__name__)


class Spool(Protocol):
    """Where samples go. Blocking; called in the sampler's own thread."""

    def write(self, samples: Sequence[Sample], shed: Mapping[str, int]) -> Written:
        """Write what finds room, and say what did not. Raises OSError."""


@dataclass(slots=True)
class _Round:
    """What one round in the sampler's thread came to."""

    routes: list[Route] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    shed: Counter[str] = field(default_factory=Counter)  # still to be told
    reads: list[SeenRead] = field(default_factory=list)


class Sampler:
    """Takes observations from the handler and writes samples to the spool."""

    def __init__(
        self,
        spool: Spool,
        site: Site,
        worker: str,
        *,
        queue_max: int,
        flush_s: float,
        events: Counter[str],
        version: str = "",
    ) -> None:
        self._spool = spool
        self._site = site
        self._worker = worker
        self._queue_max = queue_max
        self._flush_s = flush_s
        self._events = events
        self._version = version
        self._lines: dict[str, deque[Observation]] = {}
        self._waiting = 0
        self._shed: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, "sampler")
        self.count_route: Callable[[Route], None] = lambda _route: None
        self.read_seen: Callable[[SeenRead], None] = lambda _read: None

    def offer(self, seen: Observation) -> None:
        """Take an observed exchange, or shed it. Returns at once."""
        line = line_of(seen.head.target)
        if not seen.too_much and self._waiting >= self._queue_max:
            self._make_room(line, seen)
        if seen.too_much:
            self.shed(shed_key(seen.too_much, line))
            return
        self._lines.setdefault(line, deque()).append(seen)
        self._waiting += 1

    def shed(self, key: str, count: int = 1) -> None:
        """Count samples that are given up, under a `shed_key`."""
        self._shed[key] += count
        self._events[f"shed_{shed_parts(key)[0]}"] += count

    @property
    def waiting(self) -> int:
        """How many observations wait to be written."""
        return self._waiting

    def _make_room(self, line: str, newcomer: Observation) -> None:
        """Let one observation go: the newest of the longest line, or the newcomer itself."""
        loser = gives_way({name: len(waiting) for name, waiting in self._lines.items()}, line)
        if loser == line:
            newcomer.let_go("queue_full")
            return
        self._lines[loser].pop().let_go("queue_full")
        self._waiting -= 1
        self.shed(shed_key("queue_full", loser))

    def _take_all(self) -> list[Observation]:
        batch = [seen for waiting in self._lines.values() for seen in waiting]
        self._lines.clear()
        self._waiting = 0
        return batch

    async def run(self, stop: asyncio.Event) -> None:
        """Write what is offered until `stop`, then what is left."""
        loop = asyncio.get_running_loop()
        ending = False
        while not ending:
            ending = stop.is_set()  # one more round after it, no more: shed counts may never find room
            batch = self._take_all()
            if batch or self._shed:
                shed, self._shed = self._shed, Counter()
                self._take_in(await loop.run_in_executor(self._thread, self._write, batch, shed))
                for seen in batch:
                    seen.let_go("written")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_s):
                    await stop.wait()
        self._thread.shutdown(wait=False)

    def _take_in(self, done: "_Round") -> None:
        for route in done.routes:
            self.count_route(route)
        for read in done.reads:
            self.read_seen(read)
        self._events.update(done.events)
        self._shed.update(done.shed)

    def _write(self, batch: list[Observation], shed: Counter[str]) -> "_Round":
        """Make and write samples, in the sampler's thread: touches nothing that the event loop touches."""
        done, samples = _Round(), []
        for seen in sorted(batch, key=lambda one: one.started_at):
            try:
                sample = self._sample(seen, done)
            except (WireError, ValueError) as error:
                shed[shed_key("unreadable", line_of(seen.head.target))] += 1
                done.events["shed_unreadable"] += 1
                _log.warning("a sample could not be read: %s", error, extra={"action": "sample_unreadable"})
                continue
            if sample is None:
                done.events["not_entity_reads"] += 1
            else:
                samples.append(sample)
        if not samples and not shed:
            return done
        try:
            written = self._spool.write(samples, shed)
        except OSError as error:
            refused = Counter(shed_key("spool_unwritable", sample.surface) for sample in samples)
            written = Written(0, refused, told=False)
            _log.warning("the spool cannot be written: %s", error, extra={"action": "spool_unwritable"})
        done.events["written"] += written.kept
        for key, count in written.refused.items():
            done.events[f"shed_{shed_parts(key)[0]}"] += count
        if not written.told:  # the counts go with the next segment that fits
            done.shed = shed + Counter(written.refused)
        return done

    def _sample(self, seen: Observation, done: "_Round") -> Sample | None:
        head, response = seen.head, seen.response
        assert response is not None
        form = b"".join(seen.form)
        if head.body == CHUNKED:
            form = join_chunks(form)
        target = head.target.decode("latin-1")
        fields = dict(head.fields.pairs())
        route = recognise(
            Request(
                method=head.method.decode("ascii"),
                target=target,
                content_type=fields.get("content-type"),
                accept=fields.get("accept"),
                body=form,
            ),
            self._site,
        )
        if not isinstance(route, NeedsBody) and not seen.is_counted:
            done.routes.append(route)
        if not isinstance(route, EntityRead):
            return None
        request = ReadRequest(method=head.method.decode("ascii"), target=target, headers=fields, body=form)
        done.reads.append(
            SeenRead(
                request=request,
                read=route,
                seconds=seen.duration_s,
                status=response.status,
                size_bytes=seen.body_bytes,
                answered_by=seen.answered_by,
            )
        )
        if _privileged(fields, route):
            return None
        body = b"".join(seen.body)
        answered = dict(response.fields.pairs())
        sample_id = uuid.uuid4().hex
        return Sample(
            sample_id=sample_id,
            phase=seen.phase,
            worker=self._worker,
            started_at=seen.started_at,
            duration_s=seen.duration_s,
            method=head.method.decode("ascii"),
            target=safe_target(head.target),
            form=_form(form, fields.get("content-type", "")),
            request_headers=_kept_headers(fields),
            status=response.status,
            response_headers=tuple((k, v) for k, v in response.fields.pairs() if k in KEPT_RESPONSE_HEADERS),
            body=join_chunks(body) if response.body == CHUNKED else body,
            surface=route.surface.value,
            answered_by=seen.answered_by,
            proxy_version=self._version,
            request_id=safe_request_id(fields.get("x-request-id"), answered.get("x-request-id"), sample_id),
        )


def _form(body: bytes, content_type: str) -> bytes | None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return safe_pairs(read_multipart(content_type, body, parts_max=PARAMETERS_MAX) or ()).encode("ascii")
    return safe_form(body) if kind == URLENCODED else None


def _kept_headers(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    kept = {name: fields[name] for name in KEPT_REQUEST_HEADERS if name in fields}
    if kept.get("content-type", "").lower().startswith(MULTIPART):
        kept["content-type"] = URLENCODED  # the form was re-encoded with what may be kept
    return tuple(kept.items())


def _privileged(fields: Mapping[str, str], route: EntityRead) -> bool:
    # Somebody logged in may be shown revisions that are hidden from the public (wikibase.md 1.1.2, recording 379).
    return route.surface == Surface.REVISIONS and ("cookie" in fields or "authorization" in fields)
