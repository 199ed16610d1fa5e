"""Data values in canonical form, by value type (wikibase.md 3.2, 3.9).

A value that Wikibase could decode is brought to what Wikibase would print for it; a value of an unknown type,
or one that does not fit its type, stays verbatim. Nothing here raises on any JSON value.
The decision looks at the value alone, so a canonical value is its own canonical form.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wikibase.ids import EntityType, entity_type, number, parse_entity_id

Json = Any

DEFAULT_GLOBE = "http://www.wikidata.org/entity/Q2"
"""What a coordinate without a globe lies on (wikibase.md 3.4)."""

_NUMBERED = frozenset({EntityType.ITEM, EntityType.PROPERTY, EntityType.LEXEME, EntityType.MEDIAINFO})
_ID_LETTER = {"item": "Q", "property": "P"}
_TIME = re.compile(r"([-+])(\d{1,16})(-\d\d-\d\dT\d\d:\d\d:\d\dZ)", re.ASCII)
_DECIMAL = re.compile(r"([-+]?)(\d+)(\.\d+)?", re.ASCII)
_DECIMAL_CHARS_MAX = 127
_TIME_INTEGERS = ("timezone", "before", "after", "precision")
_TIME_PRECISION_MAX = 14
_NUMERIC_ID_DIGITS_MAX = 10


def canonical_value(kind: str, value: Json) -> Json:
    """Return the canonical form of a value of that `datavalue.type`."""
    canonical = _BY_TYPE.get(kind)
    return value if canonical is None else canonical(value)


def canonical_datavalue(datavalue: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a `datavalue`.

    `error` is the sentence that Wikibase adds when it prints a value it could not decode: derived, so it goes.
    """
    out = dict(datavalue)
    out.pop("error", None)
    kind = out["type"]
    canonical = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if canonical is not None:
        out["value"] = canonical(out["value"])
    return out


@lru_cache(maxsize=65536)
def _id_parts(text: str) -> tuple[str, int | None, str] | None:
    entity_id = parse_entity_id(text)
    if entity_id is None:
        return None
    kind = entity_type(entity_id)
    return kind.value, number(entity_id) if kind in _NUMBERED else None, str(entity_id)


def _entity_id(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    text = value.get("id")
    parts = _id_parts(text if isinstance(text, str) else _id_by_number(value))
    if parts is None:
        return value
    kind, numeric, entity_id = parts
    if numeric is None:
        return {"entity-type": kind, "id": entity_id}
    return {"entity-type": kind, "numeric-id": numeric, "id": entity_id}


def _id_by_number(value: Mapping[str, Json]) -> str:
    """Return the id that only `entity-type` and `numeric-id` tell, "" where they do not."""
    kind, numeric = value.get("entity-type"), value.get("numeric-id")
    letter = _ID_LETTER.get(kind) if isinstance(kind, str) else None
    if letter is None or "id" in value:
        return ""
    if type(numeric) is float and numeric.is_integer():
        numeric = int(numeric)
    if type(numeric) is int or (isinstance(numeric, str) and len(numeric) <= _NUMERIC_ID_DIGITS_MAX):
        return f"{letter}{numeric}"
    return ""


def _time(value: Json) -> Json:
    if not isinstance(value, dict) or not isinstance(text := value.get("time"), str):
        return value
    found = _TIME.fullmatch(text)
    if found is None or not isinstance(value.get("calendarmodel"), str):
        return value
    if any(type(value.get(key)) is not int for key in _TIME_INTEGERS):
        return value
    if not 0 <= value["precision"] <= _TIME_PRECISION_MAX:
        return value
    sign, year, rest = found.groups()
    return {**value, "time": f"{sign}{year.lstrip('0').rjust(4, '0')}{rest}"}


def _quantity(value: Json) -> Json:
    if not isinstance(value, dict) or not isinstance(value.get("unit"), str):
        return value
    amount = _decimal(value.get("amount"))
    if amount is None:
        return value
    out = {**value, "amount": amount}
    if ("upperBound" in value) != ("lowerBound" in value):
        return value
    if "upperBound" in value:
        upper, lower = _decimal(value["upperBound"]), _decimal(value["lowerBound"])
        if upper is None or lower is None:
            return value
        out["upperBound"], out["lowerBound"] = upper, lower
    return out


def _decimal(amount: Json) -> str | None:
    """Return a decimal with its sign; trailing zeros mean something, leading ones do not (wikibase.md 3.2)."""
    if type(amount) is int:
        amount = str(amount)
    elif type(amount) is float:
        amount = str(int(amount)) if amount.is_integer() else format(Decimal(repr(amount)), "f")
    elif not isinstance(amount, str):
        return None
    found = _DECIMAL.fullmatch(amount) if len(amount) <= _DECIMAL_CHARS_MAX else None
    if found is None:
        return None
    sign, whole, fraction = found[1] or "+", found[2].lstrip("0") or "0", found[3] or ""
    if sign == "-" and whole == "0" and not fraction.strip(".0"):
        sign = "+"
    return f"{sign}{whole}{fraction}"


def _globe_coordinate(value: Json) -> Json:
    if not isinstance(value, dict):
        return value
    precision, globe = value.get("precision"), value.get("globe", DEFAULT_GLOBE)
    latitude, longitude = _double(value.get("latitude")), _double(value.get("longitude"))
    if latitude is None or longitude is None or not isinstance(globe, str):
        return value
    if precision is not None and (precision := _double(precision)) is None:
        return value
    known = {"latitude": latitude, "longitude": longitude, "altitude": None, "precision": precision, "globe": globe}
    return {**value, **known}


def _double(value: Json) -> float | None:
    """Return the IEEE double; PHP prints `52.0` as `52` and zero with either sign, which compare equal there."""
    if type(value) is float:
        return value + 0.0
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


_BY_TYPE: Mapping[str, Callable[[Json], Json]] = {
    "wikibase-entityid": _entity_id,
    "time": _time,
    "quantity": _quantity,
    "globecoordinate": _globe_coordinate,
}
