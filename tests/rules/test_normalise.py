"""Normalisation rules: what actions do, where a pattern reaches, and that a rule is named only when it is needed."""

import copy
from datetime import date
from typing import Any

import pytest
from fakes.entities import items
from fakes.rule_files import good, item, label, text_of
from hypothesis import given
from hypothesis import strategies as st

from backends.rule_files import SHIPPED, load_rules, parse_rules, read_rules
from rules.difference import same
from rules.normalise import (
    Rule,
    Ruled,
    apply_rules,
    expired,
    failing_examples,
    normalised,
    rules_version,
    touches,
)
from wikibase.canonical import canonical_entity

TODAY = date(2026, 6, 1)


def rule(**changes: Any) -> Rule:
    return parse_rules(text_of(good(**changes)), "test.yaml").rules[0]


def ruled(first: Any, second: Any, *rules: Rule, today: date = TODAY, surface: str | None = None) -> Ruled:
    return apply_rules(rules, canonical_entity(first), canonical_entity(second), today, surface=surface)


def claim(prop: str = "P1", value: Any = "x", kind: str = "string", guid: str = "Q1$1", **more: Any) -> dict[str, Any]:
    snak = {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}
    return {"type": "statement", "id": guid, "rank": "normal", "mainsnak": snak, **more}


def place(latitude: float) -> dict[str, Any]:
    return {"latitude": latitude, "longitude": 1.5, "precision": 0.1, "globe": "http://www.wikidata.org/entity/Q2"}


def test_a_rule_is_named_only_when_the_pair_is_unequal_without_it() -> None:
    lower, strip = rule(), rule(name="label_space", action="strip")
    assert ruled(label("One"), label("one"), lower, strip) == Ruled(equal=True, needed=("label_case",))
    assert ruled(label("one"), label("one"), lower, strip) == Ruled(equal=True)
    assert ruled(label("one"), label("two"), lower, strip) == Ruled(equal=False)
    assert ruled(label("One"), label("one"), strip) == Ruled(equal=False)


def test_of_two_rules_that_would_do_the_earlier_is_named() -> None:
    found = ruled(label("One"), label("one"), rule(), rule(name="no_labels", path="labels.*", action="ignore"))
    assert found == Ruled(equal=True, needed=("label_case",))


def test_two_rules_that_are_both_needed_are_both_named() -> None:
    first = {**label("One"), "descriptions": {"en": {"language": "en", "value": "x"}}}
    found = ruled(first, label("one"), rule(), rule(name="no_descriptions", path="descriptions.*", action="ignore"))
    assert found == Ruled(equal=True, needed=("label_case", "no_descriptions"))


def test_a_rule_holds_through_its_last_day_and_not_after() -> None:
    one = rule(expires="2026-06-01")
    assert ruled(label("One"), label("one"), one, today=date(2026, 6, 1)).equal
    assert not ruled(label("One"), label("one"), one, today=date(2026, 6, 2)).equal
    assert expired([one], date(2026, 6, 2)) == (one,)
    assert expired([one], date(2026, 6, 1)) == ()


def test_a_rule_holds_only_where_it_says() -> None:
    one = rule(where={"surfaces": ["rest"], "entity_types": ["item"]})
    assert ruled(label("One"), label("one"), one, surface="rest").equal
    assert ruled(label("One"), label("one"), one).equal
    assert not ruled(label("One"), label("one"), one, surface="entitydata").equal
    prop = {"type": "property", "id": "P1", "datatype": "string"}
    assert not ruled({**label("One"), **prop}, {**label("one"), **prop}, one, surface="rest").equal


@pytest.mark.parametrize(
    ("path", "action", "first", "second", "unlike"),
    [
        ("labels.en", "ignore", label("a"), item(), item(labels={"de": {"language": "de", "value": "a"}})),
        ("labels.*.value", "strip", label(" a\t"), label("a"), label("b")),
        ("labels.*.value", "nfc", label("é"), label("e\u0301"), label("e")),
        ("labels.*.value", "prefix:3", label("abcd"), label("abce"), label("abde")),
        (
            "aliases.*",
            "set",
            item(aliases={"en": [{"language": "en", "value": one} for one in "ab"]}),
            item(aliases={"en": [{"language": "en", "value": one} for one in "ba"]}),
            item(aliases={"en": [{"language": "en", "value": one} for one in "ac"]}),
        ),
        (
            "claims.*.*.mainsnak.datavalue.value.latitude",
            "round:3",
            item(claims={"P1": [claim(value=place(52.51234), kind="globecoordinate")]}),
            item(claims={"P1": [claim(value=place(52.51231), kind="globecoordinate")]}),
            item(claims={"P1": [claim(value=place(52.514), kind="globecoordinate")]}),
        ),
        (
            "**.amount",
            "round:1",
            item(claims={"P1": [claim(value={"amount": "+1.52", "unit": "1"}, kind="quantity")]}),
            item(claims={"P1": [claim(value={"amount": "+1.5", "unit": "1"}, kind="quantity")]}),
            item(claims={"P1": [claim(value={"amount": "+1.6", "unit": "1"}, kind="quantity")]}),
        ),
        (
            "**.datavalue.value",
            "lower",
            item(claims={"P1": [claim(qualifiers={"P2": [claim("P2", "X")["mainsnak"]]})]}),
            item(claims={"P1": [claim(qualifiers={"P2": [claim("P2", "x")["mainsnak"]]})]}),
            item(claims={"P1": [claim(qualifiers={"P2": [claim("P2", "y")["mainsnak"]]})]}),
        ),
        ("claims.P1", "ignore", item(claims={"P1": [claim()]}), item(), item(claims={"P2": [claim("P2")]})),
        (
            "claims.*.*.references",
            "ignore",
            item(claims={"P1": [claim(references=[{"snaks": {"P2": [claim("P2")["mainsnak"]]}}])]}),
            item(claims={"P1": [claim()]}),
            item(claims={"P1": [claim(rank="preferred")]}),
        ),
        (
            "claims.*",
            "unordered",
            item(claims={"P1": [claim(guid="Q1$1"), claim(guid="Q1$2")]}),
            item(claims={"P1": [claim(guid="Q1$2"), claim(guid="Q1$1")]}),
            item(claims={"P1": [claim(guid="Q1$2")]}),
        ),
        (
            "claims-order",
            "set",
            item(claims={"P1": [claim()], "P2": [claim("P2", guid="Q1$2")]}),
            item(claims={"P2": [claim("P2", guid="Q1$2")], "P1": [claim()]}),
            item(claims={"P2": [claim("P2", guid="Q1$2")], "P3": [claim("P3")]}),
        ),
    ],
)
def test_each_action_makes_equal_what_it_should_and_nothing_else(
    path: str, action: str, first: Any, second: Any, unlike: Any
) -> None:
    one = rule(path=path, action=action)
    assert ruled(first, second, one) == Ruled(equal=True, needed=("label_case",))
    assert ruled(second, first, one) == Ruled(equal=True, needed=("label_case",))
    assert ruled(first, unlike, one) == Ruled(equal=False)


