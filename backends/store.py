"""The store: immutable revisions, made of snapshots (the content) and the index (pointers and heads).

Writing: snapshots first, then one transaction of the index, which is the commit point (invariant 3); whatever dies
in between leaves nothing visible, and a repeated attempt converges. Reading: the index says which snapshot, and the
digest is verified against the index, the key and the envelope. What the wiki lets change about a revision after it
was made (tags, visibility, a renamed user) does not touch the snapshot: it lies over it, in the index.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.errors import ConflictError, CorruptError, NotFoundError
from backends.ledger.revisions import ANY, Entry, Expected, Head, HeadChange, RevisionIndex
from backends.snapshots.base import Snapshots
from backends.snapshots.envelope import SnapshotKey, content_digest, decode, encode, metadata, with_metadata
from wikibase.canonical import canonical_bytes
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

CRASH_POINTS = ("before_snapshots", "after_snapshots", "before_commit", "after_commit", "after_lookups")
"""The names with which a write calls its `crash_point`, in this order."""

PIECE_MAX = 1000
"""The most revisions that one call of `put_history` takes."""

CONFLICTS_MAX = 5
"""How often `put_history` tries again after a lost race before it gives up."""


def no_crash(point: str) -> None:
    """Do nothing at a crash point: what programs pass, in place of what tests pass."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to. `packed_bytes`: bytes of new snapshots."""

    head: Head | None
    new_snapshots: int
    packed_bytes: int


