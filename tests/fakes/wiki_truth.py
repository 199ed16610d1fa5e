"""What the real software says of every revision of the dataset, and the same said from the database, to be compared."""

import gzip
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from fakes.wiki_copies import DATASET

from backends.wiki.database import WikiDatabase
from backends.wiki.db_rows import DatabaseRevision
from backends.wiki.shapes import titled_entity
from wikibase.canonical import canonical_bytes, canonical_entity, entity_of_text
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityType
from wikibase.unreadable import Unreadable

Said = dict[str, Any]
TYPE_OF_NAMESPACE = {120: EntityType.ITEM, 122: EntityType.PROPERTY}


@cache
def told_by_the_software() -> Mapping[int, Said]:
    lines = gzip.decompress((DATASET / "truth" / "revisions.jsonl.gz").read_bytes()).splitlines()
    return {line["rev_id"]: line for line in map(orjson.loads, lines)}


def said_by_truth(line: Said) -> Said:
    """A line of the truth, its content in the canonical form; what the API could not say for an error is left out."""
    said = {
        key: line[key]
        for key in ("entity_id", "ns", "page_id", "rev_id", "parent_id", "timestamp", "user", "comment", "minor", "bot")
    }
    said |= {key: line[key] for key in ("sha1", "size", "deleted_bits", "state", "redirect_target")}
    said["tags"] = sorted(line["tags"])
    said["content"] = _canonical(line["content"])
    said["history_index"] = line.get("history_index")
    said["is_head"] = line.get("is_head")
    privileged = line.get("privileged") or {}
    said["withheld"] = {
        key: privileged[key] for key in ("user", "comment", "sha1") if line[key] is None and privileged.get(key)
    }
    if line["content"] is None and privileged.get("content"):
        said["withheld"]["content"] = _canonical(privileged["content"])
    said["other_slots"] = sorted(line.get("other_slots") or ())
    return said


async def said_by_database(database: WikiDatabase) -> dict[int, Said]:
    """The same of all entities' revisions, from pages and archive."""
    found: dict[int, Said] = {}
    after: int | None = None
    while True:
        pages = await database.pages(after=after, size=7)
        for page in pages.pages:
            index = 0
            position = None
            while True:
                batch = await database.revisions(page.page_id, after=position, size=11)
                texts = await database.stored_texts(batch.revisions)
                for one in batch.revisions:
                    said = _said(one, texts[one.rev_id])
                    said |= {"entity_id": page.entity_id, "ns": page.namespace}
                    said |= {"history_index": index, "is_head": one.rev_id == page.head_rev_id}
                    assert one.rev_id not in found
                    found[one.rev_id] = said
                    index += 1
                position = batch.after
                if position is None:
                    break
        after = pages.after
        if after is None:
            break
    for namespace, of_type in TYPE_OF_NAMESPACE.items():
        await _archived(database, namespace, of_type, found)
    return found


async def _archived(database: WikiDatabase, namespace: int, of_type: EntityType, found: dict[int, Said]) -> None:
    after: str | None = None
    while True:
        titles = await database.archived_titles(namespace, after=after, size=3)
        for title in titles.titles:
            entity_id = titled_entity(title, of_type)
            position = None
            while entity_id is not None:
                batch = await database.archived_revisions(namespace, title, after=position, size=2)
                texts = await database.stored_texts(batch.revisions)
                for one in batch.revisions:
                    said = _said(one, texts[one.rev_id])
                    assert one.rev_id not in found
                    found[one.rev_id] = said | {"entity_id": entity_id, "ns": namespace}
                    found[one.rev_id] |= {"history_index": None, "is_head": None}
                position = batch.after
                if position is None:
                    break
        after = titles.after
        if after is None:
            return


def _said(one: DatabaseRevision, text: bytes | Unreadable) -> Said:
    content, target, error = None, None, None
    if isinstance(text, Unreadable):
        error = str(text)
    else:
        try:
            canonical = canonical_entity(entity_of_text(text))
            content, target = canonical_bytes(canonical), canonical.get("redirect")
        except NotAnEntityError as refusal:
            error = f"not-an-entity: {refusal}"
    hidden = "text" in one.hidden
    state = "redirect" if target else "visible"
    state = "missing" if error else "text_hidden" if hidden else state
    withheld = {key: getattr(one.withheld, key) for key in ("user", "comment", "sha1")} if one.withheld else {}
    withheld = {key: value for key, value in withheld.items() if value is not None}
    if hidden and content is not None:
        withheld["content"] = content
    return {
        "page_id": one.page_id,
        "rev_id": one.rev_id,
        "parent_id": one.parent_id,
        "timestamp": one.timestamp,
        "user": one.user,
        "comment": one.comment,
        "minor": one.minor,
        "bot": one.bot,
        "tags": sorted(one.tags),
        "sha1": one.sha1,
        "size": one.size,
        "deleted_bits": one.deleted_bits,
        "state": "archived" if one.archived else state,
        "redirect_target": None if hidden else target,
        "content": None if hidden else content,
        "withheld": withheld,
        "other_slots": sorted(set(one.slots) - {"main"}),
        "error": error,
    }


def _canonical(content: Any) -> bytes | None:
    return None if content is None else canonical_bytes(canonical_entity(content))
