"""Data values in canonical form, by value type (wikibase.md 3.2, 3.9).

A value that Wikibase can decode is brought to what Wikibase prints for it; a value of an unknown type, or one that
Wikibase refuses and shows with a sentence of error, stays verbatim. Which one it is follows the conditions of the
real decoders (run, REL1_39), because a refused value is another content than the decoded one that looks like it.
Nothing here alters its argument; where nothing is to be done the argument itself is returned.
The decision looks at the value alone, so a canonical value is its own canonical form.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wikibase.ids import EntityType, entity_type, number, parse_entity_id
from wikibase.verbatim import canonical_number, verbatim

Json = Any

DEFAULT_GLOBE = "http://www.wikidata.org/entity/Q2"
"""What a coordinate without a globe lies on (wikibase.md 3.4)."""

DEGREES_MAX = 360

_NUMBERED = frozenset({EntityType.ITEM, EntityType.PROPERTY, EntityType.LEXEME, EntityType.MEDIAINFO})
_ID_LETTER = {"item": "Q", "property": "P"}
_ID_KEYS = frozenset({"entity-type", "numeric-id", "id"})
_NUMERIC_ID_DIGITS_MAX = 10
# PHP's `$` lets a line feed pass at the end.
_TIME = re.compile(r"([-+])(\d{1,16})(-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z)\n?", re.ASCII)
_FOUR_DIGIT_YEAR_CHARS = len("+2013-01-01T00:00:00Z")
_TIME_FIELDS = 6
_TIME_PRECISION_MAX = 14
_TIME_PARTS_MAX = (12, 31, 23, 59, 61)  # month, day, hour, minute, second
_TIMEZONES = range(-12 * 3600, 14 * 3600 + 1)
_SMALL = 2**31
_ZERO = 0
_DECIMAL = re.compile(r"[-+](?:[1-9]\d*|\d)(?:\.\d+)?", re.ASCII)
_DECIMAL_CHARS_MAX = 127
_PHP_SPACE = " \t\n\r\0\x0b"  # what PHP's trim() takes
_PHP_NUMERIC = re.compile(r"[ \t\n\r\v\f]*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[ \t\n\r\v\f]*", re.ASCII)
_NUMERIC_CHARS_MAX = 64


def canonical_value(kind: Json, value: Json) -> Json:
    """Return the canonical form of a value of that `datavalue.type`."""
    canonical = BY_TYPE.get(kind) if type(kind) is str else None
    return verbatim(value) if canonical is None else canonical(value)


def canonical_datavalue(datavalue: Json) -> dict[str, Json]:
    """Return the canonical form of a `datavalue`: its type and value, and what else is not known.

    `error` is the sentence that Wikibase adds when it prints a value it could not decode: derived, so it goes.
    A part that is missing is null there.
    """
    if type(datavalue) is not dict:
        return {"type": None, "value": None}
    kind = datavalue.get("type")
    out = {"type": verbatim(kind), "value": canonical_value(kind, datavalue.get("value"))}
    for key, value in datavalue.items():
        if key not in ("type", "value", "error"):
            out[key] = verbatim(value)
    return out


def is_decoded(kind: Json, value: Json) -> bool:
    """Tell whether Wikibase decodes a value. The others it shows with a sentence of error."""
    decode = _DECODERS.get(kind) if type(kind) is str else None
    return decode is not None and decode(value) is not None


@lru_cache(maxsize=65536)
def _value_of_id(text: str) -> Mapping[str, Json] | None:
    entity_id = parse_entity_id(text)
    if entity_id is None:
        return None
    kind = entity_type(entity_id)
    if kind in _NUMBERED:
        return {"entity-type": kind.value, "numeric-id": number(entity_id), "id": str(entity_id)}
    return {"entity-type": kind.value, "id": str(entity_id)}


def _string(value: Json) -> Json:
    return value if type(value) is str else verbatim(value)


def _decode_string(value: Json) -> Json:
    return value if type(value) is str else None


def _entity_id(value: Json) -> Json:
    try:
        # True and 1.0 are equal to 1.
        if VALUES_OF_IDS[value["id"]] == value and type(value.get("numeric-id", 0)) is int:
            return value
    except (KeyError, TypeError):  # not met yet, or of another shape
        pass
    made = _decode_entity_id(value)
    if made is None:
        return verbatim(value)
    if len(VALUES_OF_IDS) >= _VALUES_OF_IDS_MAX:
        VALUES_OF_IDS.clear()
    VALUES_OF_IDS[made["id"]] = _value_of_id(made["id"])
    return made


VALUES_OF_IDS: dict[str, Mapping[str, Json] | None] = {}
"""The canonical values of ids that were met, by id: the cheapest look-up."""
_VALUES_OF_IDS_MAX = 65_536


def _decode_entity_id(value: Json) -> Json:
    if type(value) is not dict:
        return None
    text = value.get("id")
    if text is None:
        text = _id_by_number(value)
    known = _value_of_id(text) if type(text) is str else None
    if known is None:
        return None
    return {**known, **{key: verbatim(one) for key, one in value.items() if key not in _ID_KEYS}}


def _id_by_number(value: Mapping[str, Json]) -> str:
    """Return the id that only `entity-type` and `numeric-id` tell, "" where they do not."""
    kind, numeric = value.get("entity-type"), value.get("numeric-id")
    letter = _ID_LETTER.get(kind) if type(kind) is str else None
    if letter is None:
        return ""
    if type(numeric) is float and numeric.is_integer():
        numeric = int(numeric)
    written = type(numeric) is str and len(numeric) <= _NUMERIC_ID_DIGITS_MAX
    if written or (type(numeric) is int and 0 < numeric < _SMALL):
        return f"{letter}{numeric}"
    return ""


def _time(value: Json) -> Json:
    try:
        text, precision = value["time"], value["precision"]
        if (
            # The very zero: it is the usual one, and False and 0.0 are not it.
            value["timezone"] is _ZERO
            and value["before"] is _ZERO
            and value["after"] is _ZERO
            and type(precision) is int
            and 0 <= precision < _SMALL
            and type(text) is type(value["calendarmodel"]) is str
            and len(text) == _FOUR_DIGIT_YEAR_CHARS
            and text[-1] == "Z"
            and len(value) == _TIME_FIELDS
        ):
            return value  # decoded or refused, it is printed as it is
    except (KeyError, TypeError):
        return verbatim(value)
    made = _decode_time(value)
    return verbatim(value) if made is None else made


def _decode_time(value: Json) -> Json:
    value = verbatim(value)  # 11.0 is 11 before it is looked at: Wikibase prints it so
    if type(value) is not dict:
        return None
    text, calendar = value.get("time"), value.get("calendarmodel")
    numbers: list[Json] = [value.get(key) for key in ("timezone", "before", "after", "precision")]
    if type(text) is not str or type(calendar) is not str or any(type(one) is not int for one in numbers):
        return None
    found = _TIME.fullmatch(text)
    if found is None or not calendar or not _time_fits(found, *numbers):
        return None
    return {**value, "time": f"{found[1]}{found[2].lstrip('0').rjust(4, '0')}{found[3]}"}


def _time_fits(found: re.Match[str], zone: int, before: int, after: int, precision: int) -> bool:
    parts = [int(part) for part in found.group(4, 5, 6, 7, 8)]
    if any(part > most for part, most in zip(parts, _TIME_PARTS_MAX, strict=True)):
        return False
    month, day, *of_day = parts
    if (not month and day) or (not day and any(of_day)):
        return False
    fits = zone in _TIMEZONES and 0 <= precision <= _TIME_PRECISION_MAX
    return fits and 0 <= before < 2**63 and 0 <= after < 2**63


def _quantity(value: Json) -> Json:
    made = _decode_quantity(value)
    return verbatim(value) if made is None else made


def _decode_quantity(value: Json) -> Json:
    if type(value) is not dict:
        return None
    given, unit = value.get("amount"), value.get("unit")
    upper, lower = value.get("upperBound"), value.get("lowerBound")
    amount = _decimal(given)
    if amount is None or type(unit) is not str or not unit or (upper is None) != (lower is None):
        return None
    known = {"amount": amount, "unit": unit}
    if upper is not None:
        most, least = _decimal(upper), _decimal(lower)
        if most is None or least is None:
            return None
        if not least == amount == most and not Decimal(least) <= Decimal(amount) <= Decimal(most):
            return None
        known |= {"upperBound": most, "lowerBound": least}
    if value == known:
        return value
    return {**known, **{key: verbatim(one) for key, one in value.items() if key not in _QUANTITY_KEYS}}


_QUANTITY_KEYS = frozenset({"amount", "unit", "upperBound", "lowerBound"})


def _decimal(amount: Json) -> str | None:
    """Return a decimal with its sign. Zeros at its end mean something; zeros in front Wikibase refuses."""
    if type(amount) is str:
        return _decimal_of_text(amount)
    if type(amount) is int or type(amount) is float:
        return _decimal_of_number(amount)
    return None


@lru_cache(maxsize=8192)
def _decimal_of_text(amount: str) -> str | None:
    text = amount.strip(_PHP_SPACE)
    if text[:1] not in ("+", "-"):
        text = f"+{text}"
    if len(text) > _DECIMAL_CHARS_MAX or _DECIMAL.fullmatch(text) is None:
        return None
    return text if text[0] == "+" or text.strip("-0.") else f"+{text[1:]}"


def _decimal_of_number(amount: float) -> str | None:
    """Return the decimal that PHP makes of a number: 17 digits, without the zeros at the end."""
    try:
        digits, _, exponent = f"{abs(float(amount)):.16e}".partition("e")
    except OverflowError:
        return None
    if not exponent:
        return None
    text = format(Decimal(f"{digits}e{exponent}"), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{'-' if amount < 0 else '+'}{text}" if len(text) < _DECIMAL_CHARS_MAX else None


def _globe_coordinate(value: Json) -> Json:
    if type(value) is dict and len(value) == _GLOBE_FIELDS and value.get("altitude", 0) is None:
        globe = value.get("globe")
        if type(globe) is str and globe and all(map(_is_printed_degree, map(value.get, _DEGREE_KEYS))):
            return value
    made = _decode_globe_coordinate(value)
    return verbatim(value) if made is None else made


def _decode_globe_coordinate(value: Json) -> Json:
    if type(value) is not dict:
        return None
    latitude, longitude = _degrees(value.get("latitude")), _degrees(value.get("longitude"))
    precision, globe = value.get("precision"), value.get("globe")
    if precision is not None:
        precision = None if type(precision) is str else _degrees(precision)
        if precision is None:
            return None
    if globe is None:
        globe = DEFAULT_GLOBE
    if latitude is None or longitude is None or type(globe) is not str or not globe:
        return None
    known = {"latitude": latitude, "longitude": longitude, "altitude": None, "precision": precision, "globe": globe}
    return {**known, **{key: verbatim(one) for key, one in value.items() if key not in known}}


_GLOBE_FIELDS = 5
_DEGREE_KEYS = ("latitude", "longitude", "precision")


def _is_printed_degree(value: Json) -> bool:
    return type(value) is float and -DEGREES_MAX <= value <= DEGREES_MAX and not value.is_integer()


def _degrees(value: Json) -> float | int | None:
    """Return the double, None where Wikibase takes none: no number, or beyond 360 degrees."""
    if type(value) is str and len(value) <= _NUMERIC_CHARS_MAX and _PHP_NUMERIC.fullmatch(value):
        value = float(value)
    if (type(value) is float or type(value) is int) and -DEGREES_MAX <= value <= DEGREES_MAX:
        return canonical_number(value) if type(value) is float else value
    return None


def _monolingual_text(value: Json) -> Json:
    if type(value) is dict and len(value) == 2 and type(value.get("text")) is type(value.get("language")) is str:  # noqa: PLR2004
        return value
    return verbatim(value)


def _decode_monolingual_text(value: Json) -> Json:
    if type(value) is not dict or not (type(value.get("text")) is type(value.get("language")) is str):
        return None
    return verbatim(value) if value["language"] else None


BY_TYPE: Mapping[str, Callable[[Json], Json]] = {
    "string": _string,
    "wikibase-entityid": _entity_id,
    "time": _time,
    "quantity": _quantity,
    "globecoordinate": _globe_coordinate,
    "monolingualtext": _monolingual_text,
}
"""The canonical form of a value, by value type. What is not to be altered is returned as it is."""

_DECODERS: Mapping[str, Callable[[Json], Json]] = {
    "string": _decode_string,
    "wikibase-entityid": _decode_entity_id,
    "time": _decode_time,
    "quantity": _decode_quantity,
    "globecoordinate": _decode_globe_coordinate,
    "monolingualtext": _decode_monolingual_text,
}
"""What Wikibase makes of a value, None where it refuses it."""
