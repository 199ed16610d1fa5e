"""Differences in words: each kind of change, order told apart from change, bounded on anything."""

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from fakes.entities import items
from hypothesis import given
from hypothesis import strategies as st
from shared_truth import SHARED, needs_shared

from rules.difference import Kind, difference, same
from wikibase.canonical import canonical_bytes, canonical_entity

GUID = "Q1$11111111-2222-3333-4444-555555555555"


def snak(prop: str, text: str | None) -> dict[str, Any]:
    if text is None:
        return {"snaktype": "novalue", "property": prop}
    return {"snaktype": "value", "property": prop, "datavalue": {"value": text, "type": "string"}}


def statement(guid: str, prop: str = "P31", text: str | None = "x", **fields: Any) -> dict[str, Any]:
    return {"mainsnak": snak(prop, text), "type": "statement", "id": guid, "rank": "normal", **fields}


def base() -> dict[str, Any]:
    one = statement(
        GUID,
        qualifiers={"P1": [snak("P1", "a")], "P2": [snak("P2", "b")]},
        references=[{"snaks": {"P3": [snak("P3", "r")]}}, {"snaks": {"P3": [snak("P3", "s")]}}],
    )
    return {
        "type": "item",
        "id": "Q1",
        "labels": {"en": {"language": "en", "value": "one"}},
        "descriptions": {},
        "aliases": {"en": [{"language": "en", "value": v} for v in ("a", "b")]},
        "claims": {"P31": [one], "P5": [statement("Q1$a", "P5"), statement("Q1$b", "P5", "y")]},
        "sitelinks": {"enwiki": {"site": "enwiki", "title": "One", "badges": ["Q7", "Q8"]}},
    }


def label(item: dict[str, Any]) -> None:
    item["labels"]["en"]["value"] = "two"


def label_gone(item: dict[str, Any]) -> None:
    item["labels"] = {}


def description(item: dict[str, Any]) -> None:
    item["descriptions"]["de"] = {"language": "de", "value": "neu"}


def alias(item: dict[str, Any]) -> None:
    item["aliases"]["en"][1]["value"] = "c"


def alias_order(item: dict[str, Any]) -> None:
    item["aliases"]["en"].reverse()


def rank(item: dict[str, Any]) -> None:
    item["claims"]["P31"][0]["rank"] = "preferred"


def value(item: dict[str, Any]) -> None:
    item["claims"]["P5"][0]["mainsnak"] = snak("P5", None)


def statement_gone(item: dict[str, Any]) -> None:
    del item["claims"]["P5"][1]


def statement_new(item: dict[str, Any]) -> None:
    item["claims"]["P9"] = [statement("Q1$c", "P9", None)]


def statement_order(item: dict[str, Any]) -> None:
    item["claims"]["P5"].reverse()


def property_order(item: dict[str, Any]) -> None:
    item["claims"] = dict(reversed(item["claims"].items()))


def qualifier(item: dict[str, Any]) -> None:
    item["claims"]["P31"][0]["qualifiers"]["P1"] = [snak("P1", "z")]


def qualifier_gone(item: dict[str, Any]) -> None:
    del item["claims"]["P31"][0]["qualifiers"]["P1"]


def qualifier_order(item: dict[str, Any]) -> None:
    one = item["claims"]["P31"][0]
    one["qualifiers"] = dict(reversed(one["qualifiers"].items()))


def reference(item: dict[str, Any]) -> None:
    item["claims"]["P31"][0]["references"][0] = {"snaks": {"P3": [snak("P3", "t")]}}


def reference_order(item: dict[str, Any]) -> None:
    item["claims"]["P31"][0]["references"].reverse()


def title(item: dict[str, Any]) -> None:
    item["sitelinks"]["enwiki"]["title"] = "Two"


def badge_order(item: dict[str, Any]) -> None:
    item["sitelinks"]["enwiki"]["badges"].reverse()


