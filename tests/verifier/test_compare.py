"""One entity against the store: heads, redirects, noise, corrupt snapshots, forms of lexemes, hidden texts."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes.sides import MemoryHead, MemoryStore, MemoryWiki, revision

from backends.wiki.shapes import Content as WikiContent
from backends.wiki.shapes import WikiHead
from rules.normalise_answers import CLEANUP_RULE
from rules.projection import Part
from rules.verdict import Outcome
from verifier.compare import FALLBACK_RULE, NOISE_RULE, Bench, Judgement, Question, judge_entity
from wikibase.answers import AnsweredEntity, Presence
from wikibase.ids import EntityId
from wikibase.revision import State

Q1 = EntityId("Q1")


def item(text: str = "one", entity_id: str = "Q1") -> dict[str, Any]:
    return {"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": text}}}


def sides() -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = MemoryStore(), MemoryWiki()
    for position, rev_id in enumerate((30, 10, 20)):  # ids do not tell the order: 20 is the newest
        content = item(f"text of {rev_id}")
        store.put(revision("Q1", rev_id, content, position=position))
        wiki.revisions["Q1", rev_id] = content
    wiki.known_heads["Q1"] = WikiHead(rev_id=20, modified="2020-01-01T00:00:00Z")
    return store, wiki


def answered(rev_id: int | None = 20, content: dict[str, Any] | None = None, **fields: Any) -> AnsweredEntity:
    plain: dict[str, Any] = {"key": "Q1", "presence": Presence.ENTITY, "asked": Q1, "served": Q1, "revision": rev_id}
    return AnsweredEntity(**{**plain, "content": content or item(f"text of {rev_id}"), **fields})


def judge(store: MemoryStore, wiki: MemoryWiki, one: AnsweredEntity, **fields: Any) -> Judgement:
    bench = {"started_at": 2e9, "margin_s": 5.0, "last": False, "confirmed": True}
    asked = {"part": Part(), "pinned": None, "head_read": True, "follow_redirects": True}
    for name, value in fields.items():
        (bench if name in bench else asked)[name] = value
    question = Question(answered=one, **asked)  # type: ignore[arg-type]
    return asyncio.run(judge_entity(Bench(store=store, wiki=wiki, **bench), question))  # type: ignore[arg-type]


# ---- Heads ----


def test_a_head_that_is_the_revision_or_lies_after_it_is_right() -> None:
    store, wiki = sides()
    assert judge(store, wiki, answered(20)).outcome is Outcome.MATCH
    assert judge(store, wiki, answered(10)).outcome is Outcome.MATCH
    assert judge(store, wiki, answered(30)).outcome is Outcome.MATCH


def test_a_head_that_lies_before_a_revision_that_is_there_is_a_finding() -> None:
    store, wiki = sides()
    store.heads["Q1"] = MemoryHead(30, 99, State.VISIBLE)  # its own row even tells another place
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.reason, found.revision) == (Outcome.ERROR, "head_behind", 20)
    assert [(one.kind, one.entity_id, one.revision) for one in found.findings] == [("head_behind", "Q1", 20)]


def test_a_wrong_head_must_be_seen_again_before_it_is_called_one() -> None:
    store, wiki = sides()
    store.heads["Q1"] = MemoryHead(30, 0, State.VISIBLE)
    found = judge(store, wiki, answered(20), confirmed=False)
    assert (found.outcome, found.open, found.findings) == (Outcome.NOT_YET, True, ())


def test_heads_that_are_not_there_or_lead_nowhere_or_lie_are_findings() -> None:
    for head, kind in (
        (None, "head_unknown"),
        (MemoryHead(77, 5, State.VISIBLE), "head_dangling"),
        (MemoryHead(20, 2, State.REDIRECT, EntityId("Q9")), "head_state_wrong"),
    ):
        store, wiki = sides()
        store.heads.clear()
        if head:
            store.heads["Q1"] = head
        found = judge(store, wiki, answered(20))
        assert (found.outcome, found.findings[0].kind) == (Outcome.ERROR, kind)


def test_a_pinned_read_does_not_ask_for_the_head() -> None:
    store, wiki = sides()
    store.heads.clear()
    assert judge(store, wiki, answered(20), head_read=False, pinned=20).outcome is Outcome.MATCH


def test_a_mismatch_with_a_wrong_head_tells_both() -> None:
    store, wiki = sides()
    store.put(revision("Q1", 20, item("damaged"), position=2), head=False)
    store.heads["Q1"] = MemoryHead(30, 0, State.VISIBLE)
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.findings[0].kind) == (Outcome.MISMATCH, "head_behind")


# ---- Redirects ----


def redirected() -> AnsweredEntity:
    return answered(20, asked=EntityId("Q37"), key="Q37")


def test_a_redirect_that_the_store_follows_too() -> None:
    store, wiki = sides()
    store.heads["Q37"] = MemoryHead(5, 0, State.REDIRECT, Q1)
    assert judge(store, wiki, redirected()).outcome is Outcome.MATCH
    store.heads["Q37"] = MemoryHead(5, 0, State.REDIRECT, EntityId("Q38"))
    store.heads["Q38"] = MemoryHead(6, 0, State.REDIRECT, Q1)
    assert judge(store, wiki, redirected()).outcome is Outcome.MATCH


def test_a_redirect_that_the_store_does_not_have_is_a_finding() -> None:
    for head in (None, MemoryHead(5, 0, State.VISIBLE), MemoryHead(5, 0, State.REDIRECT, EntityId("Q37"))):
        store, wiki = sides()
        if head:
            store.heads["Q37"] = head
        found = judge(store, wiki, redirected())
        assert (found.outcome, found.findings[0].kind) == (Outcome.ERROR, "redirect_differs")
        assert found.findings[0].entity_id == "Q37"


def test_the_stored_text_of_a_redirect_is_compared() -> None:
    store, wiki = sides()
    text = {"entity": "Q1", "redirect": "Q2"}
    store.put(revision("Q1", 40, text, position=3, state=State.REDIRECT, redirect_target="Q2"))
    one = answered(40, text, presence=Presence.REDIRECT, whole=True)
    assert judge(store, wiki, one, head_read=False).outcome is Outcome.MATCH
    other = answered(40, {"entity": "Q1", "redirect": "Q3"}, presence=Presence.REDIRECT, whole=True)
    found = judge(store, wiki, other, head_read=False)
    assert found.outcome is Outcome.MISMATCH


# ---- Noise and error ----


def test_a_mismatch_that_the_wiki_confirms_says_what() -> None:
    store, wiki = sides()
    store.put(revision("Q1", 20, item("damaged"), position=2))
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.reason) == (Outcome.MISMATCH, "content")
    assert found.detail == 'wiki -> store at revision 20:\nlabel en: "text of 20" -> "damaged"'


def test_a_wiki_that_disagrees_with_itself_is_noise() -> None:
    store, wiki = sides()
    found = judge(store, wiki, answered(20, item("a passing fault")))
    assert (found.outcome, found.rules) == (Outcome.RULE, (NOISE_RULE,))
    assert "a passing fault" in found.detail


def test_a_store_that_agrees_with_neither_answer_of_the_wiki_is_a_mismatch() -> None:
    store, wiki = sides()
    store.put(revision("Q1", 20, item("damaged"), position=2))
    found = judge(store, wiki, answered(20, item("a passing fault")))
    assert found.outcome is Outcome.MISMATCH
    assert 'label en: "text of 20" -> "damaged"' in found.detail


def test_a_mismatch_stays_one_when_the_wiki_cannot_be_read_again() -> None:
    store, wiki = sides()
    wiki.down = True
    found = judge(store, wiki, answered(20, item("other")))
    assert found.outcome is Outcome.MISMATCH
    assert "could not be read again" in found.detail
    wiki.down = False
    wiki.revisions.clear()
    assert judge(store, wiki, answered(20, item("other"))).outcome is Outcome.MISMATCH


def test_terms_that_fallback_chose_are_a_match_under_a_rule() -> None:
    store, wiki = sides()
    labels = {"de": {"value": "text of 20", "language": "en", "for-language": "de"}}
    part = Part(fields=frozenset({"labels"}), languages=frozenset({"de"}), language_fallback=True)
    found = judge(store, wiki, answered(20, {**item(), "labels": labels}), part=part)
    assert (found.outcome, found.rules) == (Outcome.RULE, (FALLBACK_RULE,))
    labels["de"]["value"] = "somebody else's text"
    assert judge(store, wiki, answered(20, {**item(), "labels": labels}), part=part).outcome is Outcome.RULE
    wiki.revisions["Q1", 20] = None
    assert judge(store, wiki, answered(20, {**item(), "labels": labels}), part=part).outcome is Outcome.MISMATCH


# ---- Snapshots ----


def test_a_corrupt_snapshot_is_named() -> None:
    store, wiki = sides()
    store.corrupt.add(("Q1", 20))
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.reason, found.open) == (Outcome.ERROR, "snapshot_corrupt", False)
    assert [(one.kind, one.entity_id, one.revision) for one in found.findings] == [("snapshot_corrupt", "Q1", 20)]


def test_a_store_without_the_text_that_the_wiki_serves_is_a_mismatch() -> None:
    store, wiki = sides()
    lost = replace(revision("Q1", 20, None, position=2, state=State.MISSING), error="textmissing")
    store.put(lost)
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.reason, found.detail) == (
        Outcome.MISMATCH, "store_has_no_content", "the store says: textmissing",
    )  # fmt: skip


def test_a_text_hidden_on_one_side_only_may_be_about_to_be_hidden_or_shown() -> None:
    store, wiki = sides()
    hidden = replace(answered(20, presence=Presence.HIDDEN), content=None)
    found = judge(store, wiki, hidden, head_read=False)
    assert (found.outcome, found.reason, found.open, found.findings) == (Outcome.NOT_YET, "visibility", True, ())
    found = judge(store, wiki, hidden, head_read=False, last=True)
    assert found.findings[0].kind == "hidden_but_visible"
    store.put(revision("Q1", 20, None, position=2, state=State.TEXT_HIDDEN))
    assert judge(store, wiki, hidden, head_read=False).outcome is Outcome.MATCH
    found = judge(store, wiki, answered(20))
    assert (found.outcome, found.reason, found.open) == (Outcome.NOT_YET, "visibility", True)


def test_a_form_is_compared_with_its_part_of_the_lexeme() -> None:
    store, wiki = MemoryStore(), MemoryWiki()
    form = {"id": "L1-F1", "representations": {"en": {"language": "en", "value": "x"}}, "claims": []}
    lexeme = {"type": "lexeme", "id": "L1", "lexicalCategory": "Q1", "language": "Q2", "claims": [], "forms": [form]}
    store.put(revision("L1", 7, lexeme))
    wiki.revisions["L1", 7] = lexeme
    form_id = EntityId("L1-F1")
    one = answered(7, {"lastrevid": 7, **form, "grammaticalFeatures": []}, asked=form_id, served=form_id)
    assert judge(store, wiki, one).outcome is Outcome.MATCH
    other = answered(7, {**form, "grammaticalFeatures": ["Q9"]}, asked=form_id, served=form_id)
    assert judge(store, wiki, other).outcome is Outcome.RULE  # the wiki, read again, has no such feature
    gone = EntityId("L1-F2")
    found = judge(store, wiki, answered(7, {**form, "id": gone}, asked=gone, served=gone))
    assert (found.outcome, found.reason) == (Outcome.MISMATCH, "part_missing")


# ---- What the Action API's output layer does to texts ----

DECOMPOSED, COMPOSED = item("Cafe\u0301"), item("Café")


def cleaned_sides(stored: dict[str, Any], wiki_text: dict[str, Any]) -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = sides()
    store.put(revision("Q1", 20, stored, position=2))
    wiki.revisions["Q1", 20] = wiki_text
    return store, wiki


@pytest.mark.parametrize("surface", ["wbgetentities", "entitydata", "wbgetclaims", "revisions"])
def test_a_text_that_the_api_cleans_is_equal_under_a_rule_with_a_name(surface: str) -> None:
    store, wiki = cleaned_sides(DECOMPOSED, DECOMPOSED)
    found = judge(store, wiki, answered(20, COMPOSED), surface=surface)
    assert (found.outcome, found.rules) == (Outcome.RULE, (CLEANUP_RULE,))
    store, wiki = cleaned_sides(item("a\x07b"), item("a\x07b"))
    found = judge(store, wiki, answered(20, item("a\ufffdb")), surface=surface)
    assert (found.outcome, found.rules) == (Outcome.RULE, (CLEANUP_RULE,))


def test_a_store_that_has_decomposed_what_the_wiki_has_composed_is_a_mismatch() -> None:
    store, wiki = cleaned_sides(DECOMPOSED, COMPOSED)
    assert judge(store, wiki, answered(20, COMPOSED), surface="wbgetentities").outcome is Outcome.MISMATCH


def test_what_the_api_would_not_have_answered_is_a_mismatch_though_only_a_form_differs() -> None:
    store, wiki = cleaned_sides(COMPOSED, COMPOSED)
    wiki.revisions["Q1", 20] = DECOMPOSED
    assert judge(store, wiki, answered(20, DECOMPOSED), surface="wbgetentities").outcome is Outcome.MISMATCH


def test_a_surface_that_cleans_nothing_has_no_such_rule() -> None:
    store, wiki = cleaned_sides(DECOMPOSED, DECOMPOSED)
    wiki.revisions["Q1", 20] = COMPOSED
    assert judge(store, wiki, answered(20, COMPOSED), surface="rest").outcome is Outcome.MISMATCH


def test_without_the_wikis_stored_text_the_rule_does_not_help() -> None:
    store, wiki = cleaned_sides(DECOMPOSED, DECOMPOSED)
    wiki.down = True
    found = judge(store, wiki, answered(20, COMPOSED), surface="wbgetentities")
    assert (found.outcome, found.reason, found.open) == (Outcome.NOT_YET, "wiki_unavailable", True)
    wiki.down = False
    del wiki.revisions["Q1", 20]
    assert judge(store, wiki, answered(20, COMPOSED), surface="wbgetentities").outcome is Outcome.NOT_YET


def test_a_text_that_is_stored_without_escapes_is_cleaned_on_its_way_and_proves_nothing() -> None:
    class RawWiki(MemoryWiki):
        async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, WikiContent]:
            return {rev_ids[0]: WikiContent(json.dumps(COMPOSED, ensure_ascii=False))}

    store, _ = cleaned_sides(DECOMPOSED, COMPOSED)
    found = judge(store, RawWiki(), answered(20, COMPOSED), surface="wbgetentities", head_read=False)
    assert (found.outcome, found.reason, found.open) == (Outcome.NOT_YET, "text_cleaned_on_the_way", False)


def test_another_difference_beside_it_is_a_mismatch() -> None:
    store, wiki = cleaned_sides(DECOMPOSED, DECOMPOSED)
    wiki.revisions["Q1", 20] = {**COMPOSED, "descriptions": {"en": {"language": "en", "value": "more"}}}
    shown = {**COMPOSED, "descriptions": {"en": {"language": "en", "value": "more"}}}
    assert judge(store, wiki, answered(20, shown), surface="wbgetentities").outcome is Outcome.MISMATCH


def test_what_is_certainly_the_same_is_decided_without_canonical_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise AssertionError("nothing had to be made canonical")

    store, wiki = sides()
    whole = {**item("text of 20"), "descriptions": {}, "aliases": {}, "claims": {}, "sitelinks": {}}
    monkeypatch.setattr("verifier.compare.canonical_entity", refuse)
    assert judge(store, wiki, answered(20, whole)).outcome is Outcome.MATCH
    with pytest.raises(AssertionError, match="nothing had"):
        judge(store, wiki, answered(20, {**whole, "labels": item("another")["labels"]}))


def test_only_the_part_that_was_asked_for_must_be_what_the_wiki_has_stored() -> None:
    more = {"descriptions": {"en": {"language": "en", "value": "more"}}}
    store, wiki = cleaned_sides({**DECOMPOSED, **more}, DECOMPOSED)
    part = Part(fields=frozenset({"labels"}))
    found = judge(store, wiki, answered(20, COMPOSED), part=part, surface="wbgetentities")
    assert (found.outcome, found.rules) == (Outcome.RULE, (CLEANUP_RULE,))
