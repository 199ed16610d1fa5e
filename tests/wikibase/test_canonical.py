"""The canonical form: one for every shape, blind to what is derived, awake to what readers see."""

import copy
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.entities import as_answered, as_stored, items, with_keys_shuffled, with_other_hashes
from hypothesis import given
from hypothesis import strategies as st
from shared_truth import SHARED, needs_shared

from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_entity, digest, entity_of_text, id_counters
from wikibase.ids import EntityId

API = SHARED / "recordings" / "api"
TRUTH = SHARED / "datasets" / "wiki-a" / "truth"


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


def test_empty_lists_and_maps_are_one_exactly_where_php_makes_them_so() -> None:
    keys = ("labels", "descriptions", "aliases", "claims", "sitelinks")
    assert form(item(**{key: [] for key in keys})) == form(item(**{key: {} for key in keys})) == form(item())
    opaque = {"value": {"a": []}, "type": "bad"}
    other = {"value": {"a": {}}, "type": "bad"}
    both = [
        form(
            item(
                claims={
                    "P1": [
                        {**statement("P1", ""), "mainsnak": {"snaktype": "value", "property": "P1", "datavalue": value}}
                    ]
                }
            )
        )
        for value in (opaque, other)
    ]
    assert both[0] != both[1]


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
    assert [reference["snaks"]["P2"] for reference in made["references"]] == [[snak, other], [snak]]
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
    assert made["claims"]["P1"][0]["marks"] == {}


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


@pytest.mark.parametrize("text", [b"", b"[]", b"nul", b'{"a":NaN}', b'"\\ud800"', b"[" * 5000, b"\xff{}"])
def test_text_that_is_no_json_object_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(NotAnEntityError):
        entity_of_text(text)


def test_content_nested_too_deep_to_be_written_is_refused_by_name() -> None:
    value: Any = 1
    for _ in range(400):
        value = [value]
    with pytest.raises(NotAnEntityError, match="cannot be written"):
        canonical_bytes(value)


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


# ---- Against the real software: every form of the same revision ----


def recorded(number: str) -> Any:
    (path,) = API.glob(f"{number}-*.json")
    return json.loads(json.loads(path.read_text())["response"]["body"])


@needs_shared
def test_every_recorded_answer_is_the_stored_text_of_its_revision() -> None:
    index = json.loads((SHARED / "recordings" / "revisions" / "INDEX.json").read_text())
    stored: dict[tuple[str, int], bytes] = {}
    for row in index:
        path = SHARED / "recordings" / "revisions" / row["file"]
        if str(row["model"]).startswith("wikibase-"):
            stored[row["title"], row["rev_id"]] = form(entity_of_text(path.read_bytes()))
    equal: Counter[str] = Counter()
    unequal: list[tuple[str, str]] = []
    for path in sorted(API.glob("*.json")):
        for shape, entity in _whole_entities(json.loads(path.read_text())):
            key = (entity["id"], entity["lastrevid"])
            if key in stored:
                unequal += [(path.name, shape)] if form(entity) != stored[key] else []
                equal[shape] += 1
    assert unequal == []
    assert equal == Counter({"wbgetentities fv1": 58, "wbgetentities fv2": 53, "EntityData": 27, "write module": 30})


def _whole_entities(recording: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    query, posted = recording["request"].get("query") or {}, recording["request"].get("form") or {}
    asked = {**query, **(posted if isinstance(posted, dict) else {})}
    try:
        body = json.loads(recording["response"]["body"])
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    if "entities" in body:
        shape = "EntityData" if "success" not in body else f"wbgetentities fv{asked.get('formatversion', 1)}"
        found = [one for one in body["entities"].values() if "lastrevid" in one and "missing" not in one]
        whole = not {"props", "languages", "sitefilter"} & asked.keys()
        return [(shape, one) for one in found if whole]
    if "entity" in body and asked.get("action") == "wbeditentity":
        return [("write module", body["entity"])]
    return []


@needs_shared
def test_prop_revisions_in_either_format_is_the_stored_text() -> None:
    stored = {path.name[:5]: path for path in (SHARED / "recordings" / "revisions").glob("*.json")}
    compared = 0
    for number, key in (("368", "*"), ("369", "content"), ("371", "*"), ("381", "*")):
        pages = recorded(number)["query"]["pages"]
        for page in pages.values() if isinstance(pages, dict) else pages:
            for revision in page["revisions"]:
                text = revision["slots"]["main"][key]
                assert form(entity_of_text(text)) == form(
                    entity_of_text(stored[f"{revision['revid']:05d}"].read_bytes())
                )
                compared += 1
    assert compared > 5


@needs_shared
def test_samples_of_wiki_a_agree_in_every_form() -> None:
    equal: Counter[str] = Counter()
    for line in (TRUTH / "samples.jsonl").read_bytes().splitlines():
        sample = orjson.loads(line)
        if sample["stored_form"] is None:
            continue
        expected = form(sample["stored_form"])
        for name in ("entitydata", "wbgetentities_of_the_entity"):
            for entity in ((sample[name] or {}).get("entities") or {}).values():
                if entity.get("lastrevid") == sample["rev_id"]:
                    assert form(entity) == expected, (sample["rev_id"], name)
                    equal[name] += 1
    assert equal == {"entitydata": 48, "wbgetentities_of_the_entity": 13}


@needs_shared
def test_every_readable_revision_of_wiki_a_has_an_idempotent_form() -> None:
    readable = 0
    with gzip.open(TRUTH / "revisions.jsonl.gz") as lines:
        for line in lines:
            content = orjson.loads(line)["content"]
            if content is not None:
                once = form(content)
                assert form(orjson.loads(once)) == once
                readable += 1
    assert readable == 1307


@needs_shared
def test_the_answers_of_edits_are_the_revisions_they_made() -> None:
    path = SHARED / "recordings" / "edits" / "given.jsonl.gz"
    equal = 0
    with gzip.open(path) as lines:
        for line in lines:
            step = orjson.loads(line)
            # An edit that was patched onto a newer revision is answered with base + edit, not with what was stored.
            if (
                step["request"]["form"].get("action") != "wbeditentity"
                or "conflict-patched" in step["response"]["body"]
            ):
                continue
            entity = _entity_of(step["response"]["body"])
            after = (step.get("after") or {}).get(entity.get("id", "")) if entity else None
            if entity and after and after.get("stored") and after["lastrevid"] == entity.get("lastrevid"):
                assert form(entity) == form(entity_of_text(after["stored"])), (step["story"], step["step"])
                equal += 1
    assert equal == 396


def _entity_of(body: str) -> dict[str, Any]:
    try:
        return orjson.loads(body).get("entity") or {}
    except orjson.JSONDecodeError:
        return {}


@needs_shared
@pytest.mark.parametrize("name", ["Q42.json", "Q45648994.json", "Q120248304.json"])
def test_real_wikidata_items_have_a_form(name: str) -> None:
    parsed = orjson.loads(Path(SHARED / "entities" / name).read_bytes())
    entity = next(iter(parsed["entities"].values())) if "entities" in parsed else parsed
    assert form(orjson.loads(form(entity))) == form(with_other_hashes(entity))
