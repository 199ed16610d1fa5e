"""The canonical form: the one JSON that equal content always yields, and its digest.

Knows every shape in which a revision is met: stored text, `prop=revisions`, wbgetentities, EntityData, the entity
of a write module, dumps (wikibase.md 3.3), and the short-key JSON of 2012-2014 (3.4). Rules:

- Idempotent, and blind to the order of JSON keys. What Wikibase derives is dropped: hashes, the datatype of snaks,
  page info, site-link urls, the sentence on an undecodable value, the id counters of a lexeme (see `id_counters`).
- `[]` and `{}` are one exactly where PHP makes them one; a whole entity has every map of its type, be it empty.
- Order that readers see is kept (3.5). Statement properties have an order too, which sorted keys would lose:
  `claims-order` (`statements-order` on mediainfo) lists them beside `claims`, as `qualifiers-order` does.
- Languages, sites and properties are map keys and have no order. Forms and senses are in the order of their number.
- Terms, aliases, snaks and references collapse as Wikibase's own lists collapse them: no empty term, no alias twice.
- What is not known is kept verbatim.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, parse_entity_id
from wikibase.legacy import is_legacy, modern_entity, modern_id
from wikibase.statements import canonical_statements

__all__ = ["FORM", "NotAnEntityError", "canonical_bytes", "canonical_entity", "digest", "entity_of_text", "id_counters"]

FORM = 1
"""The version of the canonical form. A digest means something only beside it."""

Json = Any

PAGE_INFO = frozenset({"pageid", "ns", "title", "lastrevid", "modified", "redirects", "success", "nochange"})
"""What answers add to an entity that is no part of it (3.9)."""

COUNTERS = frozenset({"nextFormId", "nextSenseId"})
"""In the stored text only. Not derivable after deletions, so who must mint ids keeps them beside the content."""

MAPS_OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "item": ("labels", "descriptions", "aliases", "claims", "sitelinks"),
    "property": ("labels", "descriptions", "aliases", "claims"),
    "lexeme": ("lemmas", "claims"),
    "form": ("representations", "claims"),
    "sense": ("glosses", "claims"),
    "mediainfo": ("labels", "descriptions", "statements"),
}
"""The maps that an entity of a type always has, though a shape may leave them out when they are empty."""

_NOT_CONTENT = PAGE_INFO | COUNTERS | {"id", "type", "claims-order", "statements-order"}
_LISTS_OF_TYPE = {"lexeme": ("forms", "senses"), "form": ("grammaticalFeatures",)}
_PART_KINDS = {"F": "form", "S": "sense"}
_PHP_SPACE = " \t\n\r\0\x0b"  # what PHP's trim() takes
_UNREADABLE = (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError)


def entity_of_text(text: bytes | str) -> dict[str, Json]:
    """Parse the stored text of a revision. Raises NotAnEntityError on what is no JSON object."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotAnEntityError(f"no JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise NotAnEntityError(f"JSON, but no object: {str(parsed)[:80]}")
    return parsed


def canonical_entity(
    entity: Mapping[str, Json], *, partial: bool = False, entity_id: EntityId | None = None
) -> dict[str, Json]:
    """Return the canonical form of an entity, a redirect or an entity schema.

    `partial` says that the answer was asked for a part only: what is not there is then left out, not empty.
    `entity_id` is the id that the page tells: it decides for mediainfo, whose stored id may diverge (3.1), and where
    the text names none. Raises NotAnEntityError.
    """
    if not isinstance(entity, dict):
        raise NotAnEntityError(f"no JSON object: {str(entity)[:80]}")
    try:
        return _canonical(entity, partial=partial, entity_id=entity_id)
    except NotAnEntityError:
        raise
    except _UNREADABLE as error:
        raise NotAnEntityError(f"{entity.get('id', 'entity')}: {type(error).__name__}: {error}"[:300]) from error


