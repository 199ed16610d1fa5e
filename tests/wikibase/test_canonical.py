"""The canonical form: one for every shape, blind to what is derived, awake to what readers see."""

import copy
from typing import Any

import orjson
import pytest
from fakes.entities import as_answered, as_stored, items, with_keys_shuffled, with_other_hashes
from hypothesis import given
from hypothesis import strategies as st

from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_entity, digest, id_counters
from wikibase.ids import EntityId


def form(entity: Any, **kwargs: Any) -> bytes:
    return canonical_bytes(canonical_entity(entity, **kwargs))


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "item", "id": "Q1", **fields}


def statement(prop: str, text: str, **fields: Any) -> dict[str, Any]:
    value = {"value": text, "type": "string"}
    snak = {"snaktype": "value", "property": prop, "datavalue": value}
    return {"mainsnak": snak, "type": "statement", "id": f"Q1${prop}-{text}", "rank": "normal", **fields}


@given(items())
def test_canonical_is_its_own_canonical_form(entity: dict[str, Any]) -> None:
    once = form(entity)
    assert form(orjson.loads(once)) == once


@given(items(), st.integers())
def test_key_order_and_derived_fields_and_empty_lists_make_no_difference(entity: dict[str, Any], seed: int) -> None:
    expected = form(entity)
    assert form(as_stored(entity)) == expected
    assert form(as_answered(entity)) == expected
    assert form(with_other_hashes(entity)) == expected
    assert form(with_keys_shuffled(as_answered(entity), seed)) == expected


@given(items())
def test_the_argument_is_left_as_it_was(entity: dict[str, Any]) -> None:
    before = copy.deepcopy(entity)
    canonical_entity(entity)
    assert entity == before


@given(items())
def test_the_order_of_statements_and_of_their_properties_is_seen(entity: dict[str, Any]) -> None:
    expected = form(entity)
    for prop, group in entity["claims"].items():
        if len(group) > 1:
            other = {**entity, "claims": {**entity["claims"], prop: group[::-1]}}
            assert form(other) != expected
    if len(entity["claims"]) > 1:
        assert form({**entity, "claims": dict(reversed(entity["claims"].items()))}) != expected


def test_order_that_readers_see_is_kept() -> None:
    qualifiers = {"P2": [{"snaktype": "novalue", "property": "P2"}], "P1": [{"snaktype": "novalue", "property": "P1"}]}
    plain = statement("P31", "x", qualifiers=qualifiers, **{"qualifiers-order": ["P2", "P1"]})
    other = {**plain, "qualifiers-order": ["P1", "P2"]}
    assert form(item(claims={"P31": [plain]})) != form(item(claims={"P31": [other]}))
    links = {"enwiki": {"site": "enwiki", "title": "X", "badges": ["Q2", "Q1"]}}
    assert canonical_entity(item(sitelinks=links))["sitelinks"]["enwiki"]["badges"] == ["Q2", "Q1"]
    two = {"en": [{"language": "en", "value": "b"}, {"language": "en", "value": "a"}]}
    assert form(item(aliases=two)) != form(item(aliases={"en": two["en"][::-1]}))


def test_an_order_list_is_there_whenever_there_are_snaks() -> None:
    bare = statement("P1", "x", qualifiers={"P5": [{"snaktype": "novalue", "property": "P5"}], "P3": []})
    made = canonical_entity(item(claims={"P1": [bare]}))
    assert made["claims"]["P1"][0]["qualifiers-order"] == ["P5"]
    assert made["claims"]["P1"][0]["qualifiers"] == {"P5": [{"snaktype": "novalue", "property": "P5"}]}
    assert made["claims-order"] == ["P1"]
    assert "claims-order" not in canonical_entity(item(claims=[]))


def test_empty_lists_and_maps_are_one() -> None:
    keys = ("labels", "descriptions", "aliases", "claims", "sitelinks")
    assert form(item(**{key: [] for key in keys})) == form(item(**{key: {} for key in keys})) == form(item())


