"""Answers of the wiki that hold entities: which entities, at which revision, and what of them.

Takes decoded JSON of wbgetentities, Special:EntityData, wbgetclaims, `prop=revisions` (formatversion 1 and 2) and
the REST API v0 (wikibase.md section 1). Pure; whatever the JSON is, it yields an `Answer`, never an exception.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wikibase.canonical import NotAnEntityError, entity_of_text
from wikibase.ids import EntityId, entity_type, parse_entity_id
from wikibase.rest_answers import rest_part, rest_reason

Json = Any


class Presence(StrEnum):
    """What an answer says of an entity."""

    ENTITY = "entity"  # here it is, or a part of it
    REDIRECT = "redirect"  # the stored text of a redirect
    MISSING = "missing"  # deleted, never there, or a redirect that was not to be followed
    HIDDEN = "hidden"  # a revision whose text the public may not see
    UNREADABLE = "unreadable"  # the wiki itself cannot read the text
    NO_CONTENT = "no_content"  # nothing but metadata was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredEntity:
    """One entity (or one of its revisions) in an answer.

    `key` is unique in the answer. `asked` is the id that was asked for, `served` the one that came: they differ where
    a redirect was followed. `revision` and `modified` (ISO 8601) are None where the answer does not tell them.
    `content` is entity JSON as answered. `whole` says that it is all the revision holds, whatever was asked for.
    `by_fields`: the keys of `content` are the part that was asked for.
    """

    key: str
    presence: Presence
    asked: EntityId | None
    served: EntityId | None = None
    revision: int | None = None
    modified: str | None = None
    content: Mapping[str, Json] | None = None
    whole: bool = False
    by_fields: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The entities of an answer. `reason`: why there is none, a fixed word; `detail` says more."""

    entities: tuple[AnsweredEntity, ...] = ()
    reason: str = ""
    detail: str = ""
    warned: bool = False


def entities_in(
    surface: str, body: Json, *, asked: Sequence[EntityId] = (), etag: str | None = None, modified: str | None = None
) -> Answer:
    """Return what an answer of that surface ("wbgetentities", "entitydata", ...) holds.

    `asked` are the ids of the request, `etag` and `modified` (ISO) what the headers tell: only REST needs them.
    """
    if not isinstance(body, dict):
        return Answer(reason="unexpected_body", detail=str(body)[:80])
    if code := _error_code(body):
        return Answer(reason="answer_is_error", detail=code)
    if surface == "rest":
        return _rest(body, asked, etag, modified)
    reader = _READERS.get(surface)
    if reader is None:
        return Answer(reason=f"surface_{surface}")
    try:
        found = tuple(reader(body, asked))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Answer(reason="unexpected_body", detail=f"{type(error).__name__}: {error}"[:200])
    return Answer(found, "" if found else "nothing_answered", warned="warnings" in body)


def _error_code(body: Mapping[str, Json]) -> str:
    """Return the code of an error answer (5.8), "" for others. REST: `code` or `httpCode` beside a message."""
    if isinstance(error := body.get("error"), dict):
        return str(error.get("code", "unknown"))
    if isinstance(error, str):
        return error
    if isinstance(errors := body.get("errors"), list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("code", "unknown"))
    if "message" in body and "code" in body:
        return str(body["code"])
    return str(body["httpCode"]) if "httpCode" in body else ""


def _entity_map(body: Mapping[str, Json], _asked: Sequence[EntityId]) -> Iterator[AnsweredEntity]:
    for key, entity in (body.get("entities") or {}).items():
        asked = parse_entity_id(key)
        if "missing" in entity:
            yield AnsweredEntity(key=key, presence=Presence.MISSING, asked=asked)
            continue
        yield AnsweredEntity(
            key=key,
            presence=Presence.ENTITY,
            asked=asked,
            served=parse_entity_id(entity["id"]),
            revision=_integer(entity.get("lastrevid")),
            modified=entity.get("modified"),
            content=entity,
        )


