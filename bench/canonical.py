"""What the canonical form costs: beside bare orjson + SHA-256, and what equal and nearly equal pairs cost beside peers.

    .venv/bin/python bench/canonical.py [--rounds 7] [--seconds 0.3] [--json] [FILE ...]

FILE: an answer of Special:EntityData or one entity; without any, the three items of ../shared/entities.

- "canonical": parse, canonical form, bytes and digest of a compact text; the peer parses, writes with sorted keys and
  hashes, and knows nothing of Wikibase.
- "equal pair": `same_content` of an answer and the stored form; the peer makes both canonical and compares the
  bytes. Both sides begin with parsed values.
- "two changes": difference and its words, of a label and a rank in an item; the peer is `jsondiff.diff`, on the
  canonical forms (only where it is installed).

Rounds are interleaved, so that a noisy minute hits every side; shown is the median of the rounds, each the best time
of one call in it. Ratios mean more than figures: other programs share the machine.
"""

import argparse
import copy
import hashlib
import importlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from rules.difference import difference
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


def best_ms(call: Callable[[], Any], seconds: float) -> float:
    best, until = float("inf"), time.perf_counter() + seconds
    while True:
        started = time.perf_counter()
        call()
        ended = time.perf_counter()
        best = min(best, ended - started)
        if ended > until:
            return best * 1000


def measure(sides: Sides, rounds: int, seconds: float) -> dict[str, float]:
    for call in sides.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, call in sides.items():
            times[name].append(best_ms(call, seconds))
    return {name: round(statistics.median(each), 4) for name, each in times.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each side runs in each round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
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