def test_what_wikibases_own_lists_collapse_collapses() -> None:
    snak = {"snaktype": "somevalue", "property": "P2"}
    other = {"snaktype": "novalue", "property": "P2"}
    twice = statement("P1", "x", qualifiers={"P2": [snak, snak, other]})
    references = [
        {"snaks": {"P2": [snak, other]}, "snaks-order": ["P2"]},
        {"snaks": {"P2": [other, snak]}},
        {"snaks": {"P2": [snak]}},
        {"snaks": []},
    ]
    twice["references"] = references
    made = canonical_entity(item(claims={"P1": [twice]}))["claims"]["P1"][0]
    assert made["qualifiers"]["P2"] == [snak, other]
    assert [reference["snaks"]["P2"] for reference in made["references"]] == [[snak, other], [other, snak], [snak]]
    aliases = {"en": [{"language": "en", "value": v} for v in ("b", "a", "b", " a ", "")], "de": []}
    labels = {"en": {"language": "en", "value": ""}}
    made = canonical_entity(item(aliases=aliases, labels=labels))
    assert [alias["value"] for alias in made["aliases"]["en"]] == ["b", "a"]
    assert made["labels"] == {}
    assert list(made["aliases"]) == ["en"]


def test_a_claim_of_old_data_is_a_statement_of_normal_rank() -> None:
    old = {"mainsnak": {"snaktype": "novalue", "property": "P1"}, "type": "claim", "id": None}
    assert canonical_entity(item(claims={"P1": [old]}))["claims"]["P1"] == [
        {"mainsnak": {"snaktype": "novalue", "property": "P1"}, "type": "statement", "rank": "normal"}
    ]


def test_what_is_not_known_is_kept() -> None:
    future = {"snaktype": "value", "property": "P1", "datavalue": {"value": "x", "type": "string"}, "novel": [1]}
    entity = item(novelty={"x": []}, claims={"P1": [{**statement("P1", "x"), "mainsnak": future, "marks": {}}]})
    made = canonical_entity(entity)
    assert made["novelty"] == {"x": []}
    assert made["claims"]["P1"][0]["mainsnak"]["novel"] == [1]
    assert made["claims"]["P1"][0]["marks"] == []


def test_a_partial_answer_has_only_what_was_asked_for() -> None:
    made = canonical_entity({"id": "q5", "type": "item", "labels": []}, partial=True)
    assert made == {"id": "Q5", "type": "item", "labels": {}}


def test_a_lexeme_as_stored_is_the_one_that_is_answered() -> None:
    form_ = {"id": "L1-F10", "representations": [], "grammaticalFeatures": ["Q2", "Q1", "Q2"], "claims": []}
    other = {"id": "L1-F2", "representations": {"en": {"language": "en", "value": "x"}}, "claims": {}}
    stored = {"type": "lexeme", "id": "L1", "lemmas": [], "lexicalCategory": "Q3", "language": "Q4", "claims": [],
              "nextFormId": 11, "nextSenseId": 1, "forms": [form_, other]}  # fmt: skip
    answered = {"pageid": 1, "type": "lexeme", "id": "L1", "lexicalCategory": "Q3", "language": "Q4", "claims": {},
                "forms": [{**other, "grammaticalFeatures": []}, {**form_, "grammaticalFeatures": ["Q1", "Q2"]}],
                "senses": []}  # fmt: skip
    assert form(stored) == form(answered)
    assert id_counters(stored) == {"nextFormId": 11, "nextSenseId": 1}
    assert form({"lastrevid": 4, **other}) == canonical_bytes(canonical_entity(answered)["forms"][0])


def test_mediainfo_has_statements_and_the_id_of_its_page() -> None:
    stored = {"type": "mediainfo", "id": "M7", "labels": [], "descriptions": [], "statements": []}
    edited = {"type": "mediainfo", "id": "M7", "labels": {}, "claims": {}}
    assert form(stored) == form(edited)
    assert canonical_entity(stored, entity_id=EntityId("M9"))["id"] == "M9"
    assert canonical_entity(item(), entity_id=EntityId("Q9"))["id"] == "Q1"


