"""A proxy on loopback in front of an S3 server that does damage: what a network, a full or a sick server does.

Forwards request by request (a new connection to the server each time) until a fault is set; a fault hits every
request whose first line holds `only`.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a request. Unset: nothing.

    `answer`: given instead of asking the server. `delay_s`: before the answer goes out. `hang`: no answer at all.
    `request`, `response`: turn the bytes sent (head) and received (head and body) into others.
    """

    only: bytes = b""
    answer: bytes | None = None
    delay_s: float = 0.0
    hang: bool = False
    request: Change | None = None
    response: Change | None = None


class FaultyS3:
    """The proxy. `fault`: what it does now. `seen`: first lines of the requests that came. `at_once_max`: of those."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.fault = Fault()
        self.seen: list[str] = []
        self._at_once = 0
        self.at_once_max = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; on the same port again after `stop`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break every connection, as a server does that dies."""
        assert self._server
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handle one request; False when the connection is to be closed."""
        head = await reader.readuntil(b"\r\n\r\n")
        if re.search(rb"(?i)\r\nexpect: 100-continue", head):
            head = re.sub(rb"(?i)\r\nexpect: 100-continue", b"", head)
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(_length(head))
        self._at_once += 1
        self.at_once_max = max(self.at_once_max, self._at_once)
        try:
            return await self._respond(reader, writer, head, body)
        finally:
            self._at_once -= 1

    async def _respond(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes
    ) -> bool:
        line = head.partition(b"\r\n")[0]
        self.seen.append(line.decode())
        fault = self.fault if self.fault.only in line else Fault()
        if fault.hang:
            await reader.read()  # until the client gives up
            return False
        answer = fault.answer
        if answer is None:
            answer = await self._ask(fault.request(head) if fault.request else head, body)
        await asyncio.sleep(fault.delay_s)
        if fault.response:
            answer = fault.response(answer)
        writer.write(answer)
        await writer.drain()
        top, _, rest = answer.partition(b"\r\n\r\n")
        return top.startswith(b"HTTP/") and (line.startswith(b"HEAD ") or len(rest) == _length(top))

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return re.sub(rb"(?i)\r\nconnection: close", b"", answer, count=1)


def answer(status: str, *, code: str = "", headers: str = "") -> bytes:
    """An answer as S3 gives it: `status` with its reason, S3's own code in the body."""
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>" if code else ""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode()


def flip_bit(whole: bytes) -> bytes:
    """Flip one bit in the middle of the body."""
    top, _, rest = whole.partition(b"\r\n\r\n")
    damaged = bytearray(rest)
    damaged[len(damaged) // 2] ^= 1
    return top + b"\r\n\r\n" + bytes(damaged)


def cut_short(whole: bytes) -> bytes:
    """Leave the second half of the body away."""
    top, _, rest = whole.partition(b"\r\n\r\n")
    return top + b"\r\n\r\n" + rest[: len(rest) // 2]


def an_hour_later(head: bytes) -> bytes:
    """Let the request be dated an hour later (or 23 earlier)."""
    return re.sub(
        rb"(?i)(x-amz-date: \d{8}T)(\d\d)", lambda found: found[1] + b"%02d" % ((int(found[2]) + 1) % 24), head
    )


@asynccontextmanager
async def faulty(upstream: str) -> AsyncIterator[FaultyS3]:
    proxy = FaultyS3(upstream)
    await proxy.start()
    yield proxy
    await proxy.stop()


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0
