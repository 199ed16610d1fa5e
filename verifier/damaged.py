"""A store that lies on purpose: the real one, but for one entity, in memory, for one look of the judge.

Nothing is written, nobody but the judge sees it, and what the real store returned is never changed: a damaged answer
is a copy. `damaged_store` returns None where the operator has nothing to damage that the answer would show.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rules.mutants import Shown, damage
from rules.mutants_heads import DELETED_SHOWN, HEAD_OPERATORS, HIDDEN_SHOWN, STALE_REVISION, Head, HeadOperator
from rules.mutants_table import DAMAGING
from rules.routes.route import EntityRead, Surface
from rules.verdict import Verdict
from verifier.sides import HeadOfStore, StoreSide
from wikibase.answers import AnsweredEntity, Presence
from wikibase.canonical import NotAnEntityError, canonical_entity
from wikibase.ids import EntityId, page_entity
from wikibase.revision import Revision, State

_CONTENT = {one.name: one for one in DAMAGING}
_HEADS = {one.name: one for one in HEAD_OPERATORS}
_REDIRECTS_FOLLOWED_MAX = 4
_SHOWN = frozenset({Presence.ENTITY, Presence.REDIRECT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was judged equal, and may now be damaged: the verdict, the entity of the answer, how it was asked for."""

    verdict: Verdict
    answered: AnsweredEntity
    read: EntityRead

    @property
    def head_read(self) -> bool:
        """Tell whether the answer depends on the store's head."""
        return self.read.revision is None and self.read.surface is not Surface.REVISIONS


@dataclass(slots=True)
class DamagedStore:
    """Implements `verifier.sides.StoreSide`: what is named here in place of what the real store says."""

    store: StoreSide
    revisions: dict[tuple[EntityId, int], Revision]
    heads: dict[EntityId, Head | None]

    async def head(self, entity_id: EntityId) -> HeadOfStore | None:
        """Return the damaged head, or the real one."""
        if entity_id in self.heads:
            return self.heads[entity_id]
        return await self.store.head(entity_id)

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        """Return the damaged revision, or the real one."""
        damaged = self.revisions.get((entity_id, rev_id))
        return damaged or await self.store.revision(entity_id, rev_id)

    async def position(self, entity_id: EntityId, rev_id: int) -> int | None:
        """Return a place that fits the damaged head, or the real one."""
        head = self.heads.get(entity_id)
        if head is not None and head.rev_id == rev_id:
            return head.position if head.known else None
        return await self.store.position(entity_id, rev_id)


async def damaged_store(operator: str, store: StoreSide, target: Target, seed: int) -> DamagedStore | None:
    """Return a store with that damage, None where the operator does not apply. Raises what the store raises."""
    damaged = DamagedStore(store, {}, {})
    if operator in _CONTENT:
        done = await _content(operator, damaged, target, seed)
    elif operator in _HEADS:
        done = await _head(_HEADS[operator], damaged, target)
    else:
        done = await _SPECIAL[operator](damaged, target)
    return damaged if done else None


async def _content(operator: str, damaged: DamagedStore, target: Target, seed: int) -> bool:
    found = await _stored_and_shown(damaged.store, target)
    if found is None:
        return False
    stored, content, shown = found
    made = damage(_CONTENT[operator], content, shown, seed)
    if made is None:
        return False
    damaged.revisions[stored.entity_id, stored.rev_id] = replace(stored, content=made.content)
    return True


async def _stored_and_shown(store: StoreSide, target: Target) -> tuple[Revision, Mapping[str, Any], Shown] | None:
    """Return the revision, its content, and what the answer shows of it; None where there is nothing to damage."""
    answered, rev_id = target.answered, target.verdict.revision
    if answered.presence not in _SHOWN or answered.content is None or answered.served is None or rev_id is None:
        return None
    stored = await store.revision(page_entity(answered.served), rev_id)
    if stored is None or stored.content is None:
        return None
    try:
        content = canonical_entity(dict(answered.content), partial=True, entity_id=answered.served)
    except NotAnEntityError:
        return None
    return stored, stored.content, Shown(content=content, additions=_shows_additions(target.read))


def _shows_additions(read: EntityRead) -> bool:
    what = read.projection
    filters = (what.languages, what.site_filter, what.statement, what.property_id, what.rank)
    return not what.part and all(one is None for one in filters)


async def _head(operator: HeadOperator, damaged: DamagedStore, target: Target) -> bool:
    answered = target.answered
    if not target.head_read or answered.presence not in _SHOWN or answered.served is None:
        return False
    served = page_entity(answered.served)
    entity_id = served
    if operator.of_redirect:
        if answered.asked is None or page_entity(answered.asked) == served:
            return False
        entity_id = page_entity(answered.asked)
    real = await damaged.store.head(entity_id)
    if real is None or (not operator.of_redirect and real.rev_id != target.verdict.revision):
        return False
    if operator.of_redirect and real.state is not State.REDIRECT:
        return False
    told = Head(rev_id=real.rev_id, position=real.position, state=real.state, redirect_target=real.redirect_target)
    damaged.heads[entity_id] = operator.change(told)
    return True


async def _stale_revision(damaged: DamagedStore, target: Target) -> bool:
    found = await _stored_and_shown(damaged.store, target)
    if found is None:
        return False
    stored, content, shown = found
    before = await damaged.store.revision(stored.entity_id, stored.parent_id) if stored.parent_id else None
    if before is None or before.content is None:
        return False
    # It must be seen: a field that the answer shows as it is stored was another one before.
    if not any(
        shown.content[name] == content.get(name) and before.content.get(name) != content.get(name)
        for name in shown.content
    ):
        return False
    damaged.revisions[stored.entity_id, stored.rev_id] = replace(stored, content=before.content)
    return True


async def _hidden_shown(damaged: DamagedStore, target: Target) -> bool:
    answered, rev_id = target.answered, target.verdict.revision
    if answered.presence is not Presence.HIDDEN or answered.served is None or rev_id is None:
        return False
    page = page_entity(answered.served)
    stored = await damaged.store.revision(page, rev_id)
    if stored is None or stored.content is not None:
        return False
    # Made up: what is hidden is never looked at, not even to be damaged.
    damaged.revisions[page, rev_id] = replace(stored, state=State.VISIBLE, content={"id": page})
    return True


async def _deleted_shown(damaged: DamagedStore, target: Target) -> bool:
    answered = target.answered
    if answered.presence is not Presence.MISSING or answered.asked is None or target.read.revision is not None:
        return False
    page = page_entity(answered.asked)
    if page != answered.asked or await damaged.store.head(page) is not None:
        return False
    damaged.heads[page] = Head(rev_id=1, position=0, state=State.VISIBLE)
    return True


_SPECIAL: Mapping[str, Callable[[DamagedStore, Target], Awaitable[bool]]] = {
    STALE_REVISION: _stale_revision,
    HIDDEN_SHOWN: _hidden_shown,
    DELETED_SHOWN: _deleted_shown,
}
