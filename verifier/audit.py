"""Audits of the store against the wiki: counts, heads, histories by sample, one entity whole.

What differs is looked at again after `settle_s`, for an edit may fall between two questions; what differs both times
is a finding in the ledger, with the command that repairs it, and closed when an audit sees it right again. The walks
over everything go on where they were stopped.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backends.errors import CorruptError
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFinding, AuditFindings
from backends.ledger.ids import is_store_made
from backends.ledger.revisions import PURGED, Entry
from backends.store import Store
from backends.wiki.changes_shapes import REVISIONS, Looked, Moment, PageHead, PageHeads, Range
from rules.parity import bound
from verifier.audit_entity import (
    ALL_KINDS,
    BROKEN,
    COUNT_KINDS,
    HEAD_KINDS,
    MISSING,
    both_times,
    compare_heads,
    compare_ids,
    compare_revision,
    is_out_of_sight,
)
from verifier.audit_result import EXAMPLES_MAX, AuditResult
from verifier.audit_sample import STRATA, draw, stratified
from verifier.audit_wiki import WikiEntity, WikiEyes, WikiRow
from wikibase.ids import EntityId
from wikibase.revision import State

RANGES_AT_ONCE = 50
_TEXTS_AT_ONCE = 20


class WikiIds(Protocol):
    """What audits ask of the wiki as a whole; `backends.wiki.changes_database` and `changes_api` answer."""

    async def heads(self, *, after: str | None, size: int) -> PageHeads:
        """Return some of all heads."""

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, PageHead]:
        """Return the heads of those entities that have a page."""

    async def among(self, stream: str, ranges: Sequence[Range], *, since: str, size: int) -> Sequence[Looked]:
        """Return the rows with ids in those ranges."""

    async def moment(self, *, with_transactions: bool) -> Moment:
        """Return the present moment."""


def no_progress(result: AuditResult) -> None:
    """Show nothing."""


@dataclass(slots=True)
class Audits:
    """The audits of one store against one wiki."""

    eyes: WikiEyes
    wiki: WikiIds
    store: Store
    findings: AuditFindings
    checkpoints: Checkpoints
    settle_s: float = 2.0
    batch: int = 200
    at_once: int = 4
    progress: Callable[[AuditResult], None] = no_progress
    _open: set[EntityId] = field(default_factory=set)

    async def entity(self, entity_id: EntityId) -> AuditResult:
        """Look at everything of one entity."""
        result = AuditResult("entity", entities=1)
        await self._load_open()
        await self._judge(result, entity_id, lambda: self._whole(entity_id, result), ALL_KINDS)
        return result

    async def counts(self, *, anew: bool = False) -> AuditResult:
        """Look at which revisions every entity has: those with a page, those of the store without, deleted ones."""
        return await self._walk("counts", self._counts_batch, anew=anew)

    async def heads(self, *, anew: bool = False) -> AuditResult:
        """Look at all heads, from the wiki's side and from the store's."""
        return await self._walk("heads", self._heads_batch, anew=anew)

    async def history(self, count: int, *, per_stratum: int = 20, seed: int, confidence: float = 0.95) -> AuditResult:
        """Look at revisions drawn by chance, and at some of each stratum among the same entities' revisions."""
        result = AuditResult("history")
        await self._load_open()
        dice = random.Random(seed)  # noqa: S311 - a sample, no secret
        last = (await self.wiki.moment(with_transactions=False)).last[REVISIONS]
        drawn = await self._drawn(last, count, dice)
        by_chance: dict[EntityId, set[int]] = {}
        for entity_id, rev_id in drawn:
            by_chance.setdefault(entity_id, set()).add(rev_id)
        besides: dict[EntityId, set[int]] = {}
        for name, entity_id, rev_id in await self._ends(last, per_stratum):
            besides.setdefault(entity_id, set()).add(rev_id)
            result.strata[name] += 1
        wrong: set[int] = set()

        async def look(entity_id: EntityId) -> None:
            room = {name: per_stratum - result.strata[name] for name in STRATA}
            rows = (await self.eyes.entity(entity_id)).rows
            more = stratified(rows, room)
            result.strata.update({name: len(some) for name, some in more.items()})
            chosen = by_chance.get(entity_id, set()) | besides.get(entity_id, set())
            chosen |= {row.about.rev_id for some in more.values() for row in some}
            found = await self._judge(
                result, entity_id, lambda: self._revisions(entity_id, chosen, result), (), counted=len(chosen)
            )
            wrong.update(one.rev_id for one in found)

        await self._each(sorted({*by_chance, *besides}), look)
        chance_ids = {rev_id for ids in by_chance.values() for rev_id in ids}
        result.bound = bound(len(chance_ids & wrong), len(chance_ids), confidence=confidence)
        return result

    async def _walk(
        self, name: str, batch: Callable[[dict[str, Any], AuditResult], Awaitable[None]], *, anew: bool
    ) -> AuditResult:
        """Walk everything batch by batch, from where the last walk was stopped."""
        await self._load_open()
        kept = None if anew else await self.checkpoints.get(f"audit_{name}")
        state: dict[str, Any] = dict(kept or {"walk": "wiki", "after": None, "entities": 0, "found": {}})
        result = AuditResult(name, entities=state["entities"], found=Counter(state["found"]))
        while state["walk"] != "done":
            await batch(state, result)
            state |= {"entities": result.entities, "found": dict(result.found)}
            await self.checkpoints.put(f"audit_{name}", state)
            self.progress(result)
        await self.checkpoints.clear(f"audit_{name}")
        return result

    async def _heads_batch(self, state: dict[str, Any], result: AuditResult) -> None:
        if state["walk"] == "wiki":
            found = await self.wiki.heads(after=state["after"], size=self.batch)
            await self._compare_heads(result, {one.entity_id: one for one in found.heads})
            result.entities += len(found.heads)
            _go_on(state, found.after, "store")
            return
        heads = await self.store.index.heads(after=state["after"] or "", size=self.batch)
        ids = [one.entity_id for one in heads if one.state is not State.ARCHIVED]
        pages = await self.wiki.heads_of(ids)
        await self._compare_heads(result, {one: pages.get(one) for one in ids if one not in pages})
        _go_on(state, heads[-1].entity_id if len(heads) == self.batch else None, "done")

    async def _compare_heads(self, result: AuditResult, pages: Mapping[EntityId, PageHead | None]) -> None:
        store = await self.store.index.heads_of(list(pages))
        wrong = [one for one, page in pages.items() if compare_heads(one, page, store.get(one)) is not None]

        async def again(entity_id: EntityId) -> list[AuditFinding]:
            page = (await self.wiki.heads_of([entity_id])).get(entity_id)
            found = compare_heads(entity_id, page, await self.store.head(entity_id))
            return [found] if found else []

        for entity_id in {*wrong, *(pages.keys() & self._open)}:
            await self._judge(result, entity_id, lambda asked=entity_id: again(asked), HEAD_KINDS)  # type: ignore[misc]

    async def _counts_batch(self, state: dict[str, Any], result: AuditResult) -> None:
        if state["walk"] == "wiki":
            found = await self.wiki.heads(after=state["after"], size=self.batch)
            await self._compare_counts(result, found.heads)
            _go_on(state, found.after, "store")
        elif state["walk"] == "store":
            ids = await self.store.index.entity_ids(after=state["after"] or "", size=self.batch)
            pages = await self.wiki.heads_of(ids)
            await self._judge_ids(result, [one for one in ids if one not in pages])
            _go_on(state, ids[-1] if len(ids) == self.batch else None, "deleted")
        else:
            ids, after = await self.eyes.deleted(state["after"])
            known = await self.store.index.heads_of(ids)
            await self._judge_ids(result, [one for one in ids if one not in known])
            _go_on(state, after, "done")

    async def _compare_counts(self, result: AuditResult, heads: Sequence[PageHead]) -> None:
        counts = await self.eyes.counts(heads)
        suspects: list[EntityId] = []
        for one in heads:
            have = await self.store.index.count(one.entity_id)
            if counts is not None and counts[one.entity_id] == have and one.entity_id not in self._open:
                result.entities += 1
                result.revisions += have
            else:
                suspects.append(one.entity_id)
        await self._judge_ids(result, suspects)

    async def _judge_ids(self, result: AuditResult, ids: Sequence[EntityId]) -> None:
        async def look(entity_id: EntityId) -> None:
            await self._judge(result, entity_id, lambda: self._ids(entity_id, result), COUNT_KINDS)

        await self._each(ids, look)
        result.entities += len(ids)

    async def _judge(
        self,
        result: AuditResult,
        entity_id: EntityId,
        look: Callable[[], Awaitable[list[AuditFinding]]],
        kinds: Collection[str],
        *,
        counted: int = 0,
    ) -> list[AuditFinding]:
        """Look, twice where something differs; keep what was found. `kinds`: which findings are closed if not seen."""
        found = await look()
        if found:
            await asyncio.sleep(self.settle_s)
            found = both_times(found, await look())
        if kinds and (found or entity_id in self._open):
            await self.findings.looked_at(entity_id, found, kinds)
        elif found:
            await self.findings.put(found)
        result.found.update(one.kind for one in found)
        result.findings += found[: EXAMPLES_MAX - len(result.findings)]
        result.revisions += counted
        result.entities += int(bool(counted))
        return found

    async def _ids(self, entity_id: EntityId, result: AuditResult) -> list[AuditFinding]:
        entries = await self._entries(entity_id)
        wiki = await self.eyes.entity(entity_id)
        result.revisions += len(entries)
        return await self._compare_ids(entity_id, wiki, entries)

    async def _compare_ids(self, entity_id: EntityId, wiki: WikiEntity, entries: list[Entry]) -> list[AuditFinding]:
        rows = {row.about.rev_id for row in wiki.rows}
        hidden: set[int] = set()
        for one in entries:
            if one.rev_id not in rows and one.state is State.ARCHIVED and not is_store_made(one.rev_id):
                try:
                    if is_out_of_sight(await self.store.load(one)):
                        hidden.add(one.rev_id)
                except CorruptError:
                    continue  # another audit's finding
        shown = [one for one in entries if one.rev_id not in hidden]
        return compare_ids(entity_id, wiki, shown, shows_archive=self.eyes.shows_archive)

    async def _whole(self, entity_id: EntityId, result: AuditResult) -> list[AuditFinding]:
        entries = await self._entries(entity_id)
        wiki = await self.eyes.entity(entity_id)
        found = await self._compare_ids(entity_id, wiki, entries)
        head = compare_heads(entity_id, wiki.page, await self.store.head(entity_id))
        found += [head] if head else []
        known = {one.rev_id: one for one in entries}
        result.revisions = len(wiki.rows)
        return found + await self._compare_rows(entity_id, wiki.rows, known, result)

    async def _revisions(self, entity_id: EntityId, rev_ids: set[int], result: AuditResult) -> list[AuditFinding]:
        wiki = await self.eyes.entity(entity_id)
        rows = [row for row in wiki.rows if row.about.rev_id in rev_ids]
        known = {one.rev_id: one for one in await self._entries(entity_id)}
        detail = "the store does not have it"
        found = [
            AuditFinding(entity_id=entity_id, kind=MISSING, rev_id=row.about.rev_id, detail=detail)
            for row in rows
            if row.about.rev_id not in known
        ]
        return found + await self._compare_rows(entity_id, rows, known, result)

    async def _compare_rows(
        self, entity_id: EntityId, rows: Sequence[WikiRow], known: Mapping[int, Entry], result: AuditResult
    ) -> list[AuditFinding]:
        found: list[AuditFinding] = []
        rows = [row for row in rows if row.about.rev_id in known]
        for start in range(0, len(rows), _TEXTS_AT_ONCE):
            some = rows[start : start + _TEXTS_AT_ONCE]
            texts = await self.eyes.texts(some)
            for row in some:
                entry = known[row.about.rev_id]
                if (entry.overlay or {}).get(PURGED):
                    continue  # destroyed by order
                try:
                    kept = await self.store.load(entry)
                except CorruptError as error:
                    detail = str(error)
                    found.append(AuditFinding(entity_id=entity_id, kind=BROKEN, rev_id=entry.rev_id, detail=detail))
                    continue
                compared = compare_revision(entity_id, row, texts.get(row.about.rev_id, "not in the answer"), kept)
                found += compared.findings
                if compared.witnessed:
                    result.witnessed.add(entry.rev_id)
        return found

    async def _entries(self, entity_id: EntityId) -> list[Entry]:
        entries: list[Entry] = []
        after = (-1, -1)
        while page := await self.store.index.history(entity_id, after=after):
            entries += page
            after = (page[-1].position, page[-1].rev_id)
        return entries

    async def _drawn(self, last: int, count: int, dice: random.Random) -> list[tuple[EntityId, int]]:
        """Draw ids until enough of them are revisions of entities, or all were drawn."""
        found: dict[int, EntityId] = {}
        asked = count * 2
        while len(found) < count:
            ranges = draw(last, asked, dice)
            found |= {rev_id: entity_id for entity_id, rev_id in await self._among(ranges)}
            if asked >= last:
                break
            asked *= 2
        chosen = dice.sample(sorted(found), min(count, len(found)))
        return [(found[rev_id], rev_id) for rev_id in chosen]

    async def _ends(self, last: int, count: int) -> list[tuple[str, EntityId, int]]:
        """Return the revisions of entities with the lowest and with the highest ids."""
        if not count or not last:
            return []
        span = count * 20
        oldest = await self._among([(1, min(last, span))])
        recent = await self._among([(max(1, last - span), last)])
        return [("oldest", *one) for one in oldest[:count]] + [("recent", *one) for one in recent[-count:]]

    async def _among(self, ranges: Sequence[Range]) -> list[tuple[EntityId, int]]:
        found: list[tuple[EntityId, int]] = []
        waiting = list(ranges)
        while waiting:
            some, waiting = waiting[:RANGES_AT_ONCE], waiting[RANGES_AT_ONCE:]
            looked = await self.wiki.among(REVISIONS, some, since="", size=500)
            for (_, high), part in zip(some, looked, strict=True):
                found += [(entity_id, one.number) for one in part.changes for entity_id in one.entity_ids[:1]]
                if part.covered[1] < high:
                    waiting.append((part.covered[1] + 1, high))
        return found

    async def _each(self, ids: Sequence[EntityId], look: Callable[[EntityId], Awaitable[None]]) -> None:
        waiting = list(reversed(ids))

        async def one_by_one() -> None:
            while waiting:
                await look(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.at_once, len(waiting))):
                group.create_task(one_by_one())

    async def _load_open(self) -> None:
        self._open = {one.found.entity_id async for one in self.findings.open()}


def _go_on(state: dict[str, Any], after: str | None, next_walk: str) -> None:
    """Note where a walk goes on, or which one comes next."""
    state |= {"after": after} if after is not None else {"walk": next_walk, "after": None}
