"""An answer that the store gave, held against the wiki: the text that it has at the same revision, and its newest one.

The answer has been compared with the store's own revision before this: so what the client got, what the store has and
what the wiki has are shown to be one.
"""

from dataclasses import replace
from datetime import datetime

from backends.errors import BackendError
from rules.difference import difference, same
from rules.verdict import Finding, Outcome
from verifier.judgement import Bench, Judgement, Question, Sides
from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_of_text, digest
from wikibase.ids import EntityId

STALE = "answer_stale"
"""The store answered a read of the head with a revision that was not the wiki's newest any more."""

HIDDEN = "texthidden"
NEVER_THERE = frozenset({"nosuchrevid", "badrevids"})


async def held_against_wiki(
    bench: Bench, question: Question, judgement: Judgement, page: EntityId, rev_id: int
) -> Judgement:
    """Judge an answer that is what the store has. Raises backends.errors of the store."""
    stored = await bench.store.revision(page, rev_id)
    try:
        told = (await bench.wiki.contents([rev_id])).get(rev_id)
        if told is None or stored is None or stored.content is None:
            return Judgement(Outcome.NOT_YET, "wiki_unavailable", "nothing is told of the revision", open=True)
        if told.text is None:
            return _without_text(bench, page, rev_id, told.reason or "")
        wiki = canonical_of_text(told.text, entity_id=page)
    except NotAnEntityError as error:
        return Judgement(Outcome.MISMATCH, "wiki_has_no_entity", str(error)[:500])
    except BackendError as error:
        return Judgement(Outcome.NOT_YET, "wiki_unavailable", str(error)[:200], open=True)
    if not same(wiki, stored.content):
        sides = Sides(
            wiki=wiki,
            store=stored.content,
            wiki_digest=digest(canonical_bytes(wiki)),
            store_digest=digest(canonical_bytes(stored.content)),
            public=True,
            reread="the store answered; the wiki was read at the same revision",
        )
        found = difference(wiki, stored.content)
        detail = f"wiki -> store at revision {rev_id} (the store answered):\n{found.text()}"
        return Judgement(Outcome.MISMATCH, "order" if found.only_order else "content", detail, sides=sides)
    return await _newest(bench, question, judgement, page, rev_id)


def _without_text(bench: Bench, page: EntityId, rev_id: int, reason: str) -> Judgement:
    if reason in NEVER_THERE:
        kind, detail = "rogue", "the wiki has no such revision"
    elif reason == HIDDEN:
        kind, detail = "hidden_but_visible", "the wiki hides the text"
    else:
        return Judgement(Outcome.NOT_COMPARED, "wiki_unreadable", reason[:200])
    finding = Finding(kind=kind, entity_id=page, revision=rev_id, detail=detail)
    return Judgement(Outcome.NOT_YET, "visibility", detail, findings=(finding,) if bench.last else (), open=True)


async def _newest(bench: Bench, question: Question, judgement: Judgement, page: EntityId, rev_id: int) -> Judgement:
    """Look whether the revision was the wiki's newest when the read began, clocks aside."""
    if not question.head_read:
        return judgement
    try:
        head = (await bench.wiki.heads([page])).get(page)
    except BackendError:
        return judgement  # the content was shown to be right
    if head is None or head.rev_id is None or head.rev_id == rev_id or head.redirected_to is not None:
        return judgement
    if head.modified is None or not _was_there(bench, head.modified):
        return judgement
    detail = f"answered with revision {rev_id}; the wiki had {head.rev_id} since {head.modified}"
    finding = Finding(kind=STALE, entity_id=page, revision=rev_id, detail=detail)
    return replace(judgement, findings=(*judgement.findings, finding))


def _was_there(bench: Bench, modified: str) -> bool:
    return datetime.fromisoformat(modified).timestamp() < bench.started_at - bench.margin_s