def test_redirects_and_schemas() -> None:
    assert canonical_entity({"entity": "q37", "redirect": "Q10"}) == {"entity": "Q37", "redirect": "Q10"}
    schema = {"id": "E1", "serializationVersion": "3.0", "labels": [], "schemaText": "x", "type": "ShExC"}
    assert canonical_entity(schema) == schema


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        {"id": "Q1"},
        {"type": "item"},
        {"type": 5, "id": "Q1"},
        {"type": "item", "id": "Q1", "claims": {"P1": [{"mainsnak": {}}]}},
        {"type": "item", "id": "Q1", "claims": {"P1": [None]}},
        {"type": "item", "id": "Q1", "claims": {"P1": [{"mainsnak": {"snaktype": "value", "property": 31}}]}},
        {"type": "item", "id": "Q1", "labels": ["x"]},
        {"type": "item", "id": "Q1", "labels": {"en": "x"}},
        {"type": "item", "id": "Q1", "aliases": {"en": [{"language": "en"}]}},
        {"type": "item", "id": "Q1", "sitelinks": {"enwiki": 3}},
        {"type": "item", "id": "Q1", "sitelinks": {"enwiki": {"site": "enwiki", "title": 3}}},
        {"type": "item", "id": "Q1", "sitelinks": [{"site": "a", "title": "b"}, {"site": "a", "title": "c"}]},
        {"type": "item", "id": "Q1", "sitelinks": {"enwiki": {"site": "enwiki", "title": "x", "badges": [1]}}},
        {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": 1}}},
        {"type": "item", "id": "Q1", "novelty": float("nan")},
        {"type": "item", "id": "Q1", "novelty": {1: 2}},
        {"type": "lexeme", "id": "L1", "forms": [{"id": "L1-Fx"}]},
        {"entity": "nonsense"},
        {"redirect": "Q1", "entity": ["item"]},
        {"missing": "", "id": "Q1"},
    ],
)
def test_what_is_no_entity_is_refused_by_name(content: Any) -> None:
    with pytest.raises(NotAnEntityError):
        canonical_entity(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
KEYS = ("type", "id", "labels", "aliases", "claims", "sitelinks", "forms", "entity", "redirect", "label", "statements")


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["item", "Q1", "L1"]), max_size=6))
def test_any_json_gives_a_form_or_the_named_error(content: dict[str, Any]) -> None:
    try:
        canonical_entity(content)
    except NotAnEntityError:
        return


def test_the_digest_of_a_known_item() -> None:
    made = form(item(labels={"en": {"language": "en", "value": "é/"}}, claims={"P1": [statement("P1", "x")]}))
    assert (
        made
        == (
            '{"aliases":{},"claims":{"P1":[{"id":"Q1$P1-x","mainsnak":{"datavalue":{"type":"string","value":"x"},'
            '"property":"P1","snaktype":"value"},"rank":"normal","type":"statement"}]},"claims-order":["P1"],'
            '"descriptions":{},"id":"Q1","labels":{"en":{"language":"en","value":"é/"}},"sitelinks":{},"type":"item"}'
        ).encode()
    )
    assert digest(made) == "1bba8f9a3ae2200ee46cc21626b7c31f58e8d02671e62ad2407dd4e33e3e9b59"


def test_the_last_statement_key_that_holds_something_counts() -> None:
    held = {"P1": [statement("P1", "x")]}
    assert canonical_entity(item(claims=held, statements=[]))["claims"] == canonical_entity(item(claims=held))["claims"]


def test_site_links_are_known_by_their_site_and_badges_come_once() -> None:
    link = {"site": "enwiki", "title": "X", "badges": ["Q2", "q1", "Q2"], "url": "u", "novel": 1.0}
    made = {"site": "enwiki", "title": "X", "badges": ["Q2", "Q1"], "novel": 1}
    assert canonical_entity(item(sitelinks=[link]))["sitelinks"] == {"enwiki": made}
    assert canonical_entity(item(sitelinks={"zz": link}))["sitelinks"] == {"enwiki": made}


def test_what_a_write_module_says_was_removed_is_not_there() -> None:
    answer = {
        "labels": {"en": {"language": "en", "removed": ""}},
        "sitelinks": {"x": {"site": "x", "title": "", "removed": ""}},
    }
    made = canonical_entity(item(**answer), partial=True)
    assert (made["labels"], made["sitelinks"]) == ({}, {})
