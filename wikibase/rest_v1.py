"""The reduced statements of the Wikibase REST API v1, as far as they can be brought to the keys of the Action API.

v1 (from 1.44, wikibase.md 1.4) leaves parts of a value out: the bounds of a quantity; time zone, before and after of
a time; the sentence on an undecodable value. What it says is brought to `claims` here, and `reduced` takes the same
parts out of a whole canonical form, so that the two can be compared. Everything else of v1 is complete: ids, ranks,
snak types, qualifiers and references in their order, terms, site links.

Written from the documentation of the API: no recorded answer of a v1 was at hand.
"""

from collections.abc import Mapping
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.json_text import shown
from wikibase.verbatim import php_values

Json = Any

_VALUE_TYPES: Mapping[str, str] = {
    "string": "string",
    "external-id": "string",
    "url": "string",
    "commonsMedia": "string",
    "geo-shape": "string",
    "tabular-data": "string",
    "math": "string",
    "musical-notation": "string",
    "localMedia": "string",
    "wikibase-item": "wikibase-entityid",
    "wikibase-property": "wikibase-entityid",
    "wikibase-lexeme": "wikibase-entityid",
    "wikibase-form": "wikibase-entityid",
    "wikibase-sense": "wikibase-entityid",
    "entity-schema": "wikibase-entityid",
    "time": "time",
    "quantity": "quantity",
    "globe-coordinate": "globecoordinate",
    "monolingualtext": "monolingualtext",
}
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "time": frozenset({"timezone", "before", "after"}),
    "quantity": frozenset({"upperBound", "lowerBound"}),
}
"""What v1 does not say of a value, by value type."""


def claims_of_v1(statements: Json) -> dict[str, Json]:
    """Return `claims` of v1's `statements`, values reduced. Raises NotAnEntityError and the errors of a wrong shape."""
    return {prop: [claim_of_v1(one) for one in php_values(group)] for prop, group in (statements or {}).items()}


def claim_of_v1(statement: Mapping[str, Json]) -> dict[str, Json]:
    """Return one statement of v1 under the keys of the Action API."""
    return {
        "mainsnak": _snak(statement),
        "type": "statement",
        "id": statement["id"],
        "rank": statement["rank"],
        "qualifiers": [_snak(one) for one in php_values(statement.get("qualifiers"))],
        "references": [
            {"snaks": [_snak(part) for part in php_values(reference["parts"])]}
            for reference in php_values(statement.get("references"))
        ],
    }


def reduced(content: Mapping[str, Json]) -> dict[str, Json]:
    """Return an entity's canonical form without what v1 leaves out."""
    claims = content.get("claims")
    if not claims:
        return dict(content)
    return {**content, "claims": {prop: [_reduced_statement(one) for one in group] for prop, group in claims.items()}}


def _snak(part: Mapping[str, Json]) -> dict[str, Json]:
    prop, value = part["property"], part["value"]
    kind = value["type"]
    snak = {"snaktype": kind, "property": prop["id"]}
    if kind == "value":
        value_type = _VALUE_TYPES.get(prop.get("data_type") or "")
        content = value["content"]
        if value_type is None:
            raise NotAnEntityError(f"a value of a data type that is not known: {shown(prop.get('data_type'))}")
        snak["datavalue"] = {
            "type": value_type,
            "value": {"id": content} if value_type == "wikibase-entityid" else content,
        }
    return snak


def _reduced_statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    out = {**statement, "mainsnak": _reduced_snak(statement["mainsnak"])}
    if "qualifiers" in statement:
        out["qualifiers"] = _reduced_snaks(statement["qualifiers"])
    if "references" in statement:
        out["references"] = [{**one, "snaks": _reduced_snaks(one["snaks"])} for one in statement["references"]]
    return out


def _reduced_snaks(groups: Mapping[str, Json]) -> dict[str, Json]:
    return {prop: [_reduced_snak(snak) for snak in snaks] for prop, snaks in groups.items()}


def _reduced_snak(snak: Mapping[str, Json]) -> dict[str, Json]:
    datavalue: Json = snak.get("datavalue")
    left_out = LEFT_OUT.get(datavalue["type"] or "") if datavalue else None
    if not left_out or not isinstance(datavalue["value"], dict):
        return dict(snak)
    kept = {key: value for key, value in datavalue["value"].items() if key not in left_out}
    return {**snak, "datavalue": {**datavalue, "value": kept}}
