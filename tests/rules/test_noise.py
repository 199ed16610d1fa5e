"""Noise and error in one mismatch: each differing field is one or the other, and noise never hides an error."""

from typing import Any

import pytest
from fakes.entities import items
from hypothesis import given
from hypothesis import strategies as st

from rules.difference import difference, same
from rules.noise import FIELDS_MAX, split_noise
from wikibase.canonical import canonical_entity

GUID = "Q1$1"


def entity(**changes: Any) -> dict[str, Any]:
    rank, title, label, de = (changes.get(name, "normal") for name in ("rank", "title", "label", "de"))
    snak = {"snaktype": "somevalue", "property": "P1"}
    return canonical_entity(
        {
            "type": "item",
            "id": "Q1",
            "labels": {"en": {"language": "en", "value": label}, "de": {"language": "de", "value": de}},
            "claims": {"P1": [{"type": "statement", "id": GUID, "rank": rank, "mainsnak": snak}]},
            "sitelinks": {"enwiki": {"site": "enwiki", "title": title, "badges": []}},
        }
    )


@pytest.mark.parametrize(
    ("sides", "noise", "error", "unsteady"),
    [
        (({"label": "x"}, {}, {}), [("labels", "en")], [], []),
        (({"label": "x"}, {"label": "x"}, {}), [], [("labels", "en")], []),
        (({"label": "x"}, {"label": "y"}, {}), [], [("labels", "en")], []),
        (({}, {"label": "y"}, {}), [], [], [("labels", "en")]),
        (
            ({"label": "x", "rank": "preferred"}, {"rank": "preferred"}, {}),
            [("labels", "en")],
            [("claims", "P1", GUID, "rank")],
            [],
        ),
        (
            ({"title": "x", "de": "y"}, {"title": "x"}, {}),
            [("labels", "de")],
            [("sitelinks", "enwiki", "title")],
            [],
        ),
    ],
)
def test_each_field_is_noise_or_error(sides: Any, noise: Any, error: Any, unsteady: Any) -> None:
    answered, again, stored = (entity(**changes) for changes in sides)
    found = split_noise(answered, again, stored)
    assert (list(found.noise), list(found.error), list(found.unsteady)) == (noise, error, unsteady)
    assert found.only_noise is (bool(noise) and not error)


def test_what_is_left_to_tell_is_the_error_alone() -> None:
    answered, again, stored = entity(label="x", rank="preferred"), entity(rank="preferred"), entity()
    found = split_noise(answered, again, stored)
    assert difference(found.settled, stored).text() == "P1: rank preferred -> normal"
    assert found.words() == "noise (the wiki disagrees with itself): labels.en"
    assert split_noise(answered, answered, stored).words() == ""


def test_a_statement_that_the_wiki_lost_for_a_moment_is_noise() -> None:
    without = canonical_entity({**entity(), "claims": {}})
    found = split_noise({key: without[key] for key in without}, entity(), entity())
    assert found.only_noise
    assert same(found.settled, entity())


def test_a_redirect_for_an_entity_is_one_field() -> None:
    redirect = {"entity": "Q1", "redirect": "Q2"}
    found = split_noise(entity(), redirect, redirect)
    assert (found.noise, found.error) == (((),), ())
    assert split_noise(entity(), entity(), redirect).error_total == 1


def test_many_fields_are_counted_and_some_are_named() -> None:
    def labels(text: str) -> dict[str, Any]:
        return {"id": "Q1", "labels": {f"l{n}": {"value": text} for n in range(3000)}}

    found = split_noise(labels("x"), labels("y"), labels("y"))
    assert (found.noise_total, len(found.noise)) == (3000, FIELDS_MAX)
    assert len(found.words()) < 400
    assert found.words().endswith("and 2990 more")


names = st.sampled_from(("id", "labels", "en", "claims", "P1", "forms", "rank", "mainsnak"))
anything = st.recursive(
    st.sampled_from((None, True, 1, 1.0, "a", "b")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
contents = st.dictionaries(names, anything, max_size=3) | items().map(canonical_entity)


PATTERNS = st.sampled_from(((0, 0, 2), (0, 1, 2), (0, 1, 1), (0, 2, 1), (0, 1, 0), (0, 2, 2)))


@given(st.tuples(contents, contents, contents), PATTERNS)
def test_nothing_is_lost_between_noise_and_error(states: tuple[Any, ...], pattern: tuple[int, ...]) -> None:
    answered, again, stored = (states[place] for place in pattern)
    found = split_noise(answered, again, stored)
    assert bool(found.noise_total + found.error_total) is not same(answered, stored)
    assert bool(found.error_total) is not same(found.settled, stored)
    if same(again, stored):
        assert not found.error_total
    if same(again, answered):
        assert not found.noise_total
        assert same(found.settled, answered)


@given(items(), items(), items())
def test_fields_mixed_from_two_states_are_told_apart(one: Any, other: Any, third: Any) -> None:
    """The store has one state; the answer has some fields of another, and some of those it has no more."""
    stored, changed, back = canonical_entity(one), canonical_entity(other), canonical_entity(third)
    answered = {**stored, "labels": changed["labels"], "claims": changed["claims"], "sitelinks": back["sitelinks"]}
    again = {**answered, "labels": stored["labels"]}
    found = split_noise(answered, again, stored)
    assert {path[0] for path in found.noise} <= {"labels"}
    assert {path[0] for path in found.error} <= {"claims", "sitelinks"}
    assert bool(found.noise) is not same(answered["labels"], stored["labels"])
