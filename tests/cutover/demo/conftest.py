"""A sample wiki for each test that asks for one, and a client that sends exactly what it is told."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World

TIMEOUT = aiohttp.ClientTimeout(total=30)
QUIET = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass
class Told:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Client:
    """Sends requests to a wiki, follows nothing, keeps cookies."""

    def __init__(self, wiki: SampleWiki, session: aiohttp.ClientSession) -> None:
        self.wiki, self.session = wiki, session

    @property
    def world(self) -> World:
        return self.wiki.world

    async def send(self, method: str, target: str, headers: Mapping[str, str] | tuple = (), body: bytes = b"") -> Told:
        url = URL(self.wiki.url + target, encoded=True)
        sent = {"headers": headers or None, "data": body or None, "allow_redirects": False, "skip_auto_headers": QUIET}
        async with self.session.request(method, url, **sent) as answer:
            return Told(answer.status, answer.headers, await answer.read())

    @asynccontextmanager
    async def another(self) -> AsyncIterator["Client"]:
        """Another client of the same wiki, with cookies of its own."""
        async with new_session() as session:
            yield Client(self.wiki, session)

    async def get(self, target: str, **headers: str) -> Told:
        return await self.send("GET", target, {name.replace("_", "-"): value for name, value in headers.items()})

    async def api(self, **fields: str) -> Any:
        return (await self.get("/w/api.php?" + urlencode({"format": "json", "formatversion": "2", **fields}))).json

    async def post(self, **fields: str) -> Told:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.send("POST", "/w/api.php", form, urlencode({"format": "json", **fields}).encode())

    async def log_in(self, name: str = "Alice", password: str = "sample") -> str:
        """Log in; returns a CSRF token."""
        token = (await self.api(action="query", meta="tokens", type="login"))["query"]["tokens"]["logintoken"]
        told = await self.post(action="login", lgname=name, lgpassword=password, lgtoken=token)
        assert told.json["login"]["result"] == "Success"
        return (await self.api(action="query", meta="tokens"))["query"]["tokens"]["csrftoken"]


def new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(auto_decompress=False, timeout=TIMEOUT, cookie_jar=aiohttp.CookieJar(unsafe=True))


async def connected(world: World, **options: Any) -> AsyncIterator[Client]:
    async with SampleWiki(world=world, **options) as wiki, new_session() as session:
        yield Client(wiki, session)


@pytest.fixture
def world() -> World:
    return World.load()


@pytest.fixture
def empty_world() -> World:
    return World.empty()


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async for one in connected(world):
        yield one


@pytest.fixture
async def rendering(world: World) -> AsyncIterator[Client]:
    """A client of a wiki that renders every answer and names the recorded server."""
    world.use_recorded = False
    async for one in connected(world, keep_server=True):
        yield one


@pytest.fixture
async def small(empty_world: World) -> AsyncIterator[Client]:
    """A client of a wiki with one item, Q1 (labels en, de)."""
    empty_world.create_item({"en": "one", "de": "eins"})
    async for one in connected(empty_world):
        yield one
