"""The short-key JSON of 2012-2014, brought to current keys (wikibase.md 3.4).

Only keys and shapes are translated here; what Wikibase collapses or normalises in any era (empty terms, repeated
aliases, snaks and references, years, ids) is `wikibase.canonical`'s. Raises NotAnEntityError, or the plain errors of
a shape that does not fit, which `canonical_entity` turns into it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id

Json = Any

_LETTERS = {"item": "Q", "property": "P"}
_RANKS = {0: "deprecated", 1: "normal", 2: "preferred"}
_LEGACY_KEYS = frozenset({"label", "description", "links"})
_TRANSLATED = frozenset({"entity", "label", "description", "aliases", "links", "claims", "statements"})


def is_legacy(entity: Mapping[str, Json], entity_id: EntityId | None = None) -> bool:
    """Tell whether the JSON has the short keys of 2012-2014.

    MediaWiki knows it by the key `entity`, without `type`. A text without it (the very first ones) counts only when
    the caller knows the id from the page; MediaWiki 1.39 refuses such a text.
    """
    if "type" in entity:
        return False
    return "entity" in entity or (entity_id is not None and not _LEGACY_KEYS.isdisjoint(entity))


def modern_id(named: Json) -> EntityId:
    """Return the id that a legacy text writes as "q42", "Q42" or ["item", 42]."""
    if isinstance(named, str):
        text = named
    elif isinstance(named, list) and len(named) == 2:  # noqa: PLR2004  a pair of type and number
        text = f"{_LETTERS.get(named[0], '')}{named[1]}"
    else:
        text = ""
    entity_id = parse_entity_id(text)
    if entity_id is None:
        raise NotAnEntityError(f"names no entity: {str(named)[:80]}")
    return entity_id


def modern_entity(entity: Mapping[str, Json], entity_id: EntityId | None = None) -> dict[str, Json]:
    """Return a legacy entity under current keys. `entity_id` serves where the text names none."""
    named = modern_id(entity["entity"]) if "entity" in entity else entity_id
    if named is None:
        raise NotAnEntityError("a legacy text that names no entity")
    kind = entity_type(named)
    out: dict[str, Json] = {key: value for key, value in entity.items() if key not in _TRANSLATED}
    out |= {"type": kind.value, "id": named}
    out["labels"] = _terms(entity.get("label"))
    out["descriptions"] = _terms(entity.get("description"))
    out["aliases"] = {
        language: [{"language": language, "value": text} for text in _values(group)]
        for language, group in (entity.get("aliases") or {}).items()
    }
    # A property of that time has no statements; `statements`, where it stands, replaces `claims`.
    claims = entity.get("statements", entity.get("claims"))
    out["claims"] = [_statement(one) for one in _values(claims)]
    if kind is EntityType.ITEM:
        out["sitelinks"] = {site: _link(site, link) for site, link in (entity.get("links") or {}).items()}
    return out


def _terms(terms: Json) -> dict[str, Json]:
    return {language: {"language": language, "value": text} for language, text in (terms or {}).items()}


def _values(group: Json) -> Sequence[Json]:
    """Return the values of a PHP array: a list, or a map where numbers are missing."""
    if isinstance(group, dict):
        return list(group.values())
    return group or ()


def _link(site: str, link: Json) -> dict[str, Json]:
    if isinstance(link, str):
        return {"site": site, "title": link, "badges": []}
    return {"site": site, "title": link["name"], "badges": link.get("badges") or []}


def _statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {"mainsnak": _snak(statement["m"]), "type": "statement"}
    out["rank"] = _RANKS[statement.get("rank", 1)]
    if statement.get("g") is not None:
        out["id"] = statement["g"]
    out["qualifiers"] = [_snak(snak) for snak in _values(statement.get("q"))]
    out["references"] = [
        {"snaks": [_snak(snak) for snak in _values(snaks)]} for snaks in _values(statement.get("refs"))
    ]
    return out


def _snak(snak: Sequence[Json]) -> dict[str, Json]:
    kind, number = snak[0], snak[1]
    out = {"snaktype": kind, "property": f"P{number}"}
    if kind == "value":
        out["datavalue"] = {"type": snak[2], "value": snak[3]}
    return out
