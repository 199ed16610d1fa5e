"""The export of all history: every revision of every entity, once, in the wiki's own order.

A run divides the wiki into spans and leases them in the ledger: as many processes and machines share a run as there
are, and a span whose worker died is taken over where its last checkpoint stands. After each batch of entities stands
a checkpoint, so that whatever is killed, at most one batch is done again, which changes nothing in the store.

Before the first run reads anything it writes down where the wiki's logs stand, in the checkpoint `EXPORT_RUN`
{"began_at", "max_rev_id", "max_log_id"}: whatever is edited, deleted or hidden from then on is the follower's to
find, whether or not the export saw it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from backends.connect import EXPORT_RUN
from backends.errors import CorruptError
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.leases import ALL, Lease, LeaseLostError, Leases, Shard
from backends.ledger.unreadable import UnreadableRevisions
from backends.store import Store
from export.control import Control
from export.entity import PIECE_BYTES, KeptChangingError, bring_told, first_error
from export.outcome import ExportResult
from export.source import Source, Span, SpanBatch, Telling
from wikibase.ids import EntityId

log = logging.getLogger(__name__)

CHECKPOINT = "export.history"
"""The checkpoint of the run: {"state": "running" | "finished", "job", "began_at", "spans", "result"}."""

FAILED_MAX = 200
"""How many entities that could not be brought a span names."""

Progress = Callable[[ExportResult], None]


def no_progress(result: ExportResult) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once. `entities_at_once` of a batch are under way together, each holding `piece_bytes` of text."""

    entities_at_once: int = 4
    batch_entities: int = 50
    span_pages: int = 10_000
    piece_bytes: int = PIECE_BYTES
    lease_s: float = 60.0


@dataclass(slots=True)
class _Standing:
    """How far a span is. `failed`: entities that were left out, and why."""

    after: str | None = None
    result: ExportResult = field(default_factory=ExportResult)
    failed: list[list[str]] = field(default_factory=list)

    @classmethod
    def of_json(cls, kept: Mapping[str, Any] | None) -> "_Standing":
        if kept is None:
            return cls()
        return cls(kept["after"], ExportResult.of_json(kept["result"]), list(kept["failed"]))

    def as_json(self) -> dict[str, Any]:
        return {"after": self.after, "result": self.result.as_json(), "failed": self.failed}


