"""Which revisions a history audit looks at: drawn by chance from all ids, and from strata where faults gather. Pure.

The bound that an audit states is of the revisions drawn by chance alone; what strata add is looked at besides.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backends.wiki.changes_shapes import Range, merged
from verifier.audit_wiki import WikiRow

LEGACY_BEFORE = "2015"
"""Texts that were stored before are in the form of the first years (wikibase.md 3.4)."""

LARGE_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Placed:
    """A revision within its entity's history: `after_id` is the highest id that comes before it there."""

    row: WikiRow
    after_id: int


STRATA: Mapping[str, Callable[[Placed], bool]] = {
    "legacy": lambda one: one.row.about.timestamp < LEGACY_BEFORE,
    "large": lambda one: one.row.about.size >= LARGE_BYTES,
    "imported": lambda one: one.row.about.rev_id < one.after_id or ">" in (one.row.about.user or ""),
    "hidden": lambda one: bool(one.row.about.hidden),
    "archived": lambda one: one.row.archived,
    "tagged": lambda one: bool(one.row.about.tags),
}
"""What makes a revision one of a stratum; `oldest` and `recent` are strata by id besides."""


def draw(last_id: int, count: int, dice: random.Random) -> list[Range]:
    """Return so many different ids up to the last one, as ranges. All of them, when there are no more."""
    if count >= last_id:
        return [(1, last_id)] if last_id else []
    return merged((number, number) for number in dice.sample(range(1, last_id + 1), count))


def placed(rows: Sequence[WikiRow]) -> list[Placed]:
    """Return an entity's revisions with what the strata ask about; `rows` in the wiki's order."""
    found: list[Placed] = []
    highest = 0
    for row in rows:
        found.append(Placed(row, highest))
        highest = max(highest, row.about.rev_id)
    return found


def stratified(rows: Sequence[WikiRow], room: Mapping[str, int]) -> dict[str, list[WikiRow]]:
    """Return, of an entity's revisions, those that a stratum has room for."""
    found: dict[str, list[WikiRow]] = {}
    for one in placed(rows):
        for name, belongs in STRATA.items():
            if len(found.get(name, ())) < room.get(name, 0) and belongs(one):
                found.setdefault(name, []).append(one.row)
    return found
