"""The journal: what was committed, beside the snapshots, so that the index can be rebuilt from there alone.

A snapshot cannot know what became of it: whether its revision was committed or lost a race, where later tellings put
it in the history, which of two snapshots of a revision is current, what lies over it, which revision is the head.
The journal says so, after the commit: segments of entities, each with its head and the rows that changed (all rows,
where more than appended edits happened). It is written in batches, off the path of writes, and may lag; what it has
is exact, and every row it names can be checked against the snapshots. A segment is created once, like a snapshot.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from backends.errors import CorruptError
from backends.ledger.revision_rows import Entry, Head, Purge, entry_of, entry_params, head_of, head_params
from backends.ledger.revisions import PAGE_SIZE_MAX, RevisionIndex
from backends.snapshots.base import Snapshots
from backends.store import now_ms
from wikibase.ids import EntityId

PREFIX = "journal/"
"""Before the key of a segment: journal/<milliseconds>-<sha256 of its bytes>.zst."""

SCHEMA = 1
PLAIN_MAX_BYTES = 256 * 1024 * 1024
LEVEL = 6
EDITS_MAX = 1000
"""More appended edits than this since the last segment, and all rows of the entity are written."""

TRIES_MAX = 20
"""How often an entity that changes while it is read is read again."""


@dataclass(frozen=True, slots=True)
class Committed:
    """An entity at one generation of its head: the rows that changed, or all of them (`whole`), and its purges."""

    head: Head
    entries: Sequence[Entry]
    purges: Sequence[Purge]
    whole: bool


def no_progress(count: int) -> None:
    """Show nothing of how many entities were looked at."""


class Journal:
    """Writes and reads segments."""

    def __init__(
        self,
        snapshots: Snapshots,
        index: RevisionIndex,
        *,
        rows_max: int = 5000,
        now_ms: Callable[[], int] = now_ms,
    ) -> None:
        """`rows_max`: rows of a segment, roughly: one entity is never divided."""
        self._snapshots = snapshots
        self._index = index
        self._rows_max = rows_max
        self._now_ms = now_ms

    async def catch_up(self, *, progress: Callable[[int], None] = no_progress) -> int:
        """Write down every entity whose head has changed since; return how many. Walks all heads."""
        after, written = "", 0
        while heads := await self._index.heads(after=after):
            known = await self._index.journaled([head.entity_id for head in heads])
            behind = [head for head in heads if known.get(head.entity_id, 0) < head.generation]
            written += await self.append([head.entity_id for head in behind])
            after = heads[-1].entity_id
            progress(len(heads))
        return written

    async def append(self, entity_ids: Sequence[EntityId]) -> int:
        """Write down those entities as they are now; return how many had anything to be written down."""
        waiting: list[Committed] = []
        written = rows = 0
        for first in range(0, len(entity_ids), PAGE_SIZE_MAX):
            some = entity_ids[first : first + PAGE_SIZE_MAX]
            known = await self._index.journaled(some)
            for entity_id in some:
                one = await self._committed(entity_id, known.get(entity_id, 0))
                if one is None:
                    continue
                waiting.append(one)
                written += 1
                rows += len(one.entries)
                if rows >= self._rows_max:
                    await self._write(waiting)
                    waiting, rows = [], 0
        if waiting:
            await self._write(waiting)
        return written

    async def segments(self) -> Sequence[str]:
        """Return the keys of all segments, oldest first."""
        return sorted([key async for key in self._snapshots.keys(PREFIX)])

    async def read(self, key: str) -> Sequence[Committed]:
        """Return what a segment holds. Raises CorruptError, NotFoundError."""
        return decode_segment(await self._snapshots.read(key), key)

    async def all(self) -> AsyncIterator[Committed]:
        """Yield everything that was written down, oldest segment first."""
        for key in await self.segments():
            for one in await self.read(key):
                yield one

    async def _committed(self, entity_id: EntityId, after: int) -> Committed | None:
        for _ in range(TRIES_MAX):
            head = await self._index.head(entity_id)
            if head is None or head.generation <= after:
                return None
            edits = await self._edits(head, after)
            if edits is None:
                entries = await self._whole(entity_id)
            else:
                entries = list((await self._index.entries(entity_id, edits)).values())
            purges = await self._index.purges(entity_id)
            if await self._index.head(entity_id) == head:
                return Committed(head, entries, purges, whole=edits is None)
        return None  # it is written all the time: next time, then

    async def _edits(self, head: Head, after: int) -> list[int] | None:
        """Return the revisions appended since, None where more than that happened, or is not known any more."""
        changes = await self._index.announced(head.entity_id, after=after, size=EDITS_MAX)
        known = {generation for generation, kind, _ in changes if kind == "edit" and generation <= head.generation}
        if len(known) != head.generation - after:
            return None
        return [rev_id for generation, _, rev_id in changes if generation in known]

    async def _whole(self, entity_id: EntityId) -> list[Entry]:
        entries: list[Entry] = []
        after = (-1, -1)
        while page := await self._index.history(entity_id, after=after):
            entries += page
            after = (page[-1].position, page[-1].rev_id)
        return entries

    async def _write(self, committed: Sequence[Committed]) -> None:
        body = encode_segment(committed)
        key = f"{PREFIX}{self._now_ms():016}-{hashlib.sha256(body).hexdigest()}.zst"
        await self._snapshots.create(key, body)
        await self._index.set_journaled({one.head.entity_id: one.head.generation for one in committed})


def encode_segment(committed: Sequence[Committed]) -> bytes:
    """Return the bytes of a segment."""
    plain = {
        "schema": SCHEMA,
        "entities": [
            {
                "head": head_params(one.head),
                "whole": one.whole,
                "rows": [_slim(entry_params(entry)) for entry in one.entries],
                "purges": [{name: getattr(purge, name) for name in Purge.__slots__} for purge in one.purges],
            }
            for one in committed
        ],
    }
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    return compressor.compress(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS))


def decode_segment(body: bytes, key: str) -> Sequence[Committed]:
    """Return what a segment holds, its digest verified. Raises CorruptError."""
    if hashlib.sha256(body).hexdigest() != key.rpartition("-")[2].removesuffix(".zst"):
        raise CorruptError(f"{key}: the bytes are not those that the name promises")
    try:
        plain = orjson.loads(zstandard.ZstdDecompressor().decompress(body, max_output_size=PLAIN_MAX_BYTES))
        if plain["schema"] != SCHEMA:
            raise CorruptError(f"{key}: not a segment of schema {SCHEMA}")
        return [_committed_of(one) for one in plain["entities"]]
    except (zstandard.ZstdError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"{key}: {error!r}") from error


def _committed_of(plain: Mapping[str, Any]) -> Committed:
    head = head_of(plain["head"])
    entries = [
        entry_of({"redirect_target": None, "overlay": None, "entity_id": head.entity_id, **row})
        for row in plain["rows"]
    ]
    return Committed(head, entries, [Purge(**purge) for purge in plain["purges"]], whole=plain["whole"])


def _slim(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None and key != "entity_id"}
