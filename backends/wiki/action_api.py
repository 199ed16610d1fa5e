"""One call of the Action API, carried through: limits, patience, and errors by name.

Every call sends maxlag. A wiki that is busy (maxlag, 429, 503, ratelimited, Retry-After) is waited for as it asks,
up to `patience_s` altogether; one that fails (no connection, timeout, 5xx, no JSON, database errors) is asked again
`retries` times, waiting longer each time. Then: UnavailableError. What the wiki refuses is WikiApiError at once.
No credentials: what is asked here, anybody may read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import orjson

from backends.errors import UnavailableError
from backends.wiki.shapes import WikiApiError

log = logging.getLogger(__name__)

T = TypeVar("T")

USER_AGENT = "cutover/0.1 (reads a Wikibase to export it)"
"""Wikis of others want a way to reach the operator in here."""

GET_MAX_BYTES = 4000
"""Longer queries are sent as POST, which reads just as well (wikibase.md 0.2)."""

_BUSY_CODES = frozenset({"maxlag", "ratelimited", "actionthrottledtext"})
_BUSY_STATUS = frozenset({429, 503})
_BUSY_WAIT_S = 5.0  # what MediaWiki asks for with maxlag when it names nothing longer
_FIRST_WAIT_S = 0.5
_WAIT_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    retry_after_s: float | None
    body: bytes


class BrokenAnswerError(UnavailableError):
    """The wiki answered with no JSON, again and again: down, or this very request kills it."""


class SlowAnswerError(UnavailableError):
    """The wiki did not answer in time, again and again: overloaded, or this very request is too much."""


class _Again(Exception):  # noqa: N818 -- not an error yet: a reason to ask again
    """The wiki is busy or failed this once. `wait_s` None: it did not say how long to wait."""

    def __init__(
        self, why: str, *, busy: bool, wait_s: float | None = None, kind: type[UnavailableError] = UnavailableError
    ) -> None:
        super().__init__(why)
        self.busy = busy
        self.wait_s = wait_s
        self.kind = kind


class ActionApi:
    """The wiki's api.php, and beside it any other address of the same wiki."""

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
        answer_max_bytes: int = 256 * 1024 * 1024,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api_url = api_url
        self._session = session
        self._own_session = session is None
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._retries = retries
        self._patience_s = patience_s
        self._maxlag_s = maxlag_s
        self._turns = asyncio.Semaphore(concurrency)
        self._answer_max_bytes = answer_max_bytes
        self._sleep = sleep

    async def call(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer of one call. Raises WikiApiError, UnavailableError."""
        full = {"format": "json", "formatversion": "2", **params}
        if self._maxlag_s is not None:
            full["maxlag"] = f"{self._maxlag_s:g}"
        return await self._persist(lambda: self._call_once(full))

    async def page(self, url: str, params: Mapping[str, str]) -> Answer:
        """Return the answer of another address of the wiki, whatever its status but busy and 5xx gateways."""

        async def once() -> Answer:
            answer = await self._ask(url, params)
            if answer.status in _BUSY_STATUS or answer.status in (502, 504):
                raise _Again(f"HTTP {answer.status}", busy=answer.status in _BUSY_STATUS, wait_s=answer.retry_after_s)
            return answer

        return await self._persist(once)

    async def close(self) -> None:
        """Close the connections, unless the session was given. Calling it twice is harmless."""
        if self._session is not None and self._own_session:
            await self._session.close()

    async def _persist(self, once: Callable[[], Awaitable[T]]) -> T:
        failures, waited_s = 0, 0.0
        while True:
            try:
                async with self._turns:
                    return await once()
            except _Again as again:
                failures += not again.busy
                wait_s = again.wait_s or (_BUSY_WAIT_S if again.busy else _FIRST_WAIT_S * 2 ** (failures - 1))
                wait_s = wait_s if again.wait_s else min(wait_s, _WAIT_MAX_S)
                waited_s += wait_s
                if failures > self._retries or waited_s > self._patience_s:
                    raise again.kind(f"{self.api_url}: {again}", retry_after_s=again.wait_s) from again
                log.warning("The wiki is asked again in %.1f s: %s", wait_s, again, extra={"action": "wiki_retry"})
            await self._sleep(wait_s)

    async def _call_once(self, params: Mapping[str, str]) -> dict[str, Any]:
        answer = await self._ask(self.api_url, params)
        if answer.status in _BUSY_STATUS:
            raise _Again(f"HTTP {answer.status}", busy=True, wait_s=answer.retry_after_s)
        try:
            parsed = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            why = f"HTTP {answer.status} without JSON: {answer.body[:200]!r}"
            raise _Again(why, busy=False, kind=BrokenAnswerError) from None
        if not isinstance(parsed, dict):
            raise _Again(f"HTTP {answer.status} with JSON that is no object", busy=False)
        if "error" not in parsed:
            return parsed
        code, info = str(parsed["error"].get("code")), str(parsed["error"].get("info"))
        if code in _BUSY_CODES:
            raise _Again(f"{code}: {info}", busy=True, wait_s=answer.retry_after_s)
        if code.startswith("internal_api_error_DB"):
            raise _Again(f"{code}: {info}", busy=False, wait_s=answer.retry_after_s)
        raise WikiApiError(code, info)

    async def _ask(self, url: str, params: Mapping[str, str]) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        short = sum(len(key) + len(value) for key, value in params.items()) <= GET_MAX_BYTES
        try:
            async with self._session.request(
                "GET" if short else "POST",
                url,
                params=params if short else None,
                data=None if short else params,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                body = await self._body(response)
                return Answer(response.status, retry_after_s(response.headers.get("Retry-After")), body)
        except TimeoutError:
            why = f"no answer within {self._timeout.total:g} s"
            raise _Again(why, busy=False, kind=SlowAnswerError) from None
        except aiohttp.ClientError as error:
            raise _Again(f"{type(error).__name__}: {error}", busy=False) from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_chunked(1 << 18):
            size += len(part)
            if size > self._answer_max_bytes:
                raise WikiApiError("answer-too-large", f"more than {self._answer_max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


def retry_after_s(header: str | None) -> float | None:
    """Return the seconds that a Retry-After asks for; None for a date or nonsense, at most an hour."""
    try:
        return min(max(float(header or ""), 0.1), 3600.0)
    except ValueError:
        return None
