"""Statements made canonical in place: the same as the reference says, whatever the shape."""

import gzip
import json
from typing import Any

import orjson
import pytest
from fakes.damage import damaged
from fakes.entities import as_answered, as_stored, items, with_keys_shuffled, with_other_hashes
from hypothesis import given
from hypothesis import strategies as st
from shared_truth import SHARED, needs_shared

from wikibase import owned_statements
from wikibase.canonical import canonical_bytes, canonical_entity, canonical_of_text
from wikibase.errors import NotAnEntityError
from wikibase.owned_statements import own_statements
from wikibase.statements import canonical_statements


def both(text: bytes) -> tuple[bytes | str, bytes | str]:
    """Return what the reference and the walk in place make of a text, the words of the error where they refuse it."""
    made: list[bytes | str] = []
    for canonical in (lambda: canonical_entity(orjson.loads(text)), lambda: canonical_of_text(text)):
        try:
            made.append(canonical_bytes(canonical()))
        except NotAnEntityError:
            made.append("refused")
    return made[0], made[1]


@given(items(), st.integers())
def test_any_item_in_any_dress_is_the_same_in_place(entity: dict[str, Any], seed: int) -> None:
    for dressed in (entity, as_stored(entity), as_answered(entity), with_other_hashes(entity)):
        reference, in_place = both(orjson.dumps(with_keys_shuffled(dressed, seed)))
        assert in_place == reference


@given(items(), st.randoms(use_true_random=False))
def test_any_damage_is_seen_or_refused_in_place_as_by_the_reference(entity: dict[str, Any], dice: Any) -> None:
    reference, in_place = both(orjson.dumps({**entity, "claims": damaged(entity["claims"], dice)}))
    assert in_place == reference


@pytest.mark.parametrize("statements", [None, [], {}, {"P1": []}, {"P1": {}}, [5], {"P1": [5]}, "x", {"p1": []}])
def test_other_shapes_are_handed_over(statements: Any) -> None:
    made = []
    for walk in (canonical_statements, own_statements):
        try:
            made.append(json.dumps(walk(statements)))
        except (NotAnEntityError, TypeError, KeyError, AttributeError) as error:
            made.append(type(error).__name__)
    assert made[0] == made[1]


def test_the_memory_of_properties_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned_statements, "_PROPERTIES", set())
    monkeypatch.setattr(owned_statements, "_PROPERTIES_MAX", 3)
    for number in range(1, 20):
        snak = {"snaktype": "novalue", "property": f"P{number}"}
        own_statements({f"P{number}": [{"mainsnak": snak, "type": "statement", "id": "x", "rank": "normal"}]})
    assert len(owned_statements._PROPERTIES) <= 3


@needs_shared
def test_every_revision_of_wiki_a_and_every_wikidata_item_is_the_same_in_place() -> None:
    compared = 0
    with gzip.open(SHARED / "datasets" / "wiki-a" / "truth" / "revisions.jsonl.gz") as lines:
        texts = [orjson.dumps(content) for line in lines if (content := orjson.loads(line)["content"]) is not None]
    for path in (SHARED / "entities").glob("*.json"):
        texts += [orjson.dumps(entity) for entity in orjson.loads(path.read_bytes())["entities"].values()]
    for text in texts:
        reference, in_place = both(text)
        assert in_place == reference != "refused"
        compared += 1
    assert compared == 1310
