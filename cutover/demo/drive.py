"""Clients of the demonstration: sends the requests of `traffic` through the proxy as several clients would."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import aiohttp
import orjson

from cutover.demo.traffic import DemoRequest, filled, taken

_TIMEOUT_S = 30.0
_FAILED = 500


@dataclass(slots=True)
class Driven:
    """What the clients saw. `failures` names what a client of the wiki itself would not have seen."""

    requests: int = 0
    edits: int = 0
    failures: list[str] = field(default_factory=list)


class Clients:
    """Sends requests to one address; who shares a jar shares cookies and waits for their own answers."""

    def __init__(self, url: str, *, at_once: int = 8) -> None:
        self.url = url
        self.driven = Driven()
        self._turns = asyncio.Semaphore(at_once)
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._values: dict[str, dict[str, str]] = {}

    async def send_all(self, requests: Iterable[DemoRequest], progress: Callable[[int], object]) -> None:
        """Send everything; requests with a jar in their order, the others side by side."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for request in requests:
                    await self._turns.acquire()
                    if request.jar:
                        await self._send(request, progress)
                    else:
                        tasks.create_task(self._send(request, progress))
        finally:
            for session in self._sessions.values():
                await session.close()
            self._sessions.clear()

    async def _send(self, request: DemoRequest, progress: Callable[[int], object]) -> None:
        try:
            body = await self._exchange(filled(request, self._values.setdefault(request.jar, {})))
            if request.takes:
                self._values[request.jar].update(taken(request, orjson.loads(body)))
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            self.driven.failures.append(f"{request.kind} {request.target[:80]}: {type(error).__name__} {error}")
        finally:
            self._turns.release()
            self.driven.requests += 1
            progress(1)

    async def _exchange(self, request: DemoRequest) -> bytes:
        session = self._sessions.get(request.jar)
        if session is None:
            # A browser or a bot keeps cookies; who reads anonymously does not.
            cookies = aiohttp.CookieJar(unsafe=True) if request.jar else aiohttp.DummyCookieJar()
            session = aiohttp.ClientSession(
                cookie_jar=cookies, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)
            )
            self._sessions[request.jar] = session
        async with session.request(
            request.method,
            self.url + request.target,
            headers=dict(request.headers),
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            if response.headers.get("MediaWiki-API-Error", "").startswith(("maxlag", "internal_api_error_WikiUn")):
                self.driven.failures.append(f"{request.kind} {request.target[:80]}: the wiki was not reached")
            if b"&token=" in request.body and b'"success":1' in body:
                self.driven.edits += 1
            return body
