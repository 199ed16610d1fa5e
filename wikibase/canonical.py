"""The canonical form: the one JSON that equal content always yields, and its digest.

docs/canonical-form.md is the specification. Knows every shape in which a revision is met: stored text,
`prop=revisions`, wbgetentities, EntityData, the entity of a write module, dumps (wikibase.md 3.3), and the short-key
JSON of 2012-2014 (3.4). Rules:

- Idempotent, and blind to the order of JSON keys. What Wikibase derives is dropped: hashes, the datatype of snaks,
  page info, site-link urls, the sentence on an undecodable value, the id counters of a lexeme (see `id_counters`).
- `[]` and `{}` are one where PHP makes them one; a whole entity has every map of its type, be it empty.
- Order that readers see is kept (3.5). Statement properties have an order too, which sorted keys would lose:
  `claims-order` (`statements-order` on mediainfo) lists them beside `claims`, as `qualifiers-order` does.
- Languages, sites and properties are map keys and have no order. Forms and senses are in the order of their number.
- Terms, aliases, badges and snaks collapse as Wikibase's own lists collapse them: no empty term, no alias twice.
- What is not known is kept verbatim, as PHP reads it (`wikibase.verbatim`).
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, parse_entity_id
from wikibase.json_text import parse_json, shown, write_json
from wikibase.legacy import is_legacy, modern_entity, modern_id
from wikibase.owned_statements import own_statements
from wikibase.statements import canonical_statements
from wikibase.verbatim import php_values, verbatim

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
_STATEMENTS = frozenset({"claims", "statements"})
_LISTS_OF_TYPE = {"lexeme": ("forms", "senses"), "form": ("grammaticalFeatures",)}
_Empties = Mapping[str, tuple[tuple[str, dict[str, Json] | list[Json]], ...]]
_WHOLE: _Empties = {
    kind: (*((key, {}) for key in keys), *((key, []) for key in _LISTS_OF_TYPE.get(kind, ())))
    for kind, keys in MAPS_OF_TYPE.items()
}
"""What an entity of a type gets where it has nothing."""
_NO_MAPS: _Empties = {}
_UNTYPED = frozenset({"form", "sense"})  # they have a type only where an answer holds nothing else (1.1.1)
_PART_KINDS = {"F": "form", "S": "sense"}
_LINK_KEYS = frozenset({"site", "title", "badges", "url"})
_PHP_SPACE = " \t\n\r\0\x0b"  # what PHP's trim() takes
_UNREADABLE = (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError)


def entity_of_text(text: bytes | str) -> dict[str, Json]:
    """Parse the stored text of a revision. Raises NotAnEntityError on what is no JSON object."""
    parsed = parse_json(text)
    if type(parsed) is not dict:
        raise NotAnEntityError(f"JSON, but no object: {shown(parsed)}")
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
        raise NotAnEntityError(f"no JSON object: {shown(entity)}")
    return _named_errors(entity, _NO_MAPS if partial else _WHOLE, entity_id, canonical_statements)


def canonical_of_text(
    text: bytes | str, *, partial: bool = False, entity_id: EntityId | None = None
) -> dict[str, Json]:
    """Return the canonical form of the text of an entity, as `canonical_entity` does of what it parses to; faster."""
    return _named_errors(entity_of_text(text), _NO_MAPS if partial else _WHOLE, entity_id, own_statements)


def canonical_of_owned(
    entity: dict[str, Json], *, partial: bool = False, entity_id: EntityId | None = None
) -> dict[str, Json]:
    """Return what `canonical_entity` returns of an entity that nobody else looks at: it is taken to pieces."""
    if not isinstance(entity, dict):
        raise NotAnEntityError(f"no JSON object: {shown(entity)}")
    return _named_errors(entity, _NO_MAPS if partial else _WHOLE, entity_id, own_statements)


canonical_bytes = write_json
"""The bytes of a canonical value: sorted keys, UTF-8, no spaces.

Raises NotAnEntityError for what is nested deeper than any content of a wiki.
"""


def digest(canonical: bytes) -> str:
    """Return the SHA-256 of canonical bytes in lower-case hex."""
    return hashlib.sha256(canonical).hexdigest()


def id_counters(stored: Mapping[str, Json]) -> dict[str, int]:
    """Return the id counters that a lexeme's stored text holds, {} for everything else."""
    return {key: stored[key] for key in sorted(COUNTERS) if isinstance(stored.get(key), int)}


_OfStatements = Callable[[Json, Json], tuple[dict[str, list[Json]], list[str]]]


def _named_errors(
    entity: dict[str, Json], empties: _Empties, entity_id: EntityId | None, of_statements: _OfStatements
) -> dict[str, Json]:
    try:
        return _canonical(entity, empties, entity_id, of_statements)
    except NotAnEntityError:
        raise
    except _UNREADABLE as error:
        what = "a part is missing:" if isinstance(error, KeyError) else f"{type(error).__name__}:"
        raise NotAnEntityError(f"{shown(entity.get('id', 'entity'))}: {what} {str(error)[:200]}") from error


