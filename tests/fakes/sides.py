"""Both sides of the judge in memory: a store made of revisions, a wiki that knows its heads and revisions."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.errors import CorruptError, UnavailableError
from backends.wiki.shapes import Content, WikiHead
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId, parse_entity_id
from wikibase.revision import Revision, State


@dataclass(frozen=True, slots=True)
class MemoryHead:
    rev_id: int
    position: int
    state: State
    redirect_target: EntityId | None = None


@dataclass
class MemoryStore:
    revisions: dict[tuple[str, int], Revision] = field(default_factory=dict)
    heads: dict[str, MemoryHead] = field(default_factory=dict)
    corrupt: set[tuple[str, int]] = field(default_factory=set)
    down: bool = False

    def put(self, revision: Revision, *, head: bool = True) -> None:
        self.revisions[revision.entity_id, revision.rev_id] = revision
        if head:
            target = revision.redirect_target
            self.heads[revision.entity_id] = MemoryHead(revision.rev_id, revision.position, revision.state, target)

    async def head(self, entity_id: EntityId) -> MemoryHead | None:
        self._look()
        return self.heads.get(entity_id)

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        self._look()
        if (entity_id, rev_id) in self.corrupt:
            raise CorruptError(f"snapshot of {entity_id} revision {rev_id}: digest differs")
        return self.revisions.get((entity_id, rev_id))

    async def position(self, entity_id: EntityId, rev_id: int) -> int | None:
        self._look()
        found = self.revisions.get((entity_id, rev_id))
        return None if found is None else found.position

    def _look(self) -> None:
        if self.down:
            raise UnavailableError("the store is down")


@dataclass
class MemoryWiki:
    revisions: dict[tuple[str, int], Any] = field(default_factory=dict)
    known_heads: dict[str, WikiHead] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def heads(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, WikiHead]:
        self._answer("heads")
        missing = WikiHead(rev_id=None, reason="missing")
        return {entity_id: self.known_heads.get(entity_id, missing) for entity_id in entity_ids}

    async def entity_at(self, entity_id: EntityId, rev_id: int) -> Mapping[str, Any] | None:
        self._answer("entity_at")
        return self.revisions.get((entity_id, rev_id))

    async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, Content]:
        self._answer("contents")
        pages = {rev_id: content for (_, rev_id), content in self.revisions.items()}
        return {
            rev_id: Content(json.dumps(pages[rev_id])) if pages.get(rev_id) is not None else Content(None, "badrevids")
            for rev_id in rev_ids
        }

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise UnavailableError("the wiki is down")


def revision(
    entity_id: str,
    rev_id: int,
    content: Mapping[str, Any] | None,
    *,
    position: int = 0,
    state: State | str = State.VISIBLE,
    timestamp: str = "2020-01-01T00:00:00Z",
    redirect_target: str | None = None,
) -> Revision:
    return Revision(
        entity_id=EntityId(entity_id),
        rev_id=rev_id,
        parent_id=0,
        position=position,
        timestamp=timestamp,
        state=State(state),
        content=None if content is None else canonical_entity(dict(content)),
        redirect_target=None if redirect_target is None else parse_entity_id(redirect_target),
    )


def wiki_a(folder: Path) -> tuple[MemoryStore, MemoryWiki]:
    """Return dataset A as a store that has everything, and the wiki as its truth says it is."""
    store, wiki = MemoryStore(), MemoryWiki()
    with gzip.open(folder / "truth" / "revisions.jsonl.gz") as lines:
        told = [json.loads(line) for line in lines]
    for place, row in enumerate(told):
        row["place"] = place - len(told) if row.get("history_index") is None else row["history_index"]
        made = revision(
            row["entity_id"],
            row["rev_id"],
            row["content"],
            position=row["place"],
            state=State(row["state"]),
            timestamp=row["timestamp"],
            redirect_target=row["redirect_target"],
        )
        store.put(made, head=bool(row.get("is_head")))
        wiki.revisions[row["entity_id"], row["rev_id"]] = row["content"]
        if row.get("is_head"):
            wiki.known_heads[row["entity_id"]] = WikiHead(rev_id=row["rev_id"], modified=row["timestamp"])
    return store, wiki
