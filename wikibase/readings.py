"""What documents of each shape hold, in canonical form (wikibase.md section 1, 3.3, 3.4, 4.7).

One function for each shape; `wikibase.documents` knows which one a document needs. They take parsed documents that
nobody else looks at, and yield a `Reading` for each entity or revision. Raises NotAnEntityError, and the plain errors
of a shape that does not fit (KeyError, TypeError, ...), which `wikibase.documents` gives a name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wikibase.canonical import MAPS_OF_TYPE, canonical_of_owned, canonical_of_text
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, entity_type, parse_entity_id
from wikibase.json_text import shown
from wikibase.rest_answers import rest_part
from wikibase.rest_v1 import claim_of_v1, claims_of_v1
from wikibase.verbatim import php_values
from wikibase.xml_pages import XmlText

Json = Any

_SCHEMA_MODEL = "EntitySchema"
_MODEL_PREFIX = "wikibase-"
_SOMETIMES_LEFT_OUT = frozenset({"lemmas"})  # where they are empty (3.1)
_UNREADABLE = ("textmissing", "slotsmissing", "badcontentformat")
_REST_PARTS = frozenset({"labels", "descriptions", "aliases", "statements"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One entity, or one revision of one.

    `content` is canonical, None where there is none to be had: `reason` says why, in a fixed word. `whole`: it is all
    that the revision holds; otherwise it is the part that was asked for. `rev_id`, `parent_id` and `timestamp` (ISO
    8601) are None where the document does not tell them.
    """

    entity_id: str
    content: dict[str, Json] | None
    whole: bool = True
    reason: str = ""
    rev_id: int | None = None
    parent_id: int | None = None
    timestamp: str | None = None


def of_entity(entity: dict[str, Json]) -> Iterator[Reading]:
    """Stored text, a line of a dump, one entity of an answer, a redirect, a schema, our own form."""
    rev_id, timestamp = _integer(entity.get("lastrevid")), entity.get("modified")
    whole = rev_id is None or _has_every_map(entity)
    content = canonical_of_owned(entity, partial=not whole)
    yield Reading(
        entity_id=str(content.get("id", content.get("entity", ""))),
        content=content,
        whole=whole,
        rev_id=rev_id,
        timestamp=timestamp if isinstance(timestamp, str) else None,
    )


def of_entities(answer: dict[str, Json]) -> Iterator[Reading]:
    """Wbgetentities and Special:EntityData: entities by the id that was asked for or served."""
    entities = answer.get("entities") or {}
    for key, entity in entities.items():
        if "missing" in entity:
            yield Reading(entity_id=str(entity.get("id", key)), content=None, reason="missing")
            continue
        yield _answered(entity)


def of_edit(answer: dict[str, Json]) -> Iterator[Reading]:
    """The answer of a write module: the entity, the part of it that was changed, or one statement (2.1)."""
    if isinstance(entity := answer.get("entity"), dict):
        yield _answered(entity)
        return
    rev_id = _integer((answer.get("pageinfo") or {}).get("lastrevid"))
    if isinstance(claim := answer.get("claim"), dict):
        yield _of_statements([claim], rev_id)
        return
    raise NotAnEntityError(f"the answer of an edit, without an entity or a statement: {shown(answer)}")


def of_claims(answer: dict[str, Json]) -> Iterator[Reading]:
    """Wbgetclaims: statements alone. The entity is known from their ids."""
    yield _of_statements(answer["claims"], None)


def of_revisions(answer: dict[str, Json]) -> Iterator[Reading]:
    """Texts of revisions, formatversion 1 and 2, with slots and without, live and deleted (1.1.2)."""
    query = answer["query"]
    found = False
    for key in ("pages", "allrevisions", "alldeletedrevisions"):
        for page in php_values(query.get(key)):
            title, page_id = str(page.get("title", "")), _integer(page.get("pageid"))
            for revision in (*page.get("revisions", ()), *page.get("deletedrevisions", ())):
                for role, slot in _slots(revision):
                    found = True
                    yield from _revision(revision, role, slot, title, page_id)
    if not found:
        raise NotAnEntityError("an answer about pages that holds no revision with its slots")


def of_rest(answer: dict[str, Json]) -> Iterator[Reading]:
    """REST v0 and v1: an item or property or part of it, its statements, or one statement (1.4)."""
    if not isinstance(answer.get("labels", {}), dict | list):
        raise NotAnEntityError(f"no answer of the REST API: {shown(answer)}")
    if "mainsnak" in answer:
        yield _of_statements([answer], None)
    elif isinstance(answer.get("property"), dict):
        yield _of_statements([claim_of_v1(answer)], None)
    elif "id" not in answer:
        groups = answer.values()
        first = next(one for group in groups for one in group)
        claims = [one for group in groups for one in group]
        yield _of_statements(claims if "mainsnak" in first else [claim_of_v1(one) for one in claims], None)
    else:
        yield _rest_entity(answer)


