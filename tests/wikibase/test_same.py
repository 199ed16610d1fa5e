"""Equal content decided at once: certain when it says so, and it says so for the pairs that are met."""

import gzip
from typing import Any

import orjson
from fakes.damage import damaged
from fakes.entities import as_answered, as_stored, items, with_other_hashes
from hypothesis import given
from hypothesis import strategies as st
from shared_truth import SHARED, needs_shared

from wikibase.canonical import canonical_bytes, canonical_entity
from wikibase.errors import NotAnEntityError
from wikibase.same import same_content


def canonical(entity: dict[str, Any]) -> dict[str, Any]:
    return orjson.loads(canonical_bytes(canonical_entity(entity)))


@given(items())
def test_an_answer_and_a_stored_text_are_the_content_they_hold(entity: dict[str, Any]) -> None:
    content = canonical(entity)
    for dressed in (as_answered(entity), with_other_hashes(entity)):
        assert same_content(dressed, content)
    assert same_content(as_stored(entity), content) or not all(entity[key] for key in ("claims", "labels", "aliases"))
    assert same_content(content, content)
    assert same_content(orjson.loads(orjson.dumps(content)), content)


@given(items(), st.randoms(use_true_random=False))
def test_it_never_says_same_of_what_is_not(entity: dict[str, Any], dice: Any) -> None:
    content, other = canonical(entity), damaged(entity, dice)
    if same_content(other, content):
        try:
            assert canonical_bytes(canonical_entity(other, partial=True)) == canonical_bytes(content)
        except NotAnEntityError as error:
            raise AssertionError(str(error)) from error


@given(items(), st.randoms(use_true_random=False))
def test_nor_when_the_content_is_the_odd_one(entity: dict[str, Any], dice: Any) -> None:
    try:
        content = canonical(damaged(entity, dice))
    except NotAnEntityError:
        return
    if same_content(entity, content):
        assert canonical_bytes(canonical_entity(entity)) == canonical_bytes(content)


def test_true_and_one_are_not_the_same() -> None:
    def item(value: Any, kind: str = "bad") -> dict[str, Any]:
        snak = {"snaktype": "value", "property": "P1", "datavalue": {"type": kind, "value": value}}
        statement = {"mainsnak": snak, "type": "statement", "id": "x", "rank": "normal"}
        return {"type": "item", "id": "Q1", "claims": {"P1": [statement]}}

    for one, other in (({"a": 1}, {"a": True}), ({"a": [0]}, {"a": [False]}), ({"a": 10**17}, {"a": 1e17})):
        assert not same_content(item(one), canonical_entity(item(other), partial=True))
        assert same_content(item(one), canonical_entity(item(one), partial=True))
    time = {"time": "x", "timezone": 0, "before": 0, "after": 0, "precision": 1, "calendarmodel": "x"}
    assert not same_content(item({**time, "before": False}, "time"), canonical_entity(item(time, "time"), partial=True))
    assert not same_content(item(time, "time"), canonical_entity(item({**time, "before": False}, "time"), partial=True))


def test_numbers_beside_a_text_are_looked_at_too() -> None:
    def item(extra: Any) -> dict[str, Any]:
        datavalue = {"type": "string", "value": "x", "novel": extra}
        snak = {"snaktype": "value", "property": "P1", "datavalue": datavalue}
        statement = {"mainsnak": snak, "type": "statement", "id": "x", "rank": "normal"}
        return {"type": "item", "id": "Q1", "novel": extra, "claims": {"P1": [statement]}}

    assert not same_content(item(True), canonical_entity(item(1), partial=True))
    assert same_content(item(1.0), canonical_entity(item(1), partial=True))  # PHP prints 1.0 as 1


def lexeme(**fields: Any) -> dict[str, Any]:
    form = {"id": "L1-F1", "representations": {"en": {"language": "en", "value": "x"}}, "claims": []}
    sense = {"id": "L1-S1", "glosses": {"en": {"language": "en", "value": "x"}}, "claims": {}}
    return {
        "type": "lexeme",
        "id": "L1",
        "lemmas": {"en": {"language": "en", "value": "x"}},
        "lexicalCategory": "Q1",
        "language": "Q2",
        "claims": [],
        "nextFormId": 2,
        "nextSenseId": 2,
        "forms": [{**form, "grammaticalFeatures": ["Q7", "Q5", "Q7"]}],
        "senses": [sense],
        **fields,
    }


def test_a_lexeme_is_decided_with_its_forms_and_senses() -> None:
    content = canonical(lexeme())
    assert same_content(lexeme(), content)
    assert same_content(content, canonical(content))
    for other in (
        lexeme(lexicalCategory="Q3"),
        lexeme(forms=[]),
        lexeme(senses=[{"id": "L1-S2", "glosses": {}, "claims": []}]),
        lexeme(forms=[{**lexeme()["forms"][0], "grammaticalFeatures": ["Q7"]}]),
        lexeme(forms=[{**lexeme()["forms"][0], "novel": 1}]),
        lexeme(novel=1),
        {key: value for key, value in lexeme().items() if key != "language"},
    ):
        assert not same_content(other, content)
        assert canonical(other) != content


def test_a_site_link_is_decided_by_what_stands_in_it() -> None:
    def item(**link: Any) -> dict[str, Any]:
        links = {"enwiki": {"site": "enwiki", "title": "X", "badges": ["Q1"], **link}}
        return {"type": "item", "id": "Q1", "sitelinks": links}

    content = canonical_entity(item(), partial=True)
    assert same_content(item(url="https://enwiki.example/"), content)
    others: list[dict[str, Any]] = [
        {"title": "Y"},
        {"site": "dewiki"},
        {"badges": []},
        {"novel": 1},
        {"removed": ""},
    ]
    for link in others:
        assert not same_content(item(**link), content)


def test_what_is_no_entity_is_not_decided() -> None:
    for odd in ({}, {"claims": 5}, {"id": "Q1", "type": "item", "claims": {"P1": None}}, {"labels": {"en": 5}}):
        assert not same_content(odd, {"id": "Q1", "type": "item", "claims": {}})


@needs_shared
def test_every_recorded_answer_that_is_equal_is_decided_here() -> None:
    told = {}
    with gzip.open(SHARED / "datasets" / "wiki-a" / "truth" / "revisions.jsonl.gz") as lines:
        for line in lines:
            row = orjson.loads(line)
            if row["content"] is not None:
                told[row["rev_id"]] = row["content"]
    decided = undecided = 0
    for line in (SHARED / "datasets" / "wiki-a" / "truth" / "samples.jsonl").read_bytes().splitlines():
        sample = orjson.loads(line)
        for entity in ((sample["entitydata"] or {}).get("entities") or {}).values():
            if (stored := told.get(entity.get("lastrevid"))) is not None:
                if same_content(entity, canonical(stored)):
                    decided += 1
                else:
                    undecided += 1
    assert (decided, undecided) == (48, 0)
