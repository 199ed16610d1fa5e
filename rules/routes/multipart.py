"""Form fields of a multipart/form-data body, strictly: what is cut off or malformed is refused, never guessed.

Files are skipped without being copied. Text is UTF-8; broken bytes become U+FFFD, as in MediaWiki.
"""

import re
from collections.abc import Iterator

BOUNDARY_BYTES_MAX = 200
HEADERS_BYTES_MAX = 16_384

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^;,"\s]+))', re.IGNORECASE)
_PARAMETER = re.compile(rb';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))', re.DOTALL)
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data\s*(.*)$", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(rb'\\(["\\])')


class _MalformedError(ValueError):
    """The body is cut off or not what multipart/form-data is."""


def read_multipart(content_type: str, body: bytes, *, parts_max: int) -> list[tuple[str, str]] | None:
    """Return the (name, value) fields in order, without files; None when the body is not whole or has more parts."""
    try:
        return list(_read_fields(_read_boundary(content_type), body, parts_max))
    except _MalformedError:
        return None


def _read_fields(boundary: bytes, body: bytes, parts_max: int) -> Iterator[tuple[str, str]]:
    delimiter = b"\r\n--" + boundary
    # The first delimiter may have no line before it.
    at = 0 if body.startswith(delimiter[2:]) else _find(delimiter, body, 0) + 2
    at += len(delimiter) - 2
    for _ in range(parts_max + 1):
        if body.startswith(b"--", at):
            return
        headers_end = _find(b"\r\n\r\n", body, at, at + HEADERS_BYTES_MAX)
        end = _find(delimiter, body, headers_end + 2)
        if not body.startswith(b"\r\n", at):
            raise _MalformedError
        name, is_file = _read_disposition(body[at + 2 : headers_end])
        if name and not is_file:
            value = body[headers_end + 4 : end]
            yield name.decode("utf-8", "replace"), value.decode("utf-8", "replace")
        at = end + len(delimiter)
    raise _MalformedError


def _find(needle: bytes, body: bytes, start: int, end: int | None = None) -> int:
    at = body.find(needle, start, end)
    if at < 0:
        raise _MalformedError
    return at


def _read_boundary(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    text = (found[1] or found[2] or "") if found else ""
    boundary = text.encode("utf-8", "replace")
    if not 0 < len(boundary) <= BOUNDARY_BYTES_MAX:
        raise _MalformedError
    return boundary


def _read_disposition(headers: bytes) -> tuple[bytes, bool]:
    """Return a part's name and whether it is a file."""
    found = _DISPOSITION.search(headers)
    if found is None:
        raise _MalformedError
    parameters = {
        key.lower(): _ESCAPED.sub(rb"\1", quoted) or bare for key, quoted, bare in _PARAMETER.findall(found[1])
    }
    return parameters.get(b"name", b""), b"filename" in parameters or b"filename*" in parameters
