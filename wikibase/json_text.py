"""JSON text to values and back, without losing what a strict parser refuses and MediaWiki's content may hold.

orjson does the work. Where it refuses what JSON allows (an escaped half of a surrogate pair; nesting deeper than it
writes), a second, slower way is taken. What no reader of a wiki could ever be served is a NotAnEntityError that says
where and why: NaN, numbers beyond a double, broken UTF-8, nesting beyond NESTING_MAX, an unfinished text.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from wikibase.errors import NotAnEntityError

Json = Any

NESTING_MAX = 511
"""How deep JSON may be nested. PHP's json_decode, by default, reads no deeper (run on PHP 8.2)."""

INTEGER_BITS_MAX = 64

_NOTHING = object()
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SORTED = orjson.OPT_SORT_KEYS
_FLOATS = [0.1, 1e-5, 1.5e-6, 2.5e-7, 1e17, 1.2345678901234568e22, 5e-324]
_FLOATS_WRITTEN = b"[0.1,0.00001,1.5e-6,2.5e-7,1e+17,1.2345678901234568e+22,5e-324]"
_FAST = orjson.dumps(_FLOATS) == _FLOATS_WRITTEN
"""Whether this orjson writes floats as the canonical form does: versions differ in the exponent."""


def parse_json(text: bytes | str) -> Json:
    """Return the value of a JSON text. Of equal keys the last value counts, as in PHP. Raises NotAnEntityError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _parse_slowly(text, str(error))


def write_json(value: Json) -> bytes:
    """Return the one text of a value: keys sorted by their UTF-8 bytes, no spaces, nothing escaped that need not be.

    Raises NotAnEntityError for what JSON cannot say.
    """
    if _FAST:
        try:
            return orjson.dumps(value, option=_SORTED)
        except orjson.JSONEncodeError:  # deeper than orjson writes, or half a surrogate pair
            pass
    pieces: list[str] = []
    _write(value, pieces.append)
    text = "".join(pieces)
    # Half a pair has no UTF-8: it is the one thing that is escaped, in lower case.
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def shown(value: Json) -> str:
    """Return a few words on a value, for messages. Short, and cheap whatever the value is."""
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:20] for key, _ in zip(value, range(5), strict=False))
        return f"an object with {len(value)} keys ({keys})" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return repr(value[:60]) if isinstance(value, str) else repr(value)[:60]


def _parse_slowly(text: bytes | str, why: str) -> Json:
    try:
        plain = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        raise NotAnEntityError(f"no JSON: {error.reason} at byte {error.start}") from error
    if _HALF_PAIR.search(plain) is None and _SURROGATES.search(plain) is None:
        raise NotAnEntityError(f"no JSON: {why}")
    try:
        return json.loads(plain, parse_constant=_refuse_constant)
    except NotAnEntityError:
        raise
    except RecursionError:
        raise NotAnEntityError("no JSON: nested too deep") from None
    except ValueError as error:  # also what very long numbers raise
        raise NotAnEntityError(f"no JSON: {error}") from error


def _refuse_constant(word: str) -> NoReturn:
    raise NotAnEntityError(f"no JSON: {word}")


def _write(value: Json, put: Callable[[str], None]) -> None:
    """Write as orjson does, by the piece; no recursion, so that depth costs no stack."""
    waiting: list[tuple[Json, str, int]] = [(value, "", 1)]  # values with the text that goes before, or text alone
    while waiting:
        one, before, depth = waiting.pop()
        put(before)
        if one is _NOTHING:
            continue
        if isinstance(one, dict | list | tuple):
            if depth > NESTING_MAX:
                raise NotAnEntityError(f"cannot be written as JSON: nested deeper than {NESTING_MAX}")
            waiting.extend(_inside(one, depth))
        else:
            put(_scalar(one))


def _inside(one: Json, depth: int) -> list[tuple[Json, str, int]]:
    """Return what a list or an object holds, last first."""
    if isinstance(one, dict):
        if not all(isinstance(key, str) for key in one):
            raise NotAnEntityError("cannot be written as JSON: a key that is no text")
        held = [(one[key], f"{'{' if not place else ','}{_string(key)}:") for place, key in enumerate(sorted(one))]
        empty, end = "{}", "}"
    else:
        held = [(inner, "," if place else "[") for place, inner in enumerate(one)]
        empty, end = "[]", "]"
    pieces = [(inner, before, depth + 1) for inner, before in held]
    pieces.append((_NOTHING, end if held else empty, depth))
    return pieces[::-1]


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > INTEGER_BITS_MAX:
            raise NotAnEntityError(f"cannot be written as JSON: an integer of {value.bit_length()} bits")
        return str(value)
    if isinstance(value, float):
        return _float(value)
    raise NotAnEntityError(f"cannot be written as JSON: {type(value).__name__}")


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _float(value: float) -> str:
    """Return the shortest digits that give the double back: plain from 1e-5 up to 1e16, with an exponent beyond."""
    text = repr(value)
    if text in ("nan", "inf", "-inf"):
        raise NotAnEntityError(f"cannot be written as JSON: {text}")
    digits, _, exponent = text.partition("e")
    if not exponent:
        return text
    if exponent == "-05":
        sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
        return f"{sign}0.0000{digits.replace('.', '')}"
    return f"{digits}e{exponent[0]}{int(exponent[1:])}"
