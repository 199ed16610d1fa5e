"""A wiki that answers as recorded, byte for byte: an HTTP/1.1 server without any HTTP library in between.

A recorded answer goes out with its own status, reason and headers, in their order and spelling. `Transfer-Encoding:
chunked` in the recording means that the body is sent chunked, in several chunks; `Content-Length` goes out as it is;
HEAD, 204 and 304 have no body. Nothing is added: no Date, no Server.

Which recording answers: the one that the request header X-Replay-Key names (the same request was recorded more than
once, with different answers); without that header the first one with the same method, target and body. Otherwise 404.

`Faults` makes the server slow, mute or broken; it may be changed while the server runs.
"""

import asyncio
import base64
import gzip
import json
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

Headers = tuple[tuple[str, str], ...]

KEY_HEADER = "X-Replay-Key"
HEAD_MAX_BYTES = 256 * 1024
BODY_MAX_BYTES = 64 * 1024 * 1024
IDLE_TIMEOUT_S = 60.0
CHUNKS_PER_BODY = 3
BODILESS_STATUSES = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Recording:
    """One request and its answer. Bodies are without transfer coding; `key` is unique, e.g. "api/395-siteinfo"."""

    key: str
    method: str
    target: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    headers: Headers
    body: bytes

    def header_values(self, name: str) -> list[str]:
        """All values of an answer's header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(slots=True)
class Faults:
    """What is wrong with the server. All off by default; each holds for every request."""

    latency_s: float = 0.0  # before the first byte of an answer
    hang: bool = False  # read the request, never answer
    close_before_answer: bool = False  # read the request, end the connection
    cut_body_at: int | None = None  # end the connection after so many bytes of a longer body


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it reached the server."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(slots=True)
class ReplayServer:
    """Use as `async with ReplayServer(recordings) as replay`; then `replay.url`, `replay.seen`, `replay.faults`."""

    recordings: Sequence[Recording]
    faults: Faults = field(default_factory=Faults)
    port: int = 0
    seen_max: int = 10_000
    seen: deque[SeenRequest] = field(init=False)
    aborted: int = field(init=False, default=0)  # connections that the peer ended while we were answering
    _by_key: dict[str, Recording] = field(init=False)
    _by_request: dict[tuple[str, str, bytes], Recording] = field(init=False)
    _server: asyncio.Server | None = field(init=False, default=None)
    _closing: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(init=False, default_factory=set)
    _idle: asyncio.Event = field(init=False, default_factory=asyncio.Event)  # no connection is being served

    def __post_init__(self) -> None:
        self.seen = deque(maxlen=self.seen_max)
        self._idle.set()
        self._by_key = {recording.key: recording for recording in self.recordings}
        assert len(self._by_key) == len(self.recordings), "keys of recordings must be unique"
        self._by_request = {}
        for recording in self.recordings:
            self._by_request.setdefault((recording.method, recording.target, recording.request_body), recording)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=HEAD_MAX_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._closing.set()
        for writer in list(self._writers):
            writer.close()
        async with asyncio.timeout(10):
            await self._server.wait_closed()
            await self._idle.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._idle.clear()
        try:
            while (request := await _read_request(reader, writer)) is not None:
                self.seen.append(request)
                if not await self._answer(request, writer) or _wants_close(request):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            self.aborted += 1
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._writers.discard(writer)
            if not self._writers:
                self._idle.set()

    async def _answer(self, request: SeenRequest, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection must end."""
        faults = self.faults
        if faults.hang:
            await self._closing.wait()
            return False
        if faults.latency_s:
            await asyncio.sleep(faults.latency_s)
        if faults.close_before_answer:
            return False
        recording = self._find(request)
        if recording is None:
            writer.write(_unknown(request))
            await writer.drain()
            return True
        for piece in _wire_pieces(recording, request.method, faults.cut_body_at):
            writer.write(piece)
            await writer.drain()
        return faults.cut_body_at is None and _has_framing(recording, request.method)

    def _find(self, request: SeenRequest) -> Recording | None:
        for key in request.values(KEY_HEADER):
            return self._by_key.get(key)
        return self._by_request.get((request.method, request.target, request.body))


