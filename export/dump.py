"""What the store holds, one value for each revision, to be compared with the wiki by anybody's own means.

What the public may not see is null. With `privileged` it is looked for where the store keeps it apart, and in the
snapshots that were written before it was hidden; what the store was never given stays null.
"""

from collections.abc import AsyncIterator
from typing import Any

from backends.errors import CorruptError, NotFoundError
from backends.ledger.revision_rows import Entry
from backends.ledger.revisions import PURGED
from backends.redaction import content_keys
from backends.snapshots.envelope import NO_CONTENT_DIGEST, content_digest, decode
from backends.store import Store
from backends.visibility import RESTRICTED_PREFIX
from export.entity import ROGUE
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

KEYS = (
    "entity_id",
    "page_id",
    "rev_id",
    "parent_id",
    "timestamp",
    "user",
    "comment",
    "tags",
    "minor",
    "sha1",
    "state",
    "digest",
    "content",
    "redirect_target",
)
"""The keys of a line, in their order."""

_PAGE = 200


async def dump_all(store: Store, *, privileged: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Yield a line for each revision of all entities."""
    after = ""
    while ids := await store.index.entity_ids(after=after):
        for entity_id in ids:
            async for line in dump_entity(store, entity_id, privileged=privileged):
                yield line
        after = ids[-1]


async def dump_entity(store: Store, entity_id: EntityId, *, privileged: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Yield a line for each revision of an entity, in the wiki's order: first what is live, then what is archived."""
    some_are_archived = False
    async for entry in entries(store, entity_id):
        if entry.state is State.ARCHIVED:
            some_are_archived = True
        else:
            yield await dump_line(store, entry, privileged=privileged)
    if not some_are_archived:
        return
    async for entry in entries(store, entity_id):
        if entry.state is State.ARCHIVED:
            revision = await store.load(entry)
            if revision.error != ROGUE:
                yield await _line(store, entry, revision, privileged=privileged)


async def entries(store: Store, entity_id: EntityId) -> AsyncIterator[Entry]:
    """Yield the rows of an entity in order."""
    after = (-1, -1)
    while page := await store.index.history(entity_id, after=after, size=_PAGE):
        for entry in page:
            yield entry
        after = (page[-1].position, page[-1].rev_id)


async def dump_line(store: Store, entry: Entry, *, privileged: bool = False) -> dict[str, Any]:
    """Return the line of one revision. Raises CorruptError."""
    return await _line(store, entry, await store.load(entry), privileged=privileged)


async def _line(store: Store, entry: Entry, revision: Revision, *, privileged: bool) -> dict[str, Any]:
    line = _plain(revision)
    text_hidden = revision.state is State.TEXT_HIDDEN or (revision.state is State.ARCHIVED and revision.content is None)
    if privileged and (revision.hidden or text_hidden) and not (entry.overlay or {}).get(PURGED):
        async for kept in _kept(store, entry):
            line = _with(line, kept, text_hidden=text_hidden)
    return {key: line[key] for key in KEYS}


def _plain(revision: Revision) -> dict[str, Any]:
    return {
        "entity_id": revision.entity_id,
        "page_id": revision.page_id,
        "rev_id": revision.rev_id,
        "parent_id": revision.parent_id,
        "timestamp": revision.timestamp,
        "user": revision.user,
        "comment": revision.comment,
        "tags": list(revision.tags),
        "minor": revision.minor,
        "sha1": revision.wiki_sha1,
        "state": str(revision.state),
        "digest": None if revision.content is None else content_digest(revision.content),
        "content": revision.content,
        "redirect_target": revision.redirect_target,
    }


def _with(line: dict[str, Any], kept: Revision, *, text_hidden: bool) -> dict[str, Any]:
    """Fill in what is hidden, where this copy has it."""
    plain = _plain(kept)
    names = ["user", "comment", *(("sha1", "digest", "content", "redirect_target") if text_hidden else ())]
    return line | {name: plain[name] for name in names if line[name] is None and plain[name] is not None}


async def _kept(store: Store, entry: Entry) -> AsyncIterator[Revision]:
    """Yield the copies of a revision that know more than the public: those kept apart first."""
    keys = await content_keys(store.snapshots, entry.entity_id, entry.rev_id)
    apart = f"{RESTRICTED_PREFIX}{entry.entity_id}/{entry.rev_id:016}-{NO_CONTENT_DIGEST}.zst"
    for key in sorted({*keys, apart}, key=lambda one: not one.startswith(RESTRICTED_PREFIX)):
        try:
            yield decode(await store.snapshots.read(key), key.removeprefix(RESTRICTED_PREFIX))
        except (NotFoundError, CorruptError):
            continue  # what is broken is found by the check of the store; here it only adds nothing