def canonical_bytes(value: Json) -> bytes:
    """Return the bytes of a canonical value: sorted keys, UTF-8, no spaces.

    Raises NotAnEntityError for what is nested deeper than any content of a wiki.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise NotAnEntityError(f"cannot be written as JSON: {error}") from error


def digest(canonical: bytes) -> str:
    """Return the SHA-256 of canonical bytes in lower-case hex."""
    return hashlib.sha256(canonical).hexdigest()


def id_counters(stored: Mapping[str, Json]) -> dict[str, int]:
    """Return the id counters that a lexeme's stored text holds, {} for everything else."""
    return {key: stored[key] for key in sorted(COUNTERS) if isinstance(stored.get(key), int)}


def _canonical(entity: dict[str, Json], *, partial: bool, entity_id: EntityId | None) -> dict[str, Json]:
    if "redirect" in entity:
        return {"entity": modern_id(entity["entity"]), "redirect": modern_id(entity["redirect"])}
    if "serializationVersion" in entity:  # an entity schema: a format of its own, kept verbatim (3.1)
        return dict(entity)
    if is_legacy(entity, entity_id):
        entity = modern_entity(entity, entity_id)
    named = _name(entity, entity_id)
    kind = _kind(entity, named)
    out: dict[str, Json] = {"id": parse_entity_id(named) or named}
    if kind not in ("form", "sense"):  # those have a type only where an answer holds nothing else (1.1.1)
        out["type"] = kind
    _put_fields(out, entity, kind)
    if not partial:
        for key in MAPS_OF_TYPE.get(kind, ()):
            out.setdefault(key, {})
        for key in _LISTS_OF_TYPE.get(kind, ()):
            out.setdefault(key, [])
    return out


def _put_fields(out: dict[str, Json], entity: Mapping[str, Json], kind: str) -> None:
    for key, value in entity.items():
        if key in ("claims", "statements"):
            name = "statements" if kind == "mediainfo" else "claims"
            out[name], order = canonical_statements(value, entity.get(f"{key}-order"))
            if order:
                out[f"{name}-order"] = order
        elif (canonical := _FIELDS.get(key)) is not None:
            out[key] = canonical(value)
        elif key not in _NOT_CONTENT:
            out[key] = value


def _name(entity: Mapping[str, Json], entity_id: EntityId | None) -> str:
    named = entity.get("id")
    if entity_id is not None and (named is None or entity_id[0] == "M"):
        named = entity_id
    if not isinstance(named, str):
        raise NotAnEntityError(f"names no id: {str(entity)[:80]}")
    return named


def _kind(entity: Mapping[str, Json], named: str) -> str:
    kind = entity.get("type")
    if kind is None:
        kind = _PART_KINDS.get(named.partition("-")[2][:1])
    if not isinstance(kind, str):
        raise NotAnEntityError(f"{named}: neither a current nor a legacy entity: it has no type")
    return kind


def _map(value: Json) -> Mapping[str, Json]:
    if not value:
        return {}
    if not isinstance(value, dict):
        raise NotAnEntityError(f"a list where a map belongs: {str(value)[:80]}")
    return value


def _terms(terms: Json) -> Json:
    return {language: term for language, term in _map(terms).items() if term.get("value") != ""}


def _aliases(aliases: Json) -> Json:
    out = {}
    for language, group in _map(aliases).items():
        kept: dict[str, Json] = {}
        for alias in group.values() if isinstance(group, dict) else group:
            if text := alias["value"].strip(_PHP_SPACE):
                kept.setdefault(text, alias if text == alias["value"] else {**alias, "value": text})
        if kept:
            out[language] = list(kept.values())
    return out


def _sitelinks(links: Json) -> Json:
    out = {}
    for site, link in _map(links).items():
        kept = {key: value for key, value in link.items() if key != "url"}
        kept["badges"] = list(kept.get("badges") or ())
        out[site] = kept
    return out


def _parts(parts: Json) -> Json:
    made = [_canonical(part, partial=False, entity_id=None) for part in parts or ()]
    return sorted(made, key=lambda part: int(part["id"].partition("-")[2][1:]))


def _features(features: Json) -> Json:
    return sorted(set(features or ()))


_FIELDS: Mapping[str, Callable[[Json], Json]] = {
    "labels": _terms,
    "descriptions": _terms,
    "aliases": _aliases,
    "lemmas": _terms,
    "representations": _terms,
    "glosses": _terms,
    "sitelinks": _sitelinks,
    "forms": _parts,
    "senses": _parts,
    "grammaticalFeatures": _features,
}