def test_a_rule_that_changes_members_comes_before_one_that_sorts_them() -> None:
    def aliases(*texts: str) -> dict[str, Any]:
        return item(aliases={"en": [{"language": "en", "value": text} for text in texts]})

    rules = [rule(name="sorts", path="aliases.*", action="set"), rule(name="lowers", path="aliases.*.*.value")]
    assert ruled(aliases("B", "a"), aliases("A", "b"), *rules).needed == ("sorts", "lowers")


def test_no_rule_touches_what_says_what_is_compared_with_what() -> None:
    everywhere = rule(path="**.id", action="ignore")
    assert not ruled(label("a"), {**label("a"), "id": "Q2"}, everywhere).equal
    wide = rule(path="**.redirect", action="ignore")
    assert not ruled({"entity": "Q1", "redirect": "Q2"}, {"entity": "Q1", "redirect": "Q3"}, wide).equal


def test_a_rule_that_takes_the_bones_out_still_compares() -> None:
    first, second = item(claims={"P1": [claim()]}), item(claims={"P1": [claim(value="y")]})
    assert ruled(first, second, rule(path="claims.*.*.mainsnak", action="ignore")).equal
    other = item(claims={"P1": [claim(value="y", rank="preferred")]})
    assert not ruled(first, other, rule(path="claims.*.*.mainsnak", action="ignore")).equal


PATHS = ("labels.*.value", "**.value", "claims.*.*.qualifiers", "aliases.*", "**", "claims.*", "sitelinks.*.title")
ACTIONS = ("ignore", "lower", "strip", "set", "unordered", "round:1", "prefix:1", "nfc")
some_rules = st.tuples(st.sampled_from(PATHS), st.sampled_from(ACTIONS)).map(
    lambda two: rule(path="labels.x" if two[0] == "**" else two[0], action=two[1])
)


@given(items(), st.lists(some_rules, max_size=3))
def test_rules_leave_what_they_are_given_alone_and_agree_with_themselves(
    entity: dict[str, Any], rules: list[Rule]
) -> None:
    content = canonical_entity(entity)
    before = copy.deepcopy(content)
    once = normalised(rules, content)
    assert content == before
    assert same(normalised(rules, content), once)
    assert (once is content) is not any(touches(one, content) for one in rules)


@given(items(), items(), st.lists(some_rules, max_size=3))
def test_named_rules_are_each_necessary_and_together_enough(one: Any, other: Any, rules: list[Rule]) -> None:
    first, second = canonical_entity(one), canonical_entity(other)
    named = [Rule(**{**{key: getattr(r, key) for key in r.__slots__}, "name": str(n)}) for n, r in enumerate(rules)]
    found = apply_rules(named, first, second, TODAY)
    needed = [r for r in named if r.name in found.needed]
    assert found.equal is same(normalised(named, first), normalised(named, second)) or same(first, second)
    if found.equal and needed:
        assert same(normalised(needed, first), normalised(needed, second))
        for left_out in needed:
            rest = [r for r in needed if r is not left_out]
            assert not same(normalised(rest, first), normalised(rest, second))


def test_the_version_changes_with_what_rules_do_not_with_why() -> None:
    assert rules_version([]) == "none"
    assert rules_version([rule()]) == rules_version([rule(reason="another", owner="somebody")])
    versions = {rules_version([rule(**{key: value})]) for key, value in (
        ("name", "x"), ("path", "labels.en.value"), ("action", "strip"), ("expires", "2027-02-01"),
        ("where", {"surfaces": ["rest"]}),
    )}  # fmt: skip
    assert len(versions | {rules_version([rule()])}) == 6


@pytest.mark.parametrize(
    ("examples", "complaint"),
    [
        ({"equal": [label("a"), label("a")]}, "equal` is equal without the rule"),
        ({"equal": [label("a"), label("b")]}, "stays different"),
        ({"different": [label("a"), label("a")]}, "different` is equal without the rule"),
        ({"different": [label("A"), label("a")]}, "hides too much"),
    ],
)
def test_examples_that_do_not_show_what_they_should_are_named(examples: dict[str, Any], complaint: str) -> None:
    one = rule(examples={**good()["examples"], **examples})
    (found,) = failing_examples(one)
    assert complaint in found


def test_the_rules_that_come_with_cutover_hold_and_do_what_they_promise() -> None:
    assert load_rules(SHIPPED).rules == read_rules(SHIPPED, TODAY).rules
