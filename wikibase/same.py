"""Whether an entity as answered is the content that a canonical form holds, decided without making its canonical form.

Most comparisons end in "the same"; that end is reached here in a fraction of the time. Statements are walked side by
side; everything else is small and made canonical. True is certain. False only means that it was not decided here:
other shapes, another content, values that Wikibase would bring to this form. Then the canonical forms decide.
"""

from collections.abc import Mapping
from typing import Any

from wikibase.canonical import PAGE_INFO, canonical_entity
from wikibase.errors import NotAnEntityError
from wikibase.json_text import write_json
from wikibase.values import canonical_datavalue

Json = Any

_STATEMENTS = (("claims", "claims-order"), ("statements", "statements-order"))
_TERMS = frozenset({"labels", "descriptions", "lemmas"})
_NONE: list[str] = []


def same_content(entity: Mapping[str, Json], canonical: Mapping[str, Json]) -> bool:
    """Tell whether the canonical form of an entity is this one. False: not decided. Never raises on JSON values.

    Where only a part was asked for, `canonical` is that part. Neither argument is altered.
    """
    if entity is canonical:
        return True
    try:
        return _same(entity, canonical)
    except (NotAnEntityError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return False


def _same(entity: Mapping[str, Json], canonical: Mapping[str, Json]) -> bool:
    left, right = dict(entity), dict(canonical)
    for key, order_key in _STATEMENTS:
        if key in right:
            groups, other = left.pop(key) or {}, right.pop(key)
            order, told = right.pop(order_key, _NONE), left.pop(order_key, None)
            if (list(groups) if told is None else told) != order or len(groups) != len(other):
                return False
            for prop, group in groups.items():
                if not _same_statements(group, other[prop], prop):
                    return False
    for key in _TERMS & left.keys() & right.keys():
        if left[key] == right[key] and all(_is_plain_term(term) for term in right[key].values()):
            del left[key], right[key]
    for key in PAGE_INFO & left.keys():
        del left[key]
    if left.keys() != right.keys():
        return False
    return write_json(canonical_entity(left, partial=True)) == write_json(right)


def _is_plain_term(term: Json) -> bool:
    return len(term) == 2 and type(term["language"]) is type(term["value"]) is str  # noqa: PLR2004


def _same_statements(left: Json, right: list[Json], prop: str) -> bool:
    if type(left) is not list or len(left) != len(right):
        return False
    for one, other in zip(left, right, strict=True):
        if not (_same_snak(one["mainsnak"], other["mainsnak"], prop) and _same_statement(one, other)):
            return False
    return True


def _same_statement(left: dict[str, Json], right: dict[str, Json]) -> bool:
    keys = 3  # mainsnak, type, rank
    if "id" in right:
        keys = 4
        if left["id"] != right["id"]:
            return False
    if "qualifiers" in right:
        keys += 2
        order = left["qualifiers-order"], right["qualifiers-order"]
        if not _same_groups(left["qualifiers"], right["qualifiers"], order):
            return False
    if "references" in right:
        keys += 1
        if not _same_references(left["references"], right["references"]):
            return False
    if left["rank"] != right["rank"] or type(right["rank"]) is not str or left["type"] != "statement":
        return False
    return len(left) == len(right) == keys


def _same_references(left: Json, right: list[Json]) -> bool:
    if type(left) is not list or len(left) != len(right):
        return False
    for one, other in zip(left, right, strict=True):
        if len(other) != 2 or len(one) != 2 + ("hash" in one):  # noqa: PLR2004  snaks and their order
            return False
        if not _same_groups(one["snaks"], other["snaks"], (one["snaks-order"], other["snaks-order"])):
            return False
    return True


def _same_groups(left: Json, right: dict[str, Json], order: tuple[Json, Json]) -> bool:
    if order[0] != order[1] or len(left) != len(right):
        return False
    for prop, group in right.items():
        found = left[prop]
        if len(group) != len(found):
            return False
        for place, other in enumerate(group):
            if not _same_snak(found[place], other, prop):
                return False
    return True


def _same_snak(left: Json, right: dict[str, Json], prop: str) -> bool:  # noqa: PLR0911  speed
    kind = left["snaktype"]
    if left["property"] != prop or right["snaktype"] != kind:
        return False
    keys = len(right)
    if len(left) != keys and len(left) != keys + ("hash" in left) + ("datatype" in left):
        return False
    if kind != "value":
        return keys == 2 and kind in ("novalue", "somevalue")  # noqa: PLR2004  type and property
    if keys != 3:  # noqa: PLR2004  type, property, value
        return False
    datavalue, canonical = left["datavalue"], right["datavalue"]
    if datavalue == canonical:
        value = canonical["value"]
        if type(value) is str:
            return True
        # Python calls True, 1 and 1.0 equal; only where the types are the same does equal mean the same.
        exact = _EXACT.get(canonical["type"])
        if exact is not None and exact(datavalue["value"], value):
            return True
    return write_json(canonical_datavalue(datavalue)) == write_json(canonical)


def _exact_id(left: Json, right: Json) -> bool:
    return len(right) == 3 and type(left["numeric-id"]) is type(right["numeric-id"]) is int  # noqa: PLR2004


def _exact_time(left: Json, right: Json) -> bool:
    return (
        len(right) == 6  # noqa: PLR2004
        and type(left["timezone"]) is type(left["before"]) is type(left["after"]) is type(left["precision"]) is int
        and type(right["timezone"]) is type(right["before"]) is type(right["after"]) is type(right["precision"]) is int
    )


def _exact_text(_: Json, right: Json) -> bool:
    return len(right) == 2 and type(right["text"]) is type(right["language"]) is str  # noqa: PLR2004


_EXACT = {"wikibase-entityid": _exact_id, "time": _exact_time, "monolingualtext": _exact_text}
