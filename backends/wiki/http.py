"""The wiki over HTTP: site facts, pages, histories, contents and heads, as anybody may read them.

Follows every continuation. Where one bad revision or id makes the wiki fail a whole batch (an undecodable text, a
malformed id), the batch is halved down to the one that is bad, which is reported with the wiki's words.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import aiohttp
import orjson

from backends.errors import NotFoundError, RefusedError, UnavailableError
from backends.wiki.action_api import USER_AGENT, ActionApi, BrokenAnswerError, SlowAnswerError
from backends.wiki.shapes import (
    Content,
    History,
    PageBatch,
    SiteFacts,
    WikiApiError,
    WikiHead,
    WikiMarks,
    WikiPage,
    content,
    entity_head,
    halves,
    page_revision,
    revisions_of,
    site_facts,
)
from wikibase.ids import EntityId

BATCH_MAX = 50
"""What the Action API takes at once from anybody (wikibase.md 0.2)."""

_HISTORY_PROPS = "ids|timestamp|flags|user|comment|tags|size|sha1|contentmodel"
_CONTINUATIONS_MAX = 100_000


class WikiHttp:
    """A wiki, read through its Action API and Special:EntityData."""

    def __init__(
        self,
        api_url: str,
        *,
        session: aiohttp.ClientSession | None = None,
        user_agent: str = USER_AGENT,
        timeout_s: float = 60.0,
        retries: int = 4,
        patience_s: float = 600.0,
        maxlag_s: float | None = 5.0,
        concurrency: int = 4,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._api = ActionApi(
            api_url,
            session=session,
            user_agent=user_agent,
            timeout_s=timeout_s,
            retries=retries,
            patience_s=patience_s,
            maxlag_s=maxlag_s,
            concurrency=concurrency,
            sleep=sleep,
        )

    async def call(self, params: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the answer of one call of the Action API. Raises backends.errors."""
        return await self._api.call(params)

    async def site(self) -> SiteFacts:
        """Return what siteinfo says of the wiki and its namespaces."""
        answer = await self._api.call(
            {"action": "query", "meta": "siteinfo", "siprop": "general|namespaces|namespacealiases"}
        )
        return site_facts(answer["query"])

    async def pages(self, namespace: int, *, after: str | None = None, size: int = BATCH_MAX) -> PageBatch:
        """Return the next pages of a namespace by title, beginning where a batch said (None: the first)."""
        params = {"action": "query", "list": "allpages", "apnamespace": str(namespace), "aplimit": str(size)}
        answer = await self._api.call({**params, "apcontinue": after, "continue": "-||"} if after else params)
        listed = answer.get("query", {}).get("allpages", ())
        pages = tuple(WikiPage(one["pageid"], one["ns"], one["title"]) for one in listed)
        return PageBatch(pages, answer.get("continue", {}).get("apcontinue"))

    async def entity_pages(self, namespace: int, *, after: str | None = None) -> AsyncIterator[PageBatch]:
        """Yield all batches of pages of a namespace."""
        while True:
            batch = await self.pages(namespace, after=after)
            yield batch
            if batch.after is None:
                return
            after = batch.after

    async def history(self, title: str) -> History:
        """Return the metadata of all revisions of a page, oldest first. Raises NotFoundError: no such page.

        The order is the wiki's own, (timestamp, rev_id) (wikibase.md 4.2).
        """
        params = {
            "action": "query",
            "titles": title,
            "prop": "revisions|info",
            "rvdir": "newer",
            "rvlimit": "max",
            "rvprop": _HISTORY_PROPS,
            "rvslots": "main",
        }
        revisions: dict[int, Mapping[str, Any]] = {}
        page: dict[str, Any] = {}
        async for query in self._continued(params):
            for part in query.get("pages", ()):
                if "missing" in part or "invalid" in part:
                    raise NotFoundError(f"the wiki has no page {title!r}")
                page |= part
            revisions |= {one["revid"]: one for one in revisions_of(query)}
        if not page:
            raise NotFoundError(f"the wiki has no page {title!r}")
        return History(
            page_id=page["pageid"],
            title=page["title"],
            content_model=page.get("contentmodel"),
            head_rev_id=page.get("lastrevid"),
            revisions=tuple(map(page_revision, revisions.values())),
        )

    async def page_head(self, title: str) -> tuple[int, int | None] | None:
        """Return a page's id and its newest revision's, None when there is no such page."""
        answer = await self._api.call({"action": "query", "titles": title, "prop": "info"})
        for page in answer.get("query", {}).get("pages", ()):
            if "missing" not in page and "invalid" not in page:
                return page["pageid"], page.get("lastrevid")
        return None

    async def marks(self) -> WikiMarks:
        """Return what siteinfo, recent changes and the logs say of how much there is and how far it reaches.

        The highest revision id is that of the newest change of the last weeks, which need not be the highest.
        """
        answer = await self._api.call(
            {
                "action": "query",
                "meta": "siteinfo",
                "siprop": "statistics",
                "list": "recentchanges|logevents",
                "rcprop": "ids",
                "rctype": "edit|new",
                "rclimit": str(BATCH_MAX),
                "leprop": "ids",
                "lelimit": str(BATCH_MAX),
            }
        )
        query = answer.get("query", {})
        said = query.get("statistics", {})
        return WikiMarks(
            pages=said.get("pages"),
            edits=said.get("edits"),
            max_rev_id=max((one.get("revid", 0) for one in query.get("recentchanges", ())), default=None),
            max_log_id=max((one.get("logid", 0) for one in query.get("logevents", ())), default=None),
        )

    async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, Content]:
        """Return text or reason for each revision, asked for in batches of 50.

        A revision that the wiki cannot even name is "badrevids" (deleted meanwhile, or never there).
        """
        found: dict[int, Content] = {}
        for start in range(0, len(rev_ids), BATCH_MAX):
            found |= await self._contents(rev_ids[start : start + BATCH_MAX])
        return found

    async def heads(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, WikiHead]:
        """Return what wbgetentities says of each entity's newest revision, asked for in batches of 50."""
        found: dict[EntityId, WikiHead] = {}
        for start in range(0, len(entity_ids), BATCH_MAX):
            found |= await self._heads(entity_ids[start : start + BATCH_MAX])
        return found

    async def entity_at(self, entity_id: EntityId, rev_id: int) -> Mapping[str, Any]:
        """Return the entity's JSON at a revision, from Special:EntityData.

        Raises NotFoundError (404: deleted, hidden, another entity's), RefusedError (400: a redirect; 500: unreadable).
        """
        answer = await self._api.page(
            urljoin(self._api.api_url, "index.php"),
            {"title": f"Special:EntityData/{entity_id}.json", "revision": str(rev_id)},
        )
        what = f"{entity_id} at revision {rev_id}"
        if answer.status == 404:  # noqa: PLR2004 -- HTTP's own number
            raise NotFoundError(f"the wiki does not show {what}")
        if answer.status != 200:  # noqa: PLR2004 -- HTTP's own number
            raise RefusedError(f"the wiki answers {what} with HTTP {answer.status}")
        try:
            entities = orjson.loads(answer.body)["entities"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise UnavailableError(f"the wiki answers {what} with something that is no entity data") from None
        entity: Mapping[str, Any] = next(iter(entities.values()))
        return entity

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
        await self._api.close()

    async def _continued(self, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        more: Mapping[str, str] = {}
        for _ in range(_CONTINUATIONS_MAX):
            answer = await self._api.call({**params, **more})
            yield answer.get("query", {})
            if "continue" not in answer:
                return
            if answer["continue"] == more:
                raise UnavailableError(f"the wiki continues in a circle: {more}")
            more = {key: str(value) for key, value in answer["continue"].items()}
        raise UnavailableError(f"the wiki continues without end: {more}")

    async def _contents(self, rev_ids: Sequence[int]) -> dict[int, Content]:
        params = {
            "action": "query",
            "prop": "revisions",
            "revids": "|".join(map(str, rev_ids)),
            "rvprop": "ids|content|contentmodel",
            "rvslots": "main",
        }
        found: dict[int, Content] = {}
        try:
            async for query in self._continued(params):
                found |= {int(rev_id): Content(None, "badrevids") for rev_id in _bad_ids(query)}
                found |= {one["revid"]: content(one) for one in revisions_of(query) if _has_text(one)}
        except (WikiApiError, UnavailableError) as error:
            if not await self._is_about(rev_ids, error):
                raise
            if len(rev_ids) == 1:
                return {rev_ids[0]: Content(None, str(error))}
            first, second = halves(rev_ids)
            return await self._contents(first) | await self._contents(second)
        return {rev_id: found.get(rev_id, Content(None, "not in the answer")) for rev_id in rev_ids}

    async def _is_about(self, rev_ids: Sequence[int], error: Exception) -> bool:
        """Tell whether an error may be about some of these contents, so that a smaller batch is worth asking for.

        One revision alone is to blame for an internal error, and for an answer without JSON (a text too large for
        PHP's memory) when the same revision can be asked for without its content. Never for slowness, or for
        database errors: they would write off revisions that are only out of reach for now.
        """
        if isinstance(error, WikiApiError):
            return error.code.startswith("internal_api_error") or error.code == "answer-too-large"
        if len(rev_ids) > 1:
            return isinstance(error, BrokenAnswerError | SlowAnswerError)
        if not isinstance(error, BrokenAnswerError):
            return False
        await self._api.call({"action": "query", "prop": "revisions", "revids": str(rev_ids[0]), "rvprop": "ids"})
        return True

    async def _heads(self, entity_ids: Sequence[EntityId]) -> dict[EntityId, WikiHead]:
        try:
            answer = await self._api.call(
                {"action": "wbgetentities", "ids": "|".join(entity_ids), "props": "info"},
            )
        except WikiApiError as error:
            if len(entity_ids) == 1:
                return {entity_ids[0]: WikiHead(rev_id=None, reason=str(error))}
            first, second = halves(entity_ids)
            return await self._heads(first) | await self._heads(second)
        entities = answer.get("entities", {})
        unsaid = WikiHead(rev_id=None, reason="not in the answer")
        return {one: entity_head(entities[one]) if one in entities else unsaid for one in entity_ids}


def _bad_ids(query: Mapping[str, Any]) -> Sequence[Any]:
    bad = query.get("badrevids", ())
    return list(bad) if isinstance(bad, Mapping) else [one["revid"] for one in bad]


def _has_text(raw: Mapping[str, Any]) -> bool:
    # An answer cut off at the wiki's size limit names revisions whose slots come with the continuation.
    return "slots" in raw or "slotsmissing" in raw or "texthidden" in raw
