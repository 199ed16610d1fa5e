"""The judge over everything that was recorded, and over every way in which a side can be wrong."""

import asyncio
import copy
import gzip
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fakes.samples import LONG_AFTER, reads_of_wiki_a, recorded_reads, sample
from fakes.sides import MemoryStore, MemoryWiki, revision, wiki_a
from shared_truth import SHARED, needs_shared

from backends.wiki.shapes import WikiHead
from rules.routes.route import Site
from rules.sample import Sample
from rules.verdict import Outcome
from verifier.judge import JudgeResult, Limits, judge
from wikibase.canonical import canonical_entity, entity_of_text

WIKI_A = SHARED / "datasets" / "wiki-a"
SITE = Site()


def judged(store: Any, wiki: Any, one: Sample, **kwargs: Any) -> JudgeResult:
    return asyncio.run(judge(one, store=store, wiki=wiki, site=SITE, now=lambda: LONG_AFTER, **kwargs))


def statement(guid: str, prop: str, text: str) -> dict[str, Any]:
    value = {"value": text, "type": "string"}
    main = {"snaktype": "value", "property": prop, "datavalue": value}
    qualifier = {"snaktype": "value", "property": "P9", "datavalue": {"value": "q", "type": "string"}}
    return {
        "mainsnak": main,
        "type": "statement",
        "qualifiers": {"P9": [qualifier], "P8": [{"snaktype": "somevalue", "property": "P8"}]},
        "qualifiers-order": ["P9", "P8"],
        "id": guid,
        "rank": "normal",
        "references": [{"snaks": {"P7": [qualifier | {"property": "P7"}]}, "snaks-order": ["P7"]}],
    }


ITEM: dict[str, Any] = {
    "type": "item",
    "id": "Q5",
    "labels": {"en": {"language": "en", "value": "one"}, "de": {"language": "de", "value": "eins"}},
    "descriptions": {"en": {"language": "en", "value": "number"}},
    "aliases": {"en": [{"language": "en", "value": v} for v in ("1", "I")]},
    "claims": {
        "P1": [statement("Q5$a", "P1", "x"), statement("Q5$b", "P1", "y")],
        "P2": [statement("Q5$c", "P2", "z")],
    },
    "sitelinks": {"enwiki": {"site": "enwiki", "title": "One", "badges": ["Q7", "Q8"]}},
}


def sides() -> tuple[MemoryStore, MemoryWiki]:
    """Return a store and a wiki that have revisions 10 and 11 of Q5, 11 the head."""
    store, wiki = MemoryStore(), MemoryWiki()
    older = {**ITEM, "labels": {}}
    store.put(revision("Q5", 10, older, position=0))
    store.put(revision("Q5", 11, ITEM, position=1))
    wiki.revisions |= {("Q5", 10): older, ("Q5", 11): ITEM}
    wiki.known_heads["Q5"] = WikiHead(rev_id=11, modified="2020-01-01T00:00:00Z")
    return store, wiki


def answer(content: dict[str, Any] | None = None, rev_id: int = 11, **fields: Any) -> dict[str, Any]:
    info = {"pageid": 1, "ns": 120, "title": "Item:Q5", "lastrevid": rev_id, "modified": "2020-01-01T00:00:00Z"}
    return {"entities": {"Q5": {**info, **(content or ITEM)}}, "success": 1, **fields}


READ = "/w/api.php?action=wbgetentities&ids=Q5&format=json"


# ---- Everything recorded ----


@needs_shared
def test_every_read_of_wiki_a_agrees_with_a_store_that_has_everything() -> None:
    store, wiki = wiki_a(WIKI_A)
    outcomes: Counter[tuple[str, str]] = Counter()
    reasons: Counter[str] = Counter()
    wrong: list[str] = []

    async def judge_all() -> None:
        for kind, one in reads_of_wiki_a(WIKI_A):
            result = await judge(one, store=store, wiki=wiki, site=SITE, now=lambda: LONG_AFTER, attempt=6)
            for verdict in result.verdicts:
                outcomes[verdict.surface, verdict.outcome.value] += 1
                if verdict.outcome is Outcome.NOT_COMPARED:
                    reasons[verdict.reason] += 1
                elif verdict.outcome not in (Outcome.MATCH, Outcome.RULE) or result.findings:
                    wrong.append(f"{kind} {one.target} {verdict.outcome} {verdict.reason} {verdict.detail}")

    asyncio.run(judge_all())
    assert wrong == []
    compared = {key: seen for key, seen in outcomes.items() if key[1] in ("match", "match_under_rule")}
    assert compared == {
        ("wbgetentities", "match"): 1121,
        ("wbgetentities", "match_under_rule"): 120,
        ("wbgetclaims", "match"): 56,
        ("entitydata", "match"): 124,
        ("rest", "match"): 49,
        ("revisions", "match"): 104,
    }
    # What is left aside is an error, a format without entities, a redirect, or no entity read; nothing by accident.
    assert {reason for reason in reasons if not reason.startswith(("not_ours_", "status_", "format_"))} == {
        "answer_is_error",
        "foreign_id",
        "no_body",
        "not_modified",
        "nothing_answered",
        "rest_resource",
        "title_missing",
        "wiki_unreadable",
    }


