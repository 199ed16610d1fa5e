"""Statements compared: by GUID wherever they stand, and what has no GUID, or one twice, all the same."""

from typing import Any

import pytest

from rules.difference import difference


def statement(guid: str | None, prop: str = "P1", **fields: Any) -> dict[str, Any]:
    out = {"mainsnak": {"snaktype": "novalue", "property": prop}, "type": "statement", "rank": "normal", **fields}
    return out if guid is None else {**out, "id": guid}


def words(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    return difference({"id": "Q1", "claims": first}, {"id": "Q1", "claims": second}).text().splitlines()


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ([statement("a"), statement("b")], [statement("b"), statement("a")], ["P1: statements reordered"]),
        (
            [statement("a"), statement("b")],
            [statement("b", rank="preferred"), statement("a")],
            ["P1 (b): rank normal -> preferred", "P1: statements reordered"],
        ),
        ([statement("a"), statement("a")], [statement("a")], ["P1: statement removed: no value (a)"]),
        ([statement(None)], [statement(None), statement(None)], ["P1: statement added: "]),
        ([statement("a", new=1)], [statement("a")], ["P1: new 1 -> (none)"]),
        ([statement("a", new=None)], [statement("a")], ["P1: new: null -> (none)"]),
        ([5], [6], ["P1: [5] -> [6]"]),
        (
            [statement("a", qualifiers={"P2": []}, **{"qualifiers-order": ["P2"]})],
            [statement("a", qualifiers={"P2": []}, **{"qualifiers-order": ["P2", "P2"]})],
            ["P1: qualifiers reordered"],
        ),
    ],
)  # fmt: skip
def test_statements_of_one_property(first: list[Any], second: list[Any], told: list[str]) -> None:
    found = words({"P1": first}, {"P1": second})
    assert len(found) == len(told)
    assert all(one.startswith(beginning) for one, beginning in zip(found, told, strict=True))


def test_a_statement_under_another_property_is_the_same_statement() -> None:
    first = {"P1": [statement("a")], "P2": [statement("b", "P2")]}
    moved = {"P2": [statement("b", "P2"), statement("a", "P2", rank="deprecated")]}
    assert words(first, moved) == ["statement a: property P1 -> P2", "P2 (a): rank normal -> deprecated"]


def test_properties_are_told_in_the_order_of_their_numbers() -> None:
    assert [line.split(":")[0] for line in words({}, {p: [statement(p, p)] for p in ("P10", "P9", "P100")})] == [
        "P9",
        "P10",
        "P100",
    ]
