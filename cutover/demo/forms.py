"""Request parameters as PHP reads them: body over query, the last of a name, `x[]` hides `x`, texts in NFC."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

SEPARATOR = "\x1f"
"""A value that begins with it is a list with it between the items (wikibase.md 0.2)."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_FIELD = re.compile(rb'name="([^"]*)"(; *filename=")?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of one request. `unclean`: names whose value was no clean text; `posted`: names in the body.

    `arrays`: names that came as `x[]` and so have no value.
    """

    values: Mapping[str, str]
    unclean: frozenset[str]
    arrays: frozenset[str]
    queried: frozenset[str]
    posted: frozenset[str]


def read_form(query: str, body: bytes, content_type: str) -> Form:
    """Merge query string and body. A body of another type than the two form types has no parameters."""
    asked = _urlencoded(query.encode("utf-8", "surrogateescape"))
    kind = content_type.partition(";")[0].strip().lower()
    posted: dict[str, bytes | None] = {}
    if kind == "application/x-www-form-urlencoded":
        posted = _urlencoded(body)
    elif kind == "multipart/form-data" and (boundary := _BOUNDARY.search(content_type)):
        posted = _multipart(body, boundary[1].encode())
    values: dict[str, str] = {}
    unclean: set[str] = set()
    arrays: set[str] = set()
    for name, raw in {**asked, **posted}.items():
        if raw is None:
            arrays.add(name)
            continue
        values[name], clean = _text(raw)
        if not clean:
            unclean.add(name)
    return Form(values, frozenset(unclean), frozenset(arrays), frozenset(asked), frozenset(posted))


def split_values(text: str) -> list[str]:
    """Split a list parameter. An empty text is no value at all."""
    if text.startswith(SEPARATOR):
        return text[1:].split(SEPARATOR) if len(text) > 1 else []
    return text.split("|") if text else []


def _urlencoded(data: bytes) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for pair in data.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            _put(found, unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value))
    return found


def _multipart(data: bytes, boundary: bytes) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for part in (b"\r\n" + data).split(b"\r\n--" + boundary)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        field = _FIELD.search(head)
        if field and not field[2]:
            _put(found, field[1].decode("utf-8", "replace"), value)
    return found


def _put(found: dict[str, bytes | None], name: str, value: bytes) -> None:
    # PHP makes `x[]` the list x, which is no text: MediaWiki then sees no value.
    if "[" in name:
        found[name.partition("[")[0]] = None
    else:
        found[name] = value


def _text(raw: bytes) -> tuple[str, bool]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1"), False
    lead = SEPARATOR if text.startswith(SEPARATOR) else ""
    cleaned = text if lead else _CONTROL.sub("\ufffd", text)
    normal = unicodedata.normalize("NFC", cleaned)
    return normal, normal == text and "\ufffd" not in text
