"""The check of the store: the index against the bucket both ways, digests, chains, heads, lookups, purges.

`sample` looks at some entities, chosen by chance, and at all objects of each. `full` looks at every entity and then
at every object; it stands at a checkpoint after each page, so that whatever stops it, the next run goes on there.
The store may be in use.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

from backends.errors import CorruptError
from backends.journal import PREFIX as JOURNAL_PREFIX
from backends.journal import Journal
from backends.ledger.checkpoints import Checkpoints
from backends.redaction import ORDER_PREFIX, parse_order
from backends.snapshots.envelope import SnapshotKey, parse_key
from backends.store import Store
from backends.visibility import RESTRICTED, RESTRICTED_PREFIX
from export.fsck_entity import EntityCheck
from export.fsck_repair import Repair
from export.fsck_result import Finding, FsckResult, Kind, Note
from wikibase.ids import EntityId

CHECKPOINT = "fsck.full"
"""The name of the checkpoint: {"state": "running" | "finished", "stage", "after", "result"}."""

PAGE = 200
"""Entities between two checkpoints."""

KEYS_PAGE = 1000
"""Objects between two checkpoints."""

Progress = Callable[[str, FsckResult], None]


def no_progress(stage: str, result: FsckResult) -> None:
    """Show nothing."""


class Fsck:
    """A check of one store."""

    def __init__(
        self,
        store: Store,
        checkpoints: Checkpoints,
        *,
        entities_at_once: int = 8,
        recheck_after_s: float = 1.0,
        repair: Repair | None = None,
        progress: Progress = no_progress,
    ) -> None:
        """`recheck_after_s`: what is found counts when it is found again after so many seconds.

        `repair` mends what it can as soon as it is found.
        """
        self._recheck_after_s = recheck_after_s
        self._store = store
        self._checkpoints = checkpoints
        self._entities = EntityCheck(store)
        self._turns = asyncio.Semaphore(entities_at_once)
        self._repair = repair
        self._progress = progress

    async def sample(self, count: int, *, seed: int) -> FsckResult:
        """Check so many entities, each as likely as any other, and their objects."""
        result = FsckResult()
        chosen = await self._chosen(count, random.Random(seed))  # noqa: S311 - a sample, no secret
        for some in _batches(chosen, PAGE):
            result += await self._check_all(some)
            for entity_id in some:
                for prefix in ("", RESTRICTED_PREFIX, ORDER_PREFIX):
                    result += await self._objects(f"{prefix}{entity_id}/")
            self._progress("entities", result)
        return result

    async def full(self) -> FsckResult:
        """Check everything, going on where an unfinished check stopped. Returns what all its parts found together."""
        kept = await self._checkpoints.get(CHECKPOINT)
        if kept is None or kept.get("state") != "running":
            kept = {"stage": "entities", "after": "", "result": FsckResult().as_json()}
        result = FsckResult.of_json(kept["result"])
        after = kept["after"]
        if kept["stage"] == "entities":
            while page := await self._store.index.entity_ids(after=after, size=PAGE):
                result += await self._check_all(page)
                after = page[-1]
                await self._stand("entities", after, result)
                self._progress("entities", result)
            after = ""
            await self._stand("objects", after, result)
        result = await self._all_objects(after, result)
        await self._stand("finished", "", result)
        return result

    async def _chosen(self, count: int, dice: random.Random) -> Sequence[EntityId]:
        """Return so many entities by reservoir: each has the same chance, and memory is bounded by the count."""
        chosen: list[EntityId] = []
        after, seen = "", 0
        while page := await self._store.index.entity_ids(after=after):
            for entity_id in page:
                seen += 1
                if len(chosen) < count:
                    chosen.append(entity_id)
                elif (place := dice.randrange(seen)) < count:
                    chosen[place] = entity_id
            after = page[-1]
        return chosen

    async def _check_all(self, entity_ids: Sequence[EntityId]) -> FsckResult:
        results = await self._each([(entity_id, None) for entity_id in entity_ids])
        suspects = [(one, result.examples) for one, result in zip(entity_ids, results, strict=True) if result.examples]
        if suspects:
            await asyncio.sleep(self._recheck_after_s)  # a write that was under way has ended by then
            again = dict(zip([one for one, _ in suspects], await self._each(suspects), strict=True))
            results = [again.get(one, result) for one, result in zip(entity_ids, results, strict=True)]
        return sum([await self._mended(result) for result in results], FsckResult())

    async def _each(self, asked: Sequence[tuple[EntityId, Sequence[Finding] | None]]) -> list[FsckResult]:
        async def one(entity_id: EntityId, suspected: Sequence[Finding] | None) -> FsckResult:
            async with self._turns:
                return await self._entities.check(entity_id, suspected=suspected)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(*pair)) for pair in asked]
        except ExceptionGroup as failures:
            raise _first(failures) from failures
        return [task.result() for task in tasks]

    async def _all_objects(self, after: str, result: FsckResult) -> FsckResult:
        """Look at every object. No order of keys is promised: going on means to skip up to the last one seen.

        Where that one is not met again, all are looked at again: better twice than not at all.
        """
        if after and not await self._is_there(after):
            after = ""
        skipping = bool(after)
        async for keys in self._pages_of_keys(""):
            if skipping:
                if after not in keys:
                    continue
                keys = keys[keys.index(after) + 1 :]  # noqa: PLW2901 - the rest of the page
                skipping = False
            result += await self._look_at(keys)
            if keys:
                await self._stand("objects", keys[-1], result)
            self._progress("objects", result)
        return result

    async def _is_there(self, key: str) -> bool:
        return any([found == key async for found in self._store.snapshots.keys(key)])

    async def _objects(self, prefix: str) -> FsckResult:
        result = FsckResult()
        async for keys in self._pages_of_keys(prefix):
            result += await self._look_at(keys)
        return result

    async def _pages_of_keys(self, prefix: str) -> AsyncIterator[list[str]]:
        page: list[str] = []
        async for key in self._store.snapshots.keys(prefix):
            page.append(key)
            if len(page) == KEYS_PAGE:
                yield page
                page = []
        if page:
            yield page

    async def _look_at(self, keys: Sequence[str]) -> FsckResult:
        noted: Counter[Note] = Counter()
        findings: list[Finding] = []
        by_entity: dict[EntityId, list[tuple[SnapshotKey, bool]]] = defaultdict(list)
        for key in keys:
            restricted = key.startswith(RESTRICTED_PREFIX)
            named = parse_key(key.removeprefix(RESTRICTED_PREFIX))
            if named is not None:
                by_entity[named.entity_id].append((named, restricted))
            elif key.startswith(ORDER_PREFIX):
                findings += await self._order(key)
            elif key.startswith(JOURNAL_PREFIX):
                findings += await self._segment(key)
            else:
                noted[Note.UNKNOWN_KEY] += 1
        for entity_id, some in by_entity.items():
            noted += await self._snapshots(entity_id, some)
        return await self._mended(FsckResult.of(findings, noted, objects=len(keys)))

    async def _mended(self, result: FsckResult) -> FsckResult:
        if self._repair is None or not result.examples:
            return result
        return replace(result, mended=await self._repair.mend(result.examples))

    async def _snapshots(self, entity_id: EntityId, some: Sequence[tuple[SnapshotKey, bool]]) -> Counter[Note]:
        noted: Counter[Note] = Counter()
        rows = await self._store.index.entries(entity_id, sorted({named.rev_id for named, _ in some}))
        for named, restricted in some:
            row = rows.get(named.rev_id)
            if restricted:
                if row is None or (row.overlay or {}).get(RESTRICTED) != named.digest:
                    noted[Note.RESTRICTED_ORPHAN] += 1
            elif row is None:
                noted[Note.ORPHAN] += 1
            elif row.digest != named.digest:
                noted[Note.SUPERSEDED] += 1
        return noted

    async def _order(self, key: str) -> list[Finding]:
        try:
            order = parse_order(await self._store.snapshots.read(key))
        except CorruptError as error:
            return [Finding(Kind.PURGE_NOT_IN_INDEX, key, None, str(error))]
        known = {(one.rev_id, one.digest) for one in await self._store.index.purges(order.entity_id)}
        if (order.rev_id, order.digest) in known:
            return []
        return [Finding(Kind.PURGE_NOT_IN_INDEX, order.entity_id, order.rev_id, key)]

    async def _segment(self, key: str) -> list[Finding]:
        try:
            await Journal(self._store.snapshots, self._store.index).read(key)
        except CorruptError as error:
            return [Finding(Kind.SEGMENT_CORRUPT, key, None, str(error))]
        return []

    async def _stand(self, stage: str, after: str, result: FsckResult) -> None:
        state: dict[str, Any] = {
            "state": "finished" if stage == "finished" else "running",
            "stage": stage,
            "after": after,
            "result": result.as_json(),
        }
        await self._checkpoints.put(CHECKPOINT, state)


def _batches(entity_ids: Sequence[EntityId], size: int) -> list[Sequence[EntityId]]:
    return [entity_ids[first : first + size] for first in range(0, len(entity_ids), size)]


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
