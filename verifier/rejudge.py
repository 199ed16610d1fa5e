"""Looking again at what was found: does it still differ? After a repair, or after the store has caught up.

A mismatch is looked at by what the wiki has stored: if the store has the same content, what differed is mended. A
finding is looked at by what it says. "Cannot be told now" is an answer of its own, and closes nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backends.errors import BackendError, CorruptError
from rules.normalise import Rule, apply_rules
from verifier.heads import head_fault
from verifier.history_check import DIFFERS, HistoryOfStore, locate
from verifier.sides import StoreSide, WikiSide
from wikibase.canonical import NotAnEntityError, canonical_of_text
from wikibase.ids import EntityId, page_entity
from wikibase.revision import State


class Now(StrEnum):
    """What is true of something that was found."""

    EQUAL = "equal"
    DIFFERS = "differs"
    HIDDEN = "hidden"  # the wiki does not show it to anybody any more: there is nothing to compare
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What looking again works with. `history`: the store's index, for findings about histories."""

    store: StoreSide
    wiki: WikiSide
    history: HistoryOfStore | None = None
    rules: Sequence[Rule] = ()
    today: date = date.max


async def content_now(again: Again, entity_id: EntityId, revision: int, surface: str | None = None) -> Now:
    """Tell whether the store has what the wiki has stored at a revision. Raises nothing of the two sides."""
    page = page_entity(entity_id)
    try:
        stored = await again.store.revision(page, revision)
        content = None if stored is None else stored.content
        told = (await again.wiki.contents([revision])).get(revision)
        if told is None or told.text is None:
            return Now.HIDDEN if told is not None and told.reason == "texthidden" else Now.UNKNOWN
        text = canonical_of_text(told.text, entity_id=page)
    except CorruptError:
        return Now.DIFFERS
    except (BackendError, NotAnEntityError):
        return Now.UNKNOWN
    equal = content is not None and apply_rules(again.rules, text, content, again.today, surface=surface).equal
    return Now.EQUAL if equal else Now.DIFFERS


async def finding_now(again: Again, kind: str, entity_id: EntityId, revision: int | None) -> Now:
    """Tell whether a finding still stands: EQUAL says that it does not. Unknown kinds are UNKNOWN."""
    look = _LOOKS.get(kind)
    if look is None:
        return Now.UNKNOWN
    try:
        return await look(again, entity_id, revision)
    except CorruptError:
        return Now.DIFFERS
    except BackendError:
        return Now.UNKNOWN


Look = Callable[[Again, EntityId, int | None], Awaitable[Now]]


async def _content(again: Again, entity_id: EntityId, revision: int | None) -> Now:
    return Now.UNKNOWN if revision is None else await content_now(again, entity_id, revision)


async def _head(again: Again, entity_id: EntityId, _revision: int | None) -> Now:
    """Tell whether the store's head is what the wiki says now, redirects and deletions among it."""
    page = page_entity(entity_id)
    told = (await again.wiki.heads([page])).get(page)
    head = await again.store.head(page)
    if told is None:
        return Now.UNKNOWN
    if told.rev_id is None:
        if told.reason != "missing":
            return Now.UNKNOWN
        return Now.EQUAL if head is None or head.state in _GONE else Now.DIFFERS
    if told.redirected_to is not None:
        right = head is not None and head.state is State.REDIRECT and head.redirect_target == told.redirected_to
        return Now.EQUAL if right else Now.DIFFERS
    if await again.store.position(page, told.rev_id) is None:
        return Now.UNKNOWN  # the store is behind: no head can be judged
    return Now.EQUAL if await head_fault(again.store, page, told.rev_id) is None else Now.DIFFERS


async def _hidden(again: Again, entity_id: EntityId, revision: int | None) -> Now:
    if revision is None:
        return await _head(again, entity_id, None)
    stored = await again.store.revision(page_entity(entity_id), revision)
    if stored is None or stored.content is None or stored.state is not State.VISIBLE:
        return Now.EQUAL
    told = (await again.wiki.contents([revision])).get(revision)
    if told is None or (told.text is None and told.reason not in _NOT_SHOWN):
        return Now.UNKNOWN
    return Now.DIFFERS if told.text is None else await content_now(again, entity_id, revision)


async def _history(again: Again, entity_id: EntityId, revision: int | None) -> Now:
    if again.history is None:
        return Now.UNKNOWN
    located = await locate(entity_id, store=again.history, wiki=again.wiki, near=revision)
    if located.since is not None:
        if not located.exact and revision is not None:  # the known one was taken to differ: look at it alone
            return await content_now(again, entity_id, revision)
        return Now.DIFFERS
    return Now.UNKNOWN if located.unread else Now.EQUAL


_GONE = frozenset({State.ARCHIVED, State.MISSING, State.TEXT_HIDDEN})
_NOT_SHOWN = frozenset({"texthidden", "badrevids"})
_LOOKS: Mapping[str, Look] = {
    "snapshot_corrupt": _content,
    "head_behind": _head,
    "head_unknown": _head,
    "head_dangling": _head,
    "head_state_wrong": _head,
    "redirect_differs": _head,
    "present_though_missing": _head,
    "served_though_missing": _hidden,
    "hidden_but_visible": _hidden,
    DIFFERS: _history,
}
"""How each kind of finding is looked at again."""
