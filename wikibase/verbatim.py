"""Content that has no rules of its own: kept as it is, read as PHP reads it.

MediaWiki's JSON goes through PHP's json_decode into arrays, so Wikibase cannot tell what PHP cannot (run on PHP 8.2,
wikibase.md 3.2, 3.3). That and nothing else is one here:

- an integer beyond 64 bits is the nearest double; `-0` and `-0.0` are 0;
- a double that PHP prints without a fraction and without an exponent is that integer (`1.0`, `1E5`);
- an empty object is an empty list, and an object with the keys "0", "1", "2"... is a list: in that order PHP prints
  it so, and the order of keys means nothing here.
"""

from decimal import Decimal
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.json_text import NESTING_MAX

Json = Any

INT64_MAX = 2**63 - 1
PLAIN_BELOW = 1e17
"""PHP prints doubles from here on with an exponent (wikibase.md 3.7)."""


def verbatim(value: Json, *, exact: bool = False) -> Json:
    """Return the value as it is kept. `exact`: objects stay objects, for content that Wikibase stores as text.

    Raises NotAnEntityError for NaN and infinities, for nesting deeper than PHP reads, and for what is no JSON.
    """
    if type(value) is str:
        return value
    holder = [value]
    waiting: list[tuple[Json, int]] = [(holder, 0)]  # no recursion: depth costs no stack
    while waiting:
        container, depth = waiting.pop()
        if depth > NESTING_MAX:
            raise NotAnEntityError(f"nested deeper than {NESTING_MAX}")
        for key, one in container.items() if type(container) is dict else enumerate(container):
            kind = type(one)
            if kind is str or kind is bool or one is None:
                continue
            if kind is list or kind is dict:
                inner = _copied(one, exact=exact)
                waiting.append((inner, depth + 1))
                container[key] = inner
            else:
                container[key] = _number(one)
    return holder[0]


def canonical_number(value: float) -> float | int:
    """Return a double as the number that PHP prints of it: an integer where it prints one."""
    if not value:
        return 0
    if value - value != 0:  # infinite, or not a number
        raise NotAnEntityError(f"no number that JSON can say: {value}")
    if value.is_integer() and -PLAIN_BELOW < value < PLAIN_BELOW:
        # Beyond 2^53 PHP pads the shortest digits with zeros, as repr does.
        return int(Decimal(repr(value)))
    return value


def php_values(array: Json) -> list[Json]:
    """Return the values of a PHP array: those of a list, or of an object, which is a list with gaps."""
    if isinstance(array, dict):
        return list(array.values())
    if isinstance(array, list):
        return array
    if array is None:
        return []
    raise NotAnEntityError("a list was expected")


def _copied(value: Json, *, exact: bool) -> Json:
    if type(value) is list:
        return value[:]
    if not exact and (not value or "0" in value):
        keys = [str(place) for place in range(len(value))]
        if value.keys() == set(keys):
            return [value[key] for key in keys]
    if not all(type(key) is str for key in value):
        raise NotAnEntityError("no JSON object: a key is no text")
    return value.copy()


def _number(value: Json) -> float | int:
    if type(value) is float:
        return canonical_number(value)
    if type(value) is not int:
        raise NotAnEntityError(f"no JSON value: {type(value).__name__}")
    if -INT64_MAX - 1 <= value <= INT64_MAX:
        return value
    try:
        return canonical_number(float(value))
    except OverflowError:
        raise NotAnEntityError("an integer beyond what a double holds") from None
