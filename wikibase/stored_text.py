"""From a content address to the text: what must be fetched, and what to do with what was fetched (wikibase.md 4.3).

Pure: the caller fetches. `find` turns an address into a `Wanted`; `decode` turns a fetched row into the text, into an
`Unreadable`, or into the next `Wanted` (an external blob, a stub's row). There are at most four fetches for a text.

Rules
- Text flags act in MediaWiki's order: error, external, gzip (raw deflate), object, then the encoding.
- The flags of a stub's own row decide about the encoding; the row that it names only says how the blob is packed.
- Any bytes give a text or a named reason, in bounded memory (`Decoding.bytes_max`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias
from urllib.parse import parse_qsl

from wikibase.history_blobs import CurStub, OpenedBlobs, Stub, inflate, open_history_blob
from wikibase.unreadable import Reason, Unreadable, UnreadableTextError


@dataclass(frozen=True, slots=True)
class TextRow:
    """A row of `text`: old_text and old_flags are wanted."""

    old_id: int


@dataclass(frozen=True, slots=True)
class ExternalBlob:
    """A row of an external cluster's blob table: blob_text is wanted."""

    cluster: str
    blob_id: int


@dataclass(frozen=True, slots=True)
class CurRow:
    """A row of the table `cur` of 2005, if the wiki still has it: cur_text is wanted."""

    cur_id: int


Source: TypeAlias = TextRow | ExternalBlob | CurRow
Place: TypeAlias = tuple[Source, str]
"""Where a history blob was found: a row, and the item of another blob in that row ("": the row itself)."""


class Plain(Enum):
    """Steps without parameters."""

    INFLATE = "inflate"
    ENCODE = "encode"


@dataclass(frozen=True, slots=True)
class Item:
    """The step into a history blob. `key` None: the blob's own text. `place`: where the blob is, to know it again."""

    key: str | None
    place: Place


Step: TypeAlias = Plain | Item


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be fetched next, and the steps from it to the text. None: the row's own flags say which."""

    source: Source
    steps: tuple[Step, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What was fetched. `text` None: left where it is, having more bytes than allowed. `flags`: those of a text row."""

    text: bytes | None
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to decode. `legacy_encoding`: $wgLegacyEncoding, None when the wiki has none.

    `bytes_max` bounds one text and one opened history blob; MediaWiki itself stops filling a blob at 10 MB.
    """

    legacy_encoding: str | None = None
    bytes_max: int = 64 * 1024 * 1024
    opened: OpenedBlobs = field(default_factory=OpenedBlobs)

    def __post_init__(self) -> None:
        """Raise ValueError for an encoding that nobody knows, before a text needs it."""
        if self.legacy_encoding is not None:
            try:
                b"x".decode(self.legacy_encoding, "ignore")  # of no bytes nothing would be looked up
            except LookupError as error:
                raise ValueError(f"legacy_encoding: {error}") from error


_ADDRESS = re.compile(r"([-+.\w]+):([^\s?]+)(?:\?(.*))?", re.ASCII)
_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_UTF8_FLAGS = frozenset({"utf-8", "utf8"})


def find(address: str) -> Wanted | Unreadable:
    """Return what a content_address wants, or why it wants nothing.

    Known are `tt:ID`, `es:DB://CLUSTER/ID[/ITEM][?flags=...]` and `bad:...`.
    """
    try:
        return _find(address)
    except UnreadableTextError as error:
        return error.unreadable


def decode(wanted: Wanted, stored: Stored | None, how: Decoding) -> bytes | Wanted | Unreadable:
    """Return the text, or what to fetch next, or why there is none. `stored` None: there is no such row."""
    try:
        return _decode(wanted, stored, how)
    except UnreadableTextError as error:
        return error.unreadable


def from_opened(wanted: Wanted, how: Decoding) -> bytes | Wanted | Unreadable | None:
    """Return what `decode` would without a fetch, from a history blob that is still open; None: it must be fetched."""
    for number, step in enumerate(wanted.steps or ()):
        if isinstance(step, Item) and (blob := how.opened.get(step.place)) is not None:
            try:
                return _run(wanted.steps[number + 1 :] if wanted.steps else (), blob.item(step.key), how)
            except UnreadableTextError as error:
                return error.unreadable
    return None


def split_flags(flags: str) -> Sequence[str]:
    """Return the words of old_flags, in order."""
    return flags.split(",") if flags else ()


def _decode(wanted: Wanted, stored: Stored | None, how: Decoding) -> bytes | Wanted:
    source = wanted.source
    if stored is None:
        missing = Reason.NO_BLOB if isinstance(source, ExternalBlob) else Reason.NO_TEXT_ROW
        raise UnreadableTextError(missing, _words(source))
    if isinstance(source, TextRow):
        flags = split_flags(stored.flags)
        if wanted.steps is None and "error" in flags:
            raise UnreadableTextError(Reason.ERROR_FLAG, _words(source))
        if wanted.steps is not None and "object" not in flags:
            raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, f"{_words(source)}, named by a stub, is no object")
        text = _whole(stored, source, how)
        if "external" in flags:
            return _external(text.decode("utf-8", "replace"), flags, wanted.steps)
        return _run(_steps(flags, (source, ""), wanted.steps), text, how)
    return _run(wanted.steps or (), _whole(stored, source, how), how)


