"""The wiki, asked no faster than it bears: every request of the judge goes through here (`rules.throttle`).

Waiting has a limit: who would wait longer is told that the wiki is unavailable, which settles nothing and can be tried
again later. Clients of the wiki come first; what we could not ask in time is counted, never guessed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from backends.errors import BackendError, UnavailableError
from rules.throttle import THROTTLE_LIMITS, Answered, Throttle, ThrottleLimits, after, at_first
from verifier.sides import HeadOfWiki, TextOfWiki, WikiSide
from wikibase.ids import EntityId

_T = TypeVar("_T")


class PacedWiki:
    """Implements `verifier.sides.WikiSide` over another one. `clock` counts seconds, from anywhere."""

    def __init__(
        self,
        wiki: WikiSide,
        *,
        clock: Callable[[], float],
        limits: ThrottleLimits = THROTTLE_LIMITS,
        wait_max_s: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wiki = wiki
        self._clock = clock
        self._limits = limits
        self._wait_max_s = wait_max_s
        self._sleep = sleep
        self._next_at = 0.0
        self.throttle: Throttle = at_first(limits)
        self.given_up = 0
        self.waited_s = 0.0

    async def heads(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, HeadOfWiki]:
        """Return what the wiki says of each entity."""
        return await self._paced("heads", lambda: self._wiki.heads(entity_ids))

    async def entity_at(self, entity_id: EntityId, rev_id: int) -> Mapping[str, Any] | None:
        """Return the entity's JSON at a revision."""
        return await self._paced("entity_at", lambda: self._wiki.entity_at(entity_id, rev_id))

    async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, TextOfWiki]:
        """Return the stored text of each revision. Fifty are one request."""
        return await self._paced(f"contents of {len(rev_ids)}", lambda: self._wiki.contents(rev_ids))

    def facts(self) -> dict[str, float]:
        """Return how it stands, for metrics and the status page."""
        told = self.throttle
        return {
            "rate": told.rate,
            "rate_max": self._limits.rate_max,
            "slowed": told.slowed,
            "busy": told.busy,
            "slow": told.slow,
            "given_up": self.given_up,
            "waited_s": self.waited_s,
        }

    async def _paced(self, kind: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        await self._turn()
        began = self._clock()
        try:
            found = await ask()
        except BackendError as error:
            # What the wiki refuses says nothing about its load; what it could not answer does.
            self._note(kind, began, busy=isinstance(error, UnavailableError))
            raise
        except TimeoutError:
            self._note(kind, began, busy=True)
            raise
        self._note(kind, began, busy=False)
        return found

    def _note(self, kind: str, began: float, *, busy: bool) -> None:
        now = self._clock()
        seen = Answered(kind=kind, at=now, latency_s=max(0.0, now - began), busy=busy)
        self.throttle = after(self.throttle, seen, self._limits)

    async def _turn(self) -> None:
        now = self._clock()
        wait_s = self._next_at - now
        if wait_s > self._wait_max_s:
            self.given_up += 1
            raise UnavailableError(f"the wiki is spared: this request would wait {wait_s:.1f} s for its turn")
        self._next_at = max(self._next_at, now) + self.throttle.interval_s
        if wait_s > 0:
            self.waited_s += wait_s
            await self._sleep(wait_s)
