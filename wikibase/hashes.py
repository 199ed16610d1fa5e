"""Hashes of snaks and references as Wikibase computes them today (wikibase.md 3.7).

Answers must carry them, because clients address qualifiers and references by them. They are no part of the canonical
form: what they are made of contains names of PHP classes, which changed over the years.

Values that Wikibase does not decode are hashed with its sentence of error (`error` beside the value in its answers):
without it there is no hash, but for types that Wikibase does not know, whose sentence is known.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from wikibase.ids import EntityId, EntityType, entity_type
from wikibase.values import BY_TYPE, canonical_value, is_decoded
from wikibase.verbatim import verbatim

Json = Any

_SNAK_CLASSES = {
    "novalue": r"Wikibase\DataModel\Snak\PropertyNoValueSnak",
    "somevalue": r"Wikibase\DataModel\Snak\PropertySomeValueSnak",
    "value": r"Wikibase\DataModel\Snak\PropertyValueSnak",
}
_ID_CLASSES = {
    EntityType.ITEM: r"Wikibase\DataModel\Entity\ItemId",
    EntityType.PROPERTY: r"Wikibase\DataModel\Entity\NumericPropertyId",
    EntityType.LEXEME: r"Wikibase\Lexeme\Domain\Model\LexemeId",
    EntityType.FORM: r"Wikibase\Lexeme\Domain\Model\FormId",
    EntityType.SENSE: r"Wikibase\Lexeme\Domain\Model\SenseId",
    EntityType.MEDIAINFO: r"Wikibase\MediaInfo\DataModel\MediaInfoId",
}
_SCHEMA_VALUE = r"EntitySchema\Wikibase\DataValues\EntitySchemaValue"
_SCHEMA_ID = r"EntitySchema\Domain\Model\EntitySchemaId"
_INT64 = range(-(2**63), 2**63)


def snak_hash(snak: Mapping[str, Json]) -> str | None:
    """Return the hash of a snak, canonical or as answered, None where it cannot be known."""
    kind, prop = snak["snaktype"], snak["property"]
    if kind in ("novalue", "somevalue"):
        inside: bytes | None = prop.encode()
    else:
        value = _data_value(snak["datavalue"])
        inside = None if value is None else b"a:2:{i:0;" + _text(prop) + b"i:1;" + value + b"}"
    return None if inside is None else _sha1(_object(_SNAK_CLASSES[kind], inside))


def reference_hash(snaks: Mapping[str, Iterable[Mapping[str, Json]]]) -> str | None:
    """Return the hash of a reference from its snaks by property, None where one of theirs cannot be known."""
    hashes = [snak_hash(snak) for group in snaks.values() for snak in group]
    known = [one for one in hashes if one is not None]
    return _sha1("|".join(sorted(known)).encode()) if len(known) == len(hashes) else None


def php_float(value: float) -> str:
    """Return a double as PHP prints it: shortest digits, an exponent below 1e-4 and from 1e17 on."""
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    assert isinstance(exponent, int), "PHP prints no infinity in JSON"
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent if text != "0" else 1  # digits before the decimal point
    minus = "-" if sign else ""
    if not -4 < point <= 17:  # noqa: PLR2004  see above
        power = point - 1
        return f"{minus}{text[0]}.{text[1:] or '0'}e{power:+d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    whole, fraction = text[:point].ljust(point, "0"), text[point:]
    return f"{minus}{whole}.{fraction}" if fraction else f"{minus}{whole}"


def _data_value(datavalue: Mapping[str, Json]) -> bytes | None:
    kind: Json = datavalue.get("type")
    if "error" not in datavalue and is_decoded(kind, datavalue.get("value")):
        return _DECODED[kind](canonical_value(kind, datavalue["value"]))
    error = datavalue.get("error")
    if error is None and type(kind) is str and kind not in BY_TYPE:
        error = f'Type "{kind}" is unsupported'
    if error is None:
        return None
    parts = [kind, verbatim(datavalue.get("value")), error]
    return _object(r"DataValues\UnDeserializableValue", _php(parts))


def _entity_id(value: Json) -> bytes:
    text = value["id"]
    kind = entity_type(EntityId(text))
    if kind is EntityType.SCHEMA:
        field = b"\0" + _SCHEMA_ID.encode() + b"\0id"
        inside = b'O:%d:"%s":1:{s:%d:"%s";%s}' % (
            len(_SCHEMA_ID), _SCHEMA_ID.encode(), len(field), field, _text(text),
        )  # fmt: skip
        return _object(_SCHEMA_VALUE, inside)
    return _object(r"Wikibase\DataModel\Entity\EntityIdValue", _object(_ID_CLASSES[kind], text.encode()))


def _time(value: Json) -> bytes:
    parts = [value[key] for key in ("time", "timezone", "before", "after", "precision", "calendarmodel")]
    return _object(r"DataValues\TimeValue", _json(parts))


def _monolingual_text(value: Json) -> bytes:
    inside = b"a:2:{i:0;" + _text(value["language"]) + b"i:1;" + _text(value["text"]) + b"}"
    return _object(r"DataValues\MonolingualTextValue", inside)


def _quantity(value: Json) -> bytes:
    amount, unit = _decimal(value["amount"]), _text(value["unit"])
    if "upperBound" not in value:
        inside = b"a:2:{i:0;" + amount + b"i:1;" + unit + b"}"
        return _object(r"DataValues\UnboundedQuantityValue", inside)
    bounds = b"i:2;" + _decimal(value["upperBound"]) + b"i:3;" + _decimal(value["lowerBound"])
    return _object(r"DataValues\QuantityValue", b"a:4:{i:0;" + amount + b"i:1;" + unit + bounds + b"}")


def _globe_coordinate(value: Json) -> bytes:
    numbers = [value[key] for key in ("latitude", "longitude", "altitude", "precision")]
    printed = ",".join("null" if one is None else php_float(one) for one in numbers)
    return _object(
        r"DataValues\Geo\Values\GlobeCoordinateValue", f"[{printed},".encode() + _json(value["globe"]) + b"]"
    )


_DECODED: Mapping[str, Callable[[Json], bytes]] = {
    "string": lambda value: _object(r"DataValues\StringValue", value.encode()),
    "wikibase-entityid": _entity_id,
    "time": _time,
    "monolingualtext": _monolingual_text,
    "quantity": _quantity,
    "globecoordinate": _globe_coordinate,
}


def _decimal(amount: str) -> bytes:
    return _object(r"DataValues\DecimalValue", _text(amount))


def _text(text: str) -> bytes:
    plain = text.encode()
    return b's:%d:"%s";' % (len(plain), plain)


def _object(name: str, inside: bytes) -> bytes:
    return b'C:%d:"%s":%d:{%s}' % (len(name), name.encode(), len(inside), inside)


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def _php(value: Json) -> bytes:
    """Return what PHP's serialize() makes of a JSON value that was read into arrays."""
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, float):
        return f"d:{php_float(value).replace('e', 'E')};".encode()
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return b"a:%d:{%s}" % (len(value), b"".join(_php_key(key) + _php(one) for key, one in pairs))


def _php_key(key: str | int) -> bytes:
    if isinstance(key, str) and not (key.isdecimal() or (key[:1] == "-" and key[1:].isdecimal())):
        return _text(key)
    number = int(key)
    return b"i:%d;" % number if str(number) == str(key) and number in _INT64 else _text(str(key))


def _sha1(text: bytes) -> str:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()
