"""Statements brought to canonical form in place, for a caller who owns them: who has just parsed them.

Says the same as `wikibase.statements`, which is the reference (a property test holds the two together), in half the
time: the derived keys are taken out of the usual shape, and nothing is built anew. A statement of any other shape is
handed over and replaced. Half-done statements are no harm: what has been taken out has no meaning there either.
"""

from typing import Any

from wikibase.statements import (
    canonical_statement,
    canonical_statements,
    distinct,
    known_property,
    order_of,
)
from wikibase.values import BY_TYPE

Json = Any

_PROPERTIES: set[str] = set()  # ids in canonical spelling that were met; a look into a set is the cheapest test
_PROPERTIES_MAX = 65_536


def own_statements(statements: Json, order: Json = None) -> tuple[dict[str, list[Json]], list[str]]:
    """Return what `canonical_statements` returns, made of the parts of the argument."""
    if type(statements) is not dict:
        return canonical_statements(statements, order)
    for prop, group in statements.items():
        if type(group) is not list or not group or (prop not in _PROPERTIES and not _learn(prop)):
            return canonical_statements(statements, order)
        for place, statement in enumerate(group):
            try:
                usual = _tidy(statement, prop)
            except (KeyError, TypeError, AttributeError):  # a part is missing, or something else stands there
                usual = False
            if not usual:
                group[place] = other = canonical_statement(statement)
                if other["mainsnak"]["property"] != prop:
                    return canonical_statements(statements, order)
    return statements, order_of(statements, order)


def _learn(prop: str) -> bool:
    if known_property(prop) != prop:
        return False
    if len(_PROPERTIES) >= _PROPERTIES_MAX:
        _PROPERTIES.clear()
    _PROPERTIES.add(prop)
    return True


def _tidy(statement: dict[str, Json], prop: str) -> bool:
    """Tidy a statement of the usual shape. False: it has another one, and may be half done."""
    keys = 4  # mainsnak, type, id, rank
    if not _tidy_snak(statement["mainsnak"], prop):
        return False
    if "qualifiers" in statement:
        keys = 6
        qualifiers = statement["qualifiers"]
        if not _tidy_snaks(qualifiers):
            return False
        if statement["qualifiers-order"] != [*qualifiers]:
            statement["qualifiers-order"] = order_of(qualifiers, statement["qualifiers-order"])
    if "references" in statement:
        keys += 1
        if not _tidy_references(statement["references"]):
            return False
    if type(statement["rank"]) is not str or type(statement["id"]) is not str or statement["type"] != "statement":
        return False
    return len(statement) == keys


def _tidy_references(references: Json) -> bool:
    if type(references) is not list or not references:
        return False
    for reference in references:
        snaks = reference["snaks"]
        if not _tidy_snaks(snaks):
            return False
        if reference["snaks-order"] != [*snaks]:
            reference["snaks-order"] = order_of(snaks, reference["snaks-order"])
        if "hash" in reference:
            del reference["hash"]
        if len(reference) != 2:  # noqa: PLR2004  snaks and their order
            return False
    return True


def _tidy_snaks(groups: Json) -> bool:
    if type(groups) is not dict or not groups:
        return False
    for prop, snaks in groups.items():
        if type(snaks) is not list or not snaks or (prop not in _PROPERTIES and not _learn(prop)):
            return False
        for snak in snaks:
            if not _tidy_snak(snak, prop):
                return False
        if len(snaks) > 1:
            groups[prop] = distinct(snaks)
    return True


def _tidy_snak(snak: dict[str, Json], prop: str) -> bool:
    snak.pop("hash", None)
    snak.pop("datatype", None)
    if snak["property"] != prop:
        return False
    if snak["snaktype"] != "value":
        return len(snak) == 2 and snak["snaktype"] in ("somevalue", "novalue")  # noqa: PLR2004
    datavalue = snak["datavalue"]
    kind, value = datavalue["type"], datavalue["value"]
    if kind == "string":
        if type(value) is not str:
            return False
    elif type(kind) is not str or kind not in BY_TYPE:
        return False
    elif (made := BY_TYPE[kind](value)) is not value:
        datavalue["value"] = made
    return len(datavalue) == 2 and len(snak) == 3  # noqa: PLR2004  type and value; with snaktype and property
