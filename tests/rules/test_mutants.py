"""Damage on purpose: seeded, only what an answer shows, and never in the original."""

import copy
from typing import Any

import pytest
from fakes.lexeme import ITEM, LEXEME
from hypothesis import given
from hypothesis import strategies as st

from rules.mutants import Dice, Operator, Shown, damage, other_text, parts, value_at, with_value
from rules.mutants_table import CONTENT_OPERATORS, DAMAGING
from wikibase.canonical import canonical_bytes, canonical_entity

BY_NAME = {one.name: one for one in CONTENT_OPERATORS}
CANONICAL = canonical_entity(ITEM)
CANONICAL_LEXEME = canonical_entity(LEXEME)
operators = st.sampled_from(CONTENT_OPERATORS)


@given(operators, st.integers())
def test_the_same_seed_makes_the_same_damage_and_the_original_stays(operator: Operator, seed: int) -> None:
    for content in (CANONICAL, CANONICAL_LEXEME):
        before = canonical_bytes(content)
        first, second = (damage(operator, content, Shown(content=content), seed) for _ in range(2))
        assert first == second
        assert canonical_bytes(content) == before
        if first is not None:
            assert canonical_bytes(first.content) != before


def test_other_seeds_find_other_places() -> None:
    rank = BY_NAME["rank"]
    made = [damage(rank, CANONICAL, Shown(content=CANONICAL), seed) for seed in range(60)]
    assert len({one.path for one in made if one}) > 5


@given(st.sampled_from(DAMAGING), st.integers(0, 999))
def test_what_an_answer_does_not_show_is_never_damaged(operator: Operator, seed: int) -> None:
    labels: dict[str, Any] = {"id": "Q5", "type": "item", "labels": {"en": CANONICAL["labels"]["en"]}}
    made = damage(operator, CANONICAL, Shown(content=labels, additions=False), seed)
    if made is not None:
        assert made.path[:2] == ("labels", "en")
    assert damage(operator, CANONICAL, Shown(content={"id": "Q5", "type": "item"}), seed) is None


def test_a_term_that_only_a_fallback_shows_is_never_damaged() -> None:
    shown = {"id": "Q5", "labels": {"en": {"language": "de", "value": "Café eins", "for-language": "en"}}}
    assert damage(BY_NAME["label_byte"], CANONICAL, Shown(content=shown), 1) is None


def test_what_would_not_be_seen_is_not_added() -> None:
    added = BY_NAME["statement_added"]
    assert damage(added, CANONICAL, Shown(content=CANONICAL, additions=False), 1) is None
    assert damage(added, CANONICAL, Shown(content=CANONICAL), 1) is not None


def test_a_form_asked_for_by_itself_is_damaged_inside_its_lexeme() -> None:
    form = canonical_entity(LEXEME["forms"][1])
    for name in ("representation_byte", "feature_lost", "rank", "statement_lost"):
        made = damage(BY_NAME[name], CANONICAL_LEXEME, Shown(content=form), 3)
        assert made is not None
        assert made.path[:2] == ("forms", 1), name
    assert damage(BY_NAME["lemma_byte"], CANONICAL_LEXEME, Shown(content=form), 3) is None


def test_everything_of_a_lexeme_is_found() -> None:
    found = [path for path, _, _ in parts(CANONICAL_LEXEME, Shown(content=CANONICAL_LEXEME))]
    assert found == [(), ("forms", 0), ("forms", 1), ("senses", 0), ("senses", 1)]


@given(st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)))
def test_a_value_is_put_without_changing_what_was_given(value: Any) -> None:
    whole = {"a": [value, {"b": value}]}
    before = copy.deepcopy(whole)
    after = with_value(whole, ("a", 1, "b"), "new")
    assert whole == before
    assert value_at(after, ("a", 1, "b")) == "new"
    assert after["a"][0] is whole["a"][0]
    assert with_value(whole, (), 1) == 1


@given(st.integers(), st.integers(1, 1000))
def test_dice_stay_below_their_limit_and_follow_from_the_seed(seed: int, limit: int) -> None:
    one, other = Dice(seed, "salt"), Dice(seed, "salt")
    thrown = [one.below(limit) for _ in range(5)]
    assert thrown == [other.below(limit) for _ in range(5)]
    assert all(0 <= number < limit for number in thrown)


@pytest.mark.parametrize("text", ["x", "é", "日本", "a" * 1000])
def test_one_character_of_a_text_changes(text: str) -> None:
    changed = other_text(text, Dice(1, ""))
    assert changed is not None
    assert len(changed) == len(text)
    assert sum(here != there for here, there in zip(text, changed, strict=True)) == 1
    assert other_text("", Dice(1, "")) is None
    assert other_text(5, Dice(1, "")) is None
