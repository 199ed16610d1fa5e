"""From what the wiki says to revisions of the store. Pure: metadata and text in, `Revision` out.

Nothing is dropped and nothing is fatal: a text that is hidden, gone or not an entity gives a revision without
content that says so.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backends.wiki.shapes import Content, WikiRevision
from wikibase.canonical import canonical_bytes, canonical_entity, entity_of_text
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, parse_entity_id
from wikibase.revision import Revision, State


def read_revision(entity_id: EntityId, page_id: int, position: int, told: WikiRevision, content: Content) -> Revision:
    """Return the revision of a metadata row and its content."""
    state, canonical, target, error = _content(told, content)
    hidden = told.hidden | ({"text"} if state is State.TEXT_HIDDEN else set())
    return Revision(
        entity_id=entity_id,
        rev_id=told.rev_id,
        parent_id=told.parent_id,
        position=position,
        timestamp=told.timestamp,
        state=state,
        content=canonical,
        page_id=page_id,
        user=told.user,
        comment=told.comment,
        tags=told.tags,
        minor=told.minor,
        wiki_sha1=None if state is State.TEXT_HIDDEN else told.sha1,
        content_model=content.model or told.content_model,
        redirect_target=target,
        hidden=hidden,
        error=error,
    )


def sha1_differs(told: WikiRevision, content: Content) -> bool:
    """Tell whether the text has another SHA-1 than the wiki keeps for the revision."""
    if told.sha1 is None or content.text is None:
        return False
    return hashlib.sha1(content.text.encode(), usedforsecurity=False).hexdigest() != told.sha1


def reason_word(error: str) -> str:
    """Return the first word of why a content is missing, for counting."""
    return error.split(":", 1)[0].split(" ", 1)[0]


def pieces(revisions: Sequence[WikiRevision], *, bytes_max: int, count_max: int) -> Iterator[Sequence[WikiRevision]]:
    """Cut a history into pieces of so many revisions and so many bytes (by rev_len); each has at least one."""
    start, size = 0, 0
    for end, one in enumerate(revisions):
        if end > start and (size + one.size > bytes_max or end - start >= count_max):
            yield revisions[start:end]
            start, size = end, 0
        size += one.size
    if start < len(revisions):
        yield revisions[start:]


def _content(
    told: WikiRevision, content: Content
) -> tuple[State, Mapping[str, Any] | None, EntityId | None, str | None]:
    if "text" in told.hidden or content.reason == "texthidden":
        return State.TEXT_HIDDEN, None, None, None
    if content.text is None:
        return State.MISSING, None, None, content.reason
    try:
        canonical = canonical_entity(entity_of_text(content.text))
        canonical_bytes(canonical)  # what cannot be written is no content either
    except NotAnEntityError as error:
        return State.MISSING, None, None, f"not-an-entity: {error}"
    if "redirect" in canonical:
        return State.REDIRECT, canonical, parse_entity_id(canonical["redirect"]), None
    return State.VISIBLE, canonical, None, None
