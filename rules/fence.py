"""The fence's decisions (invariant 6): what an edit's answer told its client, and what that means for reads.

Each module hides the revision elsewhere (wikibase-observed.md section 4), and some tell none though they made one.
What is not told is not guessed: then the entity is read from the wiki until the follower has been through the wiki
once more. An entity that the store does not have at all is the wiki's to answer, so an entity's first revision needs
no floor, and a creation need not be announced.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import orjson

from rules.routes.api_writes import WIKIBASE_WRITES
from rules.routes.route import EntityWrite, Site, Surface
from rules.routes.titles import page_entities
from wikibase.ids import EntityId, page_entity, parse_entity_id

EVERYTHING = EntityId("*")
"""Stands for all entities: nobody knows which one was edited."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known after an edit. `revisions`: exactly these were made. `unknown`: something may have been made.

    Nothing in either: the wiki refused, or nothing changed.
    """

    revisions: tuple[tuple[EntityId, int], ...] = ()
    unknown: tuple[EntityId, ...] = ()

    @property
    def entities(self) -> tuple[EntityId, ...]:
        """Return all entities that are named."""
        return (*(entity for entity, _ in self.revisions), *self.unknown)


NOTHING = Told()


class State(StrEnum):
    """What a floor waits for."""

    OPEN = "open"  # the edit's end
    REVISION = "revision"  # the store having that revision
    PASS = "pass"  # noqa: S105 - the follower having been through the wiki once more
    DONE = "done"  # nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """One edit's floor under one entity. `number`: the revision, or which pass of the follower."""

    entity_id: EntityId
    write_id: str
    seq: int
    state: State
    number: int
    worker: str


def is_met(floor: Floor, *, passed: int, has: bool) -> bool:
    """Tell whether a floor holds the store back no more. `has`: the store has that revision of that entity."""
    match floor.state:
        case State.DONE:
            return True
        case State.REVISION:
            return has
        case State.PASS:
            return floor.number <= passed
        case State.OPEN:
            return False


# Modules that make an entity: the store does not have it, so the wiki answers for it.
_CREATING = frozenset({"rest_post_item", "rest_post_property", "rest_post_lexeme"})
_CREATING_FORMS = frozenset({"special_newitem", "special_newproperty", "special_newlexeme", "special_newentityschema"})
# Modules that may have saved a part before they answer with an error.
_HALF_WAY = frozenset({"wbmergeitems", "wblmergelexemes", "mergehistory", "import"})
# Modules that make no revision and change nothing of what the store shows.
_HARMLESS = frozenset({"tag", "editchangetags", "special_edittags"})
_JSONP = re.compile(rb"\A/\*\*/[\w.$\[\]'\"]{1,256}\((.*)\)\s*\Z", re.DOTALL)
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})')


def announced(write: EntityWrite | None) -> tuple[EntityId, ...]:
    """Return the entities whose floor is to be raised before an edit is forwarded; empty: nobody can know them yet."""
    return () if write is None else tuple(dict.fromkeys(page_entity(one) for one in write.entities))


def named_revisions(
    write: EntityWrite | None, status: int, headers: Mapping[str, str], body: bytes | None, site: Site
) -> Told:
    """Return what an answer to an edit tells. `headers`: lower-case names. `body` None: it could not be read.

    `write` None: what was asked could not be read either.
    """
    if write is not None and write.module in _HARMLESS:
        return NOTHING
    if write is not None and write.surface is Surface.REST:
        return _rest(write, status, headers, body)
    if write is not None and write.surface is not Surface.ACTION_API:
        return _form(write, status)
    return _action(write, status, headers, body, site)


def unknown(write: EntityWrite | None) -> Told:
    """Return what is known of an edit that was sent and whose answer says nothing."""
    return Told(unknown=announced(write) or (EVERYTHING,))


def _rest(write: EntityWrite, status: int, headers: Mapping[str, str], body: bytes | None) -> Told:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unless_created(write)
    if status >= HTTPStatus.BAD_REQUEST:
        return NOTHING
    found = _ETAG.match(headers.get("etag", ""))
    if found is None:
        return _unless_created(write)
    entities = announced(write)
    if not entities:
        made = _entity(_json(body), "id")
        return Told(revisions=((made, int(found[1])),)) if made else NOTHING
    return Told(revisions=((entities[0], int(found[1])),)) if len(entities) == 1 else unknown(write)


def _unless_created(write: EntityWrite) -> Told:
    return NOTHING if write.module in _CREATING else unknown(write)


