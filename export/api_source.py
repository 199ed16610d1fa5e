"""The wiki as the Action API shows it to anybody: what is deleted or hidden from the public is not to be seen there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from backends.errors import NotFoundError
from backends.wiki.http import BATCH_MAX
from backends.wiki.shapes import TYPE_OF_MODEL, Content, History, PageBatch, SiteFacts, WikiMarks, titled_entity
from export.source import (
    HIDDEN_TEXT,
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
from export.spans import title_spans
from wikibase.ids import EntityId, entity_type


class Wiki(Protocol):
    """What is asked of the wiki; `backends.wiki.http.WikiHttp` answers."""

    async def site(self) -> SiteFacts:
        """Return the site's facts."""

    async def pages(self, namespace: int, *, after: str | None, size: int) -> PageBatch:
        """Return the next pages of a namespace."""

    async def history(self, title: str) -> History:
        """Return a page's revisions, oldest first."""

    async def contents(self, rev_ids: list[int]) -> Mapping[int, Content]:
        """Return the texts of revisions."""

    async def page_head(self, title: str) -> tuple[int, int | None] | None:
        """Return a page's id and its newest revision's, None when there is no such page."""

    async def marks(self) -> WikiMarks:
        """Return how much there is, and up to where the logs reach."""

    async def close(self) -> None:
        """Close the connections."""


class ApiSource:
    """A `Source` over HTTP."""

    shows_archive = False
    shows_hidden = False
    texts_max = BATCH_MAX

    def __init__(self, wiki: Wiki) -> None:
        self._wiki = wiki
        self._site: SiteFacts | None = None

    async def telling(self, entity_id: EntityId) -> Telling:
        """Return an entity's present state."""
        title = await self._title(entity_id)
        try:
            history = await self._wiki.history(title) if title else None
        except NotFoundError:
            history = None
        if history is None:
            return Telling(page=None, batches=no_batches, at_one_moment=True)
        model = _model(history)
        if model not in (None, *TYPE_OF_MODEL):
            reason = f"content_model_{model}"
            return Telling(page=None, batches=no_batches, no_entity=reason, at_one_moment=True)
        page = EntityPage(entity_id=entity_id, page_id=history.page_id, head_rev_id=history.head_rev_id)
        told = [
            ToldRevision(about=one, page_id=history.page_id, model=one.content_model, text_sha1=one.sha1)
            for one in history.revisions
        ]
        seen = {one.rev_id for one in told}
        complete = history.head_rev_id is None or history.head_rev_id in seen
        return Telling(page=page, batches=one_batch(told), at_one_moment=complete)

    async def page(self, entity_id: EntityId) -> EntityPage | None:
        """Return the page that the entity has now."""
        title = await self._title(entity_id)
        found = await self._wiki.page_head(title) if title else None
        return EntityPage(entity_id=entity_id, page_id=found[0], head_rev_id=found[1]) if found else None

    async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
        """Return the text of each revision."""
        contents = await self._wiki.contents([one.rev_id for one in told])
        return {one.rev_id: _text(contents.get(one.rev_id, _UNSAID)) for one in told}

    async def spans(self, size: int) -> Sequence[Span]:
        """Divide the entity namespaces by how titles begin."""
        pages = (await self._wiki.marks()).pages or 0
        namespaces = sorted((number, kind) for kind, number in (await self._facts()).entity_namespaces.items())
        return [
            span for number, kind in namespaces for span in title_spans("titles", number, kind, parts=-(-pages // size))
        ]

    async def batch(self, span: Span, *, after: str | None, size: int) -> SpanBatch:
        """Return the next entities of a span."""
        facts = await self._facts()
        of_type = next(kind for kind, number in facts.entity_namespaces.items() if number == span.namespace)
        listed = await self._wiki.pages(span.namespace, after=after or span.low or None, size=min(size, BATCH_MAX))
        found: list[tuple[EntityId, Telling | None]] = []
        skipped: Counter[str] = Counter()
        for page in listed.pages:
            title = page.title.partition(":")[2] if facts.namespace_names.get(span.namespace) else page.title
            if span.high and title.replace(" ", "_") >= span.high:
                return SpanBatch(found, None, skipped)
            entity_id = titled_entity(title, of_type)
            if entity_id is None:
                skipped["title_is_no_id"] += 1
            else:
                found.append((entity_id, None))
        return SpanBatch(found, listed.after, skipped)

    async def marks(self) -> LowWater:
        """Return up to where recent changes and logs reach; the time was asked for before."""
        facts = await self._wiki.site()
        marks = await self._wiki.marks()
        return LowWater(max_rev_id=marks.max_rev_id, max_log_id=marks.max_log_id, time=facts.time)

    async def counts(self) -> WikiCounts:
        """Return what the wiki's statistics say; they count all pages, not only entities."""
        marks = await self._wiki.marks()
        return WikiCounts(entities=None, revisions=marks.edits, text_bytes=None)

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        await self._wiki.close()

    async def _facts(self) -> SiteFacts:
        if self._site is None:
            self._site = await self._wiki.site()
        return self._site

    async def _title(self, entity_id: EntityId) -> str | None:
        """Return the title of an entity's page, None when the wiki has no namespace for its type."""
        facts = await self._facts()
        namespace = facts.entity_namespaces.get(entity_type(entity_id))
        if namespace is None:
            return None
        name = facts.namespace_names.get(namespace)
        return f"{name}:{entity_id}" if name else str(entity_id)


_UNSAID = Content(None, "not in the answer")


def _text(said: Content) -> Text:
    if said.reason == HIDDEN_TEXT.reason:
        return HIDDEN_TEXT
    return Text(said.text.encode("utf-8", "surrogatepass") if said.text is not None else None, said.reason)


def _model(history: History) -> str | None:
    return history.content_model or next(
        (one.content_model for one in reversed(history.revisions) if one.content_model), None
    )
