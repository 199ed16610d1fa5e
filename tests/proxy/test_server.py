"""One worker's life: it stops without dropping anybody, and not later than it says."""

import asyncio

import aiohttp
from aiohttp import web
from fakes.worker import app_at, worker_before

from backends.config import Config, ProxyConfig
from proxy.server import wiki_address


def slow_wiki(release: asyncio.Event, began: asyncio.Event) -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        began.set()
        await release.wait()
        return web.Response(text="slow")

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    return app


async def test_what_is_under_way_ends_and_nothing_new_begins() -> None:
    release, began = asyncio.Event(), asyncio.Event()
    async with (
        app_at(slow_wiki(release, began)) as wiki_url,
        worker_before(wiki_url) as worker,
        aiohttp.ClientSession() as client,
        asyncio.TaskGroup() as tasks,
    ):
        asked = tasks.create_task(_text(client, worker.url))
        await began.wait()
        host, port = worker.url.removeprefix("http://").split(":")
        _, idle = await asyncio.open_connection(host, int(port))
        worker.stop.set()
        async with asyncio.timeout(5):
            while await _accepts(host, int(port)):  # noqa: ASYNC110 - the server closes when it gets to it
                await asyncio.sleep(0.01)
        release.set()
        assert await asked == "slow"
        idle.close()


async def test_a_client_that_never_ends_is_cut_when_the_time_is_over() -> None:
    release, began = asyncio.Event(), asyncio.Event()
    config = Config(proxy=ProxyConfig(drain_timeout_s=0.1))
    async with app_at(slow_wiki(release, began)) as wiki_url:
        async with (
            worker_before(wiki_url, config) as worker,
            aiohttp.ClientSession() as client,
            asyncio.TaskGroup() as tasks,
        ):
            asked = tasks.create_task(_failure(client, worker.url))
            await began.wait()
            worker.stop.set()
            async with asyncio.timeout(5):
                assert await asked is not None
        release.set()


def test_the_wikis_address_comes_from_its_url() -> None:
    plain = wiki_address("http://wiki.example")
    assert (plain.host, plain.port, plain.tls, plain.authority()) == ("wiki.example", 80, None, b"wiki.example")
    inner = wiki_address("http://[::1]:8080")
    assert (inner.host, inner.port, inner.authority()) == ("::1", 8080, b"[::1]:8080")
    secret = wiki_address("https://wiki.example")
    assert (secret.port, secret.tls is not None, secret.authority()) == (443, True, b"wiki.example")


async def _text(client: aiohttp.ClientSession, url: str) -> str:
    async with client.get(f"{url}/slow") as answer:
        return await answer.text()


async def _failure(client: aiohttp.ClientSession, url: str) -> aiohttp.ClientError | None:
    try:
        await _text(client, url)
    except aiohttp.ClientError as error:
        return error
    return None


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