def link_gone(item: dict[str, Any]) -> None:
    item["sitelinks"] = {}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (label, Kind.CHANGED, 'label en: "one" -> "two"'),
        (label_gone, Kind.REMOVED, 'label en: "one" -> (none)'),
        (description, Kind.ADDED, 'description de: (none) -> "neu"'),
        (alias, Kind.CHANGED, 'alias en: "b" -> "c"'),
        (alias_order, Kind.REORDERED, "alias en: reordered"),
        (rank, Kind.CHANGED, "P31: rank normal -> preferred"),
        (value, Kind.CHANGED, 'P5 (Q1$a): value "x" -> no value'),
        (statement_gone, Kind.REMOVED, 'P5: statement removed: "y" (Q1$b)'),
        (statement_new, Kind.ADDED, "P9: statement added: no value (Q1$c)"),
        (statement_order, Kind.REORDERED, "P5: statements reordered"),
        (property_order, Kind.REORDERED, "properties reordered"),
        (qualifier, Kind.CHANGED, 'P31: qualifier P1: "a" -> "z"'),
        (qualifier_gone, Kind.REMOVED, 'P31: qualifier P1: "a" -> (none)'),
        (qualifier_order, Kind.REORDERED, "P31: qualifiers reordered"),
        (reference, Kind.CHANGED, 'P31: reference: {P3 "r"} -> {P3 "t"}'),
        (reference_order, Kind.REORDERED, "P31: reference: reordered"),
        (title, Kind.CHANGED, 'site link enwiki: title "One" -> "Two"'),
        (badge_order, Kind.REORDERED, "site link enwiki: badge: reordered"),
        (link_gone, Kind.REMOVED, 'site link enwiki: "One" [Q7, Q8] -> (none)'),
    ],
)
def test_one_change_is_one_line(change: Callable[[dict[str, Any]], None], kind: Kind, words: str) -> None:
    other = base()
    change(other)
    found = difference(canonical_entity(base()), canonical_entity(other))
    assert [(one.kind, one.words) for one in found.changes] == [(kind, words)]
    assert found.only_order is (kind is Kind.REORDERED)


def test_equal_forms_do_not_differ() -> None:
    assert difference(canonical_entity(base()), canonical_entity(base())).changes == ()


@given(items(), items())
def test_two_forms_that_differ_are_never_told_as_if_they_did_not(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = canonical_entity(one), canonical_entity(other)
    assert bool(difference(first, second).changes) is (canonical_bytes(first) != canonical_bytes(second))


def test_numbers_and_truth_are_not_confused() -> None:
    assert not same({"a": 1}, {"a": True})
    assert not same({"a": 1}, {"a": 1.0})
    assert same({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]})
    assert difference({"id": "Q1", "x": 1}, {"id": "Q1", "x": True}).changes[0].words == "x: 1 -> true"


def test_values_that_read_the_same_are_shown_where_they_part() -> None:
    def of(globe: str) -> dict[str, Any]:
        value = {"latitude": 1.0, "longitude": 2.0, "precision": 1.0, "globe": globe}
        main = {"snaktype": "value", "property": "P1", "datavalue": {"type": "globecoordinate", "value": value}}
        return canonical_entity({"type": "item", "id": "Q1", "claims": {"P1": [{**statement("x"), "mainsnak": main}]}})

    (change,) = difference(of("http://x/Q2"), of("http://x/Q3")).changes
    assert "Q2" in change.words
    assert "Q3" in change.words


def test_a_redirect_is_told_from_an_entity() -> None:
    found = difference({"entity": "Q1", "redirect": "Q2"}, canonical_entity(base()))
    assert found.text() == "redirect to Q2 -> an entity"


def test_lexemes_are_told_by_form_and_sense() -> None:
    def lexeme(text: str, *features: str) -> dict[str, Any]:
        one = {"id": "L1-F1", "representations": {"en": {"language": "en", "value": text}},
               "grammaticalFeatures": list(features)}  # fmt: skip
        senses = [{"id": "L1-S1", "glosses": {}}] if features else []
        return canonical_entity({"type": "lexeme", "id": "L1", "forms": [one], "senses": senses, "language": "Q1"})

    assert difference(lexeme("a"), lexeme("b", "Q9")).text().splitlines() == [
        'form L1-F1: representation en: "a" -> "b"',
        'form L1-F1: grammatical feature: (none) -> "Q9"',
        "sense L1-S1 added",
    ]


