"""What the canonical form costs: beside bare orjson + SHA-256, and what equal and nearly equal pairs cost beside peers.

    .venv/bin/python bench/canonical.py [--rounds 7] [--seconds 0.3] [--json] [--hostile] [FILE ...]

FILE: an answer of Special:EntityData or one entity; without any, the three items of ../shared/entities.

- "canonical": parse, canonical form, bytes and digest of a compact text; the peer parses, writes with sorted keys and
  hashes, and knows nothing of Wikibase.
- "equal pair": `same_content` of an answer and the stored form; the peer makes both canonical and compares the
  bytes. Both sides begin with parsed values.
- "two changes": difference and its words, of a label and a rank in an item; the peer is `jsondiff.diff`, on the
  canonical forms (only where it is installed).

Rounds are interleaved, so that a noisy minute hits every side; shown is the best time of one call in all rounds.
Ratios mean more than figures: other programs share the machine.

`--hostile` measures pairs of 5 MB instead, made to be as unlike as they can be: the canonical form of both texts, and
the difference in words, as JSON Patch and as jsondiff, with what it may take. One call each, in seconds of processor
time, and as a multiple of the canonical form of both.
"""

import argparse
import copy
import gc
import hashlib
import importlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any

import orjson

from rules.difference import difference
from rules.difference_jsondiff import machine_difference
from rules.patch import patch_of
from wikibase.canonical import canonical_bytes, canonical_entity, canonical_of_text, digest
from wikibase.same import same_content

ENTITIES = Path(__file__).resolve().parents[2] / "shared" / "entities"
SORTED = orjson.OPT_SORT_KEYS

Sides = dict[str, Callable[[], Any]]


def entity_of(path: Path) -> dict[str, Any]:
    parsed = orjson.loads(path.read_bytes())
    return dict(next(iter(parsed["entities"].values())) if "entities" in parsed else parsed)


def canonical_sides(entity: dict[str, Any]) -> Sides:
    text = orjson.dumps(entity)
    return {
        "ours": lambda: digest(canonical_bytes(canonical_of_text(text))),
        "orjson + sha256": lambda: hashlib.sha256(orjson.dumps(orjson.loads(text), option=SORTED)).hexdigest(),
    }


def equal_sides(entity: dict[str, Any]) -> Sides:
    stored = orjson.loads(canonical_bytes(canonical_entity(entity)))

    def both() -> None:
        assert canonical_bytes(canonical_entity(entity)) == canonical_bytes(canonical_entity(stored))

    def fast() -> None:
        assert same_content(entity, stored)

    return {"ours": fast, "both canonical": both}


def changed_sides(entity: dict[str, Any]) -> Sides:
    stored = orjson.loads(canonical_bytes(canonical_entity(entity)))
    changed = copy.deepcopy(stored)
    next(iter(changed["labels"].values()))["value"] += " changed"
    next(iter(changed["claims"].values()))[-1]["rank"] = "deprecated"
    found = difference(stored, changed)
    assert len(found.changes) == 2, found.text()
    sides: Sides = {"ours": lambda: difference(stored, changed).text()}
    try:
        peer = importlib.import_module("jsondiff")
    except ImportError:
        return sides
    return {**sides, "jsondiff": lambda: peer.diff(stored, changed)}


MEASUREMENTS: Sequence[tuple[str, Callable[[dict[str, Any]], Sides], float]] = (
    ("canonical", canonical_sides, 0.6),
    ("equal pair", equal_sides, 3.0),
    ("two changes", changed_sides, 50.0),
)
"""What is measured, and how many times as fast as the peer it has to be for the largest entity."""


BATCH_S = 0.001
"""How long the calls take that are timed as one, so that reading the clock does not count."""


def best_ms(call: Callable[[], Any], seconds: float) -> float:
    """Return the best time of a call, of processor time: that others had the processor in between is not its fault."""
    started = time.process_time()
    call()
    calls = max(1, int(BATCH_S / max(time.process_time() - started, 1e-6)))
    best, until = float("inf"), time.perf_counter() + seconds
    while True:
        started = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - started) / calls)
        if time.perf_counter() > until:
            return best * 1000


def measure(sides: Sides, rounds: int, seconds: float) -> dict[str, float]:
    for call in sides.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            times[name].append(best_ms(call, seconds))
    return {name: round(min(each), 4) for name, each in times.items()}


Pair = tuple[str, dict[str, Any], dict[str, Any]]
Maker = Callable[[int], dict[str, Any]]


def _statement(number: int, value: Any, kind: str = "string", prop: str = "P1") -> dict[str, Any]:
    snak = {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}
    return {"mainsnak": snak, "type": "statement", "rank": "normal", "id": f"Q1${number}"}


def _snaks(values: Sequence[Any]) -> dict[str, Any]:
    return {"P2": [_statement(0, value, prop="P2")["mainsnak"] for value in values]}


def _turned(numbers: range, other: int) -> Sequence[int]:
    return numbers[::-1] if other else numbers


def _nested(value: Any) -> Any:
    return reduce(lambda inner, _: [inner], range(150), value)