class Store:
    """Immutable revisions with heads. Does not know where snapshots and index live."""

    def __init__(
        self,
        snapshots: Snapshots,
        index: RevisionIndex,
        *,
        snapshots_at_once: int = 8,
        crash_point: Callable[[str], None] = no_crash,
    ) -> None:
        self.snapshots = snapshots
        self.index = index
        self._turns = asyncio.Semaphore(snapshots_at_once)
        self._crash_point = crash_point

    async def head(self, entity_id: EntityId) -> Head | None:
        """Return the entity's head, None when the store does not have the entity."""
        return await self.index.head(entity_id)

    async def position(self, entity_id: EntityId, rev_id: int) -> int | None:
        """Return a revision's place along the entity, None when the store does not have it. Reads no snapshot."""
        return await self.index.position(entity_id, rev_id)

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        """Return a revision with its content, None when the store does not have it.

        Raises CorruptError when its snapshot is gone, or is not what index, key and envelope promise.
        """
        entry = await self.index.entry(entity_id, rev_id)
        return await self.load(entry) if entry else None

    async def load(self, entry: Entry) -> Revision:
        """Return the revision of an index row. Raises CorruptError."""
        kept = await self._kept(entry)
        plain = {**metadata(kept), **(entry.overlay or {}), "position": entry.position}
        shown = None if entry.state is State.TEXT_HIDDEN else kept.content
        return with_metadata(shown, plain)

    async def put_history(
        self,
        entity_id: EntityId,
        revisions: Sequence[Revision],
        head_rev_id: int | None,
        *,
        page_id: int | None = None,
        expected: Expected = ANY,
    ) -> Written:
        """Store revisions that the wiki made, as the wiki tells them now.

        A long history may come in pieces of up to 1000: `head_rev_id` is None in all but the last. Repeating it, or
        telling it again after the wiki has added, inserted or hidden something, brings the store to what was told
        last. With `expected` (the head's generation seen before the wiki was asked) an older telling cannot
        overtake a newer one: ConflictError. Raises NotFoundError for a head that was not told, ValueError for
        revisions of another entity.
        """
        if len(revisions) > PIECE_MAX:
            raise ValueError(f"{len(revisions)} revisions in one piece, at most {PIECE_MAX} are possible")
        if strangers := {one.entity_id for one in revisions} - {entity_id}:
            raise ValueError(f"revisions of {sorted(strangers)} told as the history of {entity_id}")
        change = None if head_rev_id is None else HeadChange(rev_id=head_rev_id, page_id=page_id, expected=expected)
        for attempt in range(CONFLICTS_MAX):
            try:
                return await self._put(entity_id, revisions, change, page_id=page_id, kind="history")
            except ConflictError:
                if expected is not ANY or attempt == CONFLICTS_MAX - 1:
                    raise
        raise AssertionError("unreachable")

    async def write(self, revision: Revision, expected_head: int | None) -> Written:
        """Store one new revision on top of the head it was made from (None: the entity is new).

        Raises ConflictError when the head is another revision by now. A repeated write of what is already the
        head succeeds and changes nothing. Raises ValueError when the position does not follow the head's.
        """
        entity_id = revision.entity_id
        head = await self.index.head(entity_id)
        seen = head.rev_id if head else None
        if head and seen == revision.rev_id:
            entry = await self.index.entry(entity_id, revision.rev_id)
            if entry and entry.digest == content_digest(revision.content):
                return Written(head, 0, 0)
        if seen != expected_head:
            raise ConflictError(f"the head of {entity_id} is revision {seen}, not {expected_head}")
        if head and revision.position <= head.position:
            raise ValueError(f"{entity_id}: position {revision.position} does not follow the head's, {head.position}")
        if await self.index.position(entity_id, revision.rev_id) is not None:
            raise ConflictError(f"{entity_id} has a revision {revision.rev_id} already")
        change = HeadChange(
            rev_id=revision.rev_id, page_id=revision.page_id, expected=head.generation if head else None
        )
        return await self._put(entity_id, [revision], change, page_id=revision.page_id, kind="edit")

    async def _put(
        self,
        entity_id: EntityId,
        revisions: Sequence[Revision],
        change: HeadChange | None,
        *,
        page_id: int | None,
        kind: str,
    ) -> Written:
        known = await self.index.entries(entity_id, [one.rev_id for one in revisions])
        self._crash_point("before_snapshots")
        done = await self._together([(one, known.get(one.rev_id)) for one in revisions])
        entries = [entry for entry, _ in done]
        sizes = [size for _, size in done if size]
        self._crash_point("after_snapshots")
        head = await self.index.record(
            entity_id, entries, change, kind=kind, before_commit=lambda: self._crash_point("before_commit")
        )
        self._crash_point("after_commit")
        await self.index.note(entity_id, entries, page_id)
        self._crash_point("after_lookups")
        return Written(head, len(sizes), sum(sizes))

    async def _together(self, pairs: Sequence[tuple[Revision, Entry | None]]) -> list[tuple[Entry, int]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._snapshot(one, known)) for one, known in pairs]
        except ExceptionGroup as failures:
            raise _first(failures) from failures
        return [task.result() for task in tasks]

    async def _snapshot(self, revision: Revision, known: Entry | None) -> tuple[Entry, int]:
        """Make sure of the snapshot; return the index row and the bytes written (0: it was there)."""
        told = metadata(revision)
        meta = _fingerprint(told)
        overlay: Mapping[str, Any] | None = None
        size = 0
        async with self._turns:
            if known and known.meta == meta and known.digest == content_digest(revision.content):
                return _entry(revision, known.digest, meta, known.overlay), 0
            packed = encode(revision)
            if await self.snapshots.create(packed.key, packed.body):
                size = len(packed.body)
            else:
                # Somebody wrote it before: perhaps when the wiki still said something else about it.
                kept = metadata(decode(await self.snapshots.read(packed.key), packed.key))
                overlay = {key: value for key, value in told.items() if key != "position" and kept[key] != value}
        return _entry(revision, packed.digest, meta, overlay or None), size

    async def _kept(self, entry: Entry) -> Revision:
        key = str(SnapshotKey(entry.entity_id, entry.rev_id, entry.digest))
        try:
            body = await self.snapshots.read(key)
        except NotFoundError as error:
            raise CorruptError(
                f"snapshot of {entry.entity_id} revision {entry.rev_id}: the index has it with digest {entry.digest},"
                " but it is not there"
            ) from error
        return decode(body, key)


def _entry(revision: Revision, digest: str, meta: str, overlay: Mapping[str, Any] | None) -> Entry:
    return Entry(
        entity_id=revision.entity_id,
        rev_id=revision.rev_id,
        position=revision.position,
        parent_id=revision.parent_id,
        timestamp=revision.timestamp,
        state=revision.state,
        redirect_target=revision.redirect_target,
        digest=digest,
        meta=meta,
        overlay=overlay,
    )


def _fingerprint(told: Mapping[str, Any]) -> str:
    """Return 16 hex digits that change when the wiki says something else about a revision, its place aside."""
    return hashlib.sha256(canonical_bytes({**told, "position": 0})).hexdigest()[:16]


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
