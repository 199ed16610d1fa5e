"""The golden folders `tests/cases/difference/<case>`: two documents, the words for an editor, and the JSON Patch."""

from pathlib import Path
from typing import Any

import jsondiff
import orjson
import pytest

from rules.difference import Difference, Kind, difference
from rules.difference_jsondiff import machine_difference
from rules.patch import apply_patch, patch_of
from wikibase.canonical import canonical_bytes, canonical_entity

CASES = sorted((Path(__file__).resolve().parents[1] / "cases" / "difference").iterdir())
MIRRORED = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}


def sides(case: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = (canonical_entity(orjson.loads((case / f"{side}.json").read_bytes())) for side in "ab")
    return first, second


def shape(found: Difference, *, mirrored: bool = False) -> list[tuple[Kind, tuple[str, ...]]]:
    kinds = MIRRORED if mirrored else {}
    return sorted((kinds.get(change.kind, change.kind), change.path) for change in found.changes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_words_are_those_of_the_case(case: Path) -> None:
    assert difference(*sides(case)).text().splitlines() == (case / "words.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_patch_is_that_of_the_case_and_leads_from_a_to_b(case: Path) -> None:
    first, second = sides(case)
    expected = orjson.loads((case / "patch.json").read_bytes())
    assert list(patch_of(first, second).operations) == expected
    assert canonical_bytes(apply_patch(first, expected)) == canonical_bytes(second)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_jsondiff_leads_from_a_to_b(case: Path) -> None:
    first, second = sides(case)
    found = machine_difference(first, second)
    assert found.cut_total == 0
    assert canonical_bytes(jsondiff.patch(first, found.as_json, marshal=True)) == canonical_bytes(second)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sides_are_never_swapped(case: Path) -> None:
    first, second = sides(case)
    assert shape(difference(second, first)) == shape(difference(first, second), mirrored=True)
