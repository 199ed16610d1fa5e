"""The wiki as its database tells it: with the archive, and on request with what is hidden from the public.

Everything that is read passes the throttle: so many rows in a second, and none while the replica lags behind.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from backends.wiki.database import WikiDatabase
from backends.wiki.db_histories import EntityHistory, entity_of
from backends.wiki.db_measures import Weight
from backends.wiki.db_rows import DatabasePage, DatabaseRevision
from export.source import (
    Concealed,
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
from export.spans import page_spans, sampled_windows, title_spans
from export.throttle import Throttle
from wikibase.ids import EntityId, EntityType, entity_type, number
from wikibase.unreadable import Unreadable

TEXTS_MAX = 200
"""How many texts are asked for together."""

SAMPLE_WINDOWS = 200
SAMPLE_PAGES = 1000
"""Counted are so many windows of so many page ids, spread evenly: a wiki of up to 200,000 pages is counted whole."""


class DatabaseSource:
    """A `Source` over SQL."""

    shows_archive = True
    texts_max = TEXTS_MAX

    def __init__(
        self,
        database: WikiDatabase,
        namespaces: Mapping[EntityType, int],
        *,
        shows_hidden: bool = False,
        throttle: Throttle | None = None,
    ) -> None:
        """`namespaces`: where each type of entity has its pages. `shows_hidden`: the database was opened `withheld`."""
        self._database = database
        self._namespaces = namespaces
        self._throttle = throttle or Throttle()
        self.shows_hidden = shows_hidden

    async def telling(self, entity_id: EntityId) -> Telling:
        """Return an entity's present state."""
        namespace = self._namespaces.get(entity_type(entity_id), 0)
        await self._throttle.wait(self._database.measures.lag_s)
        history = await self._database.history_of(entity_id, namespace)
        if history is None:
            return Telling(page=None, batches=no_batches, at_one_moment=True)
        self._throttle.took(1 + len(history.live) + len(history.archived))
        return self._telling(history)

    async def page(self, entity_id: EntityId) -> EntityPage | None:
        """Return the page that the entity has now."""
        if entity_type(entity_id) is EntityType.MEDIAINFO:
            pages = list((await self._database.pages_by_id([number(entity_id)])).values())
        else:
            namespace = self._namespaces.get(entity_type(entity_id), 0)
            pages = list((await self._database.pages_by_title(namespace, [entity_id])).values())
        return next((_page(one) for one in pages if one.entity_id == entity_id), None)

    async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
        """Return the text of each revision."""
        await self._throttle.wait(self._database.measures.lag_s)
        found: dict[int, Text] = {}
        for role in sorted({one.role for one in told}):
            asked = [one.about for one in told if one.role == role]
            revisions = [one for one in asked if isinstance(one, DatabaseRevision)]
            texts = await self._database.stored_texts(revisions, role)
            found |= {rev_id: _text(text) for rev_id, text in texts.items()}
        self._throttle.took(len(told))
        return found

    async def spans(self, size: int) -> Sequence[Span]:
        """Divide the pages by their ids, and what is deleted by how its titles begin."""
        max_page_id = await self._database.measures.max_page_id()
        parts = -(-max_page_id // size)
        types = {namespace: of_type for of_type, namespace in self._namespaces.items()}
        deleted = [
            span
            for namespace, of_type in sorted(types.items())
            for span in title_spans("archive", namespace, of_type, parts=parts)
        ]
        return [*page_spans(max_page_id, size), *deleted]

    async def batch(self, span: Span, *, after: str | None, size: int) -> SpanBatch:
        """Return the next entities of a span."""
        await self._throttle.wait(self._database.measures.lag_s)
        low = after or span.low
        if span.kind == "pages":
            found = await self._database.histories_within(int(low), int(span.high), size=size)
        else:
            found = await self._database.histories_deleted(span.namespace, low, span.high, size=size)
        self._throttle.took(size + sum(len(one.live) + len(one.archived) for one in found.histories))
        skipped = {"title_is_no_id": found.no_ids} if found.no_ids else {}
        next_one = None if found.after is None else str(found.after)
        return SpanBatch([(one.entity_id, self._telling(one)) for one in found.histories], next_one, skipped)

    async def marks(self) -> LowWater:
        """Return up to where the wiki's logs reach now."""
        measures = self._database.measures
        now = await measures.now()
        return LowWater(max_rev_id=await self._database.max_rev_id(), max_log_id=await measures.max_log_id(), time=now)

    async def counts(self) -> WikiCounts:
        """Count entities, revisions and the weight of their texts: all, or in a large wiki of a sample of pages."""
        measures = self._database.measures
        max_page_id = await measures.max_page_id()
        namespaces = sorted(set(self._namespaces.values()))
        windows = sampled_windows(max_page_id, windows=SAMPLE_WINDOWS, size=SAMPLE_PAGES)
        weight = Weight(0, 0, 0)
        looked_at = 0
        for low, high in windows:
            await self._throttle.wait(measures.lag_s)
            part = await measures.weight(low, high, namespaces)
            self._throttle.took(part.revisions)
            weight += part
            looked_at += high - low
        share = looked_at / max_page_id if max_page_id else 1.0
        return WikiCounts(
            entities=round(weight.pages / share),
            revisions=round(weight.revisions / share),
            text_bytes=round(weight.text_bytes / share),
            exact=looked_at >= max_page_id,
        )

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        await self._database.close()

    def _telling(self, history: EntityHistory) -> Telling:
        page = _page(history.page) if history.page else None
        if not history.whole:
            return Telling(page=page, batches=self._streamed(history))
        told = sorted(
            [_told(one, history.page) for one in (*history.live, *history.archived)],
            key=_place,
        )
        return Telling(page=page, batches=one_batch(told), at_one_moment=True)

    def _streamed(self, history: EntityHistory) -> Callable[[], AsyncIterator[Sequence[ToldRevision]]]:
        """Return the batches of a history that is too large to be read at once."""

        async def batches() -> AsyncIterator[Sequence[ToldRevision]]:
            waiting: list[ToldRevision] = []
            nothing: list[ToldRevision] = []
            live = self._live(history)
            archived = self._archived(history)
            streams = [live, archived]
            heads = [await anext(stream, nothing) for stream in streams]
            # What lies before the end of both batches is complete; a stream that has ended holds nothing back.
            while any(heads):
                bounds = [_place(head[-1]) for head in heads if head]
                bound = min(bounds)
                for place, head in enumerate(heads):
                    if not head:
                        continue
                    waiting += [one for one in head if _place(one) <= bound]
                    rest = [one for one in head if _place(one) > bound]
                    heads[place] = rest or await anext(streams[place], nothing)
                yield sorted(waiting, key=_place)
                waiting = []

        return batches

    async def _live(self, history: EntityHistory) -> AsyncIterator[list[ToldRevision]]:
        after: tuple[str, int] | None = None
        while history.page is not None:
            await self._throttle.wait(self._database.measures.lag_s)
            batch = await self._database.revisions(history.page.page_id, after=after)
            self._throttle.took(len(batch.revisions))
            if batch.revisions:
                yield [_told(one, history.page) for one in batch.revisions]
            after = batch.after
            if after is None:
                return

    async def _archived(self, history: EntityHistory) -> AsyncIterator[list[ToldRevision]]:
        after: tuple[str, int] | None = None
        while True:
            await self._throttle.wait(self._database.measures.lag_s)
            batch = await self._database.archived_revisions(history.namespace, history.title, after=after)
            self._throttle.took(len(batch.revisions))
            own = [one for one in batch.revisions if entity_of(history.title, one) == history.entity_id]
            if own:
                yield [_told(one, history.page) for one in own]
            after = batch.after
            if after is None:
                return


def _page(page: DatabasePage) -> EntityPage:
    assert page.entity_id is not None
    return EntityPage(entity_id=page.entity_id, page_id=page.page_id, head_rev_id=page.head_rev_id)


def _told(one: DatabaseRevision, page: DatabasePage | None) -> ToldRevision:
    role = page.role if page else "main" if "mediainfo" not in one.slots else "mediainfo"
    slot = one.slots.get(role)
    hidden = one.withheld
    return ToldRevision(
        about=one,
        page_id=one.page_id,
        archived=one.archived,
        bot=one.bot,
        role=role,
        model=slot.model if slot else None,
        text_sha1=slot.sha1 if slot else None,
        concealed=Concealed(user=hidden.user, comment=hidden.comment, sha1=hidden.sha1) if hidden else None,
    )


def _place(told: ToldRevision) -> tuple[str, int]:
    return told.about.timestamp, told.rev_id


def _text(text: bytes | Unreadable) -> Text:
    return Text(None, str(text)) if isinstance(text, Unreadable) else Text(text)
