"""wbgetclaims (wikibase.md 1.1): statements of one entity, all, filtered, or the one with a GUID.

The GUID is compared exactly and switches the filters off (recorded reads 659-663, 675, 676). Redirects are not
followed. The property's id is only read where there is a statement to filter, so a malformed one is declined.
"""

import re
from dataclasses import dataclass
from typing import Any

from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id
from wikibase.render.api_call import ApiError, Call
from wikibase.render.entity import Content, claims_json
from wikibase.render.facts import DEFAULT_MESSAGES
from wikibase.render.found import Heads, content_of, has_page, is_redirect
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.render.php_json import print_result
from wikibase.render.record import Renderer

Json = Any

MODULE = "wbgetclaims"
PARAMETERS = frozenset({"entity", "property", "claim", "rank", "props"})
_RANKS = frozenset({"deprecated", "normal", "preferred"})
_RENDERED = frozenset({EntityType.ITEM, EntityType.PROPERTY})
_UNRESOLVED = "wikibase-api-unresolved-redirect"
_UNTRANSLATED = "⧼no-such-entity⧽"  # the message exists in no language (recording 047)
_GUID = re.compile(r"([^$]*)\$[^$]*")


@dataclass(frozen=True, slots=True)
class ClaimsCall:
    """What a call asks for. With a `guid`, `property_id` and `rank` count for nothing."""

    entity_id: EntityId
    guid: str | None
    property_id: EntityId | None
    rank: str | None
    references: bool


def read_call(call: Call) -> ClaimsCall:
    """Return what a call asks for. Raises DeclinedError for what is not rendered, all errors of parameters too."""
    values = call.values
    rank = call.choice("rank", _RANKS, "normal") if "rank" in values else None
    props = call.enumerated(MODULE, "props", ("references",))
    guid, named = values.get("claim"), values.get("entity")
    if guid is not None:
        parts = _GUID.fullmatch(guid)
        prefix = parse_entity_id(parts[1]) if parts else None
        if prefix is None or (named is not None and named != prefix):
            raise DeclinedError(Decline.ERROR, "claim")
        named = prefix
    entity_id = parse_entity_id(named) if named is not None else None
    if entity_id is None or not has_page(entity_id, call.facts):
        raise DeclinedError(Decline.ERROR, "entity")
    if entity_type(entity_id) not in _RENDERED:
        raise DeclinedError(Decline.ENTITY_TYPE)
    property_id = None
    if "property" in values:
        property_id = parse_entity_id(values["property"])
        if property_id is None or not has_page(property_id, call.facts):
            raise DeclinedError(Decline.ERROR, "property")
    return ClaimsCall(entity_id, guid, property_id, rank, references=props is None or "references" in props)


def result_body(
    asked: ClaimsCall, heads: Heads, renderer: Renderer, call: Call
) -> tuple[bytes, tuple[tuple[EntityId, int], ...]]:
    """Return the JSON of a result and the revisions it was made of. Raises ApiError as the wiki does."""
    found = heads[asked.entity_id]
    if found is None:
        message = ("no-such-entity", (str(asked.entity_id),), _UNTRANSLATED)
        raise ApiError("no-such-entity", _UNTRANSLATED, message=message)
    if is_redirect(found):
        raise ApiError(
            "unresolved-redirect",
            DEFAULT_MESSAGES[_UNRESOLVED],
            message=(_UNRESOLVED, (), call.facts.messages[_UNRESOLVED]),
        )
    content = content_of(found)
    unfiltered = asked.guid is None and asked.property_id is None and asked.rank is None
    if unfiltered and asked.references:
        claims = renderer.claims(found, content)
    else:
        claims = print_result(claims_json(_filtered(content, asked), renderer.known), ascii_only=renderer.ascii_only)
    return b'{"claims":' + claims + b"}", (found.mark,)


def _filtered(content: Content, asked: ClaimsCall) -> Content:
    claims: dict[str, Json] = {}
    for prop, group in (content.get("claims") or {}).items():
        kept = [one for one in group if _is_asked(one, prop, asked)]
        if asked.guid is not None:
            kept = kept[:1] if not any(claims.values()) else []
        claims[prop] = kept if asked.references else [_without_references(one) for one in kept]
    return {**content, "claims": claims}


def _is_asked(statement: Content, prop: str, asked: ClaimsCall) -> bool:
    if asked.guid is not None:
        return bool(statement.get("id") == asked.guid)
    if asked.rank is not None and statement.get("rank", "normal") != asked.rank:
        return False
    return asked.property_id is None or prop == asked.property_id


def _without_references(statement: Content) -> Content:
    return {key: value for key, value in statement.items() if key != "references"}
