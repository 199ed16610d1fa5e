"""The export of all history over the Action API: every revision of every entity, once, in the wiki's own order.

Goes through the entity namespaces page by page; each page's history is told to the store in pieces of bounded size,
oldest first, the head with the last. After each batch of pages stands a checkpoint, so that whatever stops it, the
next run goes on there and does at most one batch again, which changes nothing in the store.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from backends.errors import ConflictError, NotFoundError, UnavailableError
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.revisions import Head
from backends.store import Store
from backends.wiki.http import BATCH_MAX
from backends.wiki.shapes import TYPE_OF_MODEL, Content, History, PageBatch, SiteFacts, WikiPage, titled_entity
from export.outcome import ExportResult
from export.reading import pieces, read_revision, reason_word, sha1_differs
from wikibase.ids import EntityId, EntityType
from wikibase.revision import State

log = logging.getLogger(__name__)

CHECKPOINT = "export.history"
"""The name of the checkpoint: {"state": "running" | "finished", "namespace", "after", "began_at", "result"}."""

TELLINGS_MAX = 5
"""How often a page is read again because it changed while it was read."""

Progress = Callable[[ExportResult], None]


class Wiki(Protocol):
    """What the export asks of the wiki; `backends.wiki.http.WikiHttp` answers."""

    async def site(self) -> SiteFacts:
        """Return the site's facts."""

    async def pages(self, namespace: int, *, after: str | None, size: int) -> PageBatch:
        """Return the next pages of a namespace."""

    async def history(self, title: str) -> History:
        """Return a page's revisions, oldest first."""

    async def contents(self, rev_ids: list[int]) -> Mapping[int, Content]:
        """Return the texts of revisions."""


