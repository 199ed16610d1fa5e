"""Damage to what the store says about an entity beside its content: its head, a redirect, what is to be hidden. Pure.

Each takes the head as the store tells it and returns it damaged. `rev_id` of the damaged head may be one that the
store does not have: then its place is `position`, or the store says it does not know it (`known` False).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from wikibase.ids import EntityId
from wikibase.revision import State

_ELSEWHERE = EntityId("Q2147483647")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A head as told. None in its place: the store has no such entity."""

    rev_id: int
    position: int
    state: State
    redirect_target: EntityId | None = None
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadOperator:
    """One kind of damage to a head. `of_redirect`: to the head of a redirect that the wiki followed."""

    name: str
    what: str
    change: Callable[[Head], Head | None]
    of_redirect: bool = False


def _stale(head: Head) -> Head:
    return replace(head, rev_id=head.rev_id - 1, position=head.position - 1)


def _off_by_one(head: Head) -> Head:
    return replace(head, rev_id=head.rev_id + 1, known=False)


def _state(state: State) -> Callable[[Head], Head]:
    return lambda head: replace(head, state=state)


def _elsewhere(head: Head) -> Head:
    return replace(head, redirect_target=_ELSEWHERE)


def _no_redirect(head: Head) -> Head:
    return replace(head, state=State.VISIBLE, redirect_target=None)


HEAD_OPERATORS = (
    HeadOperator(name="head_stale", what="the head is the revision before", change=_stale),
    HeadOperator(name="lastrevid_off_by_one", what="the head's number is one too high", change=_off_by_one),
    HeadOperator(name="head_lost", what="the entity has no head", change=lambda _head: None),
    HeadOperator(name="head_archived", what="the head says that the entity is deleted", change=_state(State.ARCHIVED)),
    HeadOperator(name="head_redirect", what="the head says that it is a redirect", change=_state(State.REDIRECT)),
    HeadOperator(
        name="head_redirect_target", what="a followed redirect leads elsewhere", change=_elsewhere, of_redirect=True
    ),
    HeadOperator(name="head_redirect_lost", what="a followed redirect is none", change=_no_redirect, of_redirect=True),
)

STALE_REVISION = "stale_revision"
"""The content of the revision before, under the number of this one."""

HIDDEN_SHOWN = "hidden_shown"
"""A revision that the wiki hides is shown by the store."""

DELETED_SHOWN = "deleted_shown"
"""An entity that the wiki says is missing has a head in the store."""

SPECIAL = {
    STALE_REVISION: "the content of the revision before",
    HIDDEN_SHOWN: "a hidden revision is shown",
    DELETED_SHOWN: "a deleted entity is there",
}
