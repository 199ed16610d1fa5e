"""Statements, references and snaks in canonical form (wikibase.md 3.1, 3.3, 3.5, 3.9).

Order that a reader can see is kept: statements inside a property, the properties of a statement list
(as a list beside the map), qualifiers, references, the snaks of a reference. Identical snaks of one snak list are
one, and a reference without snaks is none, as in Wikibase's own lists; equal references stay as many as they are.
Keys that are not known are kept: an unknown part of an answer must not vanish from a comparison.

Nothing here alters its argument; parts that are as they should be are shared with it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityType, entity_type, parse_entity_id
from wikibase.json_text import shown, write_json
from wikibase.values import canonical_datavalue, canonical_value
from wikibase.verbatim import php_values, verbatim

Json = Any

RANKS: Mapping[Json, str] = {0: "deprecated", 1: "normal", 2: "preferred"}

_STATEMENT_KEYS = frozenset({"mainsnak", "type", "id", "rank", "qualifiers", "qualifiers-order", "references"})
_REFERENCE_KEYS = frozenset({"hash", "snaks", "snaks-order"})
_SNAK_KEYS = frozenset({"snaktype", "property", "hash", "datatype", "datavalue"})


def canonical_statements(statements: Json, order: Json = None) -> tuple[dict[str, list[Json]], list[str]]:
    """Return statements by property, each in order, and the properties in the order of their first statement.

    Takes the map by property of every API shape, a flat list, and PHP's empty list. `order` is the list that a
    canonical form already has.
    """
    groups: dict[str, list[Json]] = {}
    if not statements:
        return groups, []
    for members in statements.values() if type(statements) is dict else (statements,):
        for one in _members(members, "mainsnak"):
            statement = canonical_statement(one)
            groups.setdefault(statement["mainsnak"]["property"], []).append(statement)
    return groups, order_of(groups, order)


def canonical_statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of one statement. `type` "claim" of old data is a statement of normal rank."""
    rank = statement.get("rank", "normal")
    out = {
        "mainsnak": canonical_snak(statement["mainsnak"]),
        "type": "statement",
        "rank": rank if type(rank) is str else RANKS[rank],
    }
    if (guid := statement.get("id")) is not None:
        out["id"] = guid if type(guid) is str else verbatim(guid)
    if (qualifiers := statement.get("qualifiers")) and (snaks := canonical_snaks(qualifiers)):
        out["qualifiers"] = snaks
        out["qualifiers-order"] = order_of(snaks, statement.get("qualifiers-order"))
    if (references := statement.get("references")) and (kept := _references(references)):
        out["references"] = kept
    if len(statement) > len(out):
        for key in statement.keys() - _STATEMENT_KEYS:
            out[key] = verbatim(statement[key])
    return out


def canonical_snak(snak: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a snak: no hash, no datatype, and a value only where the type says there is one."""
    kind, prop = snak["snaktype"], property_id(snak["property"])
    if kind == "value":
        datavalue = snak["datavalue"]
        if type(datavalue) is dict and len(datavalue) == 2 and type(datavalue.get("type")) is str:  # noqa: PLR2004
            value = datavalue["value"]
            made = canonical_value(datavalue["type"], value)
            if made is not value:
                datavalue = {"type": datavalue["type"], "value": made}
        else:
            datavalue = canonical_datavalue(datavalue)
        out = {"snaktype": "value", "property": prop, "datavalue": datavalue}
    elif kind == "somevalue" or kind == "novalue":  # noqa: PLR1714  faster than a tuple
        out = {"snaktype": kind, "property": prop}
    else:
        out = {"snaktype": verbatim(kind), "property": prop}
        if "datavalue" in snak:
            out["datavalue"] = verbatim(snak["datavalue"])
    if len(snak) > len(out) + ("hash" in snak) + ("datatype" in snak):
        for key in snak.keys() - _SNAK_KEYS:
            out[key] = verbatim(snak[key])
    return out


def canonical_snaks(lists: Json) -> dict[str, list[Json]]:
    """Return snaks by property, identical ones once. Takes a map by property and a flat list."""
    groups: dict[str, list[Json]] = {}
    for members in lists.values() if type(lists) is dict else (php_values(lists),):
        for one in _members(members, "snaktype"):
            snak = canonical_snak(one)
            groups.setdefault(snak["property"], []).append(snak)
    for prop, group in groups.items():
        if len(group) > 1:
            groups[prop] = distinct(group)
    return groups


def distinct(snaks: list[Json]) -> list[Json]:
    """Return canonical snaks without repetition: the first of identical ones stays."""
    if len(snaks) == 2 and snaks[0] != snaks[1]:  # noqa: PLR2004  the usual case, decided without serialising
        return snaks
    seen: dict[bytes, Json] = {}
    for snak in snaks:
        seen.setdefault(write_json(snak), snak)
    return list(seen.values())


def order_of(groups: Mapping[str, Json], order: Json) -> list[str]:
    """Return the order as Wikibase decodes it: the order list first, then what the map holds besides (3.5)."""
    names = list(groups)
    if not order or order == names:
        return names
    listed = dict.fromkeys(prop for prop in php_values(order) if type(prop) is str and prop in groups)
    return [*listed, *(prop for prop in names if prop not in listed)]


def property_id(named: Json) -> str:
    """Return the property that a snak names, in canonical spelling; what is no id is kept. Raises NotAnEntityError."""
    if type(named) is not str:
        raise NotAnEntityError(f"a snak names no property, but {shown(named)}")
    return known_property(named) or named


@lru_cache(maxsize=65536)
def known_property(text: str) -> str | None:
    """Return a property id in canonical spelling, None for what is none."""
    found = parse_entity_id(text)
    return str(found) if found is not None and entity_type(found) is EntityType.PROPERTY else None


def _members(group: Json, mark: str) -> Sequence[Json]:
    """Return what a group holds. PHP takes a member without a group where the key is a number."""
    if type(group) is list:
        return group
    if type(group) is dict and mark in group:
        return (group,)
    return php_values(group)


def _references(references: Json) -> list[Json]:
    kept = []
    for reference in php_values(references):
        snaks = canonical_snaks(reference["snaks"])
        if snaks:
            out: dict[str, Json] = {"snaks": snaks, "snaks-order": order_of(snaks, reference.get("snaks-order"))}
            if len(reference) > 1 + ("hash" in reference) + ("snaks-order" in reference):
                for key in reference.keys() - _REFERENCE_KEYS:
                    out[key] = verbatim(reference[key])
            kept.append(out)
    return kept
