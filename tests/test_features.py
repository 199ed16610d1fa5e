"""The list of features names tests that exist, for every row, or says "not yet"."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "features.md").read_text("utf-8")
ROWS = {int(cells[1]): cells for cells in (re.split(r"\s*\|\s*", line) for line in PAGE.splitlines())
        if len(cells) > 3 and cells[1].isdigit()}  # fmt: skip
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(PAGE))))
def test_a_named_test_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert name in names_in(path)


def test_every_row_is_there_and_is_proven_or_says_not_yet() -> None:
    assert sorted(ROWS) == list(range(1, 62))
    assert [number for number, cells in ROWS.items() if not NAMED.search(cells[3]) and "not yet" not in cells[3]] == []


def test_what_looks_like_a_test_is_one() -> None:
    assert len(re.findall(r"`tests/", PAGE)) == len(NAMED.findall(PAGE))
