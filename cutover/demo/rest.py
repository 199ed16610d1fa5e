"""The REST API v0: an item and its statements (wikibase-observed.md 2, 6). The rest is recorded answers only."""

import re
from collections.abc import Mapping
from typing import Any

from cutover.demo.answers import HTML, Answer, Asked, Refusal
from cutover.demo.entities_api import parse_local
from cutover.demo.entitydata import http_date, is_not_modified
from cutover.demo.php import api_json
from cutover.demo.records import WikiRevision
from cutover.demo.render import render_statement
from cutover.demo.world import Entity, EntityMissingError, EntityUnreadableError, World
from wikibase.ids import EntityId, EntityType, entity_type

BASE = "/w/rest.php/wikibase/v0/entities/items/"
FIELDS = ("type", "labels", "descriptions", "aliases", "statements", "sitelinks")

_REFUSED = ("if-match", "if-unmodified-since")  # on GET they fail whatever they say


def answer_rest(world: World, asked: Asked) -> Answer:
    """Answer a GET below rest.php."""
    try:
        return _answer(world, asked)
    except Refusal as refusal:
        return refusal.answer


def _answer(world: World, asked: Asked) -> Answer:
    rest = asked.path.removeprefix(BASE)
    text, _, part = rest.partition("/")
    if rest == asked.path or part not in ("", "statements"):
        return _error(404, "rest-no-match", "The requested relative path did not match any known handler")
    item_id = parse_local(text)
    if item_id is None or entity_type(item_id) is not EntityType.ITEM:
        return _error(400, "invalid-item-id", f"Not a valid item ID: {text}")
    fields = [*FIELDS] if part else _fields(asked)
    revision, entity = _read(world, item_id)
    if "redirect" in entity:
        target = world.server + BASE + entity["redirect"] + (f"/{part}" if part else "")
        location = ("Location", target + (f"?{asked.query}" if asked.query else ""))
        return Answer(status=308, headers=(("Content-Type", HTML), location))
    shown = _statements(world, entity) if part else _item(world, entity, item_id, fields)
    tag = f'"{revision.rev_id}"'
    if any(name in asked.headers for name in _REFUSED):
        return Answer(status=412, headers=(("Content-Type", HTML),))
    if _is_same(asked.headers, revision, tag):
        return Answer(status=304, headers=(("ETag", tag),))
    changed = ("Last-Modified", http_date(revision.timestamp))
    headers = (("Content-Type", "application/json"), changed, ("ETag", tag))
    return Answer(headers=headers, body=api_json(shown, ascii_only=True))


def _fields(asked: Asked) -> list[str]:
    if "_fields" not in asked.values:
        return [*FIELDS]
    fields = asked.values["_fields"].split(",")
    for name in fields:
        if name not in FIELDS:
            raise Refusal(_error(400, "invalid-field", f"Not a valid field: {name}"))
    return fields


def _read(world: World, item_id: EntityId) -> tuple[WikiRevision, Entity]:
    try:
        revision = world.head(item_id)
        return revision, world.content(revision)
    except EntityMissingError:
        text = f"Could not find an item with the ID: {item_id}"
        raise Refusal(_error(404, "item-not-found", text)) from None
    except EntityUnreadableError:
        raise Refusal(_error(500, "unexpected-error", "Unexpected error")) from None


def _is_same(headers: Mapping[str, str], revision: WikiRevision, tag: str) -> bool:
    """Whether the client has this revision. If-None-Match, once there, is the only header that counts."""
    wanted = headers.get("if-none-match")
    if wanted is not None:
        return tag in re.findall(r'"[^"]*"', wanted)
    return is_not_modified(revision, headers.get("if-modified-since"))


def _item(world: World, entity: Entity, item_id: EntityId, fields: list[str]) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "type": "item",
        "labels": {code: term["value"] for code, term in entity["labels"].items()},
        "descriptions": {code: term["value"] for code, term in entity["descriptions"].items()},
        "aliases": {code: [one["value"] for one in group] for code, group in entity["aliases"].items()},
        "statements": _statements(world, entity) if "statements" in fields else {},
        "sitelinks": entity["sitelinks"],
    }
    return {"id": item_id} | {name: parts[name] for name in FIELDS if name in fields}


def _statements(world: World, entity: Entity) -> dict[str, Any]:
    return {prop: [_statement(world, one) for one in group] for prop, group in entity["claims"].items()}


def _statement(world: World, statement: Mapping[str, Any]) -> dict[str, Any]:
    used = (statement["mainsnak"]["property"], *statement.get("qualifiers", {}))
    if any(prop not in world.datatypes for prop in used):  # a deleted property is an error here
        raise Refusal(_error(500, "unexpected-error", "Unexpected error"))
    return {"qualifiers": {}, "qualifiers-order": [], "references": [], **render_statement(world, statement)}


def _error(status: int, code: str, message: str) -> Answer:
    headers = (("Content-Type", "application/json"), ("Content-Language", "en"))
    return Answer(status=status, headers=headers, body=api_json({"code": code, "message": message}, ascii_only=True))
