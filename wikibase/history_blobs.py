"""History blobs: several revisions' texts in one row, as objects that MediaWiki serialised (wikibase.md 4.3). Pure.

Rules
- Four classes, their names in any case: ConcatenatedGzipHistoryBlob and DiffHistoryBlob hold texts; HistoryBlobStub
  and HistoryBlobCurStub only say where else the text is.
- An item is read as MediaWiki reads it; what its reader would return false for is an UnreadableTextError.
- No text, and no blob as a whole, ever takes more than `bytes_max` bytes. Diffs are applied up to the item asked for.
"""

import re
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Protocol

from wikibase.php_values import PhpKey, PhpObject, PhpValue, PhpValueError, parse_php_value
from wikibase.unreadable import Reason, UnreadableTextError

_DEPTH_MAX = 8  # an object, its array, and room; what MediaWiki writes has two levels
_VALUES_MAX = 200_000


class HistoryBlob(Protocol):
    """A blob that holds texts."""

    def item(self, key: str | None) -> bytes:
        """Return the text of that key (a hash, or a number in digits); None: the blob's own text."""


@dataclass(frozen=True, slots=True)
class Stub:
    """The text is the item `key` of the history blob in the text row `old_id`."""

    old_id: int
    key: str


@dataclass(frozen=True, slots=True)
class CurStub:
    """The text is in the row `cur_id` of the table `cur`, which MediaWiki had until 2005."""

    cur_id: int


class ConcatenatedBlob:
    """Texts by the MD5 of each."""

    __slots__ = ("_default", "_items")

    def __init__(self, items: Mapping[PhpKey, PhpValue], default: bytes) -> None:
        self._items = {key if isinstance(key, bytes) else b"%d" % key: text for key, text in items.items()}
        self._default = default

    def item(self, key: str | None) -> bytes:
        """Return the text of that hash; None: the blob's own text."""
        found = self._items.get(self._default if key is None else key.encode("latin-1", "replace"))
        if not isinstance(found, bytes):
            raise UnreadableTextError(Reason.NO_ITEM, f"item {key!r}")
        return found


class DiffBlob:
    """Texts as a chain of binary diffs, each to be applied to the text before it."""

    __slots__ = ("_bytes_max", "_default", "_diffs", "_made", "_numbers", "_size")

    def __init__(self, diffs: Sequence[bytes], numbers: Sequence[int], default: int | None, *, bytes_max: int) -> None:
        """`numbers`: under which number the text that a diff makes is known."""
        self._diffs = diffs
        self._numbers = {number: place for place, number in enumerate(numbers)}
        self._default = default
        self._bytes_max = bytes_max
        self._made: list[bytes] = []
        self._size = 0

    def item(self, key: str | None) -> bytes:
        """Return the text of that number; None: the blob's own text."""
        number = self._default if key is None else int(key) if _DIGITS.fullmatch(key) else None
        place = None if number is None else self._numbers.get(number)
        if place is None or place >= len(self._diffs):
            raise UnreadableTextError(Reason.NO_ITEM, f"item {key!r}")
        while len(self._made) <= place:
            base = self._made[-1] if self._made else b""
            text = patch(base, self._diffs[len(self._made)], bytes_max=self._bytes_max - self._size)
            self._made.append(text)
            self._size += len(text)
        return self._made[place]


_DIGITS = re.compile(r"\d{1,9}", re.ASCII)


class OpenedBlobs:
    """The history blobs opened last, by where they were found: neighbouring revisions are usually in the same one."""

    __slots__ = ("_blobs", "_count_max")

    def __init__(self, count_max: int = 4) -> None:
        self._count_max = count_max
        self._blobs: OrderedDict[Hashable, HistoryBlob] = OrderedDict()

    def get(self, place: Hashable) -> HistoryBlob | None:
        """Return the blob that was found there, None when it is not kept."""
        blob = self._blobs.get(place)
        if blob is not None:
            self._blobs.move_to_end(place)
        return blob

    def keep(self, place: Hashable, blob: HistoryBlob) -> None:
        """Keep a blob; the one not asked for longest makes room."""
        self._blobs[place] = blob
        self._blobs.move_to_end(place)
        while len(self._blobs) > self._count_max:
            self._blobs.popitem(last=False)


def open_history_blob(text: bytes, *, bytes_max: int) -> HistoryBlob | Stub | CurStub:
    """Return the blob that a serialised object is. Raises UnreadableTextError."""
    value = _php_value(text)
    if isinstance(value, bytes):  # an old script serialised twice
        value = _php_value(value)
    if not isinstance(value, PhpObject):
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, f"a {type(value).__name__}, no object")
    open_one = _OPENERS.get(value.class_name.lower())
    if open_one is None:
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, f"class {value.class_name}")
    return open_one(value.fields, bytes_max)


