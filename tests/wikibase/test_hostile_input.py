"""Texts and pairs made to be dear: bounded by what their canonical form costs, and that by what parsing them costs.

Processor time against processor time in one run, so that a loaded machine does not matter. The bounds are far above
what is measured (`bench/canonical.py --hostile` tells it) and far below what a quadratic way would take.
"""

import gc
import json
import time
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import pytest

from rules.difference import difference
from rules.difference_jsondiff import machine_difference
from rules.patch import apply_patch, patch_of
from wikibase.canonical import canonical_bytes, canonical_of_text
from wikibase.same import same_content

FORM_MAX = 150  # canonical form: times the parsing by the standard library
DIFFERENCE_MAX = 25  # words, patch or jsondiff: times the canonical form of both

CHARS_MAX = 5_000  # what is said of a pair, however much differs


def statement(number: int, value: Any, kind: str = "string", prop: str = "P1") -> dict[str, Any]:
    snak = {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}
    return {"mainsnak": snak, "type": "statement", "rank": "normal", "id": f"Q1${number}"}


def snaks(values: Sequence[Any]) -> dict[str, Any]:
    return {"P2": [statement(0, value, prop="P2")["mainsnak"] for value in values]}


def turned(numbers: range, other: int) -> Sequence[int]:
    return numbers[::-1] if other else numbers


def nested(value: Any) -> Any:
    return reduce(lambda inner, _: [inner], range(150), value)


PAIRS: dict[str, Callable[[int], dict[str, Any]]] = {
    "other statements": lambda o: {"claims": {"P1": [statement(-n if o else n, f"{o}{n}") for n in range(8_000)]}},
    "statements reversed": lambda o: {"claims": {"P1": [statement(n, "") for n in turned(range(8_000), o)]}},
    "properties reversed": lambda o: {
        "claims": {f"P{n}": [statement(n, f"{o}", prop=f"P{n}")] for n in turned(range(1, 8_000), o)}
    },
    "qualifiers reversed": lambda o: {
        "claims": {"P1": [statement(1, "") | {"qualifiers": snaks(turned(range(10_000), o))}]}
    },
    "equal references": lambda o: {
        "claims": {
            "P1": [statement(1, "") | {"references": [{"snaks": snaks([n % (5 + 2 * o)])} for n in range(8_000)]}]
        }
    },
    "aliases": lambda o: {
        "aliases": {"en": [{"language": "en", "value": f"{n + o}"} for n in turned(range(25_000), o)]}
    },
    "other languages": lambda o: {"labels": {f"{o}{n}": {"language": f"{o}{n}", "value": "x"} for n in range(20_000)}},
    "one long text": lambda o: {"labels": {"en": {"language": "en", "value": "a" * 500_000 + f"{o}" + "a" * 500_000}}},
    "numbers reversed": lambda o: {"claims": {"P1": [statement(1, [*turned(range(100_000), o)], "novel")]}},
    "nested deeply": lambda o: {"claims": {"P1": [statement(1, [nested(n + o) for n in range(2_000)], "novel")]}},
}


def text(name: str, other: int) -> bytes:
    return json.dumps({"type": "item", "id": "Q1", **PAIRS[name](other)}).encode()


def cost_s(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    gc.disable()  # collections belong to whatever else is alive
    try:
        started = time.process_time()
        result = call()
        return max(time.process_time() - started, 0.002), result
    finally:
        gc.enable()


@pytest.mark.parametrize("name", PAIRS)
def test_a_dear_text_costs_little_more_than_its_parsing(name: str) -> None:
    given = text(name, 1)
    parsing_s, parsed = cost_s(partial(json.loads, given))
    form_s, form = cost_s(partial(canonical_of_text, given))
    same_s, _ = cost_s(partial(same_content, parsed, form))
    assert form_s < FORM_MAX * parsing_s
    assert same_s < FORM_MAX * parsing_s


@pytest.mark.parametrize("name", PAIRS)
def test_a_dear_pair_is_told_apart_in_bounded_time_and_words(name: str) -> None:
    form_s, (first, second) = cost_s(lambda: [canonical_of_text(text(name, other)) for other in (0, 1)])
    words_s, words = cost_s(lambda: difference(first, second).text())
    patch_s, patch = cost_s(partial(patch_of, first, second))
    machine_s, machine = cost_s(partial(machine_difference, first, second))
    assert max(words_s, patch_s, machine_s) < DIFFERENCE_MAX * form_s
    assert 0 < len(words) < CHARS_MAX
    assert machine.as_json
    changed = apply_patch(first, patch.operations)
    assert canonical_bytes(changed) == canonical_bytes(second)
