"""The JSON of 2012-2014, each shape of wikibase.md 3.4, and the stored texts of a real wiki."""

import gzip
import hashlib
import re
from collections import Counter
from typing import Any

import orjson
import pytest
from shared_truth import SHARED, needs_shared

from wikibase.canonical import NotAnEntityError, canonical_entity, entity_of_text
from wikibase.ids import EntityId
from wikibase.legacy import is_legacy, modern_id

WIKI_A = SHARED / "datasets" / "wiki-a"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("q42", "Q42"),
        ("Q42", "Q42"),
        (["item", 42], "Q42"),
        (["property", 1], "P1"),
        (["item", "7"], "Q7"),
        ({"0": "item", "1": 42}, "Q42"),
        (["item", 42.0], "Q42"),
    ],
)
def test_ids_in_every_spelling(named: Any, expected: str) -> None:
    assert modern_id(named) == expected


@pytest.mark.parametrize(
    "named", ["", "item42", [], ["item"], ["thing", 4], ["item", 4.5], ["item", None], 42, None, {"item": 4}]
)
def test_names_that_are_none_are_refused(named: Any) -> None:
    with pytest.raises(NotAnEntityError):
        modern_id(named)


def test_an_item_of_2013_in_current_form() -> None:
    time = {"time": "+00000002013-01-01T00:00:00Z", "timezone": 0, "before": 0, "after": 0, "precision": 11,
            "calendarmodel": "http://www.wikidata.org/entity/Q1985727"}  # fmt: skip
    legacy = {
        "entity": ["item", 5],
        "label": {"en": "Berlin", "de": ""},
        "description": [],
        "aliases": {"en": {"0": "B", "3": "C", "4": "B"}, "fr": []},
        "links": {"enwiki": "Berlin", "dewiki": {"name": "Berlin", "badges": ["Q1"]}},
        "claims": [
            {
                "m": ["value", 31, "wikibase-entityid", {"entity-type": "item", "numeric-id": 64}],
                "q": [["value", 2, "time", time], ["value", 2, "time", time], ["novalue", 1]],
                "g": "q5$AAA",
                "rank": 2,
                "refs": [[["somevalue", 9], ["novalue", 9]], [["novalue", 9], ["somevalue", 9]], []],
            },
            {"m": ["value", 31, "bad", {"anything": [1]}], "q": [], "g": None},
        ],
    }
    made = canonical_entity(legacy)
    assert made["id"] == "Q5"
    assert made["labels"] == {"en": {"language": "en", "value": "Berlin"}}
    assert [alias["value"] for alias in made["aliases"]["en"]] == ["B", "C"]
    assert list(made["aliases"]) == ["en"]
    assert made["sitelinks"]["enwiki"] == {"site": "enwiki", "title": "Berlin", "badges": []}
    assert made["sitelinks"]["dewiki"]["badges"] == ["Q1"]
    first, second = made["claims"]["P31"]
    assert first["mainsnak"]["datavalue"]["value"]["id"] == "Q64"
    assert first["rank"] == "preferred"
    assert first["qualifiers-order"] == ["P2", "P1"]
    assert [snak["datavalue"]["value"]["time"] for snak in first["qualifiers"]["P2"]] == ["+2013-01-01T00:00:00Z"]
    assert [one["snaks-order"] for one in first["references"]] == [["P9"], ["P9"]]
    assert "id" not in second
    assert second["rank"] == "normal"
    assert second["mainsnak"]["datavalue"] == {"type": "bad", "value": {"anything": [1]}}


@pytest.mark.parametrize("kind", [None, 5, [], {}])
def test_only_a_text_as_type_makes_an_entity_a_current_one(kind: Any) -> None:
    legacy = {"entity": "q5", "type": kind, "label": {"en": "x"}, "redirect": None}
    expected = canonical_entity({"entity": "q5", "label": {"en": "x"}})
    assert canonical_entity(legacy) == {**expected, "redirect": None}