def no_progress(result: ExportResult) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an export stands: the namespace, and where in it the next batch begins."""

    namespace: int | None
    after: str | None
    began_at: str
    result: ExportResult


class Exporter:
    """Brings a wiki's entities with all their revisions into the store."""

    def __init__(
        self,
        wiki: Wiki,
        store: Store,
        checkpoints: Checkpoints,
        *,
        concurrency: int = 4,
        batch_pages: int = BATCH_MAX,
        piece_bytes: int = 2 * 1024 * 1024,
        progress: Progress = no_progress,
    ) -> None:
        """`concurrency`: pages at once. `piece_bytes`: how much text of one page is held at once."""
        self._wiki = wiki
        self._store = store
        self._checkpoints = checkpoints
        self._concurrency = concurrency
        self._batch_pages = batch_pages
        self._piece_bytes = piece_bytes
        self._progress = progress

    async def run(self) -> ExportResult:
        """Export everything, going on where an unfinished run stopped. Returns what all its parts did together.

        Raises UnavailableError when the wiki or the store stays away; running it again goes on.
        """
        site = await self._wiki.site()
        place = await self._place(site)
        namespaces = sorted((number, kind) for kind, number in site.entity_namespaces.items())
        result = place.result
        for namespace, of_type in namespaces:
            if place.namespace is not None and namespace < place.namespace:
                continue
            after = place.after if namespace == place.namespace else None
            while True:
                batch = await self._wiki.pages(namespace, after=after, size=self._batch_pages)
                result += await self._batch(batch, of_type)
                self._progress(result)
                if batch.after is None:
                    break
                after = batch.after
                await self._stand(_Place(namespace, after, place.began_at, result), "running")
            await self._stand(_Place(namespace + 1, None, place.began_at, result), "running")
        await self._stand(_Place(None, None, place.began_at, result), "finished")
        log.info("The export is complete: %d revisions of %d entities", result.revisions, result.entities)
        return result

    async def entity(self, title: str, of_type: EntityType) -> ExportResult:
        """Export one page again, whatever the checkpoint says."""
        return await self._page(WikiPage(0, 0, title), of_type)

    async def _place(self, site: SiteFacts) -> _Place:
        kept = await self._checkpoints.get(CHECKPOINT)
        if kept is None or kept.get("state") != "running":
            return _Place(None, None, site.time, ExportResult())
        result = ExportResult.of_json(kept["result"])
        return _Place(kept["namespace"], kept["after"], kept["began_at"], result)

    async def _stand(self, place: _Place, state: str) -> None:
        kept: dict[str, Any] = {
            "state": state,
            "namespace": place.namespace,
            "after": place.after,
            "began_at": place.began_at,
            "result": place.result.as_json(),
        }
        await self._checkpoints.put(CHECKPOINT, kept)

    async def _batch(self, batch: PageBatch, of_type: EntityType) -> ExportResult:
        turns = asyncio.Semaphore(self._concurrency)

        async def one(page: WikiPage) -> ExportResult:
            async with turns:
                return await self._page(page, of_type)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(page)) for page in batch.pages]
        except ExceptionGroup as failures:
            raise _first(failures) from failures
        return sum((task.result() for task in tasks), ExportResult())

    async def _page(self, page: WikiPage, of_type: EntityType) -> ExportResult:
        entity_id = titled_entity(page.title, of_type)
        if entity_id is None:
            return _skipped("title_is_no_id")
        for _ in range(TELLINGS_MAX):
            seen = await self._store.head(entity_id)
            try:
                history = await self._wiki.history(page.title)
            except NotFoundError:
                return _skipped("page_gone")  # deleted since it was listed
            if _model(history) not in (None, *TYPE_OF_MODEL):
                return _skipped(f"content_model_{_model(history)}")
            if not history.revisions:
                return _skipped("no_revisions")
            if history.head_rev_id is not None and all(one.rev_id != history.head_rev_id for one in history.revisions):
                continue  # an edit fell between two parts of the listing
            try:
                return await self._tell(entity_id, history, seen)
            except ConflictError:
                log.info("%s changed while it was exported", entity_id, extra={"entity": entity_id})
        raise UnavailableError(f"{entity_id} changed {TELLINGS_MAX} times while it was read")

    async def _tell(self, entity_id: EntityId, history: History, seen: Head | None) -> ExportResult:
        """Tell the store a history in pieces, the head with the last one."""
        head_rev_id = history.head_rev_id or history.revisions[-1].rev_id
        result = ExportResult(entities=1)
        position = 0
        for piece in pieces(history.revisions, bytes_max=self._piece_bytes, count_max=BATCH_MAX):
            wanted = [one.rev_id for one in piece if "text" not in one.hidden]
            contents = await self._wiki.contents(wanted) if wanted else {}
            hidden = Content(None, "texthidden")
            told = [(one, contents.get(one.rev_id, hidden)) for one in piece]
            revisions = [
                read_revision(entity_id, history.page_id, position + place, one, content)
                for place, (one, content) in enumerate(told)
            ]
            position += len(revisions)
            last = position == len(history.revisions)
            written = await self._store.put_history(
                entity_id,
                revisions,
                head_rev_id if last else None,
                page_id=history.page_id,
                expected=seen.generation if seen else None,
            )
            errors = [one.error or "unknown" for one in revisions if one.state is State.MISSING]
            result += ExportResult(
                revisions=len(revisions),
                redirects=sum(one.state is State.REDIRECT for one in revisions),
                missing=len(errors),
                hidden=sum(one.state is State.TEXT_HIDDEN for one in revisions),
                sha1_differs=sum(sha1_differs(one, content) for one, content in told),
                new_snapshots=written.new_snapshots,
                wiki_bytes=sum(len((content.text or "").encode()) for _, content in told),
                packed_bytes=written.packed_bytes,
                missing_reasons=_counted(errors),
            )
        return result


def _counted(errors: list[str]) -> dict[str, int]:
    return dict(Counter(map(reason_word, errors)))


def _model(history: History) -> str | None:
    return history.content_model or next(
        (one.content_model for one in reversed(history.revisions) if one.content_model), None
    )


def _skipped(reason: str) -> ExportResult:
    return ExportResult(skipped={reason: 1})


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
