"""Comparing one entity of an answer with the store: which revision, is it there, is it the same, is the head right.

Every way through ends in a `Judgement`. `open` says that another attempt may come to something better: the store may
catch up, a side may be reachable again, a head that looked wrong may have been about to be set.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from backends.errors import BackendError, CorruptError, UnavailableError
from rules.difference import difference, same
from rules.noise import split_noise
from rules.normalise import apply_rules
from rules.normalise_answers import CLEANED_SURFACES, CLEANUP_RULE, as_answered
from rules.projection import Part, project, without_fallback
from rules.verdict import Finding, Outcome
from verifier.heads import with_head
from verifier.judgement import Bench, Content, Judgement, Question, Sides
from verifier.reverse import held_against_wiki
from verifier.sides import WikiSide
from wikibase.answers import AnsweredEntity, Presence
from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_entity, canonical_of_text, digest
from wikibase.ids import EntityId, EntityType, entity_type, page_entity
from wikibase.revision import Revision, State
from wikibase.same import same_content

__all__ = [
    "FALLBACK_RULE",
    "NOISE_RULE",
    "Bench",
    "Judgement",
    "Question",
    "differs_from_itself",
    "judge_entity",
    "shown_though",
]

FALLBACK_RULE = "language_fallback"
"""Terms that the wiki's language fallback chose were left out of the comparison."""

NOISE_RULE = "wiki_disagrees_with_itself"
"""Read again at the same revision, the wiki said what the store says, and not what it had answered."""

ANSWERED_BY_STORE = "the store gave this answer: no noise of the wiki can excuse it"

_PARTS = {EntityType.FORM: "forms", EntityType.SENSE: "senses"}


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
            judgement = await with_head(bench, question, judgement, page, rev_id)
        if bench.by_store and judgement.outcome in (Outcome.MATCH, Outcome.RULE):
            judgement = await held_against_wiki(bench, question, judgement, page, rev_id)
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
    answered = question.answered.content
    if answered is not None and same_content(answered, project(content, question.part)):
        return Judgement(Outcome.MATCH)  # certain; what is not decided here goes the full way
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
    cleaned = await _cleaned(bench, case)
    return cleaned or await _differing(bench, case, guessed=guessed)


async def differs_from_itself(wiki: WikiSide, answered: AnsweredEntity, part: Part) -> bool | None:
    """Tell whether the wiki, read again at the revision of an answer, says something else; None: it says nothing.

    Raises BackendError, NotAnEntityError.
    """
    assert answered.served is not None
    assert answered.revision is not None
    reread = await wiki.entity_at(page_entity(answered.served), answered.revision)
    whole = None if reread is None else _inside(canonical_entity(dict(reread)), answered.served)
    if whole is None:
        return None
    form = canonical_entity(dict(answered.content or {}), partial=not part.is_whole, entity_id=answered.served)
    left, right, _ = _side_by_side(form, whole, part)
    # Another surface may write texts as they are stored; that is no noise.
    return not same(left, right) and not same(as_answered(left), as_answered(right))


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


async def _cleaned(bench: Bench, case: _Differing) -> Judgement | None:
    """Ask whether only the Action API's output layer stands between the two, None when it does not explain it.

    A store whose texts are composed where the wiki's own are not would look the same. So what the wiki has stored is
    read, and must be what the store has.
    """
    whole = as_answered(case.stored) if case.question.surface in CLEANED_SURFACES else case.stored
    left, right, rules = _side_by_side(case.answered, whole, case.question.part)
    if whole is case.stored or not same(left, right):
        return None
    try:
        told = (await bench.wiki.contents([case.rev_id])).get(case.rev_id)
        if told is None or told.text is None:
            return Judgement(Outcome.NOT_YET, "wiki_unavailable", "its stored text cannot be read", open=True)
        text = canonical_of_text(told.text, entity_id=case.page)
    except (BackendError, NotAnEntityError) as error:
        return Judgement(Outcome.NOT_YET, "wiki_unavailable", str(error)[:200], open=True)
    written = _inside(text, case.question.answered.served or case.page) or {}
    mine, theirs = project(case.stored, case.question.part), project(written, case.question.part)
    if same(theirs, mine):
        return Judgement(Outcome.RULE, CLEANUP_RULE, rules=(*rules, CLEANUP_RULE))
    if told.text.isascii() or not same(theirs, as_answered(mine)):
        return None
    # Stored without escapes, the text itself was cleaned on its way: what the wiki really has, nobody can tell.
    return Judgement(Outcome.NOT_YET, "text_cleaned_on_the_way")


async def _differing(bench: Bench, case: _Differing, *, guessed: bool) -> Judgement:
    """Tell noise from error, field by field: read the wiki again at the same revision. Then ask the rules."""
    part, note, reread_words = case.question.part, "", "read again, the wiki said the same"
    left, right, rules = _side_by_side(case.answered, case.stored, part)
    found_now = ANSWERED_BY_STORE if bench.by_store else await _read_again(bench, case)
    wiki_now = None if isinstance(found_now, str) else found_now
    if isinstance(found_now, str):
        reread_words, note = found_now, f" ({found_now})"
    if wiki_now is not None:
        answered, again, _ = _side_by_side(case.answered, wiki_now, part)
        if not same(answered, again):
            if guessed:  # then it was another revision that the answer showed
                return Judgement(Outcome.NOT_YET, "revision_unknown")
            noise = split_noise(answered, again, right)
            left, rules = again, (*rules, NOISE_RULE) if noise.noise_total else rules
            reread_words = f"the wiki's answer was different from what it says now {noise.words()}".rstrip()
            note = f" ({reread_words})"
            if noise.only_noise:
                told = difference(answered, again).text()
                return Judgement(Outcome.RULE, NOISE_RULE, f"answer -> read again:\n{told}", rules=rules)
    ruled = apply_rules(bench.rules, left, right, bench.today, surface=case.question.surface)
    if ruled.equal:
        return Judgement(Outcome.RULE, ruled.needed[0] if ruled.needed else "", "", rules=(*rules, *ruled.needed))
    found = difference(left, right)
    detail = f"wiki -> store at revision {case.rev_id}{note}:\n{found.text()}"
    sides = Sides(
        wiki=case.question.answered.content or {},
        store=right,
        wiki_digest=digest(canonical_bytes(left)),
        store_digest=digest(canonical_bytes(right)),
        public=wiki_now is not None,
        reread=reread_words,
    )
    return Judgement(Outcome.MISMATCH, "order" if found.only_order else "content", detail, rules=rules, sides=sides)


async def _read_again(bench: Bench, case: _Differing) -> Content | str:
    """Return what the wiki says now, canonical and not cut yet, or in words why there is none."""
    served = case.question.answered.served or case.page
    try:
        reread = await bench.wiki.entity_at(case.page, case.rev_id)
        if reread is None:
            return "the wiki does not show this revision any more"
        # Texts that the output layer alters are altered in an answer too: only what the store has is not.
        return _inside(canonical_entity(dict(reread)), served) or f"the wiki's revision has no {served} any more"
    except (BackendError, NotAnEntityError) as error:
        return f"the wiki could not be read again: {str(error)[:200]}"


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