def _find(address: str) -> Wanted:
    parsed = _ADDRESS.fullmatch(address)
    scheme = parsed and _SCHEMES.get(parsed[1].lower())
    if parsed is None or scheme is None:
        raise UnreadableTextError(Reason.BAD_ADDRESS, address)
    return scheme(parsed[2], parsed[3] or "")


def _text_row(name: str, parameters: str) -> Wanted:
    _ = parameters  # this scheme has none
    if not _ID.fullmatch(name):
        raise UnreadableTextError(Reason.BAD_ADDRESS, f"tt:{name}")
    return Wanted(TextRow(int(name)))


def _external_url(name: str, parameters: str) -> Wanted:
    try:
        known = dict(parse_qsl(parameters, keep_blank_values=True, max_num_fields=8))
    except ValueError:  # more fields than any address has
        raise UnreadableTextError(Reason.BAD_ADDRESS, f"es:{name}?{parameters}") from None
    return _external(name, split_flags(known.get("flags", "")))


def _marked_bad(name: str, parameters: str) -> Wanted:
    raise UnreadableTextError(Reason.MARKED_BAD, f"{name}?{parameters}")


_SCHEMES: Mapping[str, Callable[[str, str], Wanted]] = {
    "tt": _text_row,
    "es": _external_url,
    "bad": _marked_bad,
}


def _external(url: str, flags: Sequence[str], steps: tuple[Step, ...] | None = None) -> Wanted:
    """Return what an external URL wants. The item in its path is taken out before the flags act."""
    protocol, separator, path = url.partition("://")
    if not separator or not path:
        raise UnreadableTextError(Reason.BAD_ADDRESS, f"external {url}")
    if protocol.lower() != "db":
        raise UnreadableTextError(Reason.UNKNOWN_STORE, url)
    cluster, _, rest = path.partition("/")
    number, *item = rest.split("/")
    if not cluster or not _ID.fullmatch(number):
        raise UnreadableTextError(Reason.BAD_ADDRESS, f"external {url}")
    if steps is None and "error" in flags:
        raise UnreadableTextError(Reason.ERROR_FLAG, url)
    source = ExternalBlob(cluster, int(number))
    if not item:
        return Wanted(source, _steps(flags, (source, ""), steps))
    return Wanted(source, (Item(item[0], (source, "")), *_steps(flags, (source, item[0]), steps)))


def _steps(flags: Sequence[str], place: Place, of_stub: tuple[Step, ...] | None) -> tuple[Step, ...]:
    steps: list[Step] = []
    if "gzip" in flags:
        steps.append(Plain.INFLATE)
    if of_stub is not None:
        return (*steps, *of_stub)
    if "object" in flags:
        steps.append(Item(None, place))
    if _UTF8_FLAGS.isdisjoint(flags):
        steps.append(Plain.ENCODE)
    return tuple(steps)


def _run(steps: Sequence[Step], text: bytes, how: Decoding) -> bytes | Wanted:
    for number, step in enumerate(steps):
        if step is Plain.INFLATE:
            text = inflate(text, bytes_max=how.bytes_max)
        elif step is Plain.ENCODE:
            text = _as_utf8(text, how.legacy_encoding)
        elif isinstance(step, Item):
            blob = how.opened.get(step.place) or open_history_blob(text, bytes_max=how.bytes_max)
            if isinstance(blob, Stub | CurStub):
                return _elsewhere(blob, step, tuple(steps[number + 1 :]))
            how.opened.keep(step.place, blob)
            text = blob.item(step.key)
    return text


def _elsewhere(stub: Stub | CurStub, step: Item, rest: tuple[Step, ...]) -> Wanted:
    if step.key is not None:  # MediaWiki follows one stub; with two a blob could lead in a circle
        raise UnreadableTextError(Reason.STUB_OF_STUB, _words(step.place[0]))
    if isinstance(stub, CurStub):
        return Wanted(CurRow(stub.cur_id), rest)
    row = TextRow(stub.old_id)
    return Wanted(row, (Item(stub.key, (row, "")), *rest))


def _as_utf8(text: bytes, legacy_encoding: str | None) -> bytes:
    """Convert as iconv does with //IGNORE. Without a legacy encoding texts are UTF-8 whatever their flags."""
    if legacy_encoding is None:
        return text
    return text.decode(legacy_encoding, "ignore").encode("utf-8", "ignore")


def _whole(stored: Stored, source: Source, how: Decoding) -> bytes:
    if stored.text is None or len(stored.text) > how.bytes_max:
        raise UnreadableTextError(Reason.TOO_LARGE, f"{_words(source)} has more than {how.bytes_max} bytes")
    return stored.text


def _words(source: Source) -> str:
    match source:
        case TextRow(old_id):
            return f"tt:{old_id}"
        case ExternalBlob(cluster, blob_id):
            return f"DB://{cluster}/{blob_id}"
        case CurRow(cur_id):
            return f"cur:{cur_id}"


__all__ = [
    "CurRow",
    "Decoding",
    "ExternalBlob",
    "Source",
    "Stored",
    "TextRow",
    "Wanted",
    "decode",
    "find",
    "from_opened",
    "split_flags",
]
