"""Would a read of the head have found what the wiki served? The store's heads and redirects, held against an answer."""

from dataclasses import replace

from rules.verdict import Finding, Outcome
from verifier.judgement import Bench, Judgement, Question
from verifier.sides import StoreSide
from wikibase.ids import EntityId, page_entity
from wikibase.revision import State

REDIRECTS_FOLLOWED_MAX = 4


async def with_head(bench: Bench, question: Question, judgement: Judgement, page: EntityId, rev_id: int) -> Judgement:
    """Look whether a read of the head would find this revision or a later one. Asked after the revision was read."""
    fault = await head_fault(bench.store, page, rev_id) or await _redirect_fault(bench.store, question)
    if fault is None:
        return judgement
    if not bench.confirmed:
        return Judgement(Outcome.NOT_YET, fault.kind, fault.detail, open=True, made_at=judgement.made_at)
    if judgement.outcome is Outcome.MISMATCH:
        return replace(judgement, findings=(fault,))
    return Judgement(Outcome.ERROR, fault.kind, fault.detail, findings=(fault,), made_at=judgement.made_at)


async def head_fault(store: StoreSide, page: EntityId, rev_id: int) -> Finding | None:
    """Return what is wrong with a head, given a revision that the wiki served as an entity; None: nothing."""
    head = await store.head(page)
    if head is None:
        detail = f"the store has revision {rev_id}, but no head"
        return Finding(kind="head_unknown", entity_id=page, revision=rev_id, detail=detail)
    if head.rev_id == rev_id:
        if head.state in (State.REDIRECT, State.ARCHIVED):
            detail = f"the head says {head.state} of revision {rev_id}, which the wiki serves as an entity"
            return Finding(kind="head_state_wrong", entity_id=page, revision=rev_id, detail=detail)
        return None
    # The head's own row may tell a place that is not its revision's: only the revisions' places count.
    head_position = await store.position(page, head.rev_id)
    position = await store.position(page, rev_id)
    if head_position is None:
        detail = f"the head names revision {head.rev_id}, which the store does not have"
        return Finding(kind="head_dangling", entity_id=page, revision=head.rev_id, detail=detail)
    if position is not None and head_position < position:
        detail = f"the head is revision {head.rev_id}, the store has revision {rev_id} after it"
        return Finding(kind="head_behind", entity_id=page, revision=rev_id, detail=detail)
    return None


async def _redirect_fault(store: StoreSide, question: Question) -> Finding | None:
    """Where the wiki followed a redirect, the store's heads must lead the same way."""
    asked, served = question.answered.asked, question.answered.served
    if asked is None or served is None or page_entity(asked) == page_entity(served):
        return None
    here = page_entity(asked)
    for _ in range(REDIRECTS_FOLLOWED_MAX):
        head = await store.head(here)
        if head is None or head.state is not State.REDIRECT or head.redirect_target is None:
            found = "no head" if head is None else f"{head.state} at revision {head.rev_id}"
            detail = f"the wiki redirects {asked} to {served}; the store has {found} for {here}"
            return Finding(kind="redirect_differs", entity_id=here, revision=None, detail=detail)
        here = head.redirect_target
        if here == page_entity(served):
            return None
    detail = f"the wiki redirects {asked} to {served}; the store's redirects do not lead there"
    return Finding(kind="redirect_differs", entity_id=page_entity(asked), revision=None, detail=detail)
