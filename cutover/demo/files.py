"""Bodies of any size, sent and swallowed in constant memory: images, a static script, an upload form."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from cutover.demo.answers import Answer

BIG_BYTES_DEFAULT = 64 << 20
BLOCK_BYTES = 64 << 10

_BLOCK = bytes(range(256)) * (BLOCK_BYTES // 256)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SCRIPT = (
    b"/* the sample wiki's one script */\nmw = { config: new Map() };\n"
    + b"// filler, so that the file has a size\n" * 400
)
_SCRIPT_TAG = '"' + hashlib.sha256(_SCRIPT).hexdigest()[:16] + '"'


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a big body that is sent: `first` to `last` (both included) of `size` bytes."""

    first: int
    last: int
    size: int
    partial: bool

    @property
    def length(self) -> int:
        """How many bytes that is."""
        return self.last - self.first + 1


def stretch(size: int, wanted: str | None) -> Stretch | None:
    """Return what a Range header asks for, None where that cannot be given. A header of another form is ignored."""
    found = _RANGE.fullmatch(wanted) if wanted else None
    if not found or not (found[1] or found[2]):
        return Stretch(0, size - 1, size, partial=False)
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
    return Stretch(first, last, size, partial=True) if first <= last and first < size else None


async def big_blocks(part: Stretch) -> AsyncIterator[bytes]:
    """Yield the bytes of a stretch: byte n of the body is n modulo 256."""
    position = part.first
    while position <= part.last:
        offset = position % BLOCK_BYTES
        block = _BLOCK[offset : offset + part.last + 1 - position]
        yield block
        position += len(block)


async def send_big(request: web.Request, *, chunked: bool) -> web.StreamResponse:
    """Answer /w/images/*.bin?size=N: N bytes made up as they go, with ranges."""
    size = int(request.query.get("size", BIG_BYTES_DEFAULT))
    part = stretch(size, request.headers.get("Range"))
    if part is None:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "ETag": f'"{size:x}"'}
    if part.partial:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{part.size}"
    response = web.StreamResponse(status=206 if part.partial else 200, headers=headers)
    if chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = part.length
    await response.prepare(request)
    if request.method != "HEAD":
        async for block in big_blocks(part):
            await response.write(block)
    await response.write_eof()
    return response


async def swallow(request: web.Request) -> Answer:
    """Answer an upload: read it to its end, keep nothing, tell its size and SHA-256."""
    size, digest = 0, hashlib.sha256()
    async for block in request.content.iter_chunked(BLOCK_BYTES):
        size += len(block)
        digest.update(block)
    body = f'{{"upload":{{"result":"Success","size":{size},"sha256":"{digest.hexdigest()}"}}}}'
    return Answer(headers=(("Content-Type", "application/json; charset=utf-8"),), body=body.encode(), chunked=False)


def static_script(if_none_match: str | None) -> Answer:
    """Answer load.php: a script that may be cached, with an entity tag."""
    headers = (("ETag", _SCRIPT_TAG), ("Cache-Control", "public, max-age=300, s-maxage=300"))
    if if_none_match and _SCRIPT_TAG in if_none_match:
        return Answer(status=304, headers=headers)
    return Answer(headers=(("Content-Type", "text/javascript; charset=utf-8"), *headers), body=_SCRIPT, chunked=False)