def inflate(deflated: bytes, *, bytes_max: int) -> bytes:
    """Return what PHP's gzinflate() makes of raw deflate data; bytes after its end are passed over, as there.

    Raises UnreadableTextError: not deflate, cut off, or more than `bytes_max` bytes.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        text = stream.decompress(deflated, bytes_max + 1)
    except zlib.error as error:
        raise UnreadableTextError(Reason.NOT_DEFLATE, str(error)) from error
    if len(text) > bytes_max:
        raise UnreadableTextError(Reason.TOO_LARGE, f"inflates to more than {bytes_max} bytes")
    if not stream.eof:
        raise UnreadableTextError(Reason.NOT_DEFLATE, f"{len(deflated)} bytes without an end")
    return text


_HEADER = Struct("<II")
_LONG = Struct("<I")
_INSERT, _COPY, _INSERT_LONG = 1, 2, 3


def patch(base: bytes, diff: bytes, *, bytes_max: int) -> bytes:
    """Apply one binary diff of LibXDiff. Raises UnreadableTextError when it was not made for this base.

    Header: checksum and length of the base, 4 bytes each, little-endian. Operations: 1 insert (length in 1 byte),
    2 copy from the base (offset, length in 4 bytes each), 3 insert (length in 4 bytes).
    """
    if len(diff) < _HEADER.size:
        raise UnreadableTextError(Reason.BAD_DIFF, "no header")
    checksum, length = _HEADER.unpack_from(diff)
    if length != len(base) or checksum != base_checksum(base):
        raise UnreadableTextError(Reason.BAD_DIFF, "made for another base")
    parts: list[bytes] = []
    size, at, end = 0, _HEADER.size, len(diff)
    while at < end:
        operation = diff[at]
        at += 1
        if operation == _COPY and at + _HEADER.size <= end:
            offset, count = _HEADER.unpack_from(diff, at)
            at += _HEADER.size
            part = base[offset : offset + count]
        elif operation == _INSERT and at < end:
            count = diff[at]
            part = diff[at + 1 : at + 1 + count]
            at += 1 + count
        elif operation == _INSERT_LONG and at + _LONG.size <= end:
            (count,) = _LONG.unpack_from(diff, at)
            part = diff[at + _LONG.size : at + _LONG.size + count]
            at += _LONG.size + count
        else:
            raise UnreadableTextError(Reason.BAD_DIFF, f"operation {operation} at byte {at - 1}")
        if len(part) != count:
            raise UnreadableTextError(Reason.BAD_DIFF, f"{count} bytes wanted, {len(part)} there, before byte {at}")
        size += count
        if size > bytes_max:
            raise UnreadableTextError(Reason.TOO_LARGE, f"diffs make more than {bytes_max} bytes")
        parts.append(part)
    return b"".join(parts)


def base_checksum(base: bytes) -> int:
    """Return LibXDiff's Adler-32, which starts from 0 where everybody else's starts from 1."""
    return zlib.adler32(base, 0)


def _php_value(text: bytes) -> PhpValue:
    try:
        return parse_php_value(text, depth_max=_DEPTH_MAX, values_max=_VALUES_MAX, whole=False)
    except PhpValueError as error:
        raise UnreadableTextError(Reason.NOT_PHP, str(error)) from error


def _concatenated(fields: Mapping[str, PhpValue], bytes_max: int) -> HistoryBlob:
    items = fields.get("mItems")
    if fields.get("mCompressed"):
        items = _php_value(inflate(_bytes(items, "mItems"), bytes_max=bytes_max))
    if not isinstance(items, Mapping):
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, "mItems is no array")
    default = fields.get("mDefaultHash")
    return ConcatenatedBlob(items, default if isinstance(default, bytes) else b"")


def _diffs(fields: Mapping[str, PhpValue], bytes_max: int) -> HistoryBlob:
    info = _php_value(inflate(_bytes(fields.get("mCompressed"), "mCompressed"), bytes_max=bytes_max))
    if not info:  # an empty blob
        return DiffBlob((), (), None, bytes_max=bytes_max)
    diffs = info.get(b"diffs") if isinstance(info, Mapping) else None
    if not isinstance(info, Mapping) or not isinstance(diffs, Mapping):
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, "no diffs")
    chain = [_bytes(diffs.get(place), f"diff {place}") for place in range(len(diffs))]
    base = info.get(b"base")
    if isinstance(base, bytes):  # the first format: the first text in plain, then a diff for each one more
        chain.insert(0, bytes(_HEADER.size) + bytes((_INSERT_LONG,)) + _LONG.pack(len(base)) + base)
        numbers: Sequence[int] = range(len(chain))
    else:
        numbers = _numbers(_bytes(info.get(b"map"), "map"))
    default = info.get(b"default")
    if isinstance(default, bytes) and _DIGITS.fullmatch(default.decode("latin-1")):
        default = int(default)
    return DiffBlob(chain, numbers, default if type(default) is int else None, bytes_max=bytes_max)


def _numbers(steps: bytes) -> Sequence[int]:
    """Read the map "0,1,1,-1,3": the number of each text, as the difference to the one before."""
    numbers, number = [], 0
    for step in steps.split(b","):
        if not re.fullmatch(rb"-?\d{1,9}", step):
            raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, "the map of a diff blob is no list of numbers")
        number += int(step)
        numbers.append(number)
    return numbers


def _stub(fields: Mapping[str, PhpValue], bytes_max: int) -> Stub:
    _ = bytes_max  # a stub holds nothing
    return Stub(_number(fields.get("mOldId"), "mOldId"), _bytes(fields.get("mHash"), "mHash").decode("latin-1"))


def _cur_stub(fields: Mapping[str, PhpValue], bytes_max: int) -> CurStub:
    _ = bytes_max
    return CurStub(_number(fields.get("mCurId"), "mCurId"))


def _bytes(value: PhpValue, name: str) -> bytes:
    if not isinstance(value, bytes):
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, f"{name} is no string")
    return value


def _number(value: PhpValue, name: str) -> int:
    if isinstance(value, bytes) and re.fullmatch(rb"\d{1,18}", value):
        return int(value)
    if type(value) is not int:
        raise UnreadableTextError(Reason.NOT_HISTORY_BLOB, f"{name} is no number")
    return value


_OPENERS: Mapping[str, Callable[[Mapping[str, PhpValue], int], HistoryBlob | Stub | CurStub]] = {
    "concatenatedgziphistoryblob": _concatenated,
    "diffhistoryblob": _diffs,
    "historyblobstub": _stub,
    "historyblobcurstub": _cur_stub,
}
