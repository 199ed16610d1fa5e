"""Judging an answer that says "missing": the store must not have it either, or must be about to learn.

Deleted, never there, a redirect that was not to be followed and a redirect to a redirect all look the same
(wikibase.md 1.1.1), and such an answer tells no revision: what changed since can only be left uncompared.
"""

from backends.errors import BackendError, CorruptError, UnavailableError
from rules.verdict import Finding, Outcome
from verifier.compare import Bench, Judgement, Question, shown_though
from verifier.sides import HeadOfStore
from wikibase.ids import EntityId, page_entity
from wikibase.revision import State

_GONE = frozenset({State.ARCHIVED, State.MISSING, State.TEXT_HIDDEN})


async def judge_missing(bench: Bench, question: Question) -> Judgement:
    """Judge an answer that says that an entity (or a revision of it) is not there."""
    asked = question.answered.asked
    assert asked is not None
    try:
        if question.pinned is not None:
            return await _missing_revision(bench, page_entity(asked), question.pinned)
        return await _missing_entity(bench, question, asked)
    except UnavailableError as error:
        return Judgement(Outcome.ERROR, "store_unavailable", str(error)[:500], open=True)
    except BackendError as error:
        # A revision that is not to be served may well be unreadable; that it is, another check finds.
        return Judgement(Outcome.ERROR, "store_refused", str(error)[:500])


async def _missing_revision(bench: Bench, page: EntityId, rev_id: int) -> Judgement:
    if await bench.store.position(page, rev_id) is None:
        return Judgement(Outcome.MATCH, "missing")
    try:
        stored = await bench.store.revision(page, rev_id)
    except CorruptError as error:
        finding = Finding(kind="snapshot_corrupt", entity_id=page, revision=rev_id, detail=str(error)[:500])
        return Judgement(Outcome.ERROR, "snapshot_corrupt", str(error)[:500], findings=(finding,))
    if stored is None or stored.state is not State.VISIBLE:
        return Judgement(Outcome.MATCH, "missing")
    head = await bench.store.head(page)
    if head is None or head.state is State.ARCHIVED:
        return Judgement(Outcome.MATCH, "missing")
    return shown_though(bench, page, rev_id, "served_though_missing", "the wiki does not serve this revision")


async def _missing_entity(bench: Bench, question: Question, asked: EntityId) -> Judgement:
    page = page_entity(asked)
    head = await bench.store.head(page)
    if head is None or await _store_says_missing(bench, question, head):
        return Judgement(Outcome.MATCH, "missing")
    if page != asked:
        return Judgement(Outcome.NOT_COMPARED, "missing")  # a form or sense: gone from the lexeme, at some revision
    try:
        now = (await bench.wiki.heads([page])).get(page)
    except BackendError as error:
        return Judgement(Outcome.NOT_YET, "wiki_unavailable", str(error)[:200], open=True)
    if now is not None and now.rev_id is not None:  # made or restored since
        return Judgement(Outcome.NOT_COMPARED, "missing")
    if now is not None and now.reason not in (None, "missing"):
        return Judgement(Outcome.NOT_YET, "wiki_unavailable", str(now.reason)[:200], open=True)
    detail = f"the wiki says {asked} is missing, the store has it at revision {head.rev_id}"
    return shown_though(bench, asked, head.rev_id, "present_though_missing", detail)


async def _store_says_missing(bench: Bench, question: Question, head: HeadOfStore) -> bool:
    if head.state is not State.REDIRECT:
        return head.state in _GONE
    if not question.follow_redirects or head.redirect_target is None:
        return True
    # Only one step is followed: a redirect to a redirect, or to what is gone, is missing (wiki A: Q39).
    target = await bench.store.head(head.redirect_target)
    return target is None or target.state in _GONE or target.state is State.REDIRECT
