"""What PHP and MediaWiki write into text rows: serialize(), gzdeflate(), history blobs and LibXDiff diffs."""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from struct import pack
from typing import Any

from wikibase.php_values import PhpObject


def serialize(value: Any) -> bytes:
    """PHP's serialize(). Objects get public fields, or protected ones where the name begins with `*`."""
    write = _WRITERS.get(type(value))
    if write is None:
        raise TypeError(value)
    return write(value)


def _text(value: str | bytes) -> bytes:
    text = value.encode() if isinstance(value, str) else value
    return b's:%d:"%s";' % (len(text), text)


def _array(value: Mapping[Any, Any]) -> bytes:
    inside = b"".join(serialize(key) + serialize(held) for key, held in value.items())
    return b"a:%d:{%s}" % (len(value), inside)


def _object(value: PhpObject) -> bytes:
    fields = {_marked(name): held for name, held in value.fields.items()}
    name = value.class_name.encode()
    return b'O:%d:"%s":%s' % (len(name), name, _array(fields).removeprefix(b"a:"))


def _float(value: float) -> bytes:
    odd = {"nan": "NAN", "inf": "INF", "-inf": "-INF"}
    return f"d:{odd.get(repr(value), repr(value))};".encode()


_WRITERS: Mapping[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"N;",
    bool: lambda value: b"b:%d;" % value,
    int: lambda value: b"i:%d;" % value,
    float: _float,
    str: _text,
    bytes: _text,
    PhpObject: _object,
    dict: _array,
    list: lambda value: _array(dict(enumerate(value))),
}


def gzdeflate(text: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(text) + stream.flush()


def md5(text: bytes) -> str:
    return hashlib.md5(text).hexdigest()


def concatenated(texts: Sequence[bytes], default: int = 0, *, name: str = "ConcatenatedGzipHistoryBlob") -> bytes:
    items = gzdeflate(serialize({md5(text): text for text in texts}))
    fields = {"mVersion": 0, "mCompressed": True, "mItems": items, "mDefaultHash": md5(texts[default])}
    return serialize(PhpObject(name, fields))


def stub(old_id: int | str, key: str, *, name: str = "HistoryBlobStub") -> bytes:
    return serialize(PhpObject(name, {"*mOldId": str(old_id), "*mHash": key, "*mRef": None}))


def diff_blob(texts: Sequence[bytes], default: int = 0, *, order: Sequence[int] | None = None) -> bytes:
    """`order`: in which order the texts stand in the chain."""
    chain = list(order or range(len(texts)))
    bases = [b"", *(texts[number] for number in chain)]
    diffs = [diff(base, texts[number]) for base, number in zip(bases, chain, strict=False)]
    steps = [chain[0], *(after - before for before, after in pairwise(chain))]
    info = {"diffs": diffs, "map": ",".join(map(str, steps)), "default": default}
    return serialize(PhpObject("DiffHistoryBlob", {"mCompressed": gzdeflate(serialize(info))}))


def diff(base: bytes, text: bytes) -> bytes:
    """A diff of all three operations: what base and text share at both ends is copied."""
    head = next((i for i, (a, b) in enumerate(zip(base, text, strict=False)) if a != b), min(len(base), len(text)))
    tail_max = min(len(base), len(text)) - head
    tail = next((i for i in range(tail_max) if base[-1 - i] != text[-1 - i]), tail_max)
    middle = text[head : len(text) - tail]
    short, long = middle[:255], middle[255:]
    out = xdiff_checksum(base) + pack("<I", len(base))
    out += pack("<BII", 2, 0, head) if head else b""
    out += pack("<BB", 1, len(short)) + short if short else b""
    out += pack("<BI", 3, len(long)) + long if long else b""
    return out + (pack("<BII", 2, len(base) - tail, tail) if tail else b"")


def xdiff_checksum(text: bytes) -> bytes:
    """LibXDiff's checksum in the way of MediaWiki's PHP: bytes whose true Adler-32 is 0 stand before the text."""
    zero = b"\xf0" * 205 + b"\xee" + b"\xf0" * 67 + b"\x02"
    return zlib.adler32(zero + text).to_bytes(4, "big")[::-1]


def _marked(name: str) -> bytes:
    return b"\0*\0" + name[1:].encode() if name.startswith("*") else name.encode()
