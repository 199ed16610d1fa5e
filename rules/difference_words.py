"""Values, snaks, references and statements in words, for `rules.difference`. Bounded; never fails on any JSON."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from wikibase.json_text import write_json
from wikibase.values import DEFAULT_GLOBE

Json = Any

VALUE_CHARS_MAX = 200
"""How much of one value is shown."""

ABSENT = "(none)"

_PAIR_CHARS_MAX = VALUE_CHARS_MAX + 100  # values are cut already; what stands around them is short, or cut here

_UNIT_ONE = "1"
_LENGTH = re.compile(r"\.\.\. \(\d+ characters\)")


def json_words(value: Json) -> str:
    """Return JSON, cut to what is shown."""
    return _cut(write_json(value).decode())


def pair_words(first: Json, second: Json, words: Callable[[Json], str]) -> str:
    """Return "x -> y". Where both would read the same, the JSON around their first difference is shown instead."""
    left = ABSENT if first is None else _cut(words(first), _PAIR_CHARS_MAX)
    right = ABSENT if second is None else _cut(words(second), _PAIR_CHARS_MAX)
    if left == right or _LENGTH.sub("", left) == _LENGTH.sub("", right):  # the difference lies in what was cut
        left, right = _where_they_part(first, second)
    return f"{left} -> {right}"


def snak_words(snak: Json) -> str:
    """Return the value of a snak in words."""
    if not isinstance(snak, dict):
        return json_words(snak)
    kind = snak.get("snaktype")
    if kind == "somevalue":
        return "unknown value"
    if kind == "novalue":
        return "no value"
    datavalue = snak.get("datavalue")
    if not isinstance(datavalue, dict):
        return json_words(snak)
    words = _VALUES.get(str(datavalue.get("type")))
    value = datavalue.get("value")
    if words is None or not isinstance(value, dict):
        return json_words(value)
    return words(value)


def reference_words(reference: Json) -> str:
    """Return the snaks of a reference in words."""
    snaks = reference.get("snaks") if isinstance(reference, dict) else None
    if not isinstance(snaks, dict):
        return json_words(reference)
    order = reference.get("snaks-order") or list(snaks)
    shown = [f"{prop} {snak_words(snak)}" for prop in order[:10] for snak in (snaks.get(prop) or ())[:10]]
    return _cut("{" + ", ".join(shown) + "}")


def statement_words(statement: Json) -> str:
    """Return value, rank and GUID of a statement."""
    if not isinstance(statement, dict):
        return json_words(statement)
    rank = statement.get("rank", "normal")
    marks = [str(mark) for mark in (rank if rank != "normal" else None, statement.get("id")) if mark]
    return f"{_cut(snak_words(statement.get('mainsnak')))} ({', '.join(marks)})" if marks else json_words(statement)


def _cut(text: str, chars_max: int = VALUE_CHARS_MAX) -> str:
    return text if len(text) <= chars_max else f"{text[:VALUE_CHARS_MAX]}... ({len(text)} characters)"


def _where_they_part(first: Json, second: Json) -> tuple[str, str]:
    left, right = (write_json(side).decode() for side in (first, second))
    at = _common_chars(left, right)
    begin = max(0, at - VALUE_CHARS_MAX // 2)
    mark = "..." if begin else ""
    return tuple(f"{mark}{side[begin : begin + VALUE_CHARS_MAX]}" for side in (left, right))  # type: ignore[return-value]  # two sides in, two out


def _common_chars(left: str, right: str) -> int:
    """Return how many characters two texts begin with alike. By halving: megabytes in a millisecond."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _entity_id(value: Mapping[str, Json]) -> str:
    return str(value.get("id") or json_words(value))


def _time(value: Mapping[str, Json]) -> str:
    calendar = str(value.get("calendarmodel", "")).rpartition("/")[2]
    return f"{value.get('time')} precision {value.get('precision')} calendar {calendar}"


def _quantity(value: Mapping[str, Json]) -> str:
    unit = str(value.get("unit", ""))
    bounds = f" [{value['lowerBound']}, {value['upperBound']}]" if {"lowerBound", "upperBound"} <= value.keys() else ""
    return f"{value.get('amount')}{bounds}{'' if unit == _UNIT_ONE else ' ' + unit.rpartition('/')[2]}"


def _coordinate(value: Mapping[str, Json]) -> str:
    globe = str(value.get("globe", DEFAULT_GLOBE))
    where = "" if globe == DEFAULT_GLOBE else f" on {globe.rpartition('/')[2]}"
    return f"{value.get('latitude')}, {value.get('longitude')} precision {value.get('precision')}{where}"


def _monolingual(value: Mapping[str, Json]) -> str:
    return f"{json_words(value.get('text'))} ({value.get('language')})"


_VALUES: Mapping[str, Callable[[Mapping[str, Json]], str]] = {
    "wikibase-entityid": _entity_id,
    "time": _time,
    "quantity": _quantity,
    "globecoordinate": _coordinate,
    "monolingualtext": _monolingual,
}