def test_many_changes_are_cut_and_counted() -> None:
    labels = [{str(n): {"language": str(n), "value": side * 500} for n in range(3000)} for side in "ab"]
    found = difference(*({"type": "item", "id": "Q1", "labels": one} for one in labels), changes_max=20)
    assert len(found.changes) == 20
    assert found.left_out == 2980
    text = found.text(2_000)
    assert len(text) < 2_100
    assert "... (502 characters)" in text
    assert text.splitlines()[-1].startswith("... and ")


@needs_shared
def test_two_changes_in_a_big_item_are_found() -> None:
    parsed = orjson.loads((SHARED / "entities" / "Q42.json").read_bytes())
    entity = next(iter(parsed["entities"].values())) if "entities" in parsed else parsed
    first = canonical_entity(entity)
    second = copy.deepcopy(first)
    next(iter(second["labels"].values()))["value"] = "Somebody"
    prop = next(iter(second["claims"]))
    second["claims"][prop][0]["rank"] = "deprecated"
    assert [change.kind for change in difference(first, second).changes] == [Kind.CHANGED, Kind.CHANGED]


def test_many_changes_in_one_field_do_not_hide_the_only_one_in_another() -> None:
    labels = [{str(n): {"language": str(n), "value": side} for n in range(3000)} for side in "ab"]
    sides = ({"type": "item", "id": "Q1", "labels": one, "zz": n} for n, one in enumerate(labels))
    found = difference(*sides, changes_max=5)
    assert [change.path[0] for change in found.changes] == ["labels"] * 4 + ["zz"]
    assert found.left_out_by_field == (("labels", 2996),)
    assert found.fields == ("labels", "zz")
    assert found.text(60).splitlines()[-1] == "... and 2999 more (labels 2998, zz 1)"


def test_every_field_that_differs_is_named_however_short_the_text() -> None:
    sides = ({"id": "Q1", **{f"field{n}": side * 300 for n in range(200)}} for side in "ab")
    found = difference(*sides)
    assert len(found.changes) == 50
    assert found.left_out == 150
    assert len(found.text(1)) < 300
    assert found.text(1).startswith("... and 200 more (")


@pytest.mark.parametrize("lengths", [(5000, 5000), (5000, 5001), (201, 200)])
def test_a_value_too_long_to_show_is_shown_where_it_parts(lengths: tuple[int, int]) -> None:
    first, second = ("same " * 1000 + "x" * (length - 5000) for length in lengths)
    first, second = (first + "left", second + "right") if min(lengths) > 300 else ("y" * 300 + "left", "y" * 301)
    sides = ({"id": "Q1", "labels": {"en": {"language": "en", "value": text}}} for text in (first, second))
    words = difference(*sides).text()
    left, _, right = words.partition(" -> ")
    assert "left" in left
    assert left.removeprefix("label en: ") != right
    assert len(words) < 600


def test_a_name_of_megabytes_does_not_make_a_line_of_megabytes() -> None:
    sides = ({"id": "Q1", "labels": {"k" * 1_000_000: {"value": side}}} for side in ("one", "two"))
    text = difference(*sides).text()
    assert len(text) < 1100
    assert '"one"' in text or '{"value":"one"}' in text


def test_null_is_not_nothing() -> None:
    found = difference({"id": "Q1", "labels": {}}, {"id": "Q1", "labels": {}, "new": None})
    assert [(change.kind, change.words) for change in found.changes] == [(Kind.ADDED, "new: (none) -> null")]


def json_of(depth: int) -> Any:
    leaf = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(("", "P1", "Q1$a"))
    names = st.sampled_from(("id", "en", "P1", "snaks", "mainsnak", "qualifiers", "qualifiers-order", "references"))
    return st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=depth
    )


FIELDS = ("labels", "aliases", "claims", "claims-order", "sitelinks", "forms", "senses", "grammaticalFeatures", "x")
anything = st.dictionaries(st.sampled_from(FIELDS), json_of(8), max_size=4)


@given(anything, anything)
def test_content_of_no_known_form_is_told_apart_too_and_never_fails(first: dict[str, Any], second: Any) -> None:
    found = difference(first, second)
    assert set(found.fields) >= {
        key for key in {*first, *second} if (key in first) != (key in second) and not key.endswith("-order")
    }
    assert bool(found.changes) is not same(first, second)