HOSTILE: Sequence[tuple[str, str, Maker]] = (
    ("other statements", "claims", lambda o: {"P1": [_statement(-n if o else n, f"{o}{n}") for n in range(38_000)]}),
    ("statements reversed", "claims", lambda o: {"P1": [_statement(n, "") for n in _turned(range(40_000), o)]}),
    (
        "properties reversed",
        "claims",
        lambda o: {f"P{n}": [_statement(n, f"{o}", prop=f"P{n}")] for n in _turned(range(1, 36_000), o)},
    ),
    (
        "texts alike for long",
        "claims",
        lambda o: {"P1": [_statement(2 * n + o, f"{n:a>1000}") for n in _turned(range(4_400), o)]},
    ),
    (
        "qualifiers reversed",
        "claims",
        lambda o: {"P1": [_statement(1, "") | {"qualifiers": _snaks(_turned(range(58_000), o))}]},
    ),
    (
        "equal references",
        "claims",
        lambda o: {
            "P1": [_statement(1, "") | {"references": [{"snaks": _snaks([n % (5 + 2 * o)])} for n in range(45_000)]}]
        },
    ),
    (
        "aliases",
        "aliases",
        lambda o: {"en": [{"language": "en", "value": f"{n + o}"} for n in _turned(range(140_000), o)]},
    ),
    ("other languages", "labels", lambda o: {f"{o}{n}": {"language": f"{o}{n}", "value": "x"} for n in range(100_000)}),
    (
        "one long text",
        "labels",
        lambda o: {"en": {"language": "en", "value": "a" * 2_500_000 + f"{o}" + "a" * 2_500_000}},
    ),
    ("numbers reversed", "claims", lambda o: {"P1": [_statement(1, [*_turned(range(700_000), o)], "novel")]}),
    (
        "nested deeply",
        "claims",
        lambda o: {"P1": [_statement(1, [_nested(n + o) for n in range(16_000)], "novel")]},
    ),
)
"""Pairs without an end in sight: a name, a field, and what stands in it on either side (0, 1)."""

HOSTILE_MAX_S = {"words": 2.0, "patch": 1.0, "jsondiff": 4.0}


def processor_s(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call takes, and its result."""
    gc.collect()
    gc.freeze()  # what is alive by now is not to be looked through at each collection
    started = time.process_time()
    result = call()
    took_s = time.process_time() - started
    gc.unfreeze()
    return took_s, result


def hostile_rows() -> Iterator[dict[str, Any]]:
    """Yield for each pair how long the canonical forms and the differences take, in seconds of processor time."""
    for name, field, make in HOSTILE:
        texts = [orjson.dumps({"type": "item", "id": "Q1", field: make(other)}) for other in (0, 1)]
        (one_s, one), (other_s, other) = (processor_s(partial(canonical_of_text, text)) for text in texts)
        took = {
            "canonical": one_s + other_s,
            "words": processor_s(lambda: difference(one, other).text())[0],  # noqa: B023  called at once
            "patch": processor_s(partial(patch_of, one, other))[0],
            "jsondiff": processor_s(partial(machine_difference, one, other))[0],
        }
        yield {"pair": name, "bytes": max(map(len, texts)), "s": {what: round(each, 3) for what, each in took.items()}}


def print_hostile() -> None:
    print(f"{'pair':<22}{'bytes':>9}{'canonical s':>13}" + "".join(f"{what:>20}" for what in HOSTILE_MAX_S))
    for row in hostile_rows():
        cells = ""
        for what, most_s in HOSTILE_MAX_S.items():
            cell = f"{row['s'][what]:.2f} s {row['s'][what] / row['s']['canonical']:.1f}x"
            cells += f"{cell + (' !' if row['s'][what] > most_s else ''):>20}"
        print(f"{row['pair']:<22}{row['bytes']:>9}{row['s']['canonical']:>13.2f}{cells}", flush=True)
    print(f"at most: {HOSTILE_MAX_S} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each side runs in each round")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--hostile", action="store_true", help="pairs of 5 MB that are as unlike as they can be")
    options = parser.parse_args()
    if options.hostile:
        if options.json:
            print(json.dumps([*hostile_rows()], indent=1))
        else:
            print_hostile()
        return 0
    files = options.files or sorted(ENTITIES.glob("*.json"), key=lambda path: -path.stat().st_size)
    if not files:
        parser.error(f"no FILE, and {ENTITIES} is not there")
    rows = []
    for path in files:
        entity = entity_of(path)
        for name, sides_of, wanted in MEASUREMENTS:
            times = measure(sides_of(entity), options.rounds, options.seconds)
            ours, *peers = times.values()
            ratio = round(peers[0] / ours, 2) if peers else None
            row = {"entity": path.stem, "bytes": len(orjson.dumps(entity)), "what": name, "ms": times, "ratio": ratio}
            rows.append({**row, "wanted": wanted})
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'entity':<14}{'bytes':>8}  {'what':<13}{'ours ms':>9}{'peer ms':>10}{'ratio':>8}{'wanted':>8}  peer")
    for row in rows:
        ours, *peers = row["ms"].items()
        peer, peer_ms = peers[0] if peers else ("not installed", float("nan"))
        print(
            f"{row['entity']:<14}{row['bytes']:>8}  {row['what']:<13}{ours[1]:>9.3f}{peer_ms:>10.3f}"
            f"{row['ratio'] or float('nan'):>8.2f}{row['wanted']:>8}  {peer}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
