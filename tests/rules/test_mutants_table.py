"""Every operator over real and made-up content: its damage changes the canonical form, or Wikibase calls it equal."""

import gzip
import json
from collections import Counter
from typing import Any

from fakes.lexeme import ITEM, LEXEME, PROPERTY, REDIRECT
from shared_truth import SHARED, needs_shared

from rules.difference import difference, same
from rules.mutants import Shown, damage
from rules.mutants_table import CONTENT_OPERATORS, DAMAGING, EQUAL, TRIED, WORDS
from wikibase.canonical import canonical_bytes, canonical_entity, entity_of_text

MADE_UP = (ITEM, LEXEME, PROPERTY, REDIRECT)
SIZE_MAX = 200_000


def tried_on(contents: list[dict[str, Any]], seeds: int = 3) -> tuple[Counter[str], Counter[str]]:
    """Return how often each operator applied, and how often its damage was no other content."""
    applied: Counter[str] = Counter()
    unseen: Counter[str] = Counter()
    for place, content in enumerate(contents):
        before = canonical_bytes(content)
        for operator in CONTENT_OPERATORS:
            for seed in range(seeds):
                made = damage(operator, content, Shown(content=content), place * seeds + seed)
                if made is None:
                    break
                applied[operator.name] += 1
                after = canonical_entity(made.content)
                if canonical_bytes(after) == before:
                    unseen[operator.name] += 1
                elif not operator.equal_to_wikibase:
                    assert not same(content, made.content)
                    assert difference(content, made.content).changes, operator.name
    return applied, unseen


def test_every_operator_applies_and_is_seen_or_listed_as_equal() -> None:
    applied, unseen = tried_on([canonical_entity(one) for one in MADE_UP], seeds=10)
    assert [one.name for one in CONTENT_OPERATORS if not applied[one.name]] == []
    assert set(unseen) <= {one.name for one in EQUAL}


@needs_shared
def test_on_everything_recorded_no_damage_goes_unseen() -> None:
    contents = []
    with gzip.open(SHARED / "datasets" / "wiki-a" / "truth" / "revisions.jsonl.gz") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line) if number % 5 == 0 and len(line) < SIZE_MAX else {}
            if row.get("content"):
                contents.append(canonical_entity(row["content"]))
    folder = SHARED / "recordings" / "revisions"
    contents += [
        canonical_entity(entity_of_text((folder / row["file"]).read_bytes()))
        for row in json.loads((folder / "INDEX.json").read_text())[::3]
        if str(row["model"]).startswith("wikibase-")
    ]
    assert len(contents) > 250
    applied, unseen = tried_on(contents, seeds=1)
    assert set(unseen) <= {one.name for one in EQUAL}
    of_lexemes = {
        "lemma",
        "lexeme",
        "lexical",
        "form",
        "sense",
        "representation",
        "gloss",
        "feature",
        "features",
        "parts",
    }
    missing = {one.name for one in DAMAGING if not applied[one.name]}
    assert {name.partition("_")[0] for name in missing} <= of_lexemes  # no lexeme was recorded


def test_there_are_enough_operators_and_each_says_what_it_does() -> None:
    assert len(DAMAGING) >= 25
    assert len(set(TRIED)) == len(TRIED) == len(DAMAGING) + 10
    assert set(TRIED) <= set(WORDS)
    assert all(WORDS.values())
    assert max(map(len, WORDS)) <= 64


def test_what_is_called_equal_names_its_source_and_is_not_tried() -> None:
    assert all(one.equal_to_wikibase.startswith("wikibase.md 3.") for one in EQUAL)
    assert not {one.name for one in EQUAL} & set(TRIED)
