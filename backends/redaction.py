"""Taking revisions out of sight: hiding, which can be taken back, and purging by order, which cannot.

Hiding changes the index only. A purge goes in steps, each of which may be repeated: a record of the order beside the
snapshots; a snapshot of the revision without anything in it; one transaction that makes it the revision's content
and writes the order down; then the objects are erased, nowhere else in the program; then the order is marked done.
The place in the history, the time and the id stay: the history remains a chain.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import orjson

from backends.errors import ConflictError, CorruptError, NotFoundError
from backends.ledger.revision_rows import Purge
from backends.ledger.revisions import PURGED, Conditions, Entry, Head, HeadChange
from backends.snapshots.base import Snapshots
from backends.snapshots.envelope import NO_CONTENT_DIGEST, Packed, SnapshotKey, decode, encode, metadata, parse_key
from backends.snapshots.erasing import Erasing
from backends.store import Store, fingerprint
from backends.visibility import HIDEABLE, RESTRICTED, RESTRICTED_PREFIX, hidden_now, overlay_of, shown
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

ORDER_PREFIX = "purged/"
"""Before the key of a destroyed content's record, beside the snapshots."""

TRIES_MAX = 5
"""How often a change is tried again after a lost race."""

PURGE_STEPS = ("purge_recorded", "purge_committed", "purge_erased")
"""The names with which a purge calls its store's crash point, in this order."""


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """What a purge came to. `same_content`: other revisions of the entity with a purged content: they still have it."""

    purges: Sequence[Purge]
    same_content: Sequence[int]


async def hide(
    store: Store, entity_id: EntityId, rev_id: int, hidden: frozenset[str], *, epoch: int | None = None
) -> Head:
    """Hide exactly this of a revision ("text", "comment", "user", "suppressed"), and show everything else.

    Raises NotFoundError: no such revision, or the content to show is not in the store; ConflictError, ValueError.
    """
    for attempt in range(TRIES_MAX):
        head, entry = await _present(store, entity_id, rev_id)
        if (entry.overlay or {}).get(PURGED):
            raise NotFoundError(f"{entity_id} revision {rev_id} was destroyed by order")
        changed = await _hidden_entry(store, entry, hidden)
        try:
            return await _record(store, head, changed, kind="visibility", epoch=epoch)
        except ConflictError:
            if attempt == TRIES_MAX - 1:
                raise
    raise AssertionError("unreachable")


async def purge(
    store: Store,
    erasing: Erasing,
    entity_id: EntityId,
    rev_id: int,
    *,
    reason: str,
    ordered_by: str,
    ordered_at: str,
    epoch: int | None = None,
) -> PurgeResult:
    """Destroy the content of a revision for good, with its author and comment. Repeating it finishes what was begun.

    Raises NotFoundError, ConflictError, UnavailableError.
    """
    keys = await content_keys(store.snapshots, entity_id, rev_id)
    digests = sorted({named.digest for named in keys.values()})
    for attempt in range(TRIES_MAX):
        head, entry = await _present(store, entity_id, rev_id)
        wanted = sorted({*digests, entry.digest} - {NO_CONTENT_DIGEST})
        orders = [
            Purge(
                entity_id=entity_id,
                rev_id=rev_id,
                digest=one,
                reason=reason,
                ordered_by=ordered_by,
                ordered_at=ordered_at,
            )
            for one in wanted
        ]
        for order in orders:
            await store.snapshots.create(order_key(order), order_body(order))
        store.crash_point(PURGE_STEPS[0])
        try:
            await _record(store, head, await _empty_entry(store, head, entry), kind="purge", epoch=epoch, purges=orders)
            break
        except ConflictError:
            if attempt == TRIES_MAX - 1:
                raise
    store.crash_point(PURGE_STEPS[1])
    done = [one for one in await store.index.purges(entity_id) if one.rev_id == rev_id]
    await finish(store, erasing, done, done_at=ordered_at)
    same = [one async for one in _with_content(store, entity_id, {one.digest for one in done}) if one != rev_id]
    return PurgeResult([one for one in await store.index.purges(entity_id) if one.rev_id == rev_id], same)


async def finish(store: Store, erasing: Erasing, purges: Sequence[Purge], *, done_at: str) -> int:
    """Erase the objects of orders that stand in the index, done or not. Returns how many objects were there."""
    erased = 0
    for one in purges:
        key = str(SnapshotKey(one.entity_id, one.rev_id, one.digest))
        erased += await erasing.erase(key)
        erased += await erasing.erase(RESTRICTED_PREFIX + key)
        store.crash_point(PURGE_STEPS[2])
        await store.index.purge_done(one, done_at)
    return erased


