"""Hostile pairs of about 4 MB: each way of telling a difference ends in time, by the clock of the processor."""

import random
import time
from typing import Any

import pytest

from rules.difference import difference
from rules.difference_jsondiff import machine_difference
from rules.patch import patch_of

WORDS_S, PATCH_S, JSONDIFF_S = 2.0, 1.0, 4.0


def shuffled(members: list[Any]) -> list[Any]:
    found = list(members)
    random.Random(1).shuffle(found)
    return found


def statement(number: int, value: str = "") -> dict[str, Any]:
    snak = {"snaktype": "value", "property": "P1", "datavalue": {"type": "string", "value": value or f"v{number}"}}
    return {"id": f"Q1${number:08d}", "type": "statement", "rank": "normal", "mainsnak": snak}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "item", "id": "Q1", "labels": {}, "claims": {}, **fields}


def claims(statements: list[Any]) -> dict[str, Any]:
    return item(claims={"P1": statements}, **{"claims-order": ["P1"]})


STATEMENTS = [statement(number) for number in range(30_000)]
WITHOUT_IDS = [{key: value for key, value in one.items() if key != "id"} for one in STATEMENTS]
ALIASES = [{"language": "en", "value": f"alias {number}"} for number in range(100_000)]
OTHERS = [{"language": "en", "value": f"other {number}"} for number in range(100_000)]
REFERENCES = [{"snaks": {"P1": [statement(number)["mainsnak"]]}, "snaks-order": ["P1"]} for number in range(30_000)]
PAIRS = {
    "statements in another order": (claims(STATEMENTS), claims(shuffled(STATEMENTS))),
    "statements backwards": (claims(STATEMENTS), claims(STATEMENTS[::-1])),
    "every value another": (claims(STATEMENTS), claims([statement(n, f"w{n}") for n in range(30_000)])),
    "statements without ids": (claims(WITHOUT_IDS), claims(shuffled(WITHOUT_IDS))),
    "aliases in another order": (item(aliases={"en": ALIASES}), item(aliases={"en": shuffled(ALIASES)})),
    "every alias another": (item(aliases={"en": ALIASES}), item(aliases={"en": OTHERS})),
    "references in another order": (
        claims([{**statement(1), "references": REFERENCES}]),
        claims([{**statement(1), "references": shuffled(REFERENCES)}]),
    ),
    "one long text": (item(labels={"en": {"language": "en", "value": "a" * 5_000_000}}),
                      item(labels={"en": {"language": "en", "value": "a" * 4_999_999 + "b"}})),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_hostile_pair_is_told_in_time(name: str) -> None:
    first, second = PAIRS[name]
    for tell, limit_s in (
        (lambda: difference(first, second).text(), WORDS_S),
        (lambda: patch_of(first, second), PATCH_S),
        (lambda: machine_difference(first, second), JSONDIFF_S),
    ):
        began = time.process_time()
        assert tell()
        assert time.process_time() - began < limit_s
