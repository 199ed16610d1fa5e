"""What a worker needs of the store to answer reads: opened when the phase may need it, learnt anew now and then.

A store that cannot be opened is tried again; until then whoever asks is told that it is unavailable, and the wiki
answers. Edits are fenced all the same: other workers may have the store.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from backends.config import Config
from backends.connect import cached_reads, opened_store, opened_wiki
from backends.errors import BackendError, UnavailableError
from backends.reads import CachedReads
from backends.wiki.http import WikiHttp
from proxy.reads.learning import learn_facts
from proxy.reads.request import ReadRequest
from proxy.reads.sources import Sources
from proxy.reads.store_answers import StoreAnswers
from rules.routes.route import EntityRead, Surface
from wikibase.ids import EntityId
from wikibase.render.outcome import Answer, Declined

_log = logging.getLogger(__name__)
_AGAIN_S = 5.0
_LOOK_S = 0.2


class StoreSide:
    """The store as the proxy asks it. Implements `proxy.answering.Answers`; `has` and `redirect_of` are the fence's."""

    def __init__(self, config: Config, is_needed: Callable[[], bool]) -> None:
        """`is_needed`: whether the phase may need it now or soon."""
        self._config = config
        self._is_needed = is_needed
        self._reads: CachedReads | None = None
        self._answers: StoreAnswers | None = None

    @property
    def state(self) -> str:
        """Say in words how it is, for /status."""
        if self._answers is not None:
            return "ready"
        return "not ready" if self._is_needed() else "not needed in this phase"

    async def answer(self, request: ReadRequest, route: EntityRead) -> Answer | Declined:
        """Return the wiki's own answer, or why it is left to the wiki. Raises backends.errors."""
        if self._answers is None:
            raise UnavailableError("the store is not opened yet")
        return await self._answers.answer(request, route)

    async def has(self, entity_id: EntityId, rev_id: int) -> bool:
        """Tell whether the store has a revision now. Raises backends.errors."""
        return await self._opened().has(entity_id, rev_id)

    async def redirect_of(self, entity_id: EntityId) -> EntityId | None:
        """Return where an entity leads to in the store. Raises backends.errors."""
        head = await self._opened().head(entity_id)
        return head.redirect_target if head else None

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the store at hand until `stop`."""
        while not await _over(stop, _LOOK_S):
            if self._is_needed():
                try:
                    await self._hold(stop)
                except BackendError as error:
                    _log.error("the store is not at hand: %s", error, extra={"action": "store_not_at_hand"})
                    await _over(stop, _AGAIN_S)

    async def _hold(self, stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            wiki = await stack.enter_async_context(opened_wiki(self._config))
            store = await stack.enter_async_context(opened_store(self._config))
            self._reads = cached_reads(store, self._config)
            limits = self._config.reads
            try:
                while self._is_needed() and not stop.is_set():
                    try:
                        self._answers = await self._made(wiki, self._reads)
                    except BackendError as error:
                        if self._answers is None:
                            raise
                        # What was learnt before is as good as ever: a wiki that is away does not take the store along.
                        _log.warning("the wiki's facts could not be asked again: %s", error)
                    await self._wait(stop, limits.facts_every_s)
            finally:
                self._reads = self._answers = None

    async def _made(self, wiki: WikiHttp, reads: CachedReads) -> StoreAnswers:
        """Return what answers, by facts asked just now. Raises UnavailableError."""
        limits = self._config.reads
        try:
            facts = await learn_facts(
                wiki.call, site_urls=limits.site_urls, rest_versions=frozenset(limits.rest_versions)
            )
        except ValueError as error:
            raise UnavailableError(str(error)) from error
        sources = Sources(
            reads,
            facts,
            absence_is_known=limits.absence_is_known,
            data_types_s=limits.data_types_s,
            absent_s=limits.absent_s,
        )
        _log.info("the store is at hand", extra={"action": "store_at_hand"})
        return StoreAnswers(
            sources,
            facts,
            fragments_bytes=limits.fragments_bytes,
            surfaces=frozenset(Surface(one) for one in limits.surfaces),
        )

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._is_needed() and loop.time() < until and not await _over(stop, _LOOK_S):
            pass

    def _opened(self) -> CachedReads:
        if self._reads is None:
            raise UnavailableError("the store is not opened yet")
        return self._reads


async def _over(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
