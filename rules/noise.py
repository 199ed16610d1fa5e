"""Noise told from error, field by field: the answer of the wiki, what it says when read again, and what the store has.

All three are canonical forms of the same revision, cut to the same part. Of a field in which the answer differs from
the store:

- the wiki now says what the store says: **noise**, the wiki disagrees with itself;
- the wiki says again what it answered: **error**;
- the wiki says a third thing: **error** too. An unsteady wiki proves nothing in favour of the store.

What the wiki is unsteady in where the answer agrees with the store is counted as `unsteady`, and decides nothing.
Fields are as fine as a difference tells them: a term, a site link's title, a statement's rank.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rules.difference_parts import same

Json = Any
Content = Mapping[str, Json]
Path = tuple[str, ...]

FIELDS_MAX = 1_000
"""How many fields of each kind are named; all are counted."""

DEPTH_MAX = 60
"""How deep fields are told apart; what differs below is one field."""

_GONE: Any = object()  # what stands for a field that a side does not have

_ORDER = "order"
_WHOLE_VALUES = frozenset({"mainsnak", "qualifiers", "references"})
_TERMS = frozenset({"labels", "descriptions", "lemmas", "representations", "glosses"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Which fields are noise, and which are not.

    `settled`: the answer with every field that is noise as the store has it, so that what still differs from the
    store is error and nothing else.
    """

    settled: Content
    noise: tuple[Path, ...] = ()
    error: tuple[Path, ...] = ()
    unsteady: tuple[Path, ...] = ()
    noise_total: int = 0
    error_total: int = 0

    @property
    def only_noise(self) -> bool:
        """Tell whether the answer and the store differ, and in nothing but noise."""
        return bool(self.noise_total) and not self.error_total

    def words(self, named_max: int = 10) -> str:
        """Return the fields that are noise in one line, "" when none is."""
        if not self.noise_total:
            return ""
        named = [".".join(path)[:200] for path in self.noise[:named_max]]
        more = f" and {self.noise_total - len(named)} more" if self.noise_total > len(named) else ""
        return f"noise (the wiki disagrees with itself): {', '.join(named)}{more}"


class _Sides(NamedTuple):
    """One field on three sides, `_GONE` where a side lacks it."""

    answered: Json
    again: Json
    stored: Json

    def are(self, kind: type) -> bool:
        """Tell whether all that are there are of a kind, and at least two are: one alone is a field as it is."""
        there = [one for one in self if one is not _GONE]
        return len(there) > 1 and all(isinstance(one, kind) for one in there)

    def with_empty(self, empty: Json) -> "_Sides":
        """Return the sides with an empty one where one lacks it as a whole: members are fields of their own."""
        return _Sides(*(empty if one is _GONE else one for one in self))


@dataclass(slots=True)
class _Found:
    """What was found so far, by kind."""

    paths: dict[str, list[Path]] = field(default_factory=lambda: {"noise": [], "error": [], "unsteady": []})
    totals: dict[str, int] = field(default_factory=lambda: {"noise": 0, "error": 0, "unsteady": 0})

    def add(self, kind: str, path: Path) -> None:
        self.totals[kind] += 1
        if len(self.paths[kind]) < FIELDS_MAX:
            self.paths[kind].append(path)


def split_noise(answered: Content, again: Content, stored: Content) -> Noise:
    """Tell noise from error in an answer that differs from the store, given what the wiki says when read again."""
    found, sides = _Found(), _Sides(answered, again, stored)
    kinds = {"redirect" in side for side in sides}
    # A redirect and an entity have no fields in common.
    settled = _settle(sides, (), found) if len(kinds) == 1 else _leaf(sides, (), found)
    return Noise(
        settled=settled,
        noise=tuple(found.paths["noise"]),
        error=tuple(found.paths["error"]),
        unsteady=tuple(found.paths["unsteady"]),
        noise_total=found.totals["noise"],
        error_total=found.totals["error"],
    )


