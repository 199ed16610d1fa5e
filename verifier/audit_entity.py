"""One entity of the store held against the wiki: which revisions there are, their order, what each of them is.

Pure: both sides come in as values. Findings name ids, fields and digests, never content.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backends.ledger.findings import AuditFinding
from backends.ledger.ids import is_store_made
from backends.ledger.revision_rows import Entry, Head
from backends.wiki.changes_shapes import PageHead
from verifier.audit_wiki import WikiEntity, WikiRow
from wikibase.canonical import canonical_bytes, canonical_entity, entity_of_text
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, EntityType, entity_type
from wikibase.revision import Revision, State

MISSING = "revision_missing"
ROGUE = "rogue"
ORDER = "order_differs"
VISIBILITY = "visibility_differs"
HEAD = "head_differs"
CONTENT = "content_differs"
SHA1 = "sha1_differs"
METADATA = "metadata_differs"
SHOWN = "hidden_is_shown"
BROKEN = "snapshot_broken"

COUNT_KINDS = (MISSING, ROGUE, ORDER, VISIBILITY)
HEAD_KINDS = (HEAD, "alive_in_store_only")
REVISION_KINDS = (CONTENT, SHA1, METADATA, SHOWN, BROKEN, MISSING)
FOLLOWER_KINDS = ("not_brought", "cannot_bring")
"""What the follower finds when it cannot do its work; an audit that finds the entity right closes them."""

ALL_KINDS = tuple(dict.fromkeys((*COUNT_KINDS, *HEAD_KINDS, *REVISION_KINDS, *FOLLOWER_KINDS)))

_OUT_OF_SIGHT = "rogue:"
"""How the error of a revision begins that a repair took out of sight because the wiki never had it."""


def compare_ids(
    entity_id: EntityId, wiki: WikiEntity, entries: Sequence[Entry], *, shows_archive: bool
) -> list[AuditFinding]:
    """Compare which revisions there are, their order and who may see them. `entries`: all rows, in the store's order.

    What the store made itself is not looked at. Rows that a repair took out of sight are archived, and the wiki does
    not have them: they must be sorted out beforehand (`is_out_of_sight`).
    """

    def finding(kind: str, rev_id: int, detail: str) -> AuditFinding:
        return AuditFinding(entity_id=entity_id, kind=kind, rev_id=rev_id, detail=detail)

    rows = {row.about.rev_id: row for row in wiki.rows}
    own = [one for one in entries if not is_store_made(one.rev_id)]
    known = {one.rev_id: one for one in own}
    found = [finding(MISSING, rev_id, "the store does not have it") for rev_id in rows if rev_id not in known]
    for one in own:
        if one.rev_id not in rows and (shows_archive or one.state is not State.ARCHIVED):
            found.append(finding(ROGUE, one.rev_id, f"the wiki does not have it, the store says {one.state}"))
        elif (row := rows.get(one.rev_id)) is not None and (wrong := _visibility(row, one)):
            found.append(finding(VISIBILITY, one.rev_id, wrong))
    both = [one.rev_id for one in own if one.rev_id in rows]
    told = [rev_id for rev_id in rows if rev_id in known]
    if both != told:
        first = next(mine for mine, theirs in zip(both, told, strict=True) if mine != theirs)
        found.append(finding(ORDER, 0, f"the order is another one from revision {first} on"))
    return found


def compare_heads(entity_id: EntityId, page: PageHead | None, head: Head | None) -> AuditFinding | None:
    """Compare page_latest with the store's head. None: equal, or the store is ahead by its own revisions."""
    if head is not None and is_store_made(head.rev_id):
        return None
    store = f"revision {head.rev_id} of page {head.page_id}, {head.state}" if head else "nothing"
    if page is None:
        if head is None or head.state is State.ARCHIVED:
            return None
        return AuditFinding(entity_id=entity_id, kind=HEAD_KINDS[1], detail=f"the wiki has no page, the store {store}")
    if head is not None and (head.rev_id, head.page_id) == (page.rev_id, page.page_id):
        return None
    detail = f"the wiki has revision {page.rev_id} of page {page.page_id}, the store {store}"
    return AuditFinding(entity_id=entity_id, kind=HEAD, rev_id=page.rev_id, detail=detail)


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one revision. `witnessed`: its stored text had the SHA-1 that both sides keep."""

    findings: Sequence[AuditFinding]
    witnessed: bool = False


def compare_revision(entity_id: EntityId, row: WikiRow, text: bytes | str, kept: Revision) -> Compared:
    """Compare a revision with what the wiki says of it, and with its text, read just now (or why there is none)."""

    def finding(kind: str, detail: str) -> AuditFinding:
        return AuditFinding(entity_id=entity_id, kind=kind, rev_id=row.about.rev_id, detail=detail)

    found: list[AuditFinding] = []
    if names := _different_fields(row, kept):
        found.append(finding(METADATA, f"differs in {', '.join(names)}"))
    if "text" in row.about.hidden:
        if kept.content is not None or kept.wiki_sha1 is not None:
            found.append(finding(SHOWN, "the public may not see its text, the store shows it"))
        return Compared(found)
    witnessed = False
    if isinstance(text, bytes):
        sha1 = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        # Over the API a legacy text is converted, and several slots have one SHA-1: then it is no witness.
        trusted = row.text_sha1 is not None and sha1 == row.text_sha1
        if trusted and row.about.sha1 == row.text_sha1:
            witnessed = kept.wiki_sha1 == sha1
            if not witnessed:
                found.append(finding(SHA1, f"the wiki's text has the SHA-1 {sha1}, the store keeps {kept.wiki_sha1}"))
    wiki_digest, store_digest = _digest(entity_id, text), _own_digest(kept)
    if wiki_digest != store_digest:
        found.append(finding(CONTENT, f"the wiki's content has the digest {wiki_digest}, the store's {store_digest}"))
    return Compared(found, witnessed)


def is_out_of_sight(kept: Revision) -> bool:
    """Tell whether a repair took a revision out of sight because the wiki never had it."""
    return kept.state is State.ARCHIVED and (kept.error or "").startswith(_OUT_OF_SIGHT)


def both_times(first: Sequence[AuditFinding], second: Sequence[AuditFinding]) -> list[AuditFinding]:
    """Return what was found both times: an edit may have fallen between two questions."""
    seen = {(one.entity_id, one.kind, one.rev_id) for one in first}
    return [one for one in second if (one.entity_id, one.kind, one.rev_id) in seen]


def _visibility(row: WikiRow, entry: Entry) -> str:
    is_archived = entry.state is State.ARCHIVED
    if row.archived != is_archived:
        return f"the wiki says {'archived' if row.archived else 'live'}, the store {entry.state}"
    if not is_archived and ("text" in row.about.hidden) != (entry.state is State.TEXT_HIDDEN):
        return (
            f"the wiki says the text is {'hidden' if 'text' in row.about.hidden else 'shown'}, the store {entry.state}"
        )
    return ""


def _different_fields(row: WikiRow, kept: Revision) -> list[str]:
    about = row.about
    pairs: Mapping[str, tuple[object, object]] = {
        "timestamp": (about.timestamp, kept.timestamp),
        "parent_id": (about.parent_id, kept.parent_id),
        "user": (about.user, kept.user),
        "comment": (about.comment, kept.comment),
        "minor": (about.minor, kept.minor),
        "tags": (sorted(about.tags), sorted(kept.tags)),
        "hidden": (about.hidden - {"text"}, kept.hidden - {"text"}),
    }
    return [name for name, (wiki, store) in pairs.items() if wiki != store]


def _digest(entity_id: EntityId, text: bytes | str) -> str | None:
    if isinstance(text, str):
        return None
    told_id = entity_id if entity_type(entity_id) is EntityType.MEDIAINFO else None
    try:
        canonical = canonical_bytes(canonical_entity(entity_of_text(text), entity_id=told_id))
    except NotAnEntityError:
        return None
    return hashlib.sha256(canonical).hexdigest()


def _own_digest(kept: Revision) -> str | None:
    return None if kept.content is None else hashlib.sha256(canonical_bytes(kept.content)).hexdigest()
