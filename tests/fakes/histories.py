"""One entity's history on both sides: rows of an index, and the texts that a wiki has stored."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes.sides import MemoryStore, MemoryWiki, revision

from wikibase.canonical import canonical_bytes, canonical_entity, digest
from wikibase.ids import EntityId
from wikibase.revision import State


@dataclass(frozen=True)
class Row:
    rev_id: int
    position: int
    timestamp: str
    state: State
    digest: str


@dataclass
class Rows:
    """Implements `verifier.history_check.HistoryOfStore`."""

    rows: list[Row] = field(default_factory=list)

    async def history(
        self, entity_id: EntityId, *, after: tuple[int, int] = (-1, -1), size: int = 1000
    ) -> Sequence[Row]:
        assert entity_id == "Q1"
        return [row for row in self.rows if (row.position, row.rev_id) > after][:size]


@dataclass
class CountingWiki(MemoryWiki):
    read: int = 0

    async def contents(self, rev_ids: Sequence[int]) -> Any:
        self.read += len(rev_ids)
        return await super().contents(rev_ids)


def text_at(number: int, word: str = "text") -> dict[str, Any]:
    return {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": f"{word} {number}"}}}


def history(
    size: int, damaged: Sequence[int] = (), hidden: Sequence[int] = ()
) -> tuple[Rows, MemoryStore, CountingWiki]:
    """Return a history of so many revisions, 100, 101 ...; the store has others at the places that are damaged."""
    rows, store, wiki = Rows(), MemoryStore(), CountingWiki()
    for place in range(size):
        rev_id, content = 100 + place, text_at(place)
        wiki.revisions["Q1", rev_id] = json.loads(json.dumps(content))
        kept = text_at(place, "damaged") if place in damaged else content
        state = State.TEXT_HIDDEN if place in hidden else State.VISIBLE
        stamp = f"2013-05-{place % 28 + 1:02d}T00:00:00Z"
        store.put(revision("Q1", rev_id, None if place in hidden else kept, position=place, state=state))
        made = digest(canonical_bytes(canonical_entity(kept)))
        rows.rows.append(Row(rev_id, place, stamp, state, made))
    return rows, store, wiki