def _canonical(
    entity: dict[str, Json], empties: _Empties, entity_id: EntityId | None, of_statements: _OfStatements
) -> dict[str, Json]:
    if entity.get("redirect") is not None or "serializationVersion" in entity:
        return _redirect_or_schema(entity)
    if type(entity.get("type")) is not str and is_legacy(entity, entity_id):
        entity = modern_entity(entity, entity_id)
    named, kind = _name_and_kind(entity, entity_id)
    out: dict[str, Json] = {"id": _spelled(named)}
    if kind not in _UNTYPED:
        out["type"] = kind
    for key, value in entity.items():
        canonical = _FIELDS.get(key, verbatim)
        if canonical is None:
            continue
        if key in _STATEMENTS:
            _put_statements(out, kind, of_statements(value, entity.get(f"{key}-order")))
        else:
            out[key] = canonical(value)
    for key, empty in empties.get(kind, ()):
        if key not in out:
            out[key] = empty.copy()
    return out


def _redirect_or_schema(entity: dict[str, Json]) -> dict[str, Json]:
    if entity.get("redirect") is not None:  # null is none, as PHP's isset() has it
        rest = {key: verbatim(entity[key]) for key in entity.keys() - {"entity", "redirect"}}
        return {"entity": modern_id(entity["entity"]), "redirect": modern_id(entity["redirect"]), **rest}
    # An entity schema: a format of its own, stored and served as text (3.1).
    schema: dict[str, Json] = verbatim(entity, exact=True)
    return schema


def _put_statements(out: dict[str, Json], kind: str, made: tuple[dict[str, list[Json]], list[str]]) -> None:
    name = "statements" if kind == "mediainfo" else "claims"
    groups, order = made
    if not groups and out.get(name):
        return  # `claims` and `statements` in one text: the one that holds something
    out[name] = groups
    if order:
        out[f"{name}-order"] = order


def _name_and_kind(entity: Mapping[str, Json], entity_id: EntityId | None) -> tuple[str, str]:
    named, kind = entity.get("id"), entity.get("type")
    if entity_id is not None and (named is None or entity_id[0] == "M"):
        named = entity_id
    if not isinstance(named, str):
        raise NotAnEntityError(f"names no id: {shown(entity)}")
    if kind is None:
        kind = _PART_KINDS.get(named.partition("-")[2][:1])
    if not isinstance(kind, str):
        raise NotAnEntityError(f"{named[:40]}: neither a current nor a legacy entity: it has no type")
    return named, kind


@lru_cache(maxsize=4096)
def _spelled(named: str) -> str:
    """Return an id in canonical spelling; what is none is kept."""
    return parse_entity_id(named) or named


def _map(value: Json) -> Mapping[str, Json]:
    if not value:
        return {}
    if type(value) is not dict:
        raise NotAnEntityError(f"{shown(value)} where a map belongs")
    return value


def _terms(terms: Json) -> Json:
    if type(terms) is dict and are_plain_terms(terms):
        return terms.copy()
    return {language: term for language, one in _map(terms).items() if (term := _term(one)) is not None}


def are_plain_terms(terms: Mapping[str, Json]) -> bool:
    """Tell whether each term is its own canonical form, as nearly all are."""
    try:
        for term in terms.values():
            text = term["value"]
            if not text or len(term) != 2 or not (type(text) is type(term["language"]) is str):  # noqa: PLR2004
                return False
    except (KeyError, TypeError):
        return False
    return True


def _term(term: Json) -> Json:
    """Return a term, None for none: an empty one, or the mark of a write module that one was removed."""
    text = term.get("value")
    if type(text) is not str:
        if "removed" in term:
            return None
        raise NotAnEntityError(f"a term without a text: {shown(term)}")
    if not text:
        return None
    return term if len(term) == 2 and type(term.get("language")) is str else verbatim(term)  # noqa: PLR2004


def _aliases(aliases: Json) -> Json:
    out = {}
    for language, group in _map(aliases).items():
        kept: dict[str, Json] = {}
        for alias in group if type(group) is list else php_values(group):
            text = alias["value"]
            trimmed = text.strip(_PHP_SPACE)
            if trimmed and trimmed not in kept:
                term = _term(alias)
                kept[trimmed] = term if trimmed == text else {**term, "value": trimmed}
        if kept:
            out[language] = [*kept.values()]
    return out


def _sitelinks(links: Json) -> Json:
    out: dict[str, Json] = {}
    for link in php_values(links):
        if "removed" in link:  # what a write module answers for a link that it took away
            continue
        site, title, badges = link["site"], link["title"], link.get("badges")
        if type(site) is not str or type(title) is not str or site in out:
            raise NotAnEntityError(f"no site link, or one too many: {shown(link)}")
        out[site] = kept = {"site": site, "title": title, "badges": _badges(badges) if badges else []}
        if len(link) > 3 and not link.keys() <= _LINK_KEYS:  # noqa: PLR2004  site, title, badges
            kept |= {key: verbatim(link[key]) for key in link.keys() - _LINK_KEYS}
    return out


def _badges(badges: Json) -> list[Json]:
    """Return the badges in their order, each once."""
    named = [(parse_entity_id(badge) or badge) if type(badge) is str else badge for badge in php_values(badges)]
    if not all(isinstance(badge, str) for badge in named):
        raise NotAnEntityError(f"a badge that is no id: {shown(badges)}")
    return list(dict.fromkeys(named))


def _parts(parts: Json) -> Json:
    made = [_canonical(part, _WHOLE, None, canonical_statements) for part in php_values(parts)]
    return sorted(made, key=lambda part: int(part["id"].partition("-")[2][1:]))


def _features(features: Json) -> Json:
    return sorted(set(php_values(features)))


_FIELDS: Mapping[str, Callable[[Json], Json] | None] = {
    **dict.fromkeys(_NOT_CONTENT),
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
"""What each field becomes, None for nothing. A field that is not known is kept verbatim."""
