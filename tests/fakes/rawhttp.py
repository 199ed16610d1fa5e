"""An HTTP/1.1 client that hides nothing: what came over the wire, in order, after the transfer coding is taken off.

Meant for comparing two answers. It follows no redirect, keeps no cookie, decompresses nothing and sends exactly the
headers it is given (plus Connection: close, and a length where there is a body). One connection per request.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Headers = tuple[tuple[str, str], ...]

# RFC 9110 7.6.1: these belong to one connection, so the two sides of a proxy may differ in them.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-authenticate",
    }
)
HEAD_MAX_BYTES = 256 * 1024
READ_BYTES = 256 * 1024


class BrokenAnswerError(Exception):
    """The answer ended early, went on too long, or was not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as received. `body` is without transfer coding; `early`: the statuses of 1xx answers before it."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    trailers: Headers = ()
    early: tuple[int, ...] = ()

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def value(self, name: str) -> str:
        """The only value of a header; an error when there is none or more than one."""
        (value,) = self.values(name)
        return value

    def end_to_end(self) -> Headers:
        """The headers that a proxy must hand on unchanged, in order and as written."""
        named = {token.strip().lower() for value in self.values("connection") for token in value.split(",")}
        return tuple((key, value) for key, value in self.headers if key.lower() not in HOP_BY_HOP | named)


@dataclass(slots=True)
class RawRequest:
    """One request as it is put on the wire; `body` may be an iterable of chunks, which is then sent chunked."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes | Iterable[bytes] = b""
    sent_bytes: int = field(default=0, init=False)

    def head(self, host: str) -> bytes:
        """The request line and headers."""
        given = {key.lower() for key, _ in self.headers}
        headers = list(self.headers)
        if "host" not in given:
            headers.insert(0, ("Host", host))
        if not isinstance(self.body, bytes):
            headers.append(("Transfer-Encoding", "chunked"))
        elif (self.body or self.method in {"POST", "PUT", "PATCH"}) and "content-length" not in given:
            headers.append(("Content-Length", str(len(self.body))))
        headers.append(("Connection", "close"))
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{key}: {value}" for key, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def exchange(url: str, request: RawRequest, *, timeout_s: float = 60) -> Answer:
    """Send one request to the server at `url` (scheme, host, port) and read the whole answer.

    Both at once: a server may answer before it has read everything. Raises BrokenAnswerError, TimeoutError, OSError.
    """
    where = urlsplit(url)
    assert where.hostname
    assert where.port
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=HEAD_MAX_BYTES)
        try:
            sending = _send(writer, request, f"{where.hostname}:{where.port}")
            _, answer = await asyncio.gather(sending, _receive(reader, writer, request.method))
        finally:
            writer.transport.abort()
        return answer


async def _receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str) -> Answer:
    try:
        answer = await read_answer(reader, method)
        if await reader.read(1):
            raise BrokenAnswerError("bytes after the end of the answer")
        return answer
    finally:
        writer.transport.abort()  # also ends the sending, if the server did not want all of it


async def _send(writer: asyncio.StreamWriter, request: RawRequest, host: str) -> None:
    with suppress(ConnectionError):  # the answer tells why; the reader sees it
        writer.write(request.head(host))
        if isinstance(request.body, bytes):
            for start in range(0, len(request.body), READ_BYTES):
                piece = request.body[start : start + READ_BYTES]
                writer.write(piece)
                await writer.drain()
                request.sent_bytes += len(piece)
            return
        for piece in request.body:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            request.sent_bytes += len(piece)
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def read_answer(reader: asyncio.StreamReader, method: str) -> Answer:
    """Read interim answers and the final one. Raises BrokenAnswerError when it is cut short or malformed."""
    early: list[int] = []
    try:
        while True:
            status, reason, headers = _parse_head(await reader.readuntil(b"\r\n\r\n"))
            if status >= 200 or status == 101:
                break
            early.append(status)
        body, trailers = await _read_body(reader, method, status, headers)
    except asyncio.IncompleteReadError as error:
        raise BrokenAnswerError(f"cut short after {len(error.partial)} bytes") from error
    return Answer(status, reason, headers, body, trailers, tuple(early))


def _parse_head(head: bytes) -> tuple[int, str, Headers]:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, status, reason = (*first.split(" ", 2), "")[:3]
    if not version.startswith("HTTP/1.") or not status.isdigit():
        raise BrokenAnswerError(f"not a status line: {first!r}")
    return int(status), reason, _parse_headers(lines)


def _parse_headers(lines: list[str]) -> Headers:
    pairs = [line.partition(":") for line in lines]
    return tuple((key, value.strip(" \t")) for key, _, value in pairs)


async def _read_body(reader: asyncio.StreamReader, method: str, status: int, headers: Headers) -> tuple[bytes, Headers]:
    by_name = {key.lower(): value for key, value in headers}
    if method == "HEAD" or status in {101, 204, 304}:
        return b"", ()
    if "chunked" in by_name.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in by_name:
        return await reader.readexactly(int(by_name["content-length"])), ()
    return await reader.read(), ()


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, Headers]:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise BrokenAnswerError("a chunk is longer than it says")
    trailers = []
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        trailers.append(line.decode("latin-1").removesuffix("\r\n"))
    return bytes(body), _parse_headers(trailers)