def of_xml(text: XmlText) -> Iterator[Reading]:
    """Yield the text of one slot of a dump: nothing for pages that hold no entity."""
    if not _is_entity_model(text.model):
        return
    entity_id = _entity_of_page(text.title, text.page_id, text.role, text.model)
    told: dict[str, Any] = {"rev_id": text.rev_id, "parent_id": text.parent_id, "timestamp": text.timestamp}
    if text.text is None:
        yield Reading(entity_id=entity_id or text.title, content=None, reason=text.reason, **told)
        return
    content = canonical_of_text(text.text, entity_id=entity_id)
    yield Reading(entity_id=_named(content, entity_id), content=content, **told)


def _answered(entity: dict[str, Json]) -> Reading:
    rev_id, timestamp = _integer(entity.get("lastrevid")), entity.get("modified")
    whole = _has_every_map(entity)
    content = canonical_of_owned(entity, partial=not whole)
    return Reading(
        entity_id=content["id"],
        content=content,
        whole=whole,
        rev_id=rev_id,
        timestamp=timestamp if isinstance(timestamp, str) else None,
    )


def _has_every_map(entity: Mapping[str, Json]) -> bool:
    """Tell whether an answer left no part of the entity out. Filters by language or site cannot be seen."""
    kind = entity.get("type")
    if kind is None:  # forms and senses
        return "claims" in entity
    needed = set(MAPS_OF_TYPE.get(kind, ())) - _SOMETIMES_LEFT_OUT
    return needed <= entity.keys() or needed <= {*entity, "statements"} - {"claims"}


def _of_statements(claims: Json, rev_id: int | None) -> Reading:
    groups = claims.values() if isinstance(claims, dict) else (claims,)
    first = next((one for group in groups for one in group), None)
    guid = first.get("id") if isinstance(first, dict) else None
    entity_id = parse_entity_id(guid.partition("$")[0]) if isinstance(guid, str) else None
    if entity_id is None:
        raise NotAnEntityError("statements alone, none of which has an id that names its entity")
    kind = entity_type(entity_id).value
    content = canonical_of_owned({"id": entity_id, "type": kind, "claims": claims}, partial=True)
    return Reading(entity_id=entity_id, content=content, whole=False, rev_id=rev_id)


def _slots(revision: Json) -> Iterable[tuple[str, Mapping[str, Json]]]:
    if not isinstance(revision, dict):  # `rvprop=` yields [[]] in formatversion 1
        return ()
    slots = revision.get("slots")
    return slots.items() if isinstance(slots, dict) else (("main", revision),)


def _revision(
    revision: Mapping[str, Json], role: str, slot: Mapping[str, Json], title: str, page_id: int | None
) -> Iterator[Reading]:
    model = slot.get("contentmodel")
    if model is not None and not _is_entity_model(model):
        return
    entity_id = _entity_of_page(title, page_id, role, model)
    timestamp = revision.get("timestamp")
    told: dict[str, Any] = {
        "rev_id": _integer(revision.get("revid")),
        "parent_id": _integer(revision.get("parentid")),
        "timestamp": timestamp if isinstance(timestamp, str) else None,
    }
    text = slot.get("content", slot.get("*"))
    if isinstance(text, str):
        try:
            content = canonical_of_text(text, entity_id=entity_id)
        except NotAnEntityError as error:
            if model is None:  # some page: its model was not asked for
                yield Reading(entity_id=entity_id or title, content=None, reason="not_an_entity", **told)
                return
            raise NotAnEntityError(f"revision {revision.get('revid')}: {error}") from error
        yield Reading(entity_id=_named(content, entity_id), content=content, **told)
        return
    reason = "no_text"
    if "texthidden" in slot or "texthidden" in revision:
        reason = "texthidden"
    elif unreadable := [word for word in _UNREADABLE if word in slot or word in revision]:
        reason = unreadable[0]
    yield Reading(entity_id=entity_id or title, content=None, reason=reason, **told)


def _rest_entity(answer: dict[str, Json]) -> Reading:
    entity_id = parse_entity_id(str(answer["id"]))
    if entity_id is None:
        raise NotAnEntityError(f"names no entity: {shown(answer['id'])}")
    statements = answer.get("statements")
    if "data_type" in answer:
        answer["datatype"] = answer.pop("data_type")
    if statements and not all("mainsnak" in one for group in statements.values() for one in group):
        answer["statements"] = claims_of_v1(statements)
    whole = answer.keys() >= _REST_PARTS and (entity_id[0] != "Q" or "sitelinks" in answer)
    part = rest_part(answer, entity_id)
    if "datatype" in answer:
        part["datatype"] = answer["datatype"]
    content = canonical_of_owned(part, partial=not whole)
    return Reading(entity_id=entity_id, content=content, whole=whole)


def _is_entity_model(model: Json) -> bool:
    return isinstance(model, str) and (model.startswith(_MODEL_PREFIX) or model == _SCHEMA_MODEL)


def _entity_of_page(title: str, page_id: int | None, role: str, model: Json) -> EntityId | None:
    """Return the entity that a page or its slot holds; a mediainfo's number is the page's."""
    if (role == "mediainfo" or model == "wikibase-mediainfo") and page_id:
        return parse_entity_id(f"M{page_id}")
    return parse_entity_id(title.rpartition(":")[2])


def _named(content: Mapping[str, Json], entity_id: EntityId | None) -> str:
    return str(content.get("entity", content.get("id", entity_id or "")))


def _integer(value: Json) -> int | None:
    return value if type(value) is int else None
