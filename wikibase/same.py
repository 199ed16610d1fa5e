"""Whether an entity as answered is the content that a canonical form holds, decided without making its canonical form.

Most comparisons end in "the same"; that end is reached here in a fraction of the time. Both are walked side by side,
field by field. True is certain. False only means that it was not decided here: other shapes, another content, values
that Wikibase would bring to this form. Then the canonical forms decide.

Why it is certain: what consists of texts alone and is equal to a part of a canonical form is its own canonical form.
Python calls True, 1 and 1.0 equal, so where there may be numbers their types are looked at too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from wikibase.canonical import PAGE_INFO, are_plain_terms, canonical_entity
from wikibase.errors import NotAnEntityError
from wikibase.json_text import write_json
from wikibase.values import canonical_datavalue

Json = Any

_STATEMENTS = {"claims": "claims-order", "statements": "statements-order"}
_ORDERS = frozenset(_STATEMENTS.values())
_ODD = frozenset({"redirect", "serializationVersion"})  # no entity with fields
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
    if not _ODD.isdisjoint(entity) or type(entity.get("id")) is not str or type(entity.get("type")) is not str:
        return write_json(canonical_entity(entity, partial=True)) == write_json(canonical)
    left: dict[str, Json] = {}
    known = 0  # how many fields of the canonical form have been found equal
    for key, value in entity.items():
        compare = _FIELDS.get(key)
        if compare is not None:
            if not compare(value, canonical[key]):
                return False
            known += 1
        elif key in PAGE_INFO or key in _ORDERS:
            continue
        elif key in _STATEMENTS:
            order_key = _STATEMENTS[key]
            order = canonical.get(order_key, _NONE)
            if not _same_statements(value, canonical[key], entity.get(order_key), order):
                return False
            known += 2 if order else 1
        elif type(value) is str:
            if canonical[key] != value:
                return False
            known += 1
        else:
            left[key] = value
    return known == len(canonical) if not left else _same_rest(entity, left, canonical, known)


def _same_rest(entity: Mapping[str, Json], left: dict[str, Json], canonical: Mapping[str, Json], known: int) -> bool:
    """Compare the fields that have no comparison of their own by their canonical form."""
    named = {"id": entity["id"], "type": entity["type"]}
    made = canonical_entity({**named, **left}, partial=True)
    right = {key: canonical[key] for key in made}
    # `id` and `type` stand in both.
    return write_json(made) == write_json(right) and known + len(made) - len(named) == len(canonical)


def _same_text(left: Json, right: Json) -> bool:
    return type(left) is str and left == right


def _same_terms(left: Json, right: dict[str, Json]) -> bool:
    if not left:
        return not right and type(left) in (list, dict)
    return left == right and are_plain_terms(right)


def _same_aliases(left: Json, right: dict[str, list[Json]]) -> bool:
    if not left:
        return not right and type(left) in (list, dict)
    if left != right:
        return False
    for group in right.values():
        for term in group:
            if len(term) != 2 or not (type(term["value"]) is type(term["language"]) is str):  # noqa: PLR2004
                return False
    return True


def _same_links(left: Json, right: dict[str, Json]) -> bool:
    if not left:
        return not right and type(left) in (list, dict)
    if len(left) != len(right):
        return False
    for site, link in left.items():
        other = right[site]
        if len(other) != 3 or len(link) != 3 + ("url" in link):  # noqa: PLR2004  site, title, badges
            return False
        badges = link["badges"]
        if link["title"] != other["title"] or link["site"] != site or badges != other["badges"]:
            return False
        if "removed" in link or (badges and not all(type(badge) is str for badge in badges)):
            return False
    return True


def _same_parts(left: Json, right: list[Json]) -> bool:
    """Compare forms and senses. A part is whole: what it lacks is not decided here."""
    if type(left) is not list or len(left) != len(right):
        return False
    return all(_same_part(one, other) for one, other in zip(left, right, strict=True))


def _same_part(left: dict[str, Json], right: dict[str, Json]) -> bool:
    if "type" in left:
        return False
    return _same({**left, "type": ""}, {**right, "type": ""})


def _same_features(left: Json, right: list[Json]) -> bool:
    if type(left) is not list or not all(type(one) is str for one in left):
        return False
    return left == right or sorted(set(left)) == right


_FIELDS: Mapping[str, Callable[[Json, Any], bool]] = {
    "id": _same_text,
    "type": _same_text,
    "labels": _same_terms,
    "descriptions": _same_terms,
    "lemmas": _same_terms,
    "representations": _same_terms,
    "glosses": _same_terms,
    "aliases": _same_aliases,
    "sitelinks": _same_links,
    "forms": _same_parts,
    "senses": _same_parts,
    "grammaticalFeatures": _same_features,
}


def _same_statements(groups: Json, others: dict[str, list[Json]], told: Json, order: list[str]) -> bool:
    if not groups:
        return not others and type(groups) in (list, dict)
    if ([*groups] if told is None else told) != order or len(groups) != len(others):
        return False
    for prop, group in groups.items():
        other_group = others[prop]
        if type(group) is not list or len(group) != len(other_group):
            return False
        for place, other in enumerate(other_group):
            one = group[place]
            if not _same_snak(one["mainsnak"], other["mainsnak"], prop) or not _same_statement(one, other):
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
        if left["qualifiers-order"] != right["qualifiers-order"]:
            return False
        if not _same_groups(left["qualifiers"], right["qualifiers"]):
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
    for place, other in enumerate(right):
        one = left[place]
        if len(other) != 2 or len(one) != 2 + ("hash" in one):  # noqa: PLR2004  snaks and their order
            return False
        if one["snaks-order"] != other["snaks-order"] or not _same_groups(one["snaks"], other["snaks"]):
            return False
    return True


def _same_groups(left: Json, right: dict[str, Json]) -> bool:
    if len(left) != len(right):
        return False
    for prop, group in right.items():
        found = left[prop]
        if len(group) != len(found):
            return False
        if len(group) == 1:
            if not _same_snak(found[0], group[0], prop):
                return False
            continue
        for place, other in enumerate(group):
            if not _same_snak(found[place], other, prop):
                return False
    return True


def _same_snak(left: dict[str, Json], right: dict[str, Json], prop: str) -> bool:
    kind = left["snaktype"]
    if left["property"] != prop or right["snaktype"] != kind:
        return False
    own = len(right)
    if kind != "value":
        return own == 2 and kind in ("novalue", "somevalue") and _only_derived(left, own)  # noqa: PLR2004
    # Type, property and value; that it has, in an answer, a hash and a datatype too is looked at without a call.
    answered = len(left) == 5 and "hash" in left and "datatype" in left  # noqa: PLR2004
    if own != 3 or not (answered or _only_derived(left, own)):  # noqa: PLR2004
        return False
    datavalue, other = left["datavalue"], right["datavalue"]
    if datavalue == other and len(other) == 2:  # noqa: PLR2004  type and value
        value = other["value"]
        if type(value) is str or ((exact := _EXACT.get(other["type"])) and exact(datavalue["value"], value)):
            return True
    return write_json(canonical_datavalue(datavalue)) == write_json(other)


def _only_derived(snak: dict[str, Json], keys: int) -> bool:
    """Tell whether a snak has, beside that many keys, nothing but what is derived."""
    if "hash" in snak:
        keys += 1
    if "datatype" in snak:
        keys += 1
    return len(snak) == keys


def _exact_id(left: Json, right: Json) -> bool:
    return type(left["numeric-id"]) is type(right["numeric-id"]) is int and len(right) == 3  # noqa: PLR2004


def _exact_time(left: Json, right: Json) -> bool:
    return (
        len(right) == 6  # noqa: PLR2004
        and type(left["timezone"]) is type(left["before"]) is type(left["after"]) is type(left["precision"]) is int
        and type(right["timezone"]) is type(right["before"]) is type(right["after"]) is type(right["precision"]) is int
    )


def _exact_text(_: Json, right: Json) -> bool:
    return type(right["text"]) is type(right["language"]) is str and len(right) == 2  # noqa: PLR2004


_EXACT = {"wikibase-entityid": _exact_id, "time": _exact_time, "monolingualtext": _exact_text}