def test_an_entity_that_is_null_is_named_by_its_page() -> None:
    legacy = {"entity": None, "label": {"en": "x"}}
    assert canonical_entity(legacy, entity_id=EntityId("Q5"))["id"] == "Q5"
    with pytest.raises(NotAnEntityError, match="names no entity"):
        canonical_entity(legacy)


def test_a_property_has_no_site_links_and_keeps_its_datatype() -> None:
    made = canonical_entity({"entity": "p7", "datatype": "string", "label": {"en": "x"}, "description": {}})
    assert (made["id"], made["type"], made["datatype"]) == ("P7", "property", "string")
    assert "sitelinks" not in made


def test_a_property_of_that_time_has_no_statements() -> None:
    made = canonical_entity({"entity": "p7", "datatype": "string", "claims": [{"m": ["novalue", 1], "g": "x"}]})
    assert made["claims"] == {}


def test_rank_and_references_may_be_null() -> None:
    made = canonical_entity({"entity": "q1", "claims": [{"m": ["novalue", 1], "q": [], "rank": None, "refs": None}]})
    assert made["claims"]["P1"][0]["rank"] == "normal"


def test_statements_replace_claims() -> None:
    beside = {"entity": "q1", "claims": [{"m": ["novalue", 1]}], "statements": [{"m": ["novalue", 2], "g": "x"}]}
    assert list(canonical_entity(beside)["claims"]) == ["P2"]


def test_a_redirect_in_either_spelling() -> None:
    assert canonical_entity({"entity": ["item", 18], "redirect": ["item", 19]}) == {"entity": "Q18", "redirect": "Q19"}


def test_a_text_without_an_id_needs_its_page() -> None:
    nameless = {"label": {"en": "x"}, "links": []}
    assert canonical_entity(nameless, entity_id=EntityId("Q10"))["id"] == "Q10"
    with pytest.raises(NotAnEntityError):
        canonical_entity(nameless)


@pytest.mark.parametrize(
    "text",
    [
        {"entity": "q1", "claims": [{"m": ["value", 1]}]},
        {"entity": "q1", "claims": [{"m": ["novalue", 1], "rank": 9}]},
        {"entity": "q1", "claims": [5]},
        {"entity": "q1", "claims": [{"m": ["novalue", "1"]}]},
        {"entity": "q1", "claims": [{"m": ["maybe", 1]}]},
        {"entity": "q1", "claims": [{"m": []}]},
        {"entity": "q1", "label": ["x"]},
        {"entity": "q1", "links": {"enwiki": 5}},
        {"entity": "q1", "aliases": ["x"]},
    ],
)
def test_broken_legacy_text_is_refused_by_name(text: Any) -> None:
    with pytest.raises(NotAnEntityError):
        canonical_entity(text)


ESCAPES = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


def texts_of_dump() -> list[bytes]:
    """Return what looks like stored JSON in the SQL of the dump, where it lies there uncompressed."""
    raw = gzip.decompress((WIKI_A / "dump.sql.gz").read_bytes())
    found = re.finditer(rb"'(\{(?:[^'\\]|\\.|'')*)'", raw, re.DOTALL)
    return [
        re.sub(rb"\\(.)", lambda one: ESCAPES.get(one[1], one[1]), text[1], flags=re.DOTALL).replace(b"''", b"'")
        for text in found
    ]


@needs_shared
def test_stored_texts_are_what_the_software_makes_of_them() -> None:
    told: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(WIKI_A / "truth" / "revisions.jsonl.gz") as lines:
        for line in lines:
            row = orjson.loads(line)
            if row["slot_sha1"] and row["content"] is not None:
                told.setdefault(row["slot_sha1"], []).append(row)
    equal: Counter[str] = Counter()
    for text in texts_of_dump():
        for row in told.get(hashlib.sha1(text).hexdigest(), ()):
            stored = entity_of_text(text)
            assert canonical_entity(stored) == canonical_entity(row["content"]), row["rev_id"]
            equal["legacy" if is_legacy(stored) and "redirect" not in stored else "current"] += 1
    assert equal == {"legacy": 84, "current": 507}
