"""Which damage a rule would hide: every operator finds a place, narrow rules hide little, and `hides` declares it."""

from dataclasses import replace
from datetime import date

import pytest

from rules.mutants import Shown, damage
from rules.mutants_hidden import BENCH, hidden_damage, undeclared
from rules.mutants_table import DAMAGING
from rules.normalise import Examples, Rule
from rules.normalise_actions import action_of


def rule(path: str, action: str, *hides: str) -> Rule:
    return Rule(
        name="tried",
        path=tuple(path.split(".")),
        action=action_of(action),
        reason="r",
        owner="o",
        expires=date(2030, 1, 1),
        examples=Examples((BENCH[0], BENCH[0]), (BENCH[0], BENCH[0])),
        hides=frozenset(hides),
    )


@pytest.mark.parametrize("operator", DAMAGING, ids=lambda one: one.name)
def test_every_operator_finds_something_to_damage(operator: object) -> None:
    assert any(damage(operator, one, Shown(content=one), 0) for one in BENCH)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "action", "hidden"),
    [
        ("claims.*.*.mainsnak.datavalue.value.latitude", "round:6", ("coordinate",)),
        ("labels.*.value", "strip", ("term_padded",)),
        ("labels.*.value", "nfc", ("term_decomposed",)),
        ("sitelinks.*.badges", "unordered", ()),
        ("claims.*", "unordered", ("statements_swapped",)),
        ("nothing.there", "ignore", ()),
    ],
)
def test_a_rule_hides_what_it_is_about_and_no_more(path: str, action: str, hidden: tuple[str, ...]) -> None:
    assert hidden_damage(rule(path, action)) == hidden


def test_a_wide_rule_hides_a_lot_and_is_named_with_all_of_it() -> None:
    words = undeclared(rule("labels", "ignore", "label_byte"))
    assert "label_lost (a label is lost)" in words
    assert "label_byte" not in words
    assert "say hides: [" in words


def test_what_a_rule_says_that_it_hides_is_accepted() -> None:
    made = rule("labels.*.value", "strip", "term_padded")
    assert undeclared(made) == ""
    assert "term_padded" in undeclared(replace(made, hides=frozenset()))
