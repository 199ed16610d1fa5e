"""What each operator on statements does, on items, forms, and statements shown in part."""

from typing import Any

import pytest
from fakes.lexeme import ITEM

from rules.mutants import Shown, damage
from rules.mutants_statements import OPERATORS
from wikibase.canonical import canonical_entity

BY_NAME = {one.name: one for one in OPERATORS}
FORM = canonical_entity(ITEM)


def made(name: str, content: dict[str, Any] = FORM, seed: int = 1) -> dict[str, Any]:
    found = damage(BY_NAME[name], content, Shown(content=content), seed)
    assert found is not None
    return found.content


def statements(content: dict[str, Any]) -> dict[str, Any]:
    return {one["id"]: one for group in content["claims"].values() for one in group}


def changed(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the one statement that is not as it was: before and after."""
    before, after = statements(FORM), statements(content)
    (guid,) = (guid for guid in before if after[guid] != before[guid])
    return before[guid], after[guid]


def test_a_rank() -> None:
    before, after = changed(made("rank"))
    assert {**after, "rank": before["rank"]} == before


@pytest.mark.parametrize("name", ["guid_case", "guid_digit"])
def test_an_id(name: str) -> None:
    before, after = set(statements(FORM)), set(statements(made(name)))
    assert len(before - after) == len(after - before) == 1
    assert (before - after).pop().upper() != (after - before).pop().upper() or name == "guid_case"


def test_statements_come_go_and_change_places() -> None:
    assert len(statements(made("statement_lost"))) == len(statements(FORM)) - 1
    assert len(statements(made("statement_added"))) == len(statements(FORM)) + 1
    swapped = made("statements_swapped")["claims"]["P1"]
    assert [one["id"] for one in swapped] == [one["id"] for one in FORM["claims"]["P1"]][::-1]


def test_a_property_whose_only_statement_is_lost_is_lost() -> None:
    one = {**FORM, "claims": {"P2": FORM["claims"]["P2"]}, "claims-order": ["P2"]}
    lost = made("statement_lost", one)
    assert lost["claims"] == {}
    assert "claims-order" not in lost


def test_properties() -> None:
    assert made("properties_swapped")["claims-order"] == FORM["claims-order"][::-1]
    renamed = made("property_renamed")
    assert "P999999999" in renamed["claims"]
    assert "P999999999" in renamed["claims-order"]
    assert renamed["claims"]["P999999999"][0]["mainsnak"]["property"] == "P999999999"
    assert made("statements_emptied")["claims"] == {}


def test_qualifiers() -> None:
    before, after = changed(made("qualifier_lost"))
    assert len(after["qualifiers-order"]) == len(before["qualifiers-order"]) - 1 == len(after["qualifiers"])
    before, after = changed(made("qualifier_value"))
    assert after["qualifiers"] != before["qualifiers"]
    assert after["qualifiers-order"] == before["qualifiers-order"]


def test_references() -> None:
    before, after = changed(made("reference_lost"))
    assert len(after["references"]) == len(before["references"]) - 1
    before, after = changed(made("reference_value"))
    assert len(after["references"]) == len(before["references"])
    assert after["references"] != before["references"]
    _, after = changed(made("reference_snak_lost", seed=4))
    assert sum(len(reference["snaks"]) for reference in after["references"]) == 2


def test_only_what_is_shown_of_a_statement_is_damaged() -> None:
    bare = [{key: value for key, value in one.items() if key != "references"} for one in FORM["claims"]["P1"]]
    shown = Shown(content={"id": "Q5", "type": "item", "claims": {"P1": bare}}, additions=False)
    applied = {one.name for one in OPERATORS if damage(one, FORM, shown, 1)}
    assert {"rank", "qualifier_lost", "guid_case", "statements_swapped", "string_byte"} <= applied
    assert not {name for name in applied if name.startswith("reference") or name.endswith(("emptied", "added"))}


def test_nothing_to_damage_is_nothing_damaged() -> None:
    empty = canonical_entity({"type": "item", "id": "Q1"})
    assert [one.name for one in OPERATORS if damage(one, empty, Shown(content=empty), 1)] == []
