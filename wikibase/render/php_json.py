"""JSON as MediaWiki prints it: PHP's json_encode with the flags that each surface sets (FormatJson, ApiFormatJson).

- Slashes are bare in the Action API and EntityData, escaped in the REST API; compact everywhere.
- Non-ASCII is escaped (formatversion 1, EntityData, REST) or bare (utf8, formatversion 2), where U+2028 and U+2029
  stay escaped.
- Strings of an Action API result are brought to NFC, control characters in them become U+FFFD (ApiResult).
- Doubles are printed by PHP's rule (wikibase.md 3.7); such numbers are handed over as `number(...)`.
"""

import re
import unicodedata
from json.encoder import encode_basestring_ascii
from typing import Any

import orjson

from wikibase.hashes import php_float
from wikibase.render.outcome import Decline, DeclinedError

Json = Any

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029"}
_LINE_END = re.compile("[\u2028\u2029]")
# What MediaWiki replaces in a text; in JSON a control character is \u00XX, \b or \f.
_UNCLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_UNCLEAN_JSON = re.compile(r"\\(?:u00[01]|[bf])|[\ufffe\uffff]")
_PLAIN_FROM, _PLAIN_BELOW = 1e-4, 1e15


def number(value: float) -> Json:
    """Return a number for `print_json` that comes out as PHP prints it."""
    if type(value) is float and not _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return orjson.Fragment(php_float(value).encode())
    return value


def print_json(value: Json, *, ascii_only: bool) -> bytes:
    """Return compact JSON with bare slashes. Doubles must have gone through `number`."""
    return escape(_dumps(value), ascii_only=ascii_only)


def print_result(value: Json, *, ascii_only: bool) -> bytes:
    """Return what `print_json` does of a value in an Action API result: its strings cleaned."""
    plain = _dumps(value)
    text = plain.decode()
    if not (plain.isascii() or unicodedata.is_normalized("NFC", text)) or _UNCLEAN_JSON.search(text):
        plain = _dumps(cleaned(value))
    return escape(plain, ascii_only=ascii_only)


def print_rest(value: Json) -> bytes:
    """Return JSON with PHP's default flags: ASCII, slashes escaped."""
    return escape(_dumps(value), ascii_only=True).replace(b"/", b"\\/")


def escape(plain: bytes, *, ascii_only: bool) -> bytes:
    """Escape what is not ASCII in compact JSON, or only the two line ends that PHP always escapes."""
    if plain.isascii():
        return plain
    text = plain.decode()
    if ascii_only:
        return _NOT_ASCII.sub(_escaped, text).encode("ascii")
    return _LINE_END.sub(lambda found: _LINE_ENDS[found[0]], text).encode()


def cleaned(value: Json) -> Json:
    """Return a value whose strings are NFC and free of control characters, as MediaWiki cleans results."""
    if type(value) is str:
        return unicodedata.normalize("NFC", _UNCLEAN.sub("\ufffd", value))
    if type(value) is dict:
        return {key: cleaned(one) for key, one in value.items()}
    if type(value) is list:
        return [cleaned(one) for one in value]
    return value


def _dumps(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:  # half a surrogate pair, a number beyond 64 bits
        raise DeclinedError(Decline.UNREADABLE, "a text or number that is not printed") from error


def _escaped(found: re.Match[str]) -> str:
    return encode_basestring_ascii(found[0])[1:-1]
