"""Reads what PHP's serialize() wrote: history blobs, log parameters (wikibase.md 4.1, 4.3). Bytes in, plain values out.

Rules
- Strict: what serialize() cannot have written is an error that names the offset. Nothing is instantiated.
- No recursion: nesting is bounded by `depth_max`, the number of values by `values_max`, their bytes by the input.
- Strings are bytes. Keys of arrays are as PHP keeps them: "12" is the integer 12.
- References (`r:`, `R:`), custom formats (`C:`) and enums (`E:`) are refused: nothing that we read has them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


class PhpValueError(ValueError):
    """The bytes are not a value as serialize() writes it, or more than was allowed."""


@dataclass(frozen=True, slots=True)
class PhpObject:
    """An object: its class as written (PHP ignores case there), its fields without the marks of their visibility."""

    class_name: str
    fields: Mapping[str, "PhpValue"]


PhpKey: TypeAlias = int | bytes
PhpValue: TypeAlias = bool | int | float | bytes | Mapping[PhpKey, "PhpValue"] | PhpObject | None

_SCALAR = re.compile(
    rb"(?P<null>N);|b:(?P<bool>[01]);|i:(?P<int>[+-]?\d{1,19});|d:(?P<float>-?INF|NAN|[+-]?[\d.][\d.eE+-]{0,40});"
)
_STRING = re.compile(rb's:(\d{1,10}):"')
_ARRAY = re.compile(rb"a:(\d{1,10}):\{")
_OBJECT = re.compile(rb'O:(\d{1,3}):"([A-Za-z0-9_\\\x80-\xff]{1,255})":(\d{1,10}):\{')
_NUMBER_KEY = re.compile(rb"0|-?[1-9]\d{0,18}")
_INT64 = range(-(2**63), 2**63)


@dataclass(slots=True)
class _Open:
    """An array or object whose end has not been read yet."""

    class_name: str | None
    left: int
    values: dict[PhpKey, PhpValue]
    key: PhpKey | None = None


def parse_php_value(text: bytes, *, depth_max: int = 32, values_max: int = 1_000_000, whole: bool = True) -> PhpValue:
    """Return the value at the beginning of the text. Raises PhpValueError.

    `whole` refuses bytes after the value; PHP before 8.3 passes over them in silence.
    """
    reader = _Reader(text, values_max)
    stack: list[_Open] = []
    while True:
        value: PhpValue | _Open
        if stack and stack[-1].left == 0:
            value = reader.end(stack.pop())
        elif stack and stack[-1].key is None:
            stack[-1].key = reader.key()
            continue
        else:
            value = reader.value()
        if isinstance(value, _Open):
            if len(stack) == depth_max:
                raise PhpValueError(f"nested deeper than {depth_max} at byte {reader.at}")
            stack.append(value)
            continue
        if not stack:
            break
        holder = stack[-1]
        assert holder.key is not None
        holder.values[holder.key] = value
        holder.key = None
        holder.left -= 1
    if whole and reader.at != len(text):
        raise PhpValueError(f"bytes after the value, at byte {reader.at}")
    return value


class _Reader:
    """A place in the text. Each method reads one thing and moves on."""

    __slots__ = ("_left", "_text", "at")

    def __init__(self, text: bytes, values_max: int) -> None:
        self._text = text
        self._left = values_max
        self.at = 0

    def value(self) -> "PhpValue | _Open":
        self._left -= 1
        if self._left < 0:
            raise PhpValueError(f"more values than allowed at byte {self.at}")
        if opened := _STRING.match(self._text, self.at):
            return self._string(opened)
        if scalar := _SCALAR.match(self._text, self.at):
            self.at = scalar.end()
            return _scalar(scalar, self.at)
        if opened := _ARRAY.match(self._text, self.at):
            self.at = opened.end()
            return _Open(None, self._count(opened[1]), {})
        if opened := _OBJECT.match(self._text, self.at):
            if int(opened[1]) != len(opened[2]):
                raise PhpValueError(f"a class name of another length than it says, at byte {self.at}")
            self.at = opened.end()
            return _Open(opened[2].decode("latin-1"), self._count(opened[3]), {})
        raise PhpValueError(f"no value at byte {self.at}")

    def key(self) -> PhpKey:
        value = self.value()
        if isinstance(value, bytes):
            return _key(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise PhpValueError(f"a key that is neither number nor string before byte {self.at}")

    def end(self, opened: _Open) -> PhpValue:
        if self._text[self.at : self.at + 1] != b"}":
            raise PhpValueError(f"no end of an array or object at byte {self.at}")
        self.at += 1
        if opened.class_name is None:
            return opened.values
        return PhpObject(opened.class_name, {_field(key): value for key, value in opened.values.items()})

    def _count(self, digits: bytes) -> int:
        # The shortest key and value take six bytes ("i:0;N;"): a larger count lies.
        count = int(digits)
        if count * 6 > len(self._text) - self.at:
            raise PhpValueError(f"{count} values announced where there is no room for them, at byte {self.at}")
        return count

    def _string(self, opened: re.Match[bytes]) -> bytes:
        start = opened.end()
        end = start + int(opened[1])
        if self._text[end : end + 2] != b'";':
            raise PhpValueError(f"a string of another length than it says, at byte {self.at}")
        self.at = end + 2
        return self._text[start:end]


def _scalar(scalar: re.Match[bytes], at: int) -> PhpValue:
    if scalar["null"]:
        return None
    if scalar["bool"]:
        return scalar["bool"] == b"1"
    if scalar["int"]:
        return int(scalar["int"])
    try:
        return float(scalar["float"])
    except ValueError:
        raise PhpValueError(f"no number before byte {at}") from None


def _key(text: bytes) -> PhpKey:
    """Return a string key as a PHP array keeps it: a plain decimal that fits 64 bits becomes a number."""
    if _NUMBER_KEY.fullmatch(text) and (number := int(text)) in _INT64:
        return number
    return text


def _field(key: PhpKey) -> str:
    """Return a field's name without the NUL-marked `*` (protected) or class (private) before it."""
    if isinstance(key, int):
        return str(key)
    return key.rpartition(b"\0")[2].decode("utf-8", "replace")