@needs_shared
def test_every_recorded_get_agrees_with_the_stored_revisions() -> None:
    store, wiki = MemoryStore(), MemoryWiki()
    folder = SHARED / "recordings" / "revisions"
    for position, row in enumerate(json.loads((folder / "INDEX.json").read_text())):
        if not str(row["model"]).startswith("wikibase-") or row["archived"]:
            continue
        if row["rev_deleted"] & 1:
            store.put(revision(row["title"], row["rev_id"], None, position=position, state="text_hidden"))
            continue
        content = canonical_entity(entity_of_text((folder / row["file"]).read_bytes()))
        target = content.get("redirect")
        state = "redirect" if target else "visible"
        store.put(
            revision(row["title"], row["rev_id"], content, position=position, state=state, redirect_target=target)
        )
        if not target:
            wiki.known_heads[row["title"]] = WikiHead(rev_id=row["rev_id"], modified="2026-11-22T15:00:00Z")
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []

    async def judge_all() -> None:
        for name, one in recorded_reads(SHARED / "recordings" / "api"):
            result = await judge(one, store=store, wiki=wiki, site=SITE, now=lambda: LONG_AFTER, attempt=6)
            for verdict in result.verdicts:
                outcomes[verdict.outcome.value] += 1
                if verdict.outcome in (Outcome.MISMATCH, Outcome.ERROR):
                    wrong.append(f"{name} {verdict.entity_id} {verdict.revision} {verdict.reason} {verdict.detail}")

    asyncio.run(judge_all())
    assert wrong == []
    # Two revisions that only an administrator was shown: the store keeps them from everybody.
    assert outcomes == {"match": 328, "match_under_rule": 1, "not_comparable_yet": 2, "not_compared": 114}


# ---- Damage: each is seen ----


def first(item: dict[str, Any]) -> dict[str, Any]:
    return item["claims"]["P1"][0]


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(item: dict[str, Any]) -> None:
        here: Any = item
        *steps, end = path.split("/")
        for step in steps:
            here = here[int(step)] if isinstance(here, list) else here[step]
        if value is None:
            del here[int(end) if isinstance(here, list) else end]
        else:
            here[int(end) if isinstance(here, list) else end] = value

    return apply


def reverse(path: str) -> Callable[[dict[str, Any]], None]:
    def apply(item: dict[str, Any]) -> None:
        here: Any = item
        for step in path.split("/"):
            here = here[int(step)] if isinstance(here, list) else here[step]
        here.reverse()

    return apply


DAMAGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "one letter of a label": change("labels/en/value", "onf"),
    "a label lost": change("labels/de", None),
    "a label in another language": change("labels/fr", {"language": "fr", "value": "un"}),
    "a description lost": change("descriptions/en", None),
    "an alias lost": change("aliases/en/1", None),
    "aliases swapped": reverse("aliases/en"),
    "a rank": change("claims/P1/0/rank", "preferred"),
    "a GUID": change("claims/P1/0/id", "Q5$A"),
    "a value": change("claims/P1/0/mainsnak/datavalue/value", "X"),
    "a value type": change("claims/P1/0/mainsnak/datavalue/type", "external-id"),
    "somevalue for a value": change("claims/P1/0/mainsnak", {"snaktype": "somevalue", "property": "P1"}),
    "novalue for somevalue": change("claims/P1/0/qualifiers/P8/0/snaktype", "novalue"),
    "a qualifier lost": change("claims/P1/0/qualifiers/P9", None),
    "a qualifier's value": change("claims/P1/0/qualifiers/P9/0/datavalue/value", "Q"),
    "qualifiers in another order": reverse("claims/P1/0/qualifiers-order"),
    "a reference lost": change("claims/P1/0/references", None),
    "a reference's value": change("claims/P1/0/references/0/snaks/P7/0/datavalue/value", "R"),
    "statements swapped": reverse("claims/P1"),
    "a statement lost": change("claims/P1/1", None),
    "a property lost": change("claims/P2", None),
    "all statements lost": change("claims", {}),
    "a site link's title": change("sitelinks/enwiki/title", "Two"),
    "a badge lost": change("sitelinks/enwiki/badges/0", None),
    "badges swapped": reverse("sitelinks/enwiki/badges"),
    "a site link lost": change("sitelinks/enwiki", None),
    "another id": change("id", "Q6"),
    "another type": change("type", "property"),
    "an unknown part": change("extra", {"x": 1}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_a_mismatch_that_says_what(damage: str) -> None:
    store, wiki = sides()
    content = copy.deepcopy(ITEM)
    DAMAGES[damage](content)
    store.put(revision("Q5", 11, content, position=1))
    (verdict,) = judged(store, wiki, sample(READ, answer())).verdicts
    assert (verdict.outcome, verdict.entity_id, verdict.revision) == (Outcome.MISMATCH, "Q5", 11)
    assert len(verdict.detail.splitlines()) >= 2


def test_properties_in_another_order_are_a_mismatch_of_order() -> None:
    store, wiki = sides()
    store.put(revision("Q5", 11, {**ITEM, "claims": dict(reversed(ITEM["claims"].items()))}, position=1))
    (verdict,) = judged(store, wiki, sample(READ, answer())).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.MISMATCH, "order")


# ---- Revisions: only the same one is compared ----


def test_a_revision_that_the_store_lacks_is_looked_at_again() -> None:
    store, wiki = sides()
    result = judged(store, wiki, sample(READ, answer(rev_id=12)))
    assert [(one.outcome, one.reason) for one in result.verdicts] == [(Outcome.NOT_YET, "store_behind")]
    assert result.again == {"Q5"}
    assert judged(store, wiki, sample(READ, answer(rev_id=12)), attempt=6).again == frozenset()
    assert judged(store, wiki, sample(READ, answer(rev_id=12)), only=frozenset({"Q6"})).verdicts == ()


def test_an_older_revision_is_compared_with_itself() -> None:
    store, wiki = sides()
    content = {**ITEM, "labels": {}}
    target = "/wiki/Special:EntityData/Q5.json?revision=10"
    (verdict,) = judged(store, wiki, sample(target, answer(content, rev_id=10))).verdicts
    assert (verdict.outcome, verdict.revision) == (Outcome.MATCH, 10)


def test_an_answer_that_tells_no_revision_is_pinned_only_to_a_head_older_than_the_request() -> None:
    store, wiki = sides()
    target = f"{READ}&props=labels"
    body = {"entities": {"Q5": {"type": "item", "id": "Q5", "labels": ITEM["labels"]}}}
    assert judged(store, wiki, sample(target, body)).verdicts[0].outcome is Outcome.MATCH
    made_at = 1577836800.0  # 2020-01-01, when the head was made
    for started_at in (made_at - 100, made_at, made_at + Limits().margin_s):
        (verdict,) = judged(store, wiki, sample(target, body, started_at=started_at)).verdicts
        assert (verdict.outcome, verdict.reason) == (Outcome.NOT_YET, "revision_unknown")
    wrong = {"entities": {"Q5": {"type": "item", "id": "Q5", "labels": {}}}}
    (verdict,) = judged(store, wiki, sample(target, wrong)).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_YET, "revision_unknown")


def test_a_deleted_entity_that_was_answered_cannot_be_pinned() -> None:
    store, wiki = sides()
    wiki.known_heads.clear()
    body = {"entities": {"Q5": {"type": "item", "id": "Q5", "labels": {}}}}
    assert judged(store, wiki, sample(f"{READ}&props=labels", body)).verdicts[0].reason == "revision_unknown"


