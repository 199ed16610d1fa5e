"""Seeded mutants: damage done on purpose to a copy of what the store says, to see whether the judge notices. Pure.

An operator changes one thing, and only where the answer shows it: what nobody asked for, nobody could miss. The same
seed makes the same damage. Nothing given is ever changed: a damaged copy shares what is not damaged with the original.
Operators on content are in `mutants_terms`, `mutants_statements` and `mutants_values`, on heads in `mutants_heads`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Any
Content = Mapping[str, Json]
Path = tuple[str | int, ...]

TRIES_MAX = 64
"""How many places of an entity an operator tries before it does not apply."""

PART_FIELDS = ("forms", "senses")
CLAIM_FIELDS = ("claims", "statements")


class Dice:
    """Numbers that follow from a seed alone."""

    def __init__(self, seed: int, salt: str) -> None:
        self._key = f"{seed} {salt}"
        self._thrown = 0

    def below(self, limit: int) -> int:
        """Return a number from 0 to limit - 1."""
        self._thrown += 1
        raw = hashlib.sha256(f"{self._key} {self._thrown}".encode()).digest()
        return int.from_bytes(raw[:8], "big") % limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an answer shows of an entity: its canonical form. `additions`: something more would be seen too."""

    content: Content
    additions: bool = True


Change = Callable[[Json, Dice], Json]
"""Returns a changed copy of a value, or None where it cannot change it."""

Places = Callable[[Content, Shown], Sequence[Path]]
"""Returns the places of stored content that an operator may change: those that the answer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One kind of damage to content. `equal_to_wikibase`: the source that calls the two the same, "" for none."""

    name: str
    what: str
    places: Places
    change: Change
    adds: bool = False
    equal_to_wikibase: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A damaged copy, and where the damage is."""

    content: dict[str, Json]
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of trying operators on one sample. `detect_s`: from the end of the exchange to the verdict, seconds.

    An operator that did not apply counts in `not_applicable`; `unclear`: judged, but not to a verdict on parity.
    """

    operator: str
    tried: int = 0
    caught: int = 0
    not_applicable: int = 0
    unclear: int = 0
    detect_s: float = 0.0


def damage(operator: Operator, stored: Content, shown: Shown, seed: int) -> Damaged | None:
    """Return a copy of the stored content with that damage, None where the operator does not apply."""
    if operator.adds and not shown.additions:
        return None
    places = operator.places(stored, shown)
    dice = Dice(seed, operator.name)
    if not places:
        return None
    first = dice.below(len(places))
    for step in range(min(len(places), TRIES_MAX)):
        path = places[(first + step) % len(places)]
        before = value_at(stored, path)
        after = operator.change(before, dice)
        if after is not None and after != before:
            return Damaged(content=with_value(stored, path, after), path=path)
    return None


def value_at(value: Json, path: Path) -> Json:
    """Return the value at a path. Raises KeyError, IndexError."""
    for step in path:
        value = value[step]
    return value


def with_value(value: Json, path: Path, after: Json) -> Json:
    """Return a copy with another value at a path; only what lies on the path is copied."""
    if not path:
        return after
    step, rest = path[0], path[1:]
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[step] = with_value(value[step], rest, after)
    return copy


def parts(stored: Content, shown: Shown) -> list[tuple[Path, Content, Content]]:
    """Return (path, stored, shown) of the entity itself and of each form and sense that both have."""
    found: list[tuple[Path, Content, Content]] = []
    if stored.get("id") == shown.content.get("id"):
        found.append(((), stored, shown.content))
        pairs = [(field, shown.content.get(field) or ()) for field in PART_FIELDS]
    else:  # a form or sense was asked for by itself
        pairs = [(field, (shown.content,)) for field in PART_FIELDS]
    for field, there in pairs:
        by_id = {one.get("id"): one for one in there}
        for place, part in enumerate(stored.get(field) or ()):
            if (seen := by_id.get(part.get("id"))) is not None:
                found.append(((field, place), part, seen))
    return found


def field_places(*names: str) -> Places:
    """Return places: these fields, where the answer shows them as the store has them."""

    def places(stored: Content, shown: Shown) -> list[Path]:
        return [
            (*path, name)
            for path, here, there in parts(stored, shown)
            for name in names
            if name in here and name in there and here[name] == there[name]
        ]

    return places


def entry_places(*names: str) -> Places:
    """Return places: the entries of these maps (terms by language, site links by site) that the answer shows."""

    def places(stored: Content, shown: Shown) -> list[Path]:
        return [
            (*path, name, key)
            for path, here, there in parts(stored, shown)
            for name in names
            for key, value in (here.get(name) or {}).items()
            if (there.get(name) or {}).get(key) == value
        ]

    return places


def holder_places(*names: str) -> Places:
    """Return places: the entity or part itself, where one of these fields is not empty and shown as it is stored."""

    def places(stored: Content, shown: Shown) -> list[Path]:
        return [
            path
            for path, here, there in parts(stored, shown)
            if any(here.get(name) and here[name] == there.get(name) for name in names)
        ]

    return places


def emptied(*names: str) -> Change:
    """Return a change of an entity: the first of these fields that is not empty becomes empty."""

    def change(entity: Content, _dice: Dice) -> Json:
        name = next((one for one in names if entity.get(one)), None)
        if name is None:
            return None
        kept = {key: value for key, value in entity.items() if key != f"{name}-order"}
        return {**kept, name: type(entity[name])()}

    return change


def chosen(keys: Iterable[str], dice: Dice) -> str:
    """Return one of some keys."""
    listed = sorted(keys)
    return listed[dice.below(len(listed))]


def other_text(text: Json, dice: Dice) -> str | None:
    """Return a text with one character changed, None for what is no text or an empty one."""
    if not isinstance(text, str) or not text:
        return None
    place = dice.below(len(text))
    return f"{text[:place]}{'x' if text[place] != 'x' else 'y'}{text[place + 1 :]}"
