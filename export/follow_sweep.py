"""The net below the follower: the wiki's heads held against the store's, all of them again and again.

Three walks: the newest revisions' entities every few seconds; all pages of the wiki, in `period_s`; all heads of the
store, whether the wiki has a page for them. Where they differ the entity is called for. Where they differ still after
`settle_s`, with the wiki's head the same as then, it is a finding, closed when a later look finds them equal.
Resumable: where the walks stand is a checkpoint.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.errors import BackendError
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFinding, AuditFindings
from backends.ledger.ids import is_store_made
from backends.ledger.revisions import Head
from backends.ledger.wakes import RETRY, Wake, Wakes
from backends.store import Store
from backends.wiki.changes_shapes import REVISIONS, PageHead
from export.changes import Changes
from export.follow_stream import wall_ms
from wikibase.ids import EntityId
from wikibase.revision import State

log = logging.getLogger(__name__)

CHECKPOINT = "follower_sweep"
HEAD_DIFFERS = "head_differs"
ALIVE_IN_STORE = "alive_in_store_only"
KINDS = (HEAD_DIFFERS, ALIVE_IN_STORE)

FAILED_WAIT_S = 5.0

WAITING_MAX = 10_000
"""The most entities whose difference waits to be looked at again; more are called for, and found by the next walk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPace:
    """How the walks go.

    `period_s`: in which the whole wiki is walked. `batch`: heads at once. `settle_s`: after which a difference counts.
    `recent`: so many of the newest revisions are looked at every `recent_every_s`.
    """

    period_s: float = 86_400.0
    batch: int = 500
    settle_s: float = 10.0
    recent: int = 200
    recent_every_s: float = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A difference that was seen: at which head of the wiki's (None: no page), and when it is looked at again."""

    wiki_rev_id: int | None
    due_ms: int


