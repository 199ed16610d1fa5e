"""The Wikibase REST API's JSON, brought to the keys of the Action API (wikibase.md 1.4).

v0 (1.39-1.43) writes statements as the Action API does, so nothing is lost. v1 has read models that leave parts out
(bounds of quantities, ...): it cannot be turned back, and is named as not compared.
"""

from collections.abc import Callable, Mapping
from typing import Any

from wikibase.ids import EntityId, entity_type

Json = Any

_RESOURCES = frozenset({"labels", "descriptions", "aliases", "statements", "sitelinks"})


def rest_reason(body: Mapping[str, Json]) -> str:
    """Return why this answer cannot be compared, "" when it can be."""
    statement = _any_statement(body)
    if statement is not None and "mainsnak" not in statement:
        return "rest_v1"
    if "id" in body or "mainsnak" in body or _is_statement_map(body):
        return ""
    return "rest_resource"


def rest_part(body: Mapping[str, Json], entity_id: EntityId) -> dict[str, Json]:
    """Return the part of the entity that a v0 answer holds: an item, its statements, or one statement."""
    kind = entity_type(entity_id).value
    if "mainsnak" in body:
        return {"id": entity_id, "type": kind, "claims": [body]}
    if _is_statement_map(body):
        return {"id": entity_id, "type": kind, "claims": body}
    out: dict[str, Json] = {"id": body["id"], "type": body.get("type", kind)}
    for name in _RESOURCES & body.keys():
        renamed = "claims" if name == "statements" else name
        out[renamed] = _FIELDS[name](body[name])
    return out


def _is_statement_map(body: Mapping[str, Json]) -> bool:
    return bool(body) and all(key[:1] == "P" and isinstance(value, list) for key, value in body.items())


def _any_statement(body: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return one statement of the answer, None when it has none."""
    statements = body if _is_statement_map(body) else body.get("statements")
    if isinstance(statements, dict):
        for group in statements.values():
            if isinstance(group, list) and group and isinstance(group[0], dict):
                return group[0]
    return body if "rank" in body else None


def _terms(terms: Json) -> Json:
    return {language: {"language": language, "value": text} for language, text in (terms or {}).items()}


def _aliases(aliases: Json) -> Json:
    return {
        language: [{"language": language, "value": text} for text in texts]
        for language, texts in (aliases or {}).items()
    }


def _sitelinks(links: Json) -> Json:
    return {site: {"site": site, **link} for site, link in (links or {}).items()}


def _statements(statements: Json) -> Json:
    return statements or {}


_FIELDS: Mapping[str, Callable[[Json], Json]] = {
    "labels": _terms,
    "descriptions": _terms,
    "aliases": _aliases,
    "statements": _statements,
    "sitelinks": _sitelinks,
}
