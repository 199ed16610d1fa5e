"""Connections to the wiki: one protocol object each, and the bounded pool that keeps them.

The pool never queues without limit and never waits without end. A connection is reused only when both
messages on it ended where they said they would.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from backends.config import ProxyConfig as Limits
from proxy.wire.chunks import ChunkScanner
from proxy.wire.head import CHUNKED, UNTIL_CLOSE, ResponseHead, WireError, read_response_head

_HEAD_END = b"\r\n\r\n"


class Answered(Protocol):
    """Who waits for an answer. Called in this order: interim*, head, body*, then end or broken."""

    def wiki_interim(self, raw: bytes) -> None:
        """Take a 1xx head, verbatim with its empty line."""

    def wiki_head(self, head: ResponseHead) -> None:
        """Take the head of the final answer."""

    def wiki_body(self, piece: bytes) -> None:
        """Take a piece of the body as framed on the wire."""

    def wiki_end(self) -> None:
        """The answer is complete; the connection is no longer the asker's."""

    def wiki_broken(self, reason: str, *, answered: bool) -> None:
        """The connection failed. `answered`: a part of the answer had come already."""

    def wiki_pause(self) -> None:
        """Stop sending the request's body for now."""

    def wiki_resume(self) -> None:
        """Go on sending the request's body."""


class WikiConnection(asyncio.Protocol):
    """One connection to the wiki, serving one exchange at a time."""

    def __init__(self, pool: "WikiPool") -> None:
        self._pool = pool
        self._asker: Answered | None = None
        self._method = b""
        self._buffer = b""
        self._left = 0
        self._paused = False
        self._scanner: ChunkScanner | None = None
        self._head: ResponseHead | None = None
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.used = 0
        self.request_sent = False  # the asker's to set: the whole request, body included, was written

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = tcp = cast("asyncio.Transport", transport)
        tcp.set_write_buffer_limits(high=self._pool.limits.buffer_bytes_max)

    @property
    def open(self) -> bool:
        """Whether the connection can carry a request."""
        return self.transport is not None and not self.transport.is_closing()

    def ask(self, asker: Answered, method: bytes, request: bytes) -> None:
        """Send the first bytes of a request (its whole head, perhaps some body)."""
        assert self.transport is not None
        self._asker, self._method, self._head, self._scanner = asker, method, None, None
        self.used += 1
        self.request_sent = False
        self.transport.write(request)

    def send(self, piece: bytes) -> None:
        """Send a further piece of the request's body."""
        if self.transport is not None:
            self.transport.write(piece)

    def pause_answer(self) -> None:
        """Stop reading: the client is slow."""
        if self.open and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def resume_answer(self) -> None:
        """Read on."""
        if self._paused and self.open and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()

    def abandon(self) -> None:
        """Give the exchange up: nobody waits for its answer any more."""
        self._asker = None
        if self.transport is not None:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Pass the wiki's slowness on to the client."""
        if self._asker is not None:
            self._asker.wiki_pause()

    def resume_writing(self) -> None:
        """Let the client send again."""
        if self._asker is not None:
            self._asker.wiki_resume()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the answer."""
        asker = self._asker
        if asker is None:  # bytes that nobody asked for: this connection cannot be trusted again
            self.abandon()
            return
        try:
            if self._head is None:
                self._read_head(asker, data)
            else:
                self._read_body(asker, data)
        except WireError as error:
            self._break(error.reason)

    def eof_received(self) -> bool:
        """Let the transport close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the asker, and the pool."""
        self._pool.lost(self)
        asker, head = self._asker, self._head
        if asker is None:
            return
        if head is not None and head.body == UNTIL_CLOSE and exc is None:
            self._asker = None
            asker.wiki_end()
        else:
            self._break(str(exc) if exc else "the wiki closed the connection")

    def _break(self, reason: str) -> None:
        asker, self._asker = self._asker, None
        if self.transport is not None:
            self.transport.abort()
        if asker is not None:
            asker.wiki_broken(reason, answered=self._head is not None or bool(self._buffer))

    def _read_head(self, asker: Answered, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        while True:
            end = data.find(_HEAD_END)
            if end < 0:
                if len(data) > self._pool.limits.head_bytes_max:
                    raise WireError(502, "the head of the wiki's answer is too long")
                self._buffer = data
                return
            raw, data = data[:end], data[end + 4 :]
            head = read_response_head(raw, self._method)
            if head.status == 101:  # noqa: PLR2004 - Upgrade is never passed on, so nobody asked for this
                raise WireError(502, "the wiki changed the protocol without being asked")
            if head.status >= 200:  # noqa: PLR2004
                break
            asker.wiki_interim(raw + _HEAD_END)
        self._buffer = b""
        self._head = head
        self._left = head.body
        self._scanner = ChunkScanner(502) if head.body == CHUNKED else None
        asker.wiki_head(head)
        if self._asker is not asker:  # given up meanwhile
            return
        if head.body == 0:
            self._finish(asker, clean=not data)
        elif data:
            self._read_body(asker, data)

    def _read_body(self, asker: Answered, data: bytes) -> None:
        if self._scanner is not None:
            taken = self._scanner.scan(data)
            asker.wiki_body(data if taken == len(data) else data[:taken])
            if self._scanner.done and self._asker is asker:
                self._finish(asker, clean=taken == len(data))
        elif self._left == UNTIL_CLOSE:
            asker.wiki_body(data)
        else:
            piece = data[: self._left]
            self._left -= len(piece)
            asker.wiki_body(piece)
            if not self._left and self._asker is asker:
                self._finish(asker, clean=len(piece) == len(data))

    def _finish(self, asker: Answered, *, clean: bool) -> None:
        head = self._head
        self._asker = None
        self._head = None
        keep = clean and head is not None and head.keep_alive and head.minor == 1
        if keep and self.request_sent:
            self.resume_answer()
            self._pool.give_back(self)
        else:
            self.abandon()
        asker.wiki_end()

    def close(self) -> None:
        """Close an idle connection."""
        if self.transport is not None:
            self.transport.close()


@dataclass(frozen=True, slots=True)
class WikiAddress:
    """Where the wiki listens."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    def authority(self) -> bytes:
        """Return what a Host header says of this address."""
        usual = self.port == (443 if self.tls else 80)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host.encode() if usual else f"{host}:{self.port}".encode()


