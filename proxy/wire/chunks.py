"""Chunked bodies (RFC 9112 7.1): where one ends, checked strictly, and how to take the chunks apart.

Pure. The relay passes chunks on as they came; it only has to know where the message ends, and that
nobody else can think it ends elsewhere.
"""

import re

from proxy.wire.head import CHUNKED, WireError

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"host", b"connection", b"trailer"})

LINE_BYTES_MAX = 4096
TRAILERS_BYTES_MAX = 16384


class ChunkScanner:
    """Finds the end of one chunked body in a stream of pieces."""

    __slots__ = ("_left", "_line", "_status", "_trailer_bytes", "_where", "done")

    def __init__(self, status: int) -> None:
        """Make a scanner; `status` is what a malformed body is answered with."""
        self._status = status
        self._where = _SIZE
        self._left = 0
        self._line = b""
        self._trailer_bytes = 0
        self.done = False

    def scan(self, piece: bytes) -> int:
        """Return how many bytes of the piece belong to the body; sets `done` at its end. Raises WireError."""
        at, end = 0, len(piece)
        while at < end and not self.done:
            if self._where == _DATA:
                step = min(self._left, end - at)
                at += step
                self._left -= step
                if not self._left:
                    self._where = _AFTER_DATA
                continue
            newline = piece.find(b"\n", at)
            if newline < 0:
                self._line += piece[at:]
                self._check_line_length()
                return end
            line = self._line + piece[at : newline + 1]
            at = newline + 1
            self._line = b""
            if not line.endswith(b"\r\n"):
                raise WireError(self._status, "a chunk's line does not end in CR LF")
            self._take_line(line[:-2])
        return at

    def _check_line_length(self) -> None:
        if len(self._line) > (2 if self._where == _AFTER_DATA else LINE_BYTES_MAX):
            raise WireError(self._status, "a chunk's line is too long")

    def _take_line(self, line: bytes) -> None:
        if self._where == _AFTER_DATA:
            if line:
                raise WireError(self._status, "a chunk is longer than its size says")
            self._where = _SIZE
        elif self._where == _SIZE:
            match = _SIZE_LINE.fullmatch(line)
            if match is None or len(line) > LINE_BYTES_MAX:
                raise WireError(self._status, "a chunk's size is not a hexadecimal number")
            self._left = int(match[1], 16)
            self._where = _DATA if self._left else _TRAILER
        elif not line:
            self.done = True
        else:
            self._take_trailer(line)

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        match = _TRAILER_LINE.fullmatch(line)
        if match is None or match[1].lower() in _FRAMING or self._trailer_bytes > TRAILERS_BYTES_MAX:
            raise WireError(self._status, "a trailer is malformed, too long, or must not be a trailer")


_SIZE, _DATA, _AFTER_DATA, _TRAILER = range(4)


class LengthScanner:
    """Finds the end of one body of known length in a stream of pieces."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length

    def scan(self, piece: bytes) -> int:
        """Return how many bytes of the piece belong to the body; sets `done` at its end."""
        taken = min(self._left, len(piece))
        self._left -= taken
        self.done = not self._left
        return taken


NO_BODY = LengthScanner(0)
"""Finds that nothing belongs to it. Has no state, so all may share it."""


def body_scanner(framing: int, status: int) -> ChunkScanner | LengthScanner:
    """Return what finds the end of a body of that length, or CHUNKED; `status` answers a malformed one."""
    if not framing:
        return NO_BODY
    return ChunkScanner(status) if framing == CHUNKED else LengthScanner(framing)


def join_chunks(raw: bytes) -> bytes:
    """Return the content of one complete, already scanned chunked body."""
    out: list[bytes] = []
    at = 0
    while True:
        newline = raw.index(b"\n", at)
        match = _SIZE_LINE.match(raw, at)
        size = int(match[1], 16) if match else 0
        if not size:
            return b"".join(out)
        at = newline + 1
        out.append(raw[at : at + size])
        at += size + 2