def _wants_close(request: SeenRequest) -> bool:
    return "close" in [token.strip().lower() for value in request.values("Connection") for token in value.split(",")]


def _has_body(recording: Recording, method: str) -> bool:
    return method != "HEAD" and recording.status not in BODILESS_STATUSES


def _has_framing(recording: Recording, method: str) -> bool:
    """False: only the end of the connection tells the client where the body ends."""
    framed = recording.header_values("Content-Length") or recording.header_values("Transfer-Encoding")
    return bool(framed) or not _has_body(recording, method)


def _wire_pieces(recording: Recording, method: str, cut_body_at: int | None) -> Iterable[bytes]:
    """The answer's bytes, in the pieces that are written one by one."""
    lines = [
        f"HTTP/1.1 {recording.status} {recording.reason}",
        *(f"{key}: {value}" for key, value in recording.headers),
    ]
    yield ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if not _has_body(recording, method):
        return
    body = recording.body if cut_body_at is None else recording.body[:cut_body_at]
    is_chunked = "chunked" in [value.lower() for value in recording.header_values("Transfer-Encoding")]
    size = max(1, -(-len(body) // CHUNKS_PER_BODY))
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
    if is_chunked and len(body) == len(recording.body):
        yield b"0\r\n\r\n"


def _unknown(request: SeenRequest) -> bytes:
    text = f"no recording answers {request.method} {request.target} with {len(request.body)} bytes\n".encode()
    return b"HTTP/1.1 404 Not Recorded\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> SeenRequest | None:
    """The next request of the connection; None when there is none."""
    async with asyncio.timeout(IDLE_TIMEOUT_S):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = tuple((key, value.strip(" \t")) for key, _, value in (line.partition(":") for line in lines))
        by_name = {key.lower(): value for key, value in headers}
        if by_name.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return SeenRequest(method, target, headers, await _read_request_body(reader, by_name))


async def _read_request_body(reader: asyncio.StreamReader, by_name: dict[str, str]) -> bytes:
    if "chunked" not in by_name.get("transfer-encoding", "").lower():
        length = int(by_name.get("content-length", "0"))
        assert length <= BODY_MAX_BYTES
        return await reader.readexactly(length)
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        assert len(body) + size <= BODY_MAX_BYTES
        body += (await reader.readexactly(size + 2))[:-2]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return bytes(body)


def load_api_recordings(folder: Path) -> list[Recording]:
    """The pairs of recordings/api, in order of their number (format: recordings/README.md)."""
    return [_api_recording(path) for path in sorted(folder.glob("*.json"))]


def _api_recording(path: Path) -> Recording:
    pair = json.loads(path.read_bytes())
    request, response = pair["request"], pair["response"]
    query, form = urlencode(request["query"]), urlencode(request["form"])
    return Recording(
        key=f"api/{path.stem}",
        method=request["method"],
        target=request["path"] + (f"?{query}" if query else ""),
        request_headers=(("Host", "127.0.0.1:8480"), *request["headers"].items()),
        request_body=(form or request.get("body", "")).encode(),
        status=response["status"],
        reason=response["reason"],
        headers=tuple((key, value) for key, value in response["headers"]),
        body=response["body"].encode(),
    )


def load_wiki_a_reads(path: Path) -> list[Recording]:
    """The exchanges of datasets/wiki-a/reads.jsonl.gz, in order (format: READS.md beside it)."""
    with gzip.open(path) as lines:
        return [_wiki_a_read(json.loads(line)) for line in lines]


def _wiki_a_read(entry: dict[str, Any]) -> Recording:
    request, response = entry["request"], entry["response"]
    compressed = response.get("body_base64")
    return Recording(
        key=f"wiki-a/{entry['n']}-{entry['kind']}",
        method=request["method"],
        target=request["target"],
        request_headers=tuple((key, value) for key, value in request["headers"]),
        request_body=(request["body"] or "").encode(),
        status=response["status"],
        reason=response["reason"],
        headers=tuple((key, value) for key, value in response["headers"]),
        body=base64.b64decode(compressed) if compressed is not None else response["body"].encode(),
    )