class WikiPool:
    """The connections to one wiki. `spawn` starts a task in the TaskGroup that the wiring owns."""

    def __init__(
        self,
        address: WikiAddress,
        limits: Limits,
        spawn: Callable[..., object],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.address = address
        self.limits = limits
        self._spawn = spawn
        self._loop = loop
        self._idle: list[WikiConnection] = []
        self._all: set[WikiConnection] = set()
        self._opening = 0
        self._closed = False
        self._waiting: deque[tuple[float, Callable[[WikiConnection | None, str], None]]] = deque()

    def take(self, *, safe: bool, fresh: bool, then: Callable[[WikiConnection | None, str], None]) -> None:
        """Call `then` with a connection, or with None and the reason; at once when there is an idle one.

        `safe`: a request that may be repeated. Others get no connection that the wiki may just be closing.
        """
        oldest = self._loop.time() - (self.limits.wiki_keepalive_s if safe else self.limits.wiki_unsafe_reuse_s)
        while self._idle and not fresh:
            connection = self._idle[-1]
            if connection.idle_since <= oldest and connection.open:
                break  # the newest idle one is too old already
            self._idle.pop()
            if connection.open:
                then(connection, "")
                return
        if len(self._all) + self._opening < self.limits.wiki_connections_max:
            self._opening += 1
            self._spawn(self._connect(then))
        elif len(self._waiting) < self.limits.wiki_waiting_max:
            self._waiting.append((self._loop.time() + self.limits.connect_timeout_s, then))
        else:
            then(None, "too many requests wait for the wiki")

    def give_back(self, connection: WikiConnection) -> None:
        """Return a connection whose exchange ended cleanly."""
        if not connection.open:
            return
        connection.idle_since = self._loop.time()
        if self._waiting:
            self._waiting.popleft()[1](connection, "")
        else:
            self._idle.append(connection)

    def lost(self, connection: WikiConnection) -> None:
        """Forget a closed connection; whoever waits may open another."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting and len(self._all) + self._opening < self.limits.wiki_connections_max:
            self._opening += 1
            self._spawn(self._connect(self._waiting.popleft()[1]))

    def sweep(self) -> None:
        """Close what has been idle for too long; tell those who have waited too long. Called each second."""
        now = self._loop.time()
        for connection in [one for one in self._idle if one.idle_since <= now - self.limits.wiki_keepalive_s]:
            self._idle.remove(connection)
            connection.close()
        while self._waiting and self._waiting[0][0] < now:
            self._waiting.popleft()[1](None, "no connection to the wiki became free in time")

    def close(self) -> None:
        """Close every connection at once, and every one that is still being opened once it is."""
        self._closed = True
        while self._waiting:
            self._waiting.popleft()[1](None, "the proxy is stopping")
        for connection in list(self._all):
            connection.abandon()

    def counts(self) -> dict[str, int]:
        """Return how many connections are open and idle, and how many requests wait for one."""
        return {"open": len(self._all), "idle": len(self._idle), "waiting": len(self._waiting)}

    async def _connect(self, then: Callable[[WikiConnection | None, str], None]) -> None:
        connection, reason = WikiConnection(self), ""
        try:
            async with asyncio.timeout(self.limits.connect_timeout_s):
                await self._loop.create_connection(
                    lambda: connection,
                    self.address.host,
                    self.address.port,
                    ssl=self.address.tls,
                    server_hostname=self.address.server_name if self.address.tls else None,
                )
        except TimeoutError:
            reason = f"the wiki did not accept a connection within {self.limits.connect_timeout_s:g} s"
        except OSError as error:
            reason = f"the wiki cannot be reached: {error.strerror or error}"
        finally:
            self._opening -= 1
        if reason:
            then(None, reason)
            return
        self._all.add(connection)
        if self._closed:
            connection.abandon()
            then(None, "the proxy is stopping")
        else:
            then(connection, "")
