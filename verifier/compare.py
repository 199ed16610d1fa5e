"""Comparing one entity of an answer with the store: which revision, is it there, is it the same, is the head right.

Every way through ends in a `Judgement`. `open` says that another attempt may come to something better: the store may
catch up, a side may be reachable again, a head that looked wrong may have been about to be set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from backends.errors import BackendError, CorruptError, UnavailableError
from rules.difference import difference, same
from rules.noise import split_noise
from rules.normalise import Rule, apply_rules
from rules.projection import Part, project, without_fallback
from rules.verdict import Finding, Outcome
from verifier.sides import StoreSide, WikiSide
from wikibase.answers import AnsweredEntity, Presence
from wikibase.canonical import NotAnEntityError, canonical_entity
from wikibase.ids import EntityId, EntityType, entity_type, page_entity
from wikibase.revision import Revision, State

FALLBACK_RULE = "language_fallback"
"""Terms that the wiki's language fallback chose were left out of the comparison."""

NOISE_RULE = "wiki_disagrees_with_itself"
"""Read again at the same revision, the wiki said what the store says, and not what it had answered."""

REDIRECTS_FOLLOWED_MAX = 4

_PARTS = {EntityType.FORM: "forms", EntityType.SENSE: "senses"}

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What one attempt at a sample works with."""

    store: StoreSide
    wiki: WikiSide
    started_at: float
    margin_s: float
    last: bool
    confirmed: bool
    rules: tuple[Rule, ...] = ()
    today: date = date.max  # rules have expired by then; who gives rules gives the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One entity of an answer, and how it was asked for."""

    answered: AnsweredEntity
    part: Part
    pinned: int | None
    head_read: bool
    follow_redirects: bool
    surface: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one comparison came to. `open`: worth another attempt."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""
    revision: int | None = None
    rules: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    open: bool = False
    made_at: str | None = None  # when the revision was made, as the store says (ISO 8601)


async def judge_entity(bench: Bench, question: Question) -> Judgement:
    """Judge an entity (or redirect, or hidden revision) that an answer holds."""
    answered = question.answered
    if answered.served is None:
        return Judgement(Outcome.NOT_COMPARED, "foreign_id")
    page = page_entity(answered.served)
    guessed = answered.revision is None
    rev_id = answered.revision
    if rev_id is None:
        resolved = await _resolve(bench, page)
        if isinstance(resolved, Judgement):
            return resolved
        rev_id = resolved
    try:
        judgement = await _against_store(bench, question, page, rev_id, guessed=guessed)
        if question.head_read and judgement.outcome in (Outcome.MATCH, Outcome.RULE, Outcome.MISMATCH):
            judgement = await _with_head(bench, question, judgement, page, rev_id)
    except CorruptError as error:
        finding = Finding(kind="snapshot_corrupt", entity_id=page, revision=rev_id, detail=str(error)[:500])
        judgement = Judgement(Outcome.ERROR, "snapshot_corrupt", str(error)[:500], findings=(finding,))
    except UnavailableError as error:
        judgement = Judgement(Outcome.ERROR, "store_unavailable", str(error)[:500], open=True)
    except BackendError as error:
        judgement = Judgement(Outcome.ERROR, "store_refused", str(error)[:500])
    return replace(judgement, revision=rev_id)


async def _resolve(bench: Bench, page: EntityId) -> int | Judgement:
    """Return the revision that an answer showed which tells none: the head, if it is older than the request."""
    try:
        head = (await bench.wiki.heads([page])).get(page)
    except BackendError as error:
        return Judgement(Outcome.NOT_YET, "wiki_unavailable", str(error)[:200], open=True)
    if head is not None and head.rev_id is not None and head.redirected_to is None and _was_there(bench, head.modified):
        return head.rev_id
    # It has changed since (or may have): which revision the answer showed can never be known.
    return Judgement(Outcome.NOT_YET, "revision_unknown")


def _was_there(bench: Bench, modified: str | None) -> bool:
    """Tell whether a head was made clearly before the request. The size of its id says nothing about that."""
    if modified is None:
        return False
    return datetime.fromisoformat(modified).timestamp() < bench.started_at - bench.margin_s


async def _against_store(bench: Bench, question: Question, page: EntityId, rev_id: int, *, guessed: bool) -> Judgement:
    stored = await bench.store.revision(page, rev_id)
    if stored is None:
        return Judgement(Outcome.NOT_YET, "store_behind", open=True)
    judgement = await _against_revision(bench, question, stored, rev_id, guessed=guessed)
    return replace(judgement, made_at=stored.timestamp)


async def _against_revision(
    bench: Bench, question: Question, stored: Revision, rev_id: int, *, guessed: bool
) -> Judgement:
    if question.answered.presence is Presence.HIDDEN:
        return _hidden(bench, stored)
    content = _content(question, stored)
    if isinstance(content, Judgement):
        return content
    try:
        answered_form = _form(question)
    except NotAnEntityError as error:
        return Judgement(Outcome.ERROR, "answer_unreadable", str(error)[:500])
    wiki_form, store_form, rules = _side_by_side(answered_form, content, question.part)
    if same(wiki_form, store_form):
        return Judgement(Outcome.RULE if rules else Outcome.MATCH, rules=rules)
    served = question.answered.served
    assert served is not None
    case = _Differing(
        question=question, page=page_entity(served), rev_id=rev_id, answered=answered_form, stored=content
    )
    return await _differing(bench, case, guessed=guessed)


