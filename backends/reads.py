"""Reads of the store with a cache: content is remembered, because it cannot change; rows and heads are asked each time.

- What a snapshot holds is immutable and cached by bytes. What is cached is decoded and shared: nobody may change it.
- A row says which snapshot, and what of it may be shown now; so it is never taken from memory unseen: what was hidden
  a moment ago is not shown. Readers at once share a query, but only one that began after they came: nobody gets an
  answer older than the question (invariant 6). Where the database tells cheaply that nothing was committed since
  (SQLite), the row of a head that was read since is still what is there, and is not asked for.
- An entity that is not there is remembered for `absent_s`. Who was told of a revision asks `has`, which always looks;
  where the store itself takes writes on several workers, `absent_s` must be 0.
- A snapshot that is missing or damaged is remembered for `broken_s`, so that it is not fetched with every request.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import zstandard
from cachetools import LRUCache, TTLCache

from backends.errors import BackendError, CorruptError
from backends.ledger.revisions import Entry, Head
from backends.snapshots.envelope import SnapshotKey, decode
from backends.store import Store
from backends.visibility import shown
from wikibase.ids import EntityId
from wikibase.revision import Revision

BATCH_MAX = 50
"""The most entities that one call asks for, as in the Action API."""

BYTES_PER_PLAIN_BYTE = 6
"""What a byte of JSON takes in memory once decoded, at most (measured: 2.4 to 5.6 on entities of 3 to 215 KB)."""

BYTES_PER_REVISION = 2048
"""What a cached revision takes besides its content."""

T = TypeVar("T")


@dataclass(slots=True)
class _Line(Generic[T]):
    """Those who ask for one key at once."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    begun: int = 0
    ended: int = 0
    result: T | None = None
    error: BackendError | None = None


class Flights(Generic[T]):
    """Single flight: who asks while a question is under way shares the next one with all others that wait for it."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line[T]] = {}

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question that began after this call. Raises what the question raises."""
        line = self._lines.setdefault(key, _Line())
        line.waiting += 1
        seen = line.begun
        try:
            async with line.turn:
                if line.ended <= seen:
                    await self._fly(line, question)
                if line.error is not None:
                    raise line.error
                return line.result  # type: ignore[return-value]  # set by the flight, whatever T is
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[key]

    async def _fly(self, line: _Line[T], question: Callable[[], Awaitable[T]]) -> None:
        line.begun += 1
        number = line.begun
        try:
            line.result, line.error = await question(), None
        except BackendError as error:
            line.error = error
        line.ended = number


@dataclass(slots=True)
class ReadCounts:
    """How often content was found in the cache, fetched, and found broken."""

    hits: int = 0
    fetched: int = 0
    broken: int = 0


