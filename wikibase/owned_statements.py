"""Statements brought to canonical form in place, for a caller who owns them: who has just parsed them.

Says the same as `wikibase.statements`, which is the reference (a property test holds the two together), in half the
time: the derived keys are taken out of the usual shape, and nothing is built anew. A statement of any other shape is
handed over and replaced. Half-done statements are no harm: what has been taken out has no meaning there either.

Each step here is taken for every snak of every entity, so the code is arranged by what it costs: shapes are known by
the number of their keys, and what is missing shows as a KeyError, which is free where it does not happen.
"""

from typing import Any

from wikibase.statements import (
    canonical_statement,
    canonical_statements,
    distinct,
    known_property,
    order_of,
)
from wikibase.values import BY_TYPE, VALUES_OF_IDS

Json = Any

_PROPERTIES: set[str] = set()  # ids in canonical spelling that were met; a look into a set is the cheapest test
_PROPERTIES_MAX = 65_536
_MISFITS = (KeyError, TypeError, AttributeError)  # a part is missing, or something else stands there


def own_statements(statements: Json, order: Json = None) -> tuple[dict[str, list[Json]], list[str]]:
    """Return what `canonical_statements` returns, made of the parts of the argument."""
    if type(statements) is not dict:
        return canonical_statements(statements, order)
    for prop, group in statements.items():
        if type(group) is not list or not group or (prop not in _PROPERTIES and not _learn(prop)):
            return canonical_statements(statements, order)
        for statement in group:
            try:
                if _tidy(statement, prop):
                    continue
            except _MISFITS:
                pass
            if not _replaced(group, prop):
                return canonical_statements(statements, order)
            break
    return statements, order_of(statements, order)


def _replaced(group: list[Json], prop: str) -> bool:
    """Put the canonical form of each statement into its place. False: one belongs to another property."""
    for place, statement in enumerate(group):
        group[place] = other = canonical_statement(statement)
        if other["mainsnak"]["property"] != prop:
            return False
    return True


def _learn(prop: str) -> bool:
    if known_property(prop) != prop:
        return False
    if len(_PROPERTIES) >= _PROPERTIES_MAX:
        _PROPERTIES.clear()
    _PROPERTIES.add(prop)
    return True


def _tidy(statement: dict[str, Json], prop: str) -> bool:
    """Tidy a statement of the usual shape. False: it has another one, and may be half done."""
    if not _tidy_snak(statement["mainsnak"], prop):
        return False
    keys = len(statement)
    if keys != 4:  # noqa: PLR2004  mainsnak, type, id, rank
        if "references" in statement:
            if not _tidy_references(statement["references"]):
                return False
            keys -= 1
        if keys == 6 and not _tidy_qualifiers(statement):  # noqa: PLR2004  and qualifiers with their order
            return False
        if keys not in _KEYS:
            return False
    return type(statement["rank"]) is type(statement["id"]) is str and statement["type"] == "statement"


_KEYS = (4, 6)


def _tidy_qualifiers(statement: dict[str, Json]) -> bool:
    qualifiers = statement["qualifiers"]
    if type(qualifiers) is not dict or not qualifiers:
        return False
    for prop in qualifiers:
        if not _tidy_group(qualifiers, prop):
            return False
    if statement["qualifiers-order"] != [*qualifiers]:
        statement["qualifiers-order"] = order_of(qualifiers, statement["qualifiers-order"])
    return True


def _tidy_references(references: Json) -> bool:  # noqa: C901  speed: a call for each snak is saved
    if type(references) is not list or not references:
        return False
    for reference in references:
        snaks = reference["snaks"]
        if type(snaks) is not dict or not snaks:
            return False
        for prop, group in snaks.items():
            if len(group) == 1 and type(group) is list and prop in _PROPERTIES:  # nearly always
                if not _tidy_snak(group[0], prop):
                    return False
            elif not _tidy_group(snaks, prop):
                return False
        if reference["snaks-order"] != [*snaks]:
            reference["snaks-order"] = order_of(snaks, reference["snaks-order"])
        if len(reference) == 3:  # noqa: PLR2004  snaks, their order, hash
            del reference["hash"]
        elif len(reference) != 2:  # noqa: PLR2004
            return False
    return True


def _tidy_group(groups: dict[str, Json], prop: str) -> bool:
    snaks = groups[prop]
    if type(snaks) is not list or not snaks or (prop not in _PROPERTIES and not _learn(prop)):
        return False
    for snak in snaks:
        if not _tidy_snak(snak, prop):
            return False
    if len(snaks) > 1:
        groups[prop] = distinct(snaks)
    return True


def _tidy_snak(snak: dict[str, Json], prop: str) -> bool:
    if snak["property"] != prop:
        return False
    if snak["snaktype"] != "value":
        return _tidy_without_value(snak)
    keys = len(snak)
    if keys == 5:  # noqa: PLR2004  snaktype, property, datavalue, and both that are derived: an answer
        del snak["hash"], snak["datatype"]
    elif keys == 4:  # noqa: PLR2004  and one of them: a stored text
        del snak["hash" if "hash" in snak else "datatype"]
    elif keys != 3:  # noqa: PLR2004  our own form
        return False
    datavalue = snak["datavalue"]
    kind, value = datavalue["type"], datavalue["value"]
    if kind == "string":
        if type(value) is not str:
            return False
    elif kind == "wikibase-entityid" and VALUES_OF_IDS.get(value["id"]) == value and type(value["numeric-id"]) is int:
        pass  # what the look below says, without a call
    elif (made := BY_TYPE[kind](value)) is not value:
        datavalue["value"] = made
    return len(datavalue) == 2  # noqa: PLR2004  type and value


def _tidy_without_value(snak: dict[str, Json]) -> bool:
    snak.pop("hash", None)
    snak.pop("datatype", None)
    return len(snak) == 2 and snak["snaktype"] in ("somevalue", "novalue")  # noqa: PLR2004
