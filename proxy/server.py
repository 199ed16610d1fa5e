"""One proxy worker: its listening socket, its sweep, and how it stops without dropping anybody."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from backends.config import ProxyConfig
from proxy.handler import WikiHandler
from proxy.wire.client import ClientConnection
from proxy.wire.upstream import WikiAddress, WikiPool

_log = logging.getLogger(__name__)
_SWEEP_S = 1.0


def wiki_address(url: str) -> WikiAddress:
    """Return where the wiki of that URL listens. TLS is verified against the system's authorities."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    host = parts.hostname or ""
    return WikiAddress(host, parts.port or (443 if tls else 80), tls, host)


class ProxyServer:
    """Accepts clients for one handler."""

    def __init__(self, handler: WikiHandler, pool: WikiPool, limits: ProxyConfig) -> None:
        self._handler = handler
        self._pool = pool
        self._limits = limits
        self._server: asyncio.Server | None = None

    async def listen(self, address: str) -> str:
        """Start listening on "host:port"; return the address with the real port. Raises OSError."""
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: ClientConnection(self._handler, self._pool, self._limits, loop),
            host.strip("[]"),
            int(port),
            backlog=1024,
        )
        return address_of(self._server.sockets[0], host)

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop`; then let what is under way end, for as long as the limit says."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                async with asyncio.timeout(_SWEEP_S):
                    await stop.wait()
            except TimeoutError:
                self._sweep(loop.time())
        await self._drain(loop)

    def _sweep(self, now: float) -> None:
        self._pool.sweep()
        for client in list(self._handler.clients):
            client.tick(now)

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._server is not None:
            self._server.close()
        until = loop.time() + self._limits.drain_timeout_s
        for client in list(self._handler.clients):
            client.drain()
        while self._handler.clients and loop.time() < until:
            self._sweep(loop.time())
            await asyncio.sleep(0.02)
        for client in list(self._handler.clients):
            client.cut()
        self._pool.close()
        _log.info("stopped listening", extra={"action": "stopped"})


def address_of(sock: socket.socket, host: str) -> str:
    """Return "host:port" with the port that the socket really has."""
    return f"{host}:{sock.getsockname()[1]}"


Spawn = Callable[..., object]