def _form(write: EntityWrite, status: int) -> Told:
    """Forms answer with a page or a redirect: neither tells a revision."""
    refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return NOTHING if refused or write.module in _CREATING_FORMS else unknown(write)


def _action(write: EntityWrite | None, status: int, headers: Mapping[str, str], body: bytes | None, site: Site) -> Told:
    document = _json(body)
    error = headers.get("mediawiki-api-error", "") or _error_code(document)
    if error:
        half = write is None or write.module in _HALF_WAY or "internal_api_error" in error
        return unknown(write) if half else NOTHING
    if status >= HTTPStatus.BAD_REQUEST or not isinstance(document, dict):
        return unknown(write)
    module = "" if write is None else write.module
    if module in WIKIBASE_WRITES or write is None:
        reading = _MODULES.get(module, _one_entity)
        return reading(write, document) or unknown(write)
    return _page_level(write, document, site) or unknown(write)


def _one_entity(write: EntityWrite | None, document: dict[str, Any]) -> Told | None:
    """`entity.lastrevid`, or `pageinfo.lastrevid`, or `lastrevid`; a no-op names the revision that is there."""
    revision = _revision(document, "entity", "lastrevid") or _revision(document, "pageinfo", "lastrevid")
    revision = revision or _revision({"top": document}, "top", "lastrevid")
    entity = _entity(document.get("entity"), "id")
    entities = announced(write)
    if entity is None and len(entities) == 1:
        entity = entities[0]
    if entity is None or not revision:
        return None
    others = tuple(one for one in entities if one != entity)
    return Told(revisions=((entity, revision),), unknown=others)


def _merge(write: EntityWrite | None, document: dict[str, Any]) -> Told | None:
    """The target's revision is told; of the source it is the emptied one, which the redirect comes after."""
    to, revision = _entity(document.get("to"), "id"), _revision(document, "to", "lastrevid")
    origin = _entity(document.get("from"), "id")
    if to is None or origin is None or not revision:
        return None
    rest = dict.fromkeys((origin, *announced(write)))
    return Told(revisions=((to, revision),), unknown=tuple(one for one in rest if one != to))


def _silent(write: EntityWrite | None, document: dict[str, Any]) -> Told | None:
    _ = write, document
    return None


_MODULES: Mapping[str, Callable[[EntityWrite | None, dict[str, Any]], Told | None]] = {
    "wbmergeitems": _merge,
    "wblmergelexemes": _merge,
    "wbcreateredirect": _silent,
}
# Where page-level modules name page and revision: (object, title, revision). No revision: there is none to be named.
_PAGE_ANSWERS: Mapping[str, tuple[str, str, str]] = {
    "edit": ("edit", "title", "newrevid"),
    "rollback": ("rollback", "title", "revid"),
    "delete": ("delete", "title", ""),
    "undelete": ("undelete", "title", ""),
    "protect": ("protect", "title", ""),
    "revisiondelete": ("revisiondelete", "target", ""),
}


def _page_level(write: EntityWrite, document: dict[str, Any], site: Site) -> Told | None:
    place = _PAGE_ANSWERS.get(write.module)
    if place is None:
        return None
    answer = document.get(place[0])
    if not isinstance(answer, dict):
        return None
    if "nochange" in answer:
        return NOTHING
    entities = announced(write) or _titled(answer.get(place[1]), site)
    if entities is None:
        return NOTHING  # the page of no entity
    revision = _revision(document, place[0], place[2]) if place[2] else 0
    if len(entities) == 1 and revision:
        return Told(revisions=((entities[0], revision),))
    return Told(unknown=entities) if entities else None


def _titled(title: Any, site: Site) -> tuple[EntityId, ...] | None:
    """Return the entities on the page of that title; empty where it does not tell, None where it can hold none."""
    return page_entities(title, site) if isinstance(title, str) else ()


def _json(body: bytes | None) -> Any:
    if not body:
        return None
    wrapped = _JSONP.match(body)
    try:
        return orjson.loads(wrapped[1] if wrapped else body)
    except orjson.JSONDecodeError:
        return None


def _error_code(document: Any) -> str:
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or "error")
    errors = document.get("errors")
    if isinstance(errors, list) and errors:
        return " ".join(str(one.get("code")) if isinstance(one, dict) else "error" for one in errors)
    return ""


def _entity(holder: Any, key: str) -> EntityId | None:
    value = holder.get(key) if isinstance(holder, dict) else None
    found = parse_entity_id(value) if isinstance(value, str) else None
    return None if found is None else page_entity(found)


def _revision(document: dict[str, Any], name: str, key: str) -> int:
    """Return a positive revision id, 0 where there is none."""
    holder = document.get(name)
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