# ---- What is not compared, and sides that are away ----


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (sample("/w/load.php"), "not_ours_other_script"),
        (sample(READ, {"error": {"code": "maxlag"}}), "answer_is_error"),
        (sample(READ, {"success": 1}), "nothing_answered"),
        (sample(READ, status=304), "not_modified"),
        (sample(READ, status=503), "status_503"),
        (sample(READ, method="HEAD"), "no_body"),
        (sample(READ, [], response_headers=(("content-type", "text/xml"),)), "format_json"),
        (sample(READ, {"entities": {"Item:Q5": {"id": "Item:Q5", "missing": ""}}}), "foreign_id"),
        (sample(READ, {"entities": {"-1": {"site": "x", "missing": ""}}}), "title_missing"),
    ],
)
def test_what_has_nothing_to_compare_says_why(one: Sample, reason: str) -> None:
    (verdict,) = judged(*sides(), one).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_COMPARED, reason)


def test_a_write_is_not_compared() -> None:
    post = sample("/w/api.php", {}, method="POST", form=b"action=wbsetlabel&id=Q5&language=en&value=x&token=")
    (verdict,) = judged(*sides(), post).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_COMPARED, "write")


def test_a_body_that_cannot_be_read_is_an_error() -> None:
    (verdict,) = judged(*sides(), sample(READ, b"{oops")).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, "body_unreadable")
    broken = answer({**ITEM, "claims": {"P1": [5]}})
    (verdict,) = judged(*sides(), sample(READ, broken)).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, "answer_unreadable")


def test_a_compressed_post_is_judged_like_any_other() -> None:
    packed = gzip.compress(json.dumps(answer()).encode())
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    post = sample("/w/api.php?action=query", packed, method="POST", response_headers=headers,
                  form=b"action=wbgetentities&ids=Q5&format=json",
                  request_headers=(("content-type", "multipart/form-data; boundary=x"),))  # fmt: skip
    (verdict,) = judged(*sides(), post).verdicts
    assert (verdict.outcome, verdict.surface) == (Outcome.MATCH, "wbgetentities")
    assert verdict.target == "/w/api.php?action=query action=wbgetentities&ids=Q5&format=json"


def test_sides_that_are_away_are_asked_again() -> None:
    store, wiki = sides()
    store.down = True
    result = judged(store, wiki, sample(READ, answer()))
    assert (result.verdicts[0].outcome, result.verdicts[0].reason) == (Outcome.ERROR, "store_unavailable")
    assert result.again == {"Q5"}
    store.down, wiki.down = False, True
    body = {"entities": {"Q5": {"type": "item", "id": "Q5", "labels": ITEM["labels"]}}}
    result = judged(store, wiki, sample(f"{READ}&props=labels", body))
    assert (result.verdicts[0].outcome, result.verdicts[0].reason) == (Outcome.NOT_YET, "wiki_unavailable")
    assert result.again == {"Q5"}


def test_many_entities_in_one_answer_are_settled_one_by_one() -> None:
    store, wiki = sides()
    body = answer()
    body["entities"]["Q6"] = {**body["entities"]["Q5"], "id": "Q6", "lastrevid": 99}
    result = judged(store, wiki, sample("/w/api.php?action=wbgetentities&ids=Q5|Q6&format=json", body))
    assert [(one.key, one.outcome) for one in result.verdicts] == [("Q5", Outcome.MATCH), ("Q6", Outcome.NOT_YET)]
    assert result.again == {"Q6"}


@pytest.mark.parametrize(
    ("target", "rev_id", "key"),
    [
        (READ, 11, "item|wbgetentities|<4K|2018-21|json 1"),
        (f"{READ}&formatversion=2", 11, "item|wbgetentities|<4K|2018-21|json 2"),
        ("/wiki/Special:EntityData/Q5.json?revision=77", 77, "item|entitydata|<4K|2018-21|json"),
    ],
)
def test_a_verdict_says_in_which_stratum_it_counts(target: str, rev_id: int, key: str) -> None:
    (verdict,) = judged(*sides(), sample(target, answer(rev_id=rev_id))).verdicts
    assert verdict.stratum is not None
    assert verdict.stratum.key() == key
    assert verdict.shape


def test_the_age_of_an_answer_that_tells_none_is_the_revisions() -> None:
    store, wiki = sides()
    stored = store.revisions["Q5", 11]
    object.__setattr__(stored, "timestamp", "2013-05-01T00:00:00Z")
    body = {"entities": {"Q5": {"type": "item", "id": "Q5", "labels": ITEM["labels"]}}}
    (verdict,) = judged(store, wiki, sample(f"{READ}&props=labels", body)).verdicts
    assert (verdict.outcome, verdict.stratum and verdict.stratum.age) == (Outcome.MATCH, "<2015")
