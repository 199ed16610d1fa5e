"""The short-key JSON of 2012-2014, brought to current keys (wikibase.md 3.4).

Only keys and shapes are translated here; what Wikibase collapses or normalises in any era (empty terms, repeated
aliases, snaks and references, years, ids) is `wikibase.canonical`'s. Raises NotAnEntityError, or the plain errors of
a shape that does not fit, which `canonical_entity` turns into it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id
from wikibase.json_text import shown
from wikibase.statements import RANKS
from wikibase.verbatim import php_values, verbatim

Json = Any

_LETTERS = {"item": "Q", "property": "P"}
_LEGACY_KEYS = frozenset({"label", "description", "links"})
_TRANSLATED = frozenset({"entity", "label", "description", "aliases", "links", "claims", "statements"})
_SNAK_PARTS = {"value": 4, "somevalue": 2, "novalue": 2}


def is_legacy(entity: Mapping[str, Json], entity_id: EntityId | None = None) -> bool:
    """Tell whether the JSON has the short keys of 2012-2014.

    MediaWiki knows it by the key `entity`, without `type`. A text without it (the very first ones) counts only when
    the caller knows the id from the page; MediaWiki 1.39 refuses such a text.
    """
    if isinstance(entity.get("type"), str):
        return False
    return "entity" in entity or (entity_id is not None and not _LEGACY_KEYS.isdisjoint(entity))


def modern_id(named: Json) -> EntityId:
    """Return the id that a legacy text writes as "q42", "Q42" or ["item", 42]."""
    text = ""
    if isinstance(named, str):
        text = named
    elif isinstance(named, list | dict) and len(named) == 2:  # noqa: PLR2004  a pair of type and number
        kind, number = map(verbatim, php_values(named))  # 42.0 is 42
        text = f"{_LETTERS.get(kind, '') if isinstance(kind, str) else ''}{number}"[:20]
    entity_id = parse_entity_id(text)
    if entity_id is None:
        raise NotAnEntityError(f"names no entity: {shown(named)}")
    return entity_id


def modern_entity(entity: Mapping[str, Json], entity_id: EntityId | None = None) -> dict[str, Json]:
    """Return a legacy entity under current keys. `entity_id` serves where the text names none."""
    named = entity_id if entity.get("entity") is None else modern_id(entity["entity"])
    if named is None:
        raise NotAnEntityError("a legacy text that names no entity")
    kind = entity_type(named)
    out: dict[str, Json] = {key: value for key, value in entity.items() if key not in _TRANSLATED}
    out |= {"type": kind.value, "id": named}
    out["labels"] = _terms(entity.get("label"))
    out["descriptions"] = _terms(entity.get("description"))
    out["aliases"] = {
        language: [{"language": language, "value": text} for text in php_values(group)]
        for language, group in (entity.get("aliases") or {}).items()
    }
    # `statements`, where it stands, replaces `claims`. What stands there in a property Wikibase does not read.
    claims = entity.get("statements", entity.get("claims"))
    out["claims"] = [_statement(one) for one in php_values(claims)] if kind is EntityType.ITEM else []
    if kind is EntityType.ITEM:
        out["sitelinks"] = {site: _link(site, link) for site, link in (entity.get("links") or {}).items()}
    return out


def _terms(terms: Json) -> dict[str, Json]:
    return {language: {"language": language, "value": text} for language, text in (terms or {}).items()}


def _link(site: str, link: Json) -> dict[str, Json]:
    if isinstance(link, str):
        return {"site": site, "title": link, "badges": []}
    return {"site": site, "title": link["name"], "badges": link.get("badges") or []}


def _statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    out: dict[str, Json] = {"mainsnak": _snak(statement["m"]), "type": "statement"}
    rank = statement.get("rank")
    out["rank"] = RANKS[1 if rank is None else rank]
    if statement.get("g") is not None:
        out["id"] = statement["g"]
    out["qualifiers"] = [_snak(snak) for snak in php_values(statement.get("q"))]
    out["references"] = [
        {"snaks": [_snak(snak) for snak in php_values(snaks)]} for snaks in php_values(statement.get("refs"))
    ]
    return out


def _snak(snak: Json) -> dict[str, Json]:
    parts: Sequence[Json] = php_values(snak)
    kind = parts[0] if parts else None
    if not isinstance(kind, str) or _SNAK_PARTS.get(kind) != len(parts) or type(parts[1]) is not int:
        raise NotAnEntityError(f"no snak of 2012-2014: {shown(snak)}")
    out: dict[str, Json] = {"snaktype": kind, "property": f"P{parts[1]}"}
    if kind == "value":
        out["datavalue"] = {"type": parts[2], "value": parts[3]}
    return out
