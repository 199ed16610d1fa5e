"""Statements in every shape that Wikibase's decoder takes."""

from typing import Any

import pytest

from wikibase.errors import NotAnEntityError
from wikibase.statements import canonical_snak, canonical_statement, canonical_statements


def no_value(prop: str) -> dict[str, Any]:
    return {"snaktype": "novalue", "property": prop}


def statement(prop: str, guid: str = "x") -> dict[str, Any]:
    return {"mainsnak": no_value(prop), "type": "statement", "id": guid, "rank": "normal"}


def test_a_flat_list_is_grouped_in_the_order_of_first_appearance() -> None:
    groups, order = canonical_statements([statement("P2", "a"), statement("P1", "b"), statement("P2", "c")])
    assert order == ["P2", "P1"]
    assert [one["id"] for one in groups["P2"]] == ["a", "c"]


def test_a_given_order_wins_and_what_it_leaves_out_follows() -> None:
    by_property = {prop: [statement(prop)] for prop in ("P1", "P2", "P3")}
    assert canonical_statements(by_property, ["P3", "P9", "P1", "P3"])[1] == ["P3", "P1", "P2"]


@pytest.mark.parametrize(("rank", "word"), [(0, "deprecated"), (1, "normal"), (2, "preferred"), ("preferred",) * 2])
def test_ranks_are_words(rank: Any, word: str) -> None:
    assert canonical_statement({**statement("P1"), "rank": rank})["rank"] == word


def test_empty_qualifiers_and_references_are_not_there() -> None:
    bare = {**statement("P1"), "qualifiers": {}, "qualifiers-order": [], "references": []}
    assert canonical_statement(bare) == statement("P1")


def test_qualifiers_may_be_a_flat_list() -> None:
    flat = {**statement("P1"), "qualifiers": [no_value("P5"), no_value("P3")]}
    made = canonical_statement(flat)
    assert made["qualifiers"] == {"P5": [no_value("P5")], "P3": [no_value("P3")]}
    assert made["qualifiers-order"] == ["P5", "P3"]


def test_a_snak_without_a_value_has_none() -> None:
    assert canonical_snak({**no_value("P1"), "hash": "x", "datatype": "string", "datavalue": {}}) == no_value("P1")


def test_a_snak_of_an_unknown_kind_is_kept() -> None:
    odd = {"snaktype": "maybe", "property": "P1", "datavalue": 5}
    assert canonical_snak({**odd, "hash": "x"}) == odd


def test_a_snak_without_a_property_name_is_refused() -> None:
    with pytest.raises(NotAnEntityError):
        canonical_snak({"snaktype": "novalue", "property": 5})


def test_true_and_one_are_different_values() -> None:
    values = [{"snaktype": "value", "property": "P1", "datavalue": {"type": "x", "value": v}} for v in (1, True)]
    assert len(canonical_statement({**statement("P1"), "qualifiers": {"P1": values}})["qualifiers"]["P1"]) == 2