def _entity_data(body: Mapping[str, Json], asked: Sequence[EntityId]) -> Iterator[AnsweredEntity]:
    """EntityData is keyed by the id that is served; the one that was asked for is known from the request only."""
    for found in _entity_map(body, asked):
        yield AnsweredEntity(
            key=found.key,
            presence=found.presence,
            asked=asked[0] if len(asked) == 1 else found.asked,
            served=found.served,
            revision=found.revision,
            modified=found.modified,
            content=found.content,
        )


def _claims(body: Mapping[str, Json], asked: Sequence[EntityId]) -> Iterator[AnsweredEntity]:
    if len(asked) != 1:
        return
    content = {"id": asked[0], "type": entity_type(asked[0]).value, "claims": body["claims"]}
    yield AnsweredEntity(key=asked[0], presence=Presence.ENTITY, asked=asked[0], served=asked[0], content=content)


def _revisions(body: Mapping[str, Json], _asked: Sequence[EntityId]) -> Iterator[AnsweredEntity]:
    query = body.get("query") or {}
    pages = query.get("pages") or ()
    for page in pages.values() if isinstance(pages, dict) else pages:
        entity_id = parse_entity_id(str(page.get("title", "")).rpartition(":")[2])
        if "missing" in page and entity_id is not None:
            yield AnsweredEntity(key=entity_id, presence=Presence.MISSING, asked=entity_id)
        for place, revision in enumerate(page.get("revisions") or ()):
            for slot in _slots(revision):
                if (found := _stored(revision, slot, entity_id, place)) is not None:
                    yield found


def _slots(revision: Json) -> Iterable[Mapping[str, Json]]:
    if not isinstance(revision, dict):  # `rvprop=` yields [[]] in formatversion 1
        return ()
    return revision["slots"].values() if "slots" in revision else (revision,)


def _stored(
    revision: Mapping[str, Json], slot: Mapping[str, Json], entity_id: EntityId | None, place: int
) -> AnsweredEntity | None:
    """Read one slot of one revision, None where it is no entity (wikitext pages, other slots)."""
    rev_id = _integer(revision.get("revid"))
    text = slot.get("content", slot.get("*"))
    presence, content = Presence.NO_CONTENT, None
    if isinstance(text, str):
        if not str(slot.get("contentmodel", "wikibase-")).startswith("wikibase-"):
            return None
        try:
            content = entity_of_text(text)
        except NotAnEntityError:
            return None
        presence = Presence.REDIRECT if "redirect" in content else Presence.ENTITY
        entity_id = parse_entity_id(str(content.get("entity", content.get("id", "")))) or entity_id
    elif "texthidden" in slot or "texthidden" in revision:
        presence = Presence.HIDDEN
    elif not {"textmissing", "slotsmissing", "badcontentformat"}.isdisjoint({*slot, *revision}):
        presence = Presence.UNREADABLE
    if entity_id is None:
        return None
    return AnsweredEntity(
        key=f"{entity_id}@{rev_id if rev_id is not None else place}",
        presence=presence,
        asked=entity_id,
        served=entity_id,
        revision=rev_id,
        modified=revision.get("timestamp"),
        content=content,
        whole=True,
    )


def _rest(body: Mapping[str, Json], asked: Sequence[EntityId], etag: str | None, modified: str | None) -> Answer:
    if reason := rest_reason(body):
        return Answer(reason=reason)
    if len(asked) != 1:
        return Answer(reason="rest_resource")
    try:
        content = rest_part(body, asked[0])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Answer(reason="unexpected_body", detail=f"{type(error).__name__}: {error}"[:200])
    tag = (etag or "").removeprefix("W/").strip('"')
    found = AnsweredEntity(
        key=asked[0],
        presence=Presence.ENTITY,
        asked=asked[0],
        served=asked[0],
        revision=int(tag) if tag.isdecimal() else None,
        modified=modified,
        content=content,
        by_fields=True,
    )
    return Answer((found,))


def _integer(value: Json) -> int | None:
    return value if type(value) is int else None


_READERS: Mapping[str, Callable[[Mapping[str, Json], Sequence[EntityId]], Iterator[AnsweredEntity]]] = {
    "wbgetentities": _entity_map,
    "entitydata": _entity_data,
    "wbgetclaims": _claims,
    "revisions": _revisions,
}
