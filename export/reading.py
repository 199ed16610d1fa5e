"""From what the wiki says to revisions of the store. Pure: metadata and text in, `Revision` out.

Nothing is dropped and nothing is fatal: a text that is hidden, gone or not an entity gives a revision that says so.
A hidden text that the source shows is told to the store, which decides what becomes of it; names and comments that
are hidden are in `concealed_revision` only.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backends.ledger.revision_rows import Entry
from backends.snapshots.envelope import NO_CONTENT_DIGEST, metadata
from backends.store import fingerprint
from backends.visibility import public_part
from export.source import HIDDEN_TEXT, Text, ToldRevision
from wikibase.canonical import canonical_bytes, canonical_of_text
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id
from wikibase.revision import Revision, State


def read_revision(entity_id: EntityId, position: int, told: ToldRevision, text: Text) -> Revision:
    """Return the revision of a metadata row and its text, as the public may see it."""
    hidden = _is_hidden(told, text)
    content, target, error = _content(entity_id, HIDDEN_TEXT if hidden and told.archived else text)
    if told.archived:
        state = State.ARCHIVED
    elif hidden:
        state, target, error = State.TEXT_HIDDEN, None, None
    elif content is None:
        state = State.MISSING
    else:
        state = State.REDIRECT if target else State.VISIBLE
    return _revision(entity_id, position, told, state=state, content=content, target=target, error=error)


def writable(revision: Revision) -> Revision:
    """Return the revision, without its content when that is nested too deep to be written: no content either."""
    try:
        canonical_bytes(revision.content)
    except NotAnEntityError as error:
        state = revision.state if revision.state is State.ARCHIVED else State.MISSING
        return replace(revision, state=state, content=None, redirect_target=None, error=f"not-an-entity: {error}")
    return revision


def concealed_revision(shown: Revision, told: ToldRevision, text: Text) -> Revision | None:
    """Return the revision with what the public may not see; None when nothing is hidden, or the source says nothing."""
    text_is_told = _is_hidden(told, text) and text.body is not None
    hidden = told.concealed
    if hidden is None and not text_is_told:
        return None
    if text_is_told:
        content, target, error = _content(shown.entity_id, text)
        shown = replace(shown, content=content, redirect_target=target, error=error)
    if hidden is None:
        return shown
    return replace(
        shown,
        user=shown.user if hidden.user is None else hidden.user,
        comment=shown.comment if hidden.comment is None else hidden.comment,
        wiki_sha1=shown.wiki_sha1 if hidden.sha1 is None else hidden.sha1,
    )


def unchanged(entry: Entry, position: int, told: ToldRevision) -> bool:
    """Tell, without its text, whether the store has a revision as it is told now.

    A text never changes once it can be read, so only what could not be read is looked at again.
    """
    if entry.position != position or entry.state is State.MISSING:
        return False
    if told.archived:
        state = State.ARCHIVED
        if entry.digest == NO_CONTENT_DIGEST:
            return False  # why there is no content stands in the snapshot: rare enough to be read again
    elif "text" in told.about.hidden:
        state = State.TEXT_HIDDEN
    else:
        state = State.REDIRECT if entry.redirect_target else State.VISIBLE
    if entry.state is not state:
        return False
    # The wiki forgets after some weeks who was a bot; the store does not.
    bots = (told.bot,) if told.bot is not None else (None, False, True)
    expected = _revision(
        entry.entity_id,
        position,
        told,
        state=state,
        content=None,
        target=entry.redirect_target,
        error=None,
    )
    return any(fingerprint(metadata(public_part(replace(expected, bot=bot)))) == entry.meta for bot in bots)


def sha1_differs(told: ToldRevision, text: Text) -> bool:
    """Tell whether the text has another SHA-1 than the wiki keeps for it."""
    if told.text_sha1 is None or text.body is None:
        return False
    return hashlib.sha1(text.body, usedforsecurity=False).hexdigest() != told.text_sha1


def reason_word(error: str) -> str:
    """Return the first word of why a content is missing, for counting."""
    return error.split(":", 1)[0].split(" ", 1)[0]


def pieces(revisions: Sequence[ToldRevision], *, bytes_max: int, count_max: int) -> Sequence[Sequence[ToldRevision]]:
    """Cut revisions into pieces of so many and of so many bytes (by rev_len); each has at least one."""
    found: list[Sequence[ToldRevision]] = []
    start, size = 0, 0
    for end, one in enumerate(revisions):
        if end > start and (size + one.about.size > bytes_max or end - start >= count_max):
            found.append(revisions[start:end])
            start, size = end, 0
        size += one.about.size
    if start < len(revisions):
        found.append(revisions[start:])
    return found


def _is_hidden(told: ToldRevision, text: Text) -> bool:
    return "text" in told.about.hidden or text.reason == HIDDEN_TEXT.reason


def _revision(
    entity_id: EntityId,
    position: int,
    told: ToldRevision,
    *,
    state: State,
    content: Mapping[str, Any] | None,
    target: EntityId | None,
    error: str | None,
) -> Revision:
    about = told.about
    hidden = about.hidden
    if state is State.TEXT_HIDDEN:
        hidden |= {"text"}
    elif state is State.ARCHIVED:
        # Being archived is the stronger word: `error` says then that the text is hidden besides.
        hidden -= {"text"}
    return Revision(
        entity_id=entity_id,
        rev_id=about.rev_id,
        parent_id=about.parent_id,
        position=position,
        timestamp=about.timestamp,
        state=state,
        content=content,
        page_id=told.page_id,
        user=about.user,
        comment=about.comment,
        tags=about.tags,
        minor=about.minor,
        bot=told.bot,
        wiki_sha1=None if state is State.TEXT_HIDDEN or error == HIDDEN_TEXT.reason else about.sha1,
        content_model=told.model,
        redirect_target=target,
        hidden=hidden,
        error=error,
    )


def _content(entity_id: EntityId, text: Text) -> tuple[Mapping[str, Any] | None, EntityId | None, str | None]:
    """Return canonical content, target of the redirect that it is, and why there is no content."""
    if text.body is None:
        return None, None, text.reason or "unknown"
    told_id = entity_id if entity_type(entity_id) is EntityType.MEDIAINFO else None
    try:
        canonical = canonical_of_text(text.body, entity_id=told_id)
    except NotAnEntityError as error:
        return None, None, f"not-an-entity: {error}"
    target = parse_entity_id(canonical["redirect"]) if "redirect" in canonical else None
    return canonical, target, None