def _content(question: Question, stored: Revision) -> Content | Judgement:
    """Return what the store would serve under the id that was served."""
    if stored.content is None:
        if stored.state is State.MISSING:
            return Judgement(Outcome.MISMATCH, "store_has_no_content", f"the store says: {stored.error or 'no text'}")
        return Judgement(Outcome.NOT_YET, "visibility", f"the store says {stored.state}", open=True)
    served = question.answered.served
    assert served is not None
    content = _inside(stored.content, served)
    return content or Judgement(Outcome.MISMATCH, "part_missing", f"the store's revision has no {served}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Differing:
    """An answer that differs from the store: both canonical, `stored` not cut to the part yet."""

    question: Question
    page: EntityId
    rev_id: int
    answered: Content
    stored: Content


async def _differing(bench: Bench, case: _Differing, *, guessed: bool) -> Judgement:
    """Tell noise from error, field by field: read the wiki again at the same revision. Then ask the rules."""
    part, note = case.question.part, ""
    left, right, rules = _side_by_side(case.answered, case.stored, part)
    try:
        reread = await bench.wiki.entity_at(case.page, case.rev_id)
        served = case.question.answered.served or case.page
        wiki_now = None if reread is None else _inside(canonical_entity(dict(reread)), served)
    except (BackendError, NotAnEntityError) as error:
        wiki_now, note = None, f" (the wiki could not be read again: {str(error)[:200]})"
    if wiki_now is not None:
        answered, again, _ = _side_by_side(case.answered, wiki_now, part)
        if not same(answered, again):
            if guessed:  # then it was another revision that the answer showed
                return Judgement(Outcome.NOT_YET, "revision_unknown")
            noise = split_noise(answered, again, right)
            left, rules = again, (*rules, NOISE_RULE) if noise.noise_total else rules
            note = f" (the wiki's answer was different from what it says now) {noise.words()}".rstrip()
            if noise.only_noise:
                told = difference(answered, again).text()
                return Judgement(Outcome.RULE, NOISE_RULE, f"answer -> read again:\n{told}", rules=rules)
    ruled = apply_rules(bench.rules, left, right, bench.today, surface=case.question.surface)
    if ruled.equal:
        return Judgement(Outcome.RULE, ruled.needed[0] if ruled.needed else "", "", rules=(*rules, *ruled.needed))
    found = difference(left, right)
    detail = f"wiki -> store at revision {case.rev_id}{note}:\n{found.text()}"
    return Judgement(Outcome.MISMATCH, "order" if found.only_order else "content", detail, rules=rules)


def _side_by_side(answered: Content, whole: Content, part: Part) -> tuple[Content, Content, tuple[str, ...]]:
    """Return both sides of a comparison, cut to the same part, and the rules that were applied."""
    projected = project(whole, part)
    if not part.language_fallback:
        return answered, projected, ()
    cut, taken = without_fallback(answered, projected, whole)
    return cut, projected, (FALLBACK_RULE,) if taken else ()


def _form(question: Question) -> Content:
    answered = question.answered
    return canonical_entity(dict(answered.content or {}), partial=not question.part.is_whole, entity_id=answered.served)


def _inside(content: Content, served: EntityId) -> Content | None:
    """Return the part of a page's content that has that id: a form or sense of its lexeme, else the content itself."""
    key = _PARTS.get(entity_type(served))
    if key is None or content.get("id") == served:
        return content
    return next((part for part in content.get(key) or () if part.get("id") == served), None)


def _hidden(bench: Bench, stored: Revision) -> Judgement:
    if stored.content is None:
        return Judgement(Outcome.MATCH, "hidden")
    return shown_though(bench, stored.entity_id, stored.rev_id, "hidden_but_visible", "the wiki hides the text")


def shown_though(bench: Bench, entity_id: EntityId, rev_id: int | None, kind: str, detail: str) -> Judgement:
    """The store would show what the wiki does not. It may be about to learn; if it does not, that is a finding."""
    finding = Finding(kind=kind, entity_id=entity_id, revision=rev_id, detail=detail)
    return Judgement(Outcome.NOT_YET, "visibility", detail, findings=(finding,) if bench.last else (), open=True)


async def _with_head(bench: Bench, question: Question, judgement: Judgement, page: EntityId, rev_id: int) -> Judgement:
    """Look whether a read of the head would find this revision or a later one. Asked after the revision was read."""
    fault = await _head_fault(bench.store, page, rev_id) or await _redirect_fault(bench.store, question)
    if fault is None:
        return judgement
    if not bench.confirmed:
        return Judgement(Outcome.NOT_YET, fault.kind, fault.detail, open=True, made_at=judgement.made_at)
    if judgement.outcome is Outcome.MISMATCH:
        return replace(judgement, findings=(fault,))
    return Judgement(Outcome.ERROR, fault.kind, fault.detail, findings=(fault,), made_at=judgement.made_at)


async def _head_fault(store: StoreSide, page: EntityId, rev_id: int) -> Finding | None:
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