async def content_keys(snapshots: Snapshots, entity_id: EntityId, rev_id: int) -> dict[str, SnapshotKey]:
    """Return every key, restricted ones too, under which the place has a content of a revision."""
    found = {}
    for prefix in ("", RESTRICTED_PREFIX):
        async for key in snapshots.keys(f"{prefix}{entity_id}/{rev_id:016}-"):
            named = parse_key(key.removeprefix(prefix))
            if named and named.digest != NO_CONTENT_DIGEST:
                found[key] = named
    return found


def order_key(order: Purge) -> str:
    """Return the key of an order's record."""
    return f"{ORDER_PREFIX}{order.entity_id}/{order.rev_id:016}-{order.digest}.json"


def order_body(order: Purge) -> bytes:
    """Return the bytes of an order's record."""
    plain = {name: getattr(order, name) for name in Purge.__slots__ if name != "done_at"}
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def parse_order(body: bytes) -> Purge:
    """Return the order that a record holds. Raises CorruptError."""
    try:
        return Purge(**orjson.loads(body))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise CorruptError(f"the record of a purge cannot be read: {error}") from error


async def _present(store: Store, entity_id: EntityId, rev_id: int) -> tuple[Head, Entry]:
    head = await store.head(entity_id)
    entry = await store.index.entry(entity_id, rev_id)
    if head is None or entry is None:
        raise NotFoundError(f"the store has no revision {rev_id} of {entity_id}, or its history is not complete yet")
    return head, entry


async def _record(
    store: Store, head: Head, entry: Entry, *, kind: str, epoch: int | None, purges: Sequence[Purge] = ()
) -> Head:
    recorded = await store.index.record(
        head.entity_id,
        [entry],
        HeadChange(rev_id=head.rev_id, page_id=head.page_id, expected=head.generation),
        kind=kind,
        conditions=Conditions(epoch=epoch),
        purges=purges,
    )
    assert recorded is not None
    return recorded


async def _hidden_entry(store: Store, entry: Entry, hidden: frozenset[str]) -> Entry:
    kept = decode(await store.packed(entry), str(SnapshotKey(entry.entity_id, entry.rev_id, entry.digest)))
    if "text" not in hidden and entry.state is State.TEXT_HIDDEN and kept.content is None:
        kept, entry = await _brought_back(store, entry)
    plain = hidden_now(kept, entry, hidden)
    aside = {key: value for key, value in (entry.overlay or {}).items() if key == RESTRICTED}
    changed = replace(entry, overlay=overlay_of(metadata(kept), plain) | aside or None)
    seen = shown(kept, changed)
    return replace(changed, state=seen.state, redirect_target=seen.redirect_target, meta=fingerprint(metadata(seen)))


async def _brought_back(store: Store, entry: Entry) -> tuple[Revision, Entry]:
    """Return a revision with the content that lay under the restricted prefix, and its row as if it had had it."""
    digest = (entry.overlay or {}).get(RESTRICTED)
    if digest is None:
        raise NotFoundError(
            f"{entry.entity_id} revision {entry.rev_id}: its content was hidden when it was written and is not in the"
            " store; export the entity again"
        )
    key = str(SnapshotKey(entry.entity_id, entry.rev_id, digest))
    aside = decode(await store.snapshots.read(RESTRICTED_PREFIX + key), key)
    content = aside.content or {}
    target = content.get("redirect")
    state = State.REDIRECT if target else State.VISIBLE
    natural = replace(aside, state=state, redirect_target=target, hidden=frozenset())
    packed = encode(natural)
    if not await store.snapshots.create(packed.key, packed.body):
        natural = decode(await store.snapshots.read(packed.key), packed.key)
    return natural, replace(entry, digest=digest, state=natural.state, overlay={RESTRICTED: digest})


async def _empty_entry(store: Store, head: Head, entry: Entry) -> Entry:
    """Write the snapshot that takes a purged content's place; return the row that names it."""
    empty = Revision(
        entity_id=entry.entity_id,
        rev_id=entry.rev_id,
        parent_id=entry.parent_id,
        position=entry.position,
        timestamp=entry.timestamp,
        state=State.TEXT_HIDDEN,
        content=None,
        page_id=head.page_id,
        hidden=HIDEABLE,
    )
    packed: Packed = encode(empty)
    overlay = {PURGED: True}
    if not await store.snapshots.create(packed.key, packed.body):
        kept = decode(await store.snapshots.read(packed.key), packed.key)
        overlay |= overlay_of(metadata(kept), metadata(empty))
    return replace(
        entry,
        state=State.TEXT_HIDDEN,
        redirect_target=None,
        digest=packed.digest,
        meta=fingerprint(metadata(empty)),
        overlay=overlay,
    )


async def _with_content(store: Store, entity_id: EntityId, digests: set[str]) -> AsyncIterator[int]:
    after = (-1, -1)
    while page := await store.index.history(entity_id, after=after):
        for entry in page:
            if entry.digest in digests:
                yield entry.rev_id
        after = (page[-1].position, page[-1].rev_id)