class Exporter:
    """Brings a wiki's entities with all their revisions into the store."""

    def __init__(
        self,
        source: Source,
        store: Store,
        checkpoints: Checkpoints,
        leases: Leases,
        unreadable: UnreadableRevisions,
        *,
        limits: Limits | None = None,
        control: Control | None = None,
        shard: Shard = ALL,
        progress: Progress = no_progress,
        now: Callable[[], str],
    ) -> None:
        """`shard`: of a run's spans take only these. `now`: the time, for the list of what is unreadable."""
        self._source = source
        self._store = store
        self._checkpoints = checkpoints
        self._leases = leases
        self._unreadable = unreadable
        self._limits = limits or Limits()
        self._control = control or Control(checkpoints)
        self._shard = shard
        self._progress = progress
        self._now = now
        self._shown = ExportResult()

    async def run(self) -> ExportResult:
        """Export everything, or this shard's part, going on where an unfinished run stopped.

        Returns what all of the run's parts did together, whoever did them. A finished run is begun anew; a shard's is
        not. Raises UnavailableError when the wiki or the store stays away; running it again goes on.
        """
        kept = await self._checkpoints.get(CHECKPOINT)
        if kept is None or (kept["state"] == "finished" and self._shard == ALL):
            kept = await self._begin(kept)
        job = kept["job"]
        self._shown = await self._total(job)
        while True:
            lease = await self._leases.take(job, shard=self._shard)
            if lease is not None:
                await self._span(lease)
            elif await self._leases.open_parts(job, shard=self._shard) == 0:
                break
            else:
                await asyncio.sleep(self._limits.lease_s / 10)  # others are at work; one of them may die
        result = await self._total(job)
        if await self._leases.open_parts(job) == 0:
            await self._checkpoints.put(CHECKPOINT, {**kept, "state": "finished", "result": result.as_json()})
            log.info("The export is complete: %d revisions of %d entities", result.revisions, result.entities)
        return result

    async def _begin(self, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Write down the low-water mark, then the spans. Of two who begin at once one wins, and both go on with that.

        The mark of the first run stays: a later one would let the follower miss what lies between.
        """
        marks = await self._source.marks()
        if await self._checkpoints.get(EXPORT_RUN) is None:
            await self._checkpoints.put(EXPORT_RUN, {"began_at": marks.time, **_mark(asdict(marks))})
        job = f"export-{_number(before) + 1}"
        spans = await self._source.spans(self._limits.span_pages)
        planned = await self._leases.plan(job, [asdict(span) for span in spans])
        kept = {"state": "running", "job": job, "began_at": marks.time, "spans": len(spans)}
        if planned or (await self._checkpoints.get(CHECKPOINT) or {}).get("job") != job:
            await self._checkpoints.put(CHECKPOINT, kept)
        if before is not None and planned:
            await self._leases.forget(before["job"])
        return kept

    async def _span(self, lease: Lease) -> None:
        """Export one span to its end, unless it is taken from us."""
        standing = _Standing.of_json(lease.part.progress)
        span = Span(**lease.part.spec)
        try:
            async with _kept(lease, self._limits.lease_s / 3) as keeping:
                await self._batches(keeping, span, standing)
        except LeaseLostError:
            log.warning("Span %d was taken over by another worker", lease.part.number, extra={"action": "lease_lost"})

    async def _batches(self, keeping: "_Keeping", span: Span, standing: _Standing) -> None:
        size = self._limits.batch_entities
        batch = await self._source.batch(span, after=standing.after, size=size)
        while True:
            await self._control.wait()
            async with asyncio.TaskGroup() as group:
                coming = (
                    group.create_task(self._source.batch(span, after=batch.after, size=size))
                    if batch.after is not None
                    else None
                )
                done = await self._batch(batch, standing)
            await self._unreadable.put(done.unreadable, self._now())
            standing.result += replace(done, unreadable=())
            standing.after = batch.after
            self._shown += done
            self._progress(self._shown)
            if coming is None:
                await keeping.finish(standing.as_json())
                return
            await keeping.advance(standing.as_json())
            batch = coming.result()

    async def _batch(self, batch: SpanBatch, standing: _Standing) -> ExportResult:
        turns = asyncio.Semaphore(self._limits.entities_at_once)

        async def one(entity_id: EntityId, telling: Telling | None) -> ExportResult:
            async with turns:
                try:
                    return await bring_told(
                        self._source, self._store, entity_id, telling, piece_bytes=self._limits.piece_bytes
                    )
                except (KeptChangingError, CorruptError) as error:
                    # One entity's own trouble: it is written down, and the others go on.
                    log.warning(
                        "%s is left out: %s", entity_id, error, extra={"action": "left_out", "entity": entity_id}
                    )
                    standing.failed = [*standing.failed, [entity_id, str(error)[:200]]][:FAILED_MAX]
                    return ExportResult(skipped={"left_out": 1})

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(*pair)) for pair in batch.entities]
        except ExceptionGroup as failures:
            raise first_error(failures) from failures
        return sum((task.result() for task in tasks), ExportResult(skipped=batch.skipped))

    async def _total(self, job: str) -> ExportResult:
        total = ExportResult()
        async for part in self._leases.parts(job):
            total += _Standing.of_json(part.progress).result
        return total


class _Keeping:
    """A lease that is kept while the work goes on: by the work itself, or beside it when that takes long."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._turn = asyncio.Lock()
        self.ended = asyncio.Event()

    async def advance(self, progress: Mapping[str, Any]) -> None:
        async with self._turn:
            await self._lease.advance(progress)

    async def finish(self, progress: Mapping[str, Any]) -> None:
        async with self._turn:
            await self._lease.finish(progress)
            self.ended.set()

    async def keep(self, every_s: float) -> None:
        """Renew the lease every so many seconds until the work has ended."""
        while not self.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await self.ended.wait()
            async with self._turn:
                if not self.ended.is_set():
                    await self._lease.keep()


@asynccontextmanager
async def _kept(lease: Lease, every_s: float) -> AsyncIterator[_Keeping]:
    keeping = _Keeping(lease)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keeping.keep(every_s))
            try:
                yield keeping
            finally:
                keeping.ended.set()
    except ExceptionGroup as failures:
        raise first_error(failures) from failures


def _mark(marks: Mapping[str, Any]) -> dict[str, Any]:
    return {name: marks[name] for name in ("max_rev_id", "max_log_id")}


def _number(before: Mapping[str, Any] | None) -> int:
    return int(before["job"].rpartition("-")[2]) if before else 0


__all__ = ["CHECKPOINT", "EXPORT_RUN", "Exporter", "Limits", "Progress", "no_progress"]
