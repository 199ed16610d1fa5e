"""How PHP prints values: stored entity texts, API answers, and the length that MediaWiki calls a size.

Stored text is `json_encode` with its defaults (slashes and non-ASCII letters escaped); the API
escapes no slash, and formatversion 2 no letter either (wikibase-observed.md 2). Floats follow
`serialize_precision = -1` (wikibase.md 3.7).
"""

import json
from typing import Any

_PLAIN_MIN = 1e-4
_PLAIN_MAX = 1e17


def float_text(number: float) -> str:
    """Print a float as PHP does: shortest digits that round-trip, `52`, `1.0e-5`, `1.5e+20`."""
    if number == 0:
        return "-0" if str(number)[0] == "-" else "0"
    if _PLAIN_MIN <= abs(number) < _PLAIN_MAX:
        text = repr(number)
        if "e" in text:  # Python turns to exponents at 1e16, PHP at 1e17
            return f"{number:.0f}"
        return text.removesuffix(".0")
    mantissa, _, exponent = f"{number!r}".partition("e")
    if not exponent:
        return mantissa
    if "." not in mantissa:
        mantissa += ".0"
    power = int(exponent)
    return f"{mantissa}e{'+' if power > 0 else ''}{power}"


def stored_json(value: Any) -> str:
    """Encode a value as the revision store holds it. Empty maps print `[]`: to PHP they are one."""
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dict):
        if not value:
            return "[]"
        return "{" + ",".join(f"{_string(str(key))}:{stored_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(stored_json, value)) + "]"
    return _string(value) if isinstance(value, str) else json.dumps(value)


def api_json(value: Any, *, ascii_only: bool) -> bytes:
    """Encode an API answer: no escaped slashes; non-ASCII letters escaped only when asked for."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode("utf-8", "surrogatepass")


def serialized_length(value: Any) -> int:
    """Return strlen(serialize(value)): what MediaWiki reports as the size of an entity (wikibase-observed.md 2)."""
    if value is None:
        return len("N;")
    if isinstance(value, bool):
        return len("b:1;")
    if isinstance(value, int):
        return len(f"i:{value};")
    if isinstance(value, float):
        return len(f"d:{float_text(value)};")
    if isinstance(value, str):
        length = len(value.encode("utf-8", "surrogatepass"))
        return len(f's:{length}:"";') + length
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value)
    return len(f"a:{len(value)}:{{}}") + sum(serialized_length(key) + serialized_length(item) for key, item in pairs)


def _string(text: str) -> str:
    return json.dumps(text).replace("/", "\\/")
