"""A wiki that tells what a test wrote down: the source of an export without any machine behind it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.wiki.shapes import WikiRevision
from export.source import (
    EntityPage,
    LowWater,
    Span,
    SpanBatch,
    Telling,
    Text,
    ToldRevision,
    WikiCounts,
    no_batches,
    one_batch,
)
from wikibase.ids import EntityId


def told(rev_id: int, second: int, **other: Any) -> ToldRevision:
    """A revision of that second; names of `WikiRevision` and of `ToldRevision` may be mixed."""
    about: dict[str, Any] = {
        "rev_id": rev_id,
        "parent_id": 0,
        "timestamp": f"2026-11-22T15:24:{second:02}Z",
        "user": "Alice",
        "comment": "/* x */",
        "tags": (),
        "minor": False,
        "size": 50,
        "sha1": None,
        "content_model": "wikibase-item",
    }
    about |= {name: other.pop(name) for name in list(other) if name in WikiRevision.__slots__}
    beside = {"page_id": 5, "model": "wikibase-item", **other}
    return ToldRevision(about=WikiRevision(**about), **beside)


def text_of(entity_id: str, word: str) -> Text:
    value = {"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": word}}}
    return Text(json.dumps(value).encode())


@dataclass
class ToldWiki:
    """`revisions` and `pages` by entity; `words` replaces the text of a revision; `asked` counts texts by revision."""

    revisions: dict[str, list[ToldRevision]] = field(default_factory=dict)
    pages: dict[str, tuple[int, int]] = field(default_factory=dict)
    words: dict[int, Text] = field(default_factory=dict)
    shows_archive: bool = True
    shows_hidden: bool = False
    texts_max: int = 50
    batches_of: int = 0
    asked: list[int] = field(default_factory=list)
    exact: bool = True
    time: str = "2026-11-22T16:00:00Z"

    async def telling(self, entity_id: EntityId) -> Telling:
        own = sorted(self.revisions.get(entity_id, ()), key=lambda one: (one.about.timestamp, one.rev_id))
        page = await self.page(entity_id)
        if not own:
            return Telling(page=page, batches=no_batches, at_one_moment=True)
        if not self.batches_of:
            return Telling(page=page, batches=one_batch(own), at_one_moment=True)

        async def batches() -> Any:
            for start in range(0, len(own), self.batches_of):
                yield own[start : start + self.batches_of]

        return Telling(page=page, batches=batches)

    async def page(self, entity_id: EntityId) -> EntityPage | None:
        found = self.pages.get(entity_id)
        return EntityPage(entity_id=entity_id, page_id=found[0], head_rev_id=found[1]) if found else None

    async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
        ids = {one.rev_id: entity_id for entity_id, own in self.revisions.items() for one in own}
        self.asked += [one.rev_id for one in told]
        return {one.rev_id: self.words.get(one.rev_id, text_of(ids[one.rev_id], f"word {one.rev_id}")) for one in told}

    async def spans(self, size: int) -> Sequence[Span]:
        ids = sorted(self.revisions)
        firsts = ids[::size]
        return [Span(kind="titles", low=low, high=high) for low, high in zip(firsts, [*firsts[1:], ""], strict=True)]

    async def batch(self, span: Span, *, after: str | None, size: int) -> SpanBatch:
        low = after or span.low
        own = [one for one in sorted(self.revisions) if one >= low and (not span.high or one < span.high)]
        entities = [(EntityId(one), None) for one in own[:size]]
        return SpanBatch(entities, own[size] if len(own) > size else None, {})

    async def marks(self) -> LowWater:
        return LowWater(max_rev_id=77, max_log_id=7, time=self.time)

    async def counts(self) -> WikiCounts:
        live = [one for own in self.revisions.values() for one in own if not one.archived]
        return WikiCounts(entities=len(self.pages), revisions=len(live), text_bytes=len(live) * 50, exact=self.exact)

    async def close(self) -> None:
        pass


def sha1(text: Text) -> str:
    return hashlib.sha1(text.body or b"", usedforsecurity=False).hexdigest()
