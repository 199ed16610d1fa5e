"""The store: immutable revisions, made of snapshots (the content) and the index (pointers and heads).

Writing: snapshots first, then one transaction of the index, which is the commit point (invariant 3); whatever dies
in between leaves nothing visible, and a repeated attempt converges. Reading: the index says which snapshot, and the
digest is verified against the index, the key and the envelope. What the wiki lets change about a revision after it
was made (tags, visibility, a renamed user) does not touch the snapshot: it lies over it, in the index.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backends.errors import ConflictError, CorruptError, NotFoundError
from backends.ledger.ids import is_store_made
from backends.ledger.keys import WriteKey
from backends.ledger.revisions import ANY, PURGED, Conditions, Entry, Expected, Head, HeadChange, RevisionIndex
from backends.snapshots.base import Snapshots
from backends.snapshots.envelope import (
    SnapshotKey,
    content_digest,
    decode,
    encode,
    metadata,
)
from backends.visibility import (
    RESTRICTED,
    RESTRICTED_PREFIX,
    HiddenContent,
    is_text_hidden,
    overlay_of,
    public_part,
    shown,
)
from wikibase.canonical import canonical_bytes
from wikibase.ids import EntityId
from wikibase.revision import Revision

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
    """What a write came to. `packed_bytes`: bytes of new snapshots. `repeated`: it had been committed before."""

    head: Head | None
    new_snapshots: int
    packed_bytes: int
    repeated: bool = False


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Store:
    """Immutable revisions with heads. Does not know where snapshots and index live."""

    def __init__(
        self,
        snapshots: Snapshots,
        index: RevisionIndex,
        *,
        snapshots_at_once: int = 8,
        hidden_content: HiddenContent = HiddenContent.LEFT_OUT,
        now_ms: Callable[[], int] = now_ms,
        crash_point: Callable[[str], None] = no_crash,
    ) -> None:
        """`hidden_content`: what becomes of content that is hidden when it is written."""
        self.snapshots = snapshots
        self.index = index
        self._hidden_content = hidden_content
        self._now_ms = now_ms
        self._turns = asyncio.Semaphore(snapshots_at_once)
        self.crash_point = crash_point

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
        return shown(decode(await self.packed(entry), _key(entry)), entry)

    async def packed(self, entry: Entry) -> bytes:
        """Return the bytes of a row's snapshot, not looked at. Raises CorruptError when it is not there."""
        try:
            return await self.snapshots.read(_key(entry))
        except NotFoundError as error:
            raise CorruptError(
                f"snapshot of {entry.entity_id} revision {entry.rev_id}: the index has it with digest {entry.digest},"
                " but it is not there"
            ) from error

    async def put_history(
        self,
        entity_id: EntityId,
        revisions: Sequence[Revision],
        head_rev_id: int | None,
        *,
        page_id: int | None = None,
        expected: Expected = ANY,
        epoch: int | None = None,
        heal: bool = False,
    ) -> Written:
        """Store revisions that the wiki made, as the wiki tells them now.

        A long history may come in pieces of up to 1000: `head_rev_id` is None in all but the last. Repeating it, or
        telling it again after the wiki has added, inserted or hidden something, brings the store to what was told
        last. With `expected` (the head's generation seen before the wiki was asked) an older telling cannot
        overtake a newer one: ConflictError. With `epoch` it is told only while that is the present one:
        StaleEpochError. `heal` writes snapshots anew that should be there and are not. Raises NotFoundError for a
        head that was not told, ValueError for revisions of another entity.
        """
        if len(revisions) > PIECE_MAX:
            raise ValueError(f"{len(revisions)} revisions in one piece, at most {PIECE_MAX} are possible")
        if strangers := {one.entity_id for one in revisions} - {entity_id}:
            raise ValueError(f"revisions of {sorted(strangers)} told as the history of {entity_id}")
        change = None if head_rev_id is None else HeadChange(rev_id=head_rev_id, page_id=page_id, expected=expected)
        conditions = Conditions(epoch=epoch)
        for attempt in range(CONFLICTS_MAX):
            try:
                return await self._put(entity_id, revisions, change, page_id=page_id, conditions=conditions, heal=heal)
            except ConflictError:
                if expected is not ANY or attempt == CONFLICTS_MAX - 1:
                    raise
        raise AssertionError("unreachable")

    async def write(
        self,
        revision: Revision,
        expected_head: int | None,
        *,
        key: WriteKey | None = None,
        epoch: int | None = None,
    ) -> Written:
        """Store one new revision on top of the head it was made from (None: the entity is new).

        Repeating it with the same key returns what came of it first, whatever the head is by now; so does, without
        a key, repeating what is still the head. Raises ConflictError when the head is another revision by now,
        StaleEpochError when `epoch` is not the present one, KeyReusedError when the key was given to another write,
        ValueError when parent, position or id do not follow the head's.
        """
        entity_id = revision.entity_id
        if first := await self._first(entity_id, key):
            return first
        head = await self.index.head(entity_id)
        if head and head.rev_id == revision.rev_id and key is None:
            entry = await self.index.entry(entity_id, revision.rev_id)
            told = public_part(revision)
            if entry and (entry.digest, entry.meta) == (content_digest(told.content), fingerprint(metadata(told))):
                await self.index.note(entity_id, [entry], revision.page_id)
                return Written(head, 0, 0, repeated=True)
        try:
            await self._check_follows(revision, head, expected_head)
            return await self._append(revision, head, Conditions(epoch=epoch, key=key, now_ms=self._now_ms()))
        except ConflictError:
            # Perhaps it was ourselves: the same write under way twice.
            if first := await self._first(entity_id, key):
                return first
            raise

    async def _check_follows(self, revision: Revision, head: Head | None, expected_head: int | None) -> None:
        entity_id, rev_id, position = revision.entity_id, revision.rev_id, revision.position
        seen = head.rev_id if head else None
        if revision.parent_id != (expected_head or 0):
            raise ValueError(
                f"{entity_id}: revision {rev_id} names the parent {revision.parent_id}, not {expected_head}"
            )
        if seen != expected_head:
            raise ConflictError(f"the head of {entity_id} is revision {seen}, not {expected_head}")
        if head is None:
            return
        if seen == rev_id:
            raise ConflictError(f"{entity_id} has a revision {rev_id} already")
        last = head.position
        if is_store_made(rev_id) and not is_store_made(head.rev_id):
            # The wiki's page_latest may name an earlier one: the first edit of the store comes after all of them.
            last = (await self.index.history_back(entity_id, size=1))[0].position
        if position <= last:
            raise ValueError(f"{entity_id}: position {position} does not follow the last one, {last}")
        if is_store_made(rev_id) and rev_id < head.rev_id:
            raise ValueError(f"{entity_id}: id {rev_id} does not follow the head's, {head.rev_id}: take one above it")

    async def _first(self, entity_id: EntityId, key: WriteKey | None) -> Written | None:
        """Return what came of a key, its lookups made up for; None when nothing did yet. Raises KeyReusedError."""
        result = await self.index.first_result(entity_id, key) if key else None
        if result is None:
            return None
        entry = await self.index.entry(entity_id, result.rev_id)
        head = await self.index.head(entity_id)
        if entry is None or head is None:
            raise CorruptError(f"{entity_id}: a key was committed with revision {result.rev_id}, which is not there")
        await self.index.note(entity_id, [entry], head.page_id)
        then = replace(
            head,
            generation=result.generation,
            rev_id=entry.rev_id,
            position=entry.position,
            timestamp=entry.timestamp,
            state=entry.state,
            redirect_target=entry.redirect_target,
        )
        return Written(then, 0, 0, repeated=True)

    async def _append(self, revision: Revision, seen: Head | None, conditions: Conditions) -> Written:
        entity_id = revision.entity_id
        self.crash_point("before_snapshots")
        entry, size = await self._snapshot(revision, None)
        self.crash_point("after_snapshots")
        change = HeadChange(rev_id=revision.rev_id, page_id=revision.page_id)
        head = await self.index.append(
            entry,
            change,
            seen=seen,
            conditions=conditions,
            before_commit=lambda: self.crash_point("before_commit"),
        )
        self.crash_point("after_commit")
        if not self.index.appends_note:
            page_is_known = seen is not None and seen.page_id == revision.page_id
            await self.index.note(entity_id, [entry], None if page_is_known else revision.page_id)
        self.crash_point("after_lookups")
        return Written(head, int(size > 0), size)

    async def _put(
        self,
        entity_id: EntityId,
        revisions: Sequence[Revision],
        change: HeadChange | None,
        *,
        page_id: int | None,
        conditions: Conditions,
        heal: bool,
    ) -> Written:
        known = await self.index.entries(entity_id, [one.rev_id for one in revisions])
        self.crash_point("before_snapshots")
        done = await self._together([(one, known.get(one.rev_id)) for one in revisions], heal=heal)
        entries = [entry for entry, _ in done]
        sizes = [size for _, size in done if size]
        self.crash_point("after_snapshots")
        head = await self.index.record(
            entity_id,
            entries,
            change,
            kind="history",
            conditions=conditions,
            before_commit=lambda: self.crash_point("before_commit"),
        )
        self.crash_point("after_commit")
        await self.index.note(entity_id, entries, page_id)
        self.crash_point("after_lookups")
        return Written(head, len(sizes), sum(sizes))

    async def _together(self, pairs: Sequence[tuple[Revision, Entry | None]], *, heal: bool) -> list[tuple[Entry, int]]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._snapshot(one, known, heal=heal)) for one, known in pairs]
        except ExceptionGroup as failures:
            raise _first(failures) from failures
        return [task.result() for task in tasks]

    async def _snapshot(self, told: Revision, known: Entry | None, *, heal: bool = False) -> tuple[Entry, int]:
        """Make sure of the snapshot; return the index row and the bytes written (0: it was there)."""
        if known and (known.overlay or {}).get(PURGED):
            return replace(known, position=told.position), 0  # destroyed by order: it does not come back
        revision = public_part(told)
        plain = metadata(revision)
        meta = fingerprint(plain)
        aside = self._hidden_content is HiddenContent.RESTRICTED and told.content is not None and is_text_hidden(told)
        overlay: dict[str, Any] = {}
        size = 0
        async with self._turns:
            is_known = not heal and known and known.meta == meta and known.digest == content_digest(revision.content)
            if known and is_known and not (aside and RESTRICTED not in (known.overlay or {})):
                return _entry(revision, known.digest, meta, known.overlay), 0
            if aside:
                hidden = encode(told)
                await self.snapshots.create(RESTRICTED_PREFIX + hidden.key, hidden.body)
                overlay[RESTRICTED] = hidden.digest
            packed = encode(revision)
            if await self.snapshots.create(packed.key, packed.body):
                size = len(packed.body)
            else:
                # Somebody wrote it before: perhaps when the wiki still said something else about it.
                kept = metadata(decode(await self.snapshots.read(packed.key), packed.key))
                overlay |= overlay_of(kept, plain)
        return _entry(revision, packed.digest, meta, overlay or None), size


def _key(entry: Entry) -> str:
    return str(SnapshotKey(entry.entity_id, entry.rev_id, entry.digest))


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


def fingerprint(told: Mapping[str, Any]) -> str:
    """Return 16 hex digits that change when the wiki says something else about a revision, its place aside."""
    return hashlib.sha256(canonical_bytes({**told, "position": 0})).hexdigest()[:16]


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