class CachedReads:
    """What answers are made from. Content that is returned is shared: it must not be changed."""

    def __init__(
        self,
        store: Store,
        *,
        cache_bytes: int,
        absent_s: float,
        broken_s: float = 5.0,
        remembered_max: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cache_bytes`: bound of the decoded content in memory. `remembered_max`: bound of each negative cache."""
        self._store = store
        self._content: LRUCache[str, tuple[Revision, int]] = LRUCache(cache_bytes, getsizeof=lambda kept: kept[1])
        self._absent: TTLCache[EntityId, bool] = TTLCache(remembered_max, max(absent_s, 1e-9), timer=clock)
        self._remembers_absence = absent_s > 0
        self._broken: TTLCache[str, CorruptError] = TTLCache(remembered_max, max(broken_s, 1e-9), timer=clock)
        self._rows: Flights[Entry | None] = Flights()
        self._head_rows: LRUCache[EntityId, Entry] = LRUCache(remembered_max)
        self._head_rows_version: int | None = None
        self._fetching: Flights[Revision] = Flights()
        self.counts = ReadCounts()

    async def head(self, entity_id: EntityId) -> Head | None:
        """Return the entity's head, None when the store does not have the entity."""
        if entity_id in self._absent:
            return None
        head = await self._store.head(entity_id)
        if head is None:
            self._remember_absent(entity_id)
        return head

    async def has(self, entity_id: EntityId, rev_id: int) -> bool:
        """Return whether the store has a revision now; asks, whatever is remembered. The question of the fence."""
        found = await self._store.position(entity_id, rev_id) is not None
        if found:
            self.forget_absent(entity_id)
        return found

    def forget_absent(self, entity_id: EntityId) -> None:
        """Look again at the next read: somebody said that the entity is there."""
        self._absent.pop(entity_id, None)

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        """Return a revision as it may be shown now, None when the store does not have it. Raises CorruptError."""
        key = (entity_id, rev_id)
        entry = await self._rows.ask(key, lambda: self._store.index.entry(entity_id, rev_id))
        return await self.load(entry) if entry else None

    async def head_revision(self, entity_id: EntityId) -> Revision | None:
        """Return the head's revision as it may be shown now, None when the store does not have the entity."""
        if entity_id in self._absent:
            return None
        entry = await self._head_entry(entity_id)
        if entry is None:
            self._remember_absent(entity_id)
            return None
        return await self.load(entry)

    async def head_revisions(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, Revision | CorruptError]:
        """Return the heads' revisions of those entities that the store has; one that is broken does not spoil the rest.

        Raises ValueError for more than 50 ids.
        """
        if len(entity_ids) > BATCH_MAX:
            raise ValueError(f"{len(entity_ids)} entities in one batch, at most {BATCH_MAX} are possible")
        wanted = [one for one in dict.fromkeys(entity_ids) if one not in self._absent]
        entries = await self._store.index.head_entries_of(wanted)
        for entity_id in wanted:
            if entity_id not in entries:
                self._remember_absent(entity_id)
        loaded = await asyncio.gather(*(self._load_or_error(entry) for entry in entries.values()))
        return dict(zip(entries, loaded, strict=True))

    async def history(
        self, entity_id: EntityId, *, before: tuple[int, int] | None = None, size: int = BATCH_MAX
    ) -> Sequence[Entry]:
        """Return one page of rows, newest first, beginning before (position, rev_id)."""
        if before is None:
            return await self._store.index.history_back(entity_id, size=size)
        return await self._store.index.history_back(entity_id, before=before, size=size)

    async def load(self, entry: Entry) -> Revision:
        """Return the revision of a row that was just read. Raises CorruptError."""
        key = str(SnapshotKey(entry.entity_id, entry.rev_id, entry.digest))
        if (found := self._content.get(key)) is not None:
            self.counts.hits += 1
            kept = found[0]
        elif (error := self._broken.get(key)) is not None:
            raise error
        else:
            kept = await self._fetching.ask(key, lambda: self._fetch(entry, key))
        if not entry.overlay and not kept.hidden and entry.position == kept.position:
            return kept
        return shown(kept, entry)

    def cached_bytes(self) -> int:
        """Return how much the cached content takes in memory, estimated."""
        return int(self._content.currsize)

    async def _head_entry(self, entity_id: EntityId) -> Entry | None:
        index = self._store.index
        version = index.version()
        if version is None:
            return await index.head_entry(entity_id)
        if version != self._head_rows_version:
            self._head_rows.clear()
            self._head_rows_version = version
        elif (kept := self._head_rows.get(entity_id)) is not None:
            return kept
        entry = await index.head_entry(entity_id)
        # It was read after `version` was seen. If that has changed meanwhile, the next reader forgets it.
        if entry is not None and version == self._head_rows_version:
            self._head_rows[entity_id] = entry
        return entry

    async def _load_or_error(self, entry: Entry) -> Revision | CorruptError:
        try:
            return await self.load(entry)
        except CorruptError as error:
            return error

    async def _fetch(self, entry: Entry, key: str) -> Revision:
        # Who waited here while another fetched it finds it now.
        if (found := self._content.get(key)) is not None:
            return found[0]
        try:
            body = await self._store.packed(entry)
            kept = decode(body, key)
        except CorruptError as error:
            self.counts.broken += 1
            self._broken[key] = error
            raise
        self.counts.fetched += 1
        size = BYTES_PER_PLAIN_BYTE * zstandard.frame_content_size(body) + BYTES_PER_REVISION
        if size <= self._content.maxsize:
            self._content[key] = (kept, size)
        return kept

    def _remember_absent(self, entity_id: EntityId) -> None:
        if self._remembers_absence:
            self._absent[entity_id] = True
