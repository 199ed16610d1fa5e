"""A wiki whose every byte a test writes, and the bare relay in front of it: the wire without the rest of the proxy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from backends.config import ProxyConfig
from proxy.forwarding import Forwarding
from proxy.stand_in import failure, refusal
from proxy.wire.client import ClientConnection
from proxy.wire.exchange import Exchange
from proxy.wire.head import RequestHead, ResponseHead
from proxy.wire.upstream import WikiAddress, WikiPool

WAIT_S = 5.0
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PlainHandler:
    """Forwards everything. Keeps what it is told, for tests to look at."""

    def __init__(self, forwarding: Forwarding, clients_max: int = 100) -> None:
        self.forwarding = forwarding
        self.clients: set[Exchange] = set()
        self.ends: list[tuple[int, str]] = []
        self.tap: object = None
        self.clients_max = clients_max

    def begin(self, exchange: Exchange, head: RequestHead) -> None:
        exchange.tap = self.tap  # type: ignore[assignment]
        exchange.forward(self.forwarding.request(head, exchange.peer))

    def response_fields(self, exchange: Exchange, head: ResponseHead) -> bytes:
        assert exchange.head is not None
        return self.forwarding.response(exchange.head, head, exchange.peer)

    def end(self, exchange: Exchange, outcome: str) -> None:
        self.ends.append((exchange.status, outcome))

    def failure(self, exchange: Exchange, reason: str, *, sent: bool) -> tuple[int, bytes]:
        assert exchange.head is not None
        is_api = exchange.head.target.startswith(b"/w/api.php")
        return failure(exchange.head, reason, sent=sent, timed_out="within" in reason, is_api=is_api, retry_after_s=5)

    def refusal(self, _exchange: Exchange, status: int, reason: str) -> bytes:
        return refusal(status, reason)

    def opened(self, client: Exchange) -> bool:
        self.clients.add(client)
        return len(self.clients) <= self.clients_max

    def closed(self, client: Exchange) -> None:
        self.clients.discard(client)


class Relay:
    """A running relay: `port` for clients, `handler` and `pool` to look into, `wiki_connections` seen so far."""

    def __init__(self, port: int, handler: PlainHandler, pool: WikiPool, seen: list[asyncio.StreamWriter]) -> None:
        self.port = port
        self.handler = handler
        self.pool = pool
        self.seen = seen
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def talk(self, request: bytes) -> bytes:
        """Send bytes, return everything until the connection is closed from the other side."""
        reader, writer = await self.connect()
        writer.write(request)
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        writer.close()
        return answer

    def tick(self) -> None:
        now = asyncio.get_running_loop().time()
        self.pool.sweep()
        for client in list(self.handler.clients):
            client.tick(now)


@asynccontextmanager
async def relay_before(
    script: Script | None, *, forwarding: Forwarding | None = None, clients_max: int = 100, **limits: float
) -> AsyncIterator[Relay]:
    """A relay before a wiki that runs `script` on each connection (None: nobody listens there)."""
    loop = asyncio.get_running_loop()
    seen: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert script is not None
        seen.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.close()

    wiki = await asyncio.start_server(serve, "127.0.0.1", 0)
    wiki_port = wiki.sockets[0].getsockname()[1]
    if script is None:
        wiki.close()
        await wiki.wait_closed()
    config = replace(ProxyConfig(), **limits)  # type: ignore[arg-type]
    handler = PlainHandler(forwarding or Forwarding(), clients_max)
    async with asyncio.TaskGroup() as tasks:
        pool = WikiPool(WikiAddress("127.0.0.1", wiki_port), config, tasks.create_task, loop)
        server = await loop.create_server(lambda: ClientConnection(handler, pool, config, loop), "127.0.0.1", 0)
        try:
            relay = Relay(server.sockets[0].getsockname()[1], handler, pool, seen)
            yield relay
        finally:
            server.close()
            for client in list(handler.clients):
                client.cut()
            pool.close()
            await until(lambda: not handler.clients and not pool.counts()["open"])
            wiki.close()
            for writer in seen + relay.writers:
                writer.transport.abort()
                with suppress(ConnectionError):
                    await writer.wait_closed()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fails when it does not in time."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - any condition, not one of ours to signal
            await asyncio.sleep(0.005)
