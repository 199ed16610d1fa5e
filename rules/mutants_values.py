"""Damage to snaks and their values, by value type (wikibase.md 3.2). Pure; see `mutants`."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from rules.mutants import Change, Content, Dice, other_text

Json = Any
ValueChange = Callable[[Content, Dice], Json]

_DIGIT = re.compile(r"\d(?!.*\d)", re.ASCII)
_GREGORIAN = "http://www.wikidata.org/entity/Q1985727"
_JULIAN = "http://www.wikidata.org/entity/Q1985786"
_MOON = "http://www.wikidata.org/entity/Q405"
_DAY_PRECISION = 11


def any_value(snak: Content, dice: Dice) -> Json:
    """Return a snak with another value, whatever its type; without a value: of another kind."""
    if snak.get("snaktype") != "value":
        return {**snak, "snaktype": "novalue" if snak.get("snaktype") == "somevalue" else "somevalue"}
    for change in _BY_TYPE.get(_type(snak), ()):
        if (after := _with_value(change)(snak, dice)) is not None and after != snak:
            return after
    return _to_somevalue(snak, dice)


def _type(snak: Content) -> str:
    kind = (snak.get("datavalue") or {}).get("type")
    return kind if isinstance(kind, str) else ""


def _with_value(change: Callable[[Json, Dice], Json]) -> Change:
    def changed(snak: Content, dice: Dice) -> Json:
        value = snak.get("datavalue", {}).get("value")
        after = change(value, dice)
        return None if after is None else {**snak, "datavalue": {**snak["datavalue"], "value": after}}

    return changed


def _typed(kind: str, change: Callable[[Json, Dice], Json]) -> Change:
    """Return a change of the value of snaks of that type; `change` gets a value that fits the type."""
    inner = _with_value(change)

    def changed(snak: Content, dice: Dice) -> Json:
        if snak.get("snaktype") != "value" or _type(snak) != kind:
            return None
        fits = isinstance(snak["datavalue"].get("value"), str if kind == "string" else Mapping)
        return inner(snak, dice) if fits else None

    return changed


def _put(key: str, change: Callable[[Json], Json]) -> Callable[[Json, Dice], Json]:
    """Return a change of one key of a value, None where the value has none or the change cannot change it."""

    def changed(value: Json, _dice: Dice) -> Json:
        if not isinstance(value, Mapping) or value.get(key) is None:
            return None
        after = change(value[key])
        return None if after is None else {**value, key: after}

    return changed


def _last_digit(text: Json) -> Json:
    if not isinstance(text, str) or (found := _DIGIT.search(text)) is None:
        return None
    return f"{text[: found.start()]}{(int(found[0]) + 1) % 10}{text[found.end() :]}"


def _zero_behind(text: Json) -> Json:
    return f"{text}0" if isinstance(text, str) and "." in text else f"{text}.0" if isinstance(text, str) else None


def _other_sign(text: Json) -> Json:
    if not isinstance(text, str) or text[:1] not in "+-" or not text.strip("+-0.TZ:"):
        return None
    return ("-" if text[0] == "+" else "+") + text[1:]


def _other_unit(text: Json) -> Json:
    return "http://www.wikidata.org/entity/Q11573" if text == "1" else "1"


def _day(text: Json) -> Json:
    """Return a time a day later or earlier, as far as its digits let that be."""
    found = re.fullmatch(r"(.*-\d\d-)(\d\d)(T.*)", text) if isinstance(text, str) else None
    return None if found is None else f"{found[1]}{int(found[2]) + 1 if int(found[2]) < 28 else 1:02d}{found[3]}"  # noqa: PLR2004  every month has 28 days


def _year(text: Json) -> Json:
    found = re.fullmatch(r"([-+]\d*)(\d)(-\d\d-\d\dT.*)", text) if isinstance(text, str) else None
    return None if found is None else f"{found[1]}{(int(found[2]) + 1) % 10}{found[3]}"


def _calendar(text: Json) -> Json:
    return _JULIAN if text != _JULIAN else _GREGORIAN


def _precision(number: Json) -> Json:
    return number - 1 if number == _DAY_PRECISION else _DAY_PRECISION


def _next_float(number: Json) -> Json:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return math.nextafter(float(number), math.inf)


def _entity(value: Json, _dice: Dice) -> Json:
    text = value.get("id")
    found = re.fullmatch(r"(.*?)(\d+)", text) if isinstance(text, str) else None
    if found is None:
        return None
    after = int(found[2]) + 1
    numeric = {"numeric-id": after} if "numeric-id" in value else {}
    return {**value, "id": f"{found[1]}{after}", **numeric}


def _language(text: Json) -> Json:
    return "und" if text != "und" else "mis"


def _to_somevalue(snak: Content, _dice: Dice) -> Json:
    if snak.get("snaktype") != "value":
        return None
    return {**{key: value for key, value in snak.items() if key != "datavalue"}, "snaktype": "somevalue"}


def _kind(before: str, after: str) -> Change:
    return lambda snak, _dice: {**snak, "snaktype": after} if snak.get("snaktype") == before else None


def _value_type(snak: Content, _dice: Dice) -> Json:
    return {**snak, "datavalue": {**snak["datavalue"], "type": f"{_type(snak)}-"}} if _type(snak) else None


_BY_TYPE: Mapping[str, tuple[Callable[[Json, Dice], Json], ...]] = {
    "string": (other_text,),
    "wikibase-entityid": (lambda value, dice: _entity(value, dice) if isinstance(value, Mapping) else None,),
    "quantity": (_put("amount", _last_digit),),
    "time": (_put("time", _year),),
    "globecoordinate": (_put("latitude", _next_float),),
    "monolingualtext": (
        lambda value, dice: _put("text", lambda text: other_text(text, dice))(value, dice),
        _put("language", _language),
    ),
}

SNAK_CHANGES: Mapping[str, tuple[str, Change]] = {
    "value_to_somevalue": ("an unknown value in place of a value", _to_somevalue),
    "somevalue_to_novalue": ("no value in place of an unknown one", _kind("somevalue", "novalue")),
    "novalue_to_somevalue": ("an unknown value in place of none", _kind("novalue", "somevalue")),
    "value_type": ("a value of another type", _value_type),
    "string_byte": ("one character of a string", _typed("string", other_text)),
    "entity_id": ("another entity as value", _typed("wikibase-entityid", _entity)),
    "quantity_amount": ("the last digit of an amount", _typed("quantity", _put("amount", _last_digit))),
    "quantity_zero": ("a zero behind an amount", _typed("quantity", _put("amount", _zero_behind))),
    "quantity_sign": ("the sign of an amount", _typed("quantity", _put("amount", _other_sign))),
    "quantity_unit": ("another unit", _typed("quantity", _put("unit", _other_unit))),
    "quantity_bound": ("the last digit of an upper bound", _typed("quantity", _put("upperBound", _last_digit))),
    "time_year": ("another year", _typed("time", _put("time", _year))),
    "time_day": ("another day", _typed("time", _put("time", _day))),
    "time_precision": ("another precision of a time", _typed("time", _put("precision", _precision))),
    "time_calendar": ("another calendar", _typed("time", _put("calendarmodel", _calendar))),
    "coordinate": ("the last bit of a latitude", _typed("globecoordinate", _put("latitude", _next_float))),
    "coordinate_globe": ("another globe", _typed("globecoordinate", _put("globe", lambda _: _MOON))),
    "monolingual_text": (
        "one character of a text",
        _typed("monolingualtext", lambda value, dice: _put("text", lambda text: other_text(text, dice))(value, dice)),
    ),
    "monolingual_language": ("another language of a text", _typed("monolingualtext", _put("language", _language))),
}
"""Name: what it does, and the change of a main snak."""
