"""One whole proxy worker inside the test's process: handler, sampler, server, admin port."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web
from aiohttp.test_utils import TestServer

from backends.config import Config
from backends.ledger.spool import FULL, Written
from proxy.admin import admin_app
from proxy.forwarding import Forwarding
from proxy.handler import WikiHandler
from proxy.metrics import Counters
from proxy.sampler import Sampler
from proxy.server import ProxyServer, wiki_address
from proxy.wire.upstream import WikiPool
from rules.phases import Phase, phase
from rules.routes.route import Site
from rules.sample import Sample, shed_key


@dataclass
class MemorySpool:
    """Keeps samples in a list; `room` and `broken` make it refuse."""

    samples: list[Sample] = field(default_factory=list)
    shed: dict[str, int] = field(default_factory=dict)
    room: bool = True
    broken: bool = False

    def write(self, samples: Sequence[Sample], shed: Mapping[str, int]) -> Written:
        if self.broken:
            raise OSError("no such directory")
        if not self.room:
            return Written(0, Counter(shed_key(FULL, sample.surface) for sample in samples), told=False)
        self.samples += samples
        for why, count in shed.items():
            self.shed[why] = self.shed.get(why, 0) + count
        return Written(len(samples), {}, told=True)


@dataclass
class Worker:
    """A running worker. `phase` may be set while it runs."""

    url: str
    admin_url: str
    handler: WikiHandler
    counters: Counters
    spool: MemorySpool
    sampler: Sampler
    stop: asyncio.Event
    phase: Phase

    async def samples(self, count: int) -> list[Sample]:
        """Wait until so many samples are in the spool."""
        async with asyncio.timeout(5):
            while len(self.spool.samples) < count:  # noqa: ASYNC110 - the spool's own thread writes
                await asyncio.sleep(0.01)
        return self.spool.samples

    async def counted(self, condition: Callable[[Counters], bool]) -> None:
        """Wait until the counters say so: they follow the spool's thread."""
        async with asyncio.timeout(5):
            while not condition(self.counters):  # noqa: ASYNC110 - the spool's own thread counts
                await asyncio.sleep(0.01)


@asynccontextmanager
async def worker_before(
    wiki_url: str, config: Config | None = None, *, present: str = "shadow_reads", spool: MemorySpool | None = None
) -> AsyncIterator[Worker]:
    config = config or Config()
    config = replace(config, shadow=replace(config.shadow, flush_s=0.01))
    spool = spool or MemorySpool()
    loop = asyncio.get_running_loop()
    stop, stop_sampler = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        pool = WikiPool(wiki_address(wiki_url), config.proxy, tasks.create_task, loop)
        counters = Counters(pool.counts)
        limits = config.shadow
        sampler = Sampler(
            spool, Site(), "w1", queue_max=limits.queue_max, flush_s=limits.flush_s, events=counters.samples
        )
        running: list[Worker] = []
        handler = WikiHandler(
            config=config,
            site=Site(),
            forwarding=Forwarding(),
            counters=counters,
            sampler=sampler,
            phase=lambda: running[0].phase,
        )
        sampler.count_route = handler.watch.recognised
        server = ProxyServer(handler, pool, config.proxy)
        address = await server.listen("127.0.0.1:0")
        app = admin_app(counters, ready=lambda: "stopping" if stop.is_set() else "", status=counters.as_json)
        admin = TestServer(app)
        await admin.start_server()
        running.append(
            Worker(
                f"http://{address}",
                str(admin.make_url("")).rstrip("/"),
                handler,
                counters,
                spool,
                sampler,
                stop,
                phase(present),
            )
        )
        serving = tasks.create_task(server.run(stop))
        sampling = tasks.create_task(sampler.run(stop_sampler))
        try:
            yield running[0]
        finally:
            stop.set()
            await serving
            stop_sampler.set()
            await sampling
            await admin.close()


@asynccontextmanager
async def app_at(app: web.Application) -> AsyncIterator[str]:
    """Run an aiohttp app on loopback; yield its URL without a slash at its end."""
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
