"""The handler before a small wiki: what is sampled, what is refused, what is counted; and never a secret."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from fakes.worker import MemorySpool, Worker, app_at, worker_before

from backends.config import Config, ProxyConfig, ShadowConfig
from rules.phases import phase

ENTITY = b'{"entities":{"Q1":{"type":"item","id":"Q1"}},"success":1}'
READ = "/w/api.php?action=wbgetentities&ids=Q1&format=json"
EDIT = {"action": "wbsetlabel", "id": "Q1", "value": "x", "token": "SECRET+\\"}


async def answer(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Set-Cookie": "SECRETCOOKIE=1"})
    if "chunked" in request.query or request.method == "POST":
        response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(ENTITY[:20])
    await response.write(ENTITY[20:])
    return response


@asynccontextmanager
async def small_wiki_and_worker(
    config: Config | None = None, *, present: str = "shadow_reads", spool: MemorySpool | None = None
) -> AsyncIterator[tuple[Worker, aiohttp.ClientSession]]:
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{tail:.*}", answer)
    async with (
        app_at(app) as wiki_url,
        worker_before(wiki_url, config, present=present, spool=spool) as worker,
        aiohttp.ClientSession() as client,
    ):
        yield worker, client


async def get(client: aiohttp.ClientSession, url: str) -> bytes:
    async with client.get(url) as got:
        return await got.read()


async def test_an_entity_read_is_sampled_whole_however_it_is_framed() -> None:
    async with small_wiki_and_worker() as (worker, client):
        assert await get(client, worker.url + READ) == ENTITY
        assert await get(client, worker.url + READ + "&chunked=1") == ENTITY
        form = {"action": "wbgetentities", "ids": "Q1", "format": "json", "token": "SECRET"}
        async with client.post(worker.url + "/w/api.php", data=form) as got:
            assert await got.read() == ENTITY
        samples = await worker.samples(3)
        assert [one.body for one in samples] == [ENTITY] * 3
        assert [one.method for one in samples] == ["GET", "GET", "POST"]
        assert samples[2].form == b"action=wbgetentities&ids=Q1&format=json"
        assert {one.phase for one in samples} == {"shadow_reads"}
        await worker.counted(lambda counters: counters.routes["EntityRead", "wbgetentities"] == 3)


async def test_a_multipart_read_becomes_a_plain_form() -> None:
    async with small_wiki_and_worker() as (worker, client):
        with aiohttp.MultipartWriter("form-data") as form:
            for name, value in {"action": "wbgetentities", "ids": "Q1", "format": "json", "token": "SECRET"}.items():
                form.append(value).set_content_disposition("form-data", name=name)
        async with client.post(worker.url + "/w/api.php", data=form) as got:
            await got.read()
        (sample,) = await worker.samples(1)
    assert sample.form == b"action=wbgetentities&ids=Q1&format=json"
    assert ("content-type", "application/x-www-form-urlencoded") in sample.request_headers


async def test_no_secret_of_a_client_gets_into_a_sample() -> None:
    async with small_wiki_and_worker() as (worker, client):
        headers = {"Cookie": "session=SECRET", "Authorization": "Bearer SECRET", "X-Forwarded-For": "6.6.6.6"}
        url = worker.url + READ + "&token=SECRET&assertuser=SECRET"
        async with client.get(url, headers=headers) as got:
            await got.read()
        samples = await worker.samples(1)
    for word in ("SECRET", "6.6.6.6", "127.0.0.1", "ookie"):
        assert word not in repr(samples)


async def test_revisions_read_by_somebody_logged_in_are_not_sampled() -> None:
    read = "/w/api.php?action=query&prop=revisions&revids=5&rvprop=content&rvslots=main&format=json"
    async with small_wiki_and_worker() as (worker, client):
        async with client.get(worker.url + read, headers={"Cookie": "s=1"}) as got:
            await got.read()
        await get(client, worker.url + READ)
        samples = await worker.samples(1)
        assert [one.target for one in samples] == [READ]
        await worker.counted(lambda counters: counters.samples["not_entity_reads"] == 1)


async def test_edits_and_pages_are_never_sampled_but_counted() -> None:
    async with small_wiki_and_worker() as (worker, client):
        async with client.post(worker.url + "/w/api.php", data=EDIT) as got:
            await got.read()
        await get(client, worker.url + "/w/load.php?x=1")
        await get(client, worker.url + READ)
        await worker.samples(1)
        await worker.counted(lambda counters: counters.routes["EntityWrite", "wbsetlabel"] == 1)
        assert len(worker.spool.samples) == 1
        assert sum(n for (kind, _), n in worker.counters.routes.items() if kind == "NotOurs") == 1


async def test_before_shadow_reads_nothing_is_sampled() -> None:
    config = Config(proxy=ProxyConfig(legacy_routes_every=1))
    async with small_wiki_and_worker(config, present="prepare") as (worker, client):
        for _ in range(3):
            await get(client, worker.url + READ)
        assert worker.counters.routes["EntityRead", "wbgetentities"] == 3
        worker.phase = phase("shadow_reads")
        await get(client, worker.url + READ)
        assert len(await worker.samples(1)) == 1


async def test_the_share_of_samples_is_kept_to() -> None:
    config = Config(shadow=ShadowConfig(sample_rate=0.0))
    async with small_wiki_and_worker(config) as (worker, client):
        await get(client, worker.url + READ)
        assert worker.sampler.waiting == 0
    assert worker.spool.samples == []


async def test_what_cannot_be_kept_is_shed_and_counted_and_the_client_never_knows() -> None:
    config = Config(shadow=ShadowConfig(tap_bytes_max=65536, body_bytes_max=1024, form_bytes_max=1024))
    async with small_wiki_and_worker(config) as (worker, client):
        form = {"action": "wbgetentities", "ids": "Q1", "x": "y" * 5000}
        async with client.post(worker.url + "/w/api.php", data=form) as got:
            assert await got.read() == ENTITY
        await get(client, worker.url + READ)
        await worker.samples(1)
        assert worker.counters.samples["shed_form_too_large"] == 1
        assert worker.spool.shed == {"form_too_large": 1}
        async with asyncio.timeout(5):
            while worker.handler.budget.held:  # noqa: ASYNC110 - given back once the spool's thread is done
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("broken", [True, False])
async def test_a_spool_that_is_full_or_broken_costs_samples_not_answers(*, broken: bool) -> None:
    spool = MemorySpool(room=False, broken=broken)
    async with small_wiki_and_worker(spool=spool) as (worker, client):
        for _ in range(3):
            assert await get(client, worker.url + READ) == ENTITY
        reason = "shed_spool_unwritable" if broken else "shed_spool_full"
        async with asyncio.timeout(5):
            while worker.counters.samples[reason] < 3:  # noqa: ASYNC110 - the spool's own thread counts
                await asyncio.sleep(0.01)
        spool.room, spool.broken = True, False
        await get(client, worker.url + READ)
        await worker.samples(1)
    assert sum(spool.shed.values()) >= 3  # what was shed is told as soon as there is room


async def test_a_full_queue_sheds() -> None:
    config = Config(shadow=ShadowConfig(queue_max=1))
    async with small_wiki_and_worker(config) as (worker, client):
        worker.sampler.offer = _offer_twice(worker)  # type: ignore[method-assign]
        await get(client, worker.url + READ)
        assert worker.counters.samples["shed_queue_full"] == 1


def _offer_twice(worker: Worker):
    once = type(worker.sampler).offer

    def offer(seen) -> None:
        once(worker.sampler, seen)
        once(worker.sampler, replace(seen))

    return offer


async def test_websockets_and_tunnels_are_refused_clearly() -> None:
    async with small_wiki_and_worker() as (worker, client):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        async with client.get(worker.url + "/x", headers=headers) as got:
            assert (got.status, await got.text()) == (501, "websockets and other upgrades are not relayed\n")
        async with client.request("TRACE", worker.url + "/x") as got:
            assert got.status == 501
        async with client.get(worker.url + "/x", headers={"Upgrade": "h2c", "Connection": "Upgrade"}) as got:
            assert got.status == 200  # an offer that may be ignored


async def test_the_admin_port_tells_health_readiness_metrics_and_status() -> None:
    async with small_wiki_and_worker() as (worker, client):
        await get(client, worker.url + READ)
        assert await get(client, worker.admin_url + "/healthz") == b"ok\n"
        assert await get(client, worker.admin_url + "/readyz") == b"ready\n"
        assert b'cutover_requests_total{status="200"} 1.0' in await get(client, worker.admin_url + "/metrics")
        assert b'"requests": 1' in await get(client, worker.admin_url + "/status")
        worker.stop.set()
        async with client.get(worker.admin_url + "/readyz") as got:
            assert (got.status, await got.text()) == (503, "stopping\n")