def _settle(sides: _Sides, path: Path, found: _Found) -> Json:
    """Return the answered value with what is noise in it as the store has it."""
    if _alike(sides.answered, sides.stored) and _alike(sides.answered, sides.again):
        return sides.answered
    before = dict(found.totals)
    if sides.are(dict) and _splits(path):
        settled: Json = _settle_maps(sides.with_empty({}), path, found)
    elif sides.are(list) and len(path) < DEPTH_MAX and all(_named(one) for one in sides if one is not _GONE):
        settled = _settle_members(sides.with_empty([]), path, found)
    else:
        return _leaf(sides, path, found)
    if found.totals["error"] > before["error"]:
        return settled
    if found.totals["noise"] == before["noise"] and not _alike(sides.answered, sides.stored):
        return _leaf(sides, path, found)  # an empty map where there is none, or members in another order
    if _alike(settled, sides.stored):
        return settled
    found.add("error", (*path, _ORDER))
    return settled


def _leaf(sides: _Sides, path: Path, found: _Found) -> Json:
    if _alike(sides.answered, sides.stored):
        if not _alike(sides.answered, sides.again):
            found.add("unsteady", path)
        return sides.answered
    if _alike(sides.again, sides.stored):
        found.add("noise", path)
        return sides.stored
    found.add("error", path)
    return sides.answered


def _alike(first: Json, second: Json) -> bool:
    if first is _GONE or second is _GONE:
        return first is second
    return same(first, second)


def _splits(path: Path) -> bool:
    """Tell whether the map at a path has fields of its own: an entity has, its terms have; a snak or one term not."""
    if not path or len(path) >= DEPTH_MAX:
        return not path
    return path[-1] not in _WHOLE_VALUES and not (len(path) > 1 and path[-2] in _TERMS)


def _settle_maps(sides: _Sides, path: Path, found: _Found) -> dict[str, Json]:
    out = {}
    for key in {**sides.answered, **sides.stored, **sides.again}:
        settled = _settle(_Sides(*(side.get(key, _GONE) for side in sides)), (*path, key), found)
        if settled is not _GONE:
            out[key] = settled
    return out


def _named(members: Sequence[Json]) -> bool:
    """Tell whether each member of a list has an id of its own (statements, forms, senses)."""
    ids = [one.get("id") for one in members if isinstance(one, dict)]
    return len(ids) == len(members) and all(isinstance(one, str) for one in ids) and len(set(ids)) == len(ids)


def _settle_members(sides: _Sides, path: Path, found: _Found) -> list[Json]:
    """Settle members by their id, and the order of those that all sides have as a field of its own."""
    answered, again, stored = ({one["id"]: one for one in side} for side in sides)
    settled = {}
    for member in {**answered, **stored, **again}:
        one = _settle(_Sides(*(side.get(member, _GONE) for side in (answered, again, stored))), (*path, member), found)
        if one is not _GONE:
            settled[member] = one
    shared = answered.keys() & again.keys() & stored.keys()
    orders = _Sides(*([member for member in side if member in shared] for side in (answered, again, stored)))
    order = _leaf(orders, (*path, _ORDER), found)
    return [settled[member] for member in _merged(order, (stored, answered, again), settled)]


def _merged(order: Iterable[str], lists: Iterable[Iterable[str]], settled: Mapping[str, Content]) -> list[str]:
    """Return all settled members: the shared ones in their order, each other one behind what it follows in a list."""
    after: dict[str | None, list[str]] = {}
    placed = set(order)
    for one in lists:
        before = None
        for member in one:
            if member in settled and member not in placed:
                after.setdefault(before, []).append(member)
                placed.add(member)
            if member in settled:
                before = member
    out: list[str] = []
    rest: list[str] = [*reversed(list(order))]
    rest += reversed(after.pop(None, []))
    while rest:
        member = rest.pop()
        out.append(member)
        rest += reversed(after.pop(member, []))
    return out
