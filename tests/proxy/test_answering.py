"""Reads that the phase gives to the store: answered by it, or by the wiki whatever goes wrong; and what is observed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web
from fakes.worker import MemorySpool, Worker, app_at, worker_before

from backends.config import Config, ReadsConfig
from backends.errors import UnavailableError
from proxy.answering import StoreReads
from proxy.deciding import Deciding
from proxy.reads.request import ReadRequest
from proxy.wire.exchange import Exchange
from rules.phases import phase
from rules.routes.route import EntityRead, EntityWrite, Site
from wikibase.ids import EntityId
from wikibase.render.outcome import Answer, Decline, Declined

READ = "/w/api.php?action=wbgetentities&ids=Q1&format=json"
WIKI = b'{"from":"wiki"}'
STORE = Answer(200, (("Content-Type", "application/json"),), b'{"from":"store"}', ((EntityId("Q1"), 7),))


async def wiki(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=WIKI, content_type="application/json")


@dataclass
class Scripted:
    """Answers, fence, breaker and edits in one, each doing what a test says."""

    make: Callable[[ReadRequest], Awaitable[Answer | Declined]]
    cleared: bool = True
    allowed: bool = True
    asked: list[ReadRequest] = field(default_factory=list)
    edits: list[EntityWrite | None] = field(default_factory=list)
    over: int = 0
    successes: int = 0
    failures: int = 0

    async def answer(self, request: ReadRequest, route: EntityRead) -> Answer | Declined:
        assert route.entities
        self.asked.append(request)
        return await self.make(request)

    async def clears(self, _read: EntityRead) -> bool:
        return self.cleared

    def allows(self) -> bool:
        return self.allowed

    def succeeded(self) -> None:
        self.successes += 1

    def failed(self) -> None:
        self.failures += 1

    def begin(self, _exchange: Exchange, write: EntityWrite | None, forward: Callable[[], None]) -> None:
        self.edits.append(write)
        forward()

    def ended(self, _exchange: Exchange) -> None:
        self.over += 1


async def from_store(_request: ReadRequest) -> Answer | Declined:
    return STORE


@asynccontextmanager
async def worker_with(
    scripted: Scripted, *, spool: MemorySpool | None = None, **limits: float
) -> AsyncIterator[tuple[Worker, aiohttp.ClientSession]]:
    reads = replace(ReadsConfig(), **limits)  # type: ignore[arg-type]
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{tail:.*}", wiki)
    async with (
        app_at(app) as wiki_url,
        asyncio.TaskGroup() as tasks,
        worker_before(wiki_url, Config(), present="read_cutover", spool=spool) as worker,
        aiohttp.ClientSession() as client,
    ):
        worker.handler.deciding = Deciding(
            Site(),
            StoreReads(scripted, scripted, scripted, reads, tasks.create_task),
            scripted,
            worker.handler.watch,
            worker.handler.forward,
            form_bytes_max=reads.form_bytes_max,
            fencing=lambda: True,
            effective=lambda _facts: phase("read_cutover"),
        )
        yield worker, client


async def got(answering: "aiohttp.client._RequestContextManager") -> bytes:
    async with answering as response:
        return await response.read()


async def test_the_store_answers_a_read_and_the_wiki_everything_else() -> None:
    scripted = Scripted(from_store)
    async with worker_with(scripted) as (worker, client):
        assert await got(client.get(worker.url + READ)) == STORE.body
        for other in ("/w/api.php?action=query&meta=siteinfo&format=json", "/w/load.php?x=1", "/wiki/Main_Page"):
            assert await got(client.get(worker.url + other)) == WIKI
        assert worker.counters.reads == {"answered": 1}


async def test_a_read_sent_as_a_form_is_waited_for_and_answered() -> None:
    scripted = Scripted(from_store)
    async with worker_with(scripted) as (worker, client):
        form = {"action": "wbgetentities", "ids": "Q1", "format": "json"}
        assert await got(client.post(worker.url + "/w/api.php", data=form)) == STORE.body
        assert await got(client.post(worker.url + "/w/api.php", data=form)) == STORE.body  # the connection lives on
        assert scripted.asked[0].body == b"action=wbgetentities&ids=Q1&format=json"
        assert scripted.edits == []


async def test_an_edit_is_announced_and_goes_to_the_wiki_whole() -> None:
    scripted = Scripted(from_store)
    async with worker_with(scripted) as (worker, client):
        form = {"action": "wbsetlabel", "id": "Q1", "value": "x", "token": "t", "format": "json"}
        assert await got(client.post(worker.url + "/w/api.php", data=form)) == WIKI
        (edit,) = scripted.edits
        assert edit is not None
        assert (edit.module, edit.entities) == ("wbsetlabel", ("Q1",))


async def test_a_form_too_large_to_be_waited_for_counts_as_an_edit_nobody_could_read() -> None:
    scripted = Scripted(from_store)
    async with worker_with(scripted, form_bytes_max=1024) as (worker, client):
        form = {"action": "wbeditentity", "id": "Q1", "data": "x" * 100_000, "token": "t"}
        assert await got(client.post(worker.url + "/w/api.php", data=form)) == WIKI
        assert scripted.edits == [None]
        assert worker.counters.reads == {"undecided": 1}


async def fails(_request: ReadRequest) -> Answer | Declined:
    raise UnavailableError("the index is away")


async def breaks(_request: ReadRequest) -> Answer | Declined:
    raise KeyError("a mistake")


async def never(_request: ReadRequest) -> Answer | Declined:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def declines(_request: ReadRequest) -> Answer | Declined:
    return Declined(Decline.FORMAT, "php")


@pytest.mark.parametrize(
    ("scripted", "reason", "failures"),
    [
        (Scripted(fails), "store_error", 1),
        (Scripted(breaks), "broken", 1),
        (Scripted(never), "timeout", 1),
        (Scripted(declines), "declined_format", 0),
        (Scripted(from_store, cleared=False), "fenced", 0),
        (Scripted(from_store, allowed=False), "breaker_open", 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_whatever_goes_wrong_the_wiki_answers_and_the_reason_is_counted(
    scripted: Scripted, reason: str, failures: int
) -> None:
    async with worker_with(scripted, answer_timeout_s=0.05) as (worker, client):
        assert await got(client.get(worker.url + READ)) == WIKI
        form = {"action": "wbgetentities", "ids": "Q1", "format": "json"}
        assert await got(client.post(worker.url + "/w/api.php", data=form)) == WIKI
        assert worker.counters.reads == {reason: 2}
    assert scripted.failures == 2 * failures


async def test_beyond_what_may_be_under_way_the_wiki_answers() -> None:
    leave = asyncio.Event()

    async def waits(_request: ReadRequest) -> Answer | Declined:
        await leave.wait()
        return STORE

    scripted = Scripted(waits)
    async with worker_with(scripted, at_once_max=1) as (worker, client), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(got(client.get(worker.url + READ)))
        while not scripted.asked:  # noqa: ASYNC110 - the worker's own task asks
            await asyncio.sleep(0.01)
        assert await got(client.get(worker.url + READ)) == WIKI
        leave.set()
        assert await first == STORE.body
        assert worker.counters.reads == {"busy": 1, "answered": 1}


async def test_a_client_that_leaves_costs_nothing_and_the_next_is_served() -> None:
    leave = asyncio.Event()

    async def waits(_request: ReadRequest) -> Answer | Declined:
        await leave.wait()
        return STORE

    scripted = Scripted(waits)
    async with worker_with(scripted) as (worker, client):
        host, _, port = worker.url.removeprefix("http://").rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {READ} HTTP/1.1\r\nHost: w\r\n\r\n".encode())
        while not scripted.asked:  # noqa: ASYNC110 - the worker's own task asks
            await asyncio.sleep(0.01)
        writer.close()
        await worker.counted(lambda counters: counters.outcomes["client_gone"] == 1)
        leave.set()
        assert await got(client.get(worker.url + READ)) == STORE.body


async def test_what_the_store_answered_is_sampled_as_the_client_got_it() -> None:
    spool = MemorySpool()
    async with worker_with(Scripted(from_store), spool=spool) as (worker, client):
        await got(client.get(worker.url + READ))
        form = {"action": "wbgetentities", "ids": "Q1", "format": "json", "token": "SECRET"}
        await got(client.post(worker.url + "/w/api.php", data=form))
        by_method = {one.method: one for one in await worker.samples(2)}  # two that begin at once have no order
    first, second = by_method["GET"], by_method["POST"]
    assert (first.body, first.status, first.phase) == (STORE.body, 200, "read_cutover")
    assert (first.answered_by, second.answered_by) == ("store", "store")
    assert second.form == b"action=wbgetentities&ids=Q1&format=json"


async def test_what_fell_back_is_sampled_from_the_wiki() -> None:
    spool = MemorySpool()
    async with worker_with(Scripted(declines), spool=spool) as (worker, client):
        form = {"action": "wbgetentities", "ids": "Q1", "format": "json"}
        await got(client.post(worker.url + "/w/api.php", data=form))
        (sample,) = await worker.samples(1)
    assert (sample.body, sample.form) == (WIKI, b"action=wbgetentities&ids=Q1&format=json")


async def test_a_client_of_http_1_0_and_a_head_are_answered_in_their_way() -> None:
    async with worker_with(Scripted(from_store)) as (worker, _client):
        host, _, port = worker.url.removeprefix("http://").rpartition(":")
        for line, ends in ((f"GET {READ} HTTP/1.0", STORE.body), (f"HEAD {READ} HTTP/1.1", b"\r\n\r\n")):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"{line}\r\nHost: w\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(ends)
            assert b"\r\nConnection: close\r\n" in answer