@dataclass(slots=True)
class Sweep:
    """The walks over one wiki and one store."""

    changes: Changes
    store: Store
    wakes: Wakes
    findings: AuditFindings
    checkpoints: Checkpoints
    pace: SweepPace = field(default_factory=SweepPace)
    clock_ms: Callable[[], int] = wall_ms
    monotonic: Callable[[], float] = time.monotonic
    heads_seen: int = 0
    differences: int = 0
    passes: int = 0
    waiting: dict[EntityId, _Waiting] = field(default_factory=dict)
    open: set[EntityId] = field(default_factory=set)
    _size: int = 0
    _loaded: bool = False
    _recent_at: float = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Walk until told to stop, from where the checkpoint says, at the pace that `period_s` asks for."""
        while not stop.is_set():
            began = self.monotonic()
            try:
                await self.recent((await self.changes.moment(with_transactions=False)).last[REVISIONS])
                await self.look_again()
                seen = await self.step()
                rest_s = await self._rest_s(seen) - (self.monotonic() - began)
            except BackendError as error:
                log.warning("The sweep goes on in a moment: %s", error, extra={"action": "sweep_failed"})
                rest_s = FAILED_WAIT_S
            await _until(stop, max(rest_s, 0.0))

    async def _rest_s(self, seen: int) -> float:
        """Return how long a batch may take: its share of the period, no longer than until the recent ones' turn."""
        if not self._size:
            return 0.05  # the first walk measures
        return min(self.pace.period_s * max(seen, 1) / self._size, self.pace.recent_every_s)

    async def whole_pass(self) -> int:
        """Walk everything once from where the checkpoint says, as fast as can be; return how many differ for good."""
        before = self.passes
        while self.passes == before:
            await self.step()
        while self.waiting:
            soon = min(one.due_ms for one in self.waiting.values()) - self.clock_ms()
            await asyncio.sleep(max(soon, 0) / 1000)
            await self.look_again()
        return len(self.open)

    async def step(self) -> int:
        """Walk one batch; return how many heads were looked at."""
        if not self._loaded:
            self.open = {one.found.entity_id async for one in self.findings.open() if one.found.kind in KINDS}
            self._loaded = True
        state = dict(await self.checkpoints.get(CHECKPOINT) or {"walk": "wiki", "after": None})
        seen = await (self._wiki_batch(state) if state["walk"] == "wiki" else self._store_batch(state))
        await self.checkpoints.put(CHECKPOINT, state)
        self._size = int(str(state.get("size", 0)))
        self.heads_seen += seen
        return seen

    async def recent(self, last_rev_id: int) -> None:
        """Look at the entities of the newest revisions, at most every `recent_every_s`."""
        if self.monotonic() - self._recent_at < self.pace.recent_every_s:
            return
        self._recent_at = self.monotonic()
        mark = max(0, last_rev_id - self.pace.recent)
        changes = await self.changes.after(REVISIONS, mark, since="", size=self.pace.recent)
        ids = list(dict.fromkeys(entity_id for one in changes for entity_id in one.entity_ids))
        await self._compare(ids, await self.changes.heads_of(ids))

    async def look_again(self) -> None:
        """Decide what has differed for long enough."""
        now = self.clock_ms()
        due = [entity_id for entity_id, one in self.waiting.items() if one.due_ms <= now][: self.pace.batch]
        if not due:
            return
        wiki = await self.changes.heads_of(due)
        store = await self.store.index.heads_of(due)
        for entity_id in due:
            first = self.waiting.pop(entity_id)
            page, head = wiki.get(entity_id), store.get(entity_id)
            kind = _difference(page, head)
            if kind is None:
                await self._close(entity_id)
            elif (page.rev_id if page else None) == first.wiki_rev_id:
                await self._open(AuditFinding(entity_id=entity_id, kind=kind, detail=_words(page, head)))
            else:
                self._hold(entity_id, page)  # the wiki has moved on: it is another difference
        await self._call(one for one in due if one in self.open)

    async def _wiki_batch(self, state: dict[str, object]) -> int:
        after = state["after"]
        found = await self.changes.heads(after=None if after is None else str(after), size=self.pace.batch)
        heads = {one.entity_id: one for one in found.heads}
        await self._compare(list(heads), heads)
        state["after"] = found.after
        if found.after is None:
            state |= {"walk": "store", "after": ""}
        _add(state, len(heads))
        return len(heads)

    async def _store_batch(self, state: dict[str, object]) -> int:
        heads = await self.store.index.heads(after=str(state["after"] or ""), size=self.pace.batch)
        alive = [head.entity_id for head in heads if head.state is not State.ARCHIVED or head.entity_id in self.open]
        await self._compare(alive, await self.changes.heads_of(alive))
        state["after"] = heads[-1].entity_id if heads else ""
        if len(heads) < self.pace.batch:
            state |= {"walk": "wiki", "after": None}
            self.passes += 1
            state |= {"size": int(str(state.get("walked", 0))) + len(heads), "walked": 0}
        else:
            _add(state, len(heads))
        return len(heads)

    async def _compare(self, ids: Sequence[EntityId], wiki: Mapping[EntityId, PageHead]) -> None:
        store = await self.store.index.heads_of(ids)
        for entity_id in ids:
            if _difference(wiki.get(entity_id), store.get(entity_id)) is None:
                await self._close(entity_id)
            elif entity_id not in self.waiting:
                self.differences += 1
                self._hold(entity_id, wiki.get(entity_id))
                await self._call([entity_id])

    def _hold(self, entity_id: EntityId, page: PageHead | None) -> None:
        if len(self.waiting) < WAITING_MAX:
            due_ms = self.clock_ms() + int(self.pace.settle_s * 1000)
            self.waiting[entity_id] = _Waiting(page.rev_id if page else None, due_ms)

    async def _call(self, ids: Iterable[EntityId]) -> None:
        now = self.clock_ms()
        await self.wakes.put(Wake(entity_id=one, kind=RETRY, due_ms=now) for one in ids)

    async def _open(self, found: AuditFinding) -> None:
        log.error("%s: %s", found.entity_id, found.detail, extra={"action": "sweep", "entity": found.entity_id})
        await self.findings.put([found])
        self.open.add(found.entity_id)

    async def _close(self, entity_id: EntityId) -> None:
        self.waiting.pop(entity_id, None)
        if entity_id in self.open:
            await self.findings.looked_at(entity_id, (), KINDS)
            self.open.discard(entity_id)


def _add(state: dict[str, object], heads: int) -> None:
    """Count heads that were walked; both walks together are the size that the pace is made from."""
    state["walked"] = int(str(state.get("walked", 0))) + heads


def _difference(page: PageHead | None, head: Head | None) -> str | None:
    """Return how an entity's heads differ, None when they say the same."""
    if head is not None and is_store_made(head.rev_id):
        return None  # the store is ahead, as it should be after the write cutover
    if page is None:
        return ALIVE_IN_STORE if head is not None and head.state is not State.ARCHIVED else None
    same = head is not None and (head.rev_id, head.page_id) == (page.rev_id, page.page_id)
    return None if same else HEAD_DIFFERS


def _words(page: PageHead | None, head: Head | None) -> str:
    wiki = f"revision {page.rev_id} of page {page.page_id}" if page else "no page"
    store = f"revision {head.rev_id} of page {head.page_id}, {head.state}" if head else "nothing"
    return f"the wiki has {wiki}, the store {store}"


async def _until(stop: asyncio.Event, wait_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await stop.wait()
