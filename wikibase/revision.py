"""One revision of one entity as a value: what the wiki says of it, and its canonical content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wikibase.ids import EntityId


class State(StrEnum):
    """What can be said of a revision's content. The words are those of `cutover dump`."""

    VISIBLE = "visible"
    REDIRECT = "redirect"
    TEXT_HIDDEN = "text_hidden"
    ARCHIVED = "archived"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision. Whatever the public may not see is None.

    `content` is the canonical form (see `wikibase.canonical`), None where there is none to be had.
    `position` orders the revisions of an entity; the size of `rev_id` does not (invariant 4).
    """

    entity_id: EntityId
    rev_id: int
    parent_id: int  # 0: none
    position: int  # from 0, along the entity
    timestamp: str  # ISO 8601, UTC, "2026-11-22T15:24:12Z"
    state: State
    content: Mapping[str, Any] | None
    page_id: int | None = None
    user: str | None = None
    comment: str | None = None
    tags: tuple[str, ...] = ()
    minor: bool = False
    bot: bool | None = None
    wiki_sha1: str | None = None  # hex
    content_model: str | None = None
    redirect_target: EntityId | None = None
    hidden: frozenset[str] = field(default_factory=frozenset)  # of "text", "comment", "user", "suppressed"
    error: str | None = None  # why the content is missing, in the wiki's words
