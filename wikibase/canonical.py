"""The canonical form: the one JSON that equal content always yields, and its digest.

Idempotent. Knows the shapes in which a revision is met today: stored text, wbgetentities,
EntityData, `prop=revisions` (wikibase.md 3.3). What Wikibase derives is dropped: hashes, the
datatype of snaks, page info, site-link urls (3.9). `[]` and `{}` are one where PHP makes them so.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

FORM = 1
"""The version of the canonical form. A digest means something only beside it."""

Json = Any

_PAGE_INFO = frozenset({"pageid", "ns", "title", "lastrevid", "modified", "redirects", "success", "nochange"})
_MAPS = frozenset(
    {"labels", "descriptions", "aliases", "claims", "statements", "sitelinks", "lemmas", "representations", "glosses"}
)


def canonical_entity(entity: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of an entity (or redirect) in the current JSON format."""
    if "redirect" in entity:
        return {"entity": str(entity["entity"]), "redirect": str(entity["redirect"])}
    return {key: _field(key, value) for key, value in entity.items() if key not in _PAGE_INFO}


def canonical_bytes(value: Json) -> bytes:
    """Return the bytes of a canonical value: sorted keys, UTF-8, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(canonical: bytes) -> str:
    """Return the SHA-256 of canonical bytes in lower-case hex."""
    return hashlib.sha256(canonical).hexdigest()


def _field(key: str, value: Json) -> Json:
    if key in _MAPS and not value:
        return {}
    if key in ("claims", "statements"):
        return {prop: [_statement(one) for one in group] for prop, group in value.items()}
    if key == "sitelinks":
        return {site: {name: part for name, part in link.items() if name != "url"} for site, link in value.items()}
    if key in ("forms", "senses"):
        return [canonical_entity(part) for part in value]
    return value


def _statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    out = dict(statement)
    out["mainsnak"] = _snak(statement["mainsnak"])
    if "qualifiers" in statement:
        out["qualifiers"] = _snaks(statement["qualifiers"])
    if "references" in statement:
        out["references"] = [
            {**{k: v for k, v in ref.items() if k != "hash"}, "snaks": _snaks(ref["snaks"])}
            for ref in statement["references"]
        ]
    return out


def _snaks(snaks: Json) -> dict[str, Json]:
    return {prop: [_snak(one) for one in group] for prop, group in snaks.items()} if snaks else {}


def _snak(snak: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in snak.items() if key not in ("hash", "datatype")}
