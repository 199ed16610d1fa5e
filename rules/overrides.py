"""Overrides: a slice of the traffic is held back, or sent forward, by one phase. Pure; time and facts come in.

An override never moves anything further than to a neighbour of the agreed phase, and never to a phase that is not
built. Going back is the safe side: a request that might belong to a slice held back is held back, one goes forward
only when all of it surely belongs to a slice sent forward, and back wins over forward. The order does not matter.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from rules.phases import BUILT, Phase, PhaseName, neighbour, phase
from wikibase.ids import EntityId, EntityType, entity_type, number, page_entity

OVERRIDES_MAX = 100
IDS_MAX = 1000


class OverrideError(ValueError):
    """An override that makes no sense, or not in this phase. Names the field."""


class Move(StrEnum):
    """Where a slice goes."""

    BACK = "back"
    FORWARD = "forward"
    NONE = "none"  # as a fall-back only: the override just ends


class Kind(StrEnum):
    """Kinds of routes."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class IdRange:
    """Entity ids with one letter, both ends included."""

    letter: str
    low: int
    high: int

    def holds(self, entity_id: EntityId) -> bool:
        """Tell whether an id (of a form or sense: its lexeme's) lies within."""
        page = page_entity(entity_id)
        return page[0] == self.letter and self.low <= number(page) <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One slice and its move. All conditions that are given must hold; empty: no condition.

    `until`: seconds since 1970, from when on `then` holds instead of `move`; None: no end.
    """

    name: str
    move: Move
    entity_types: frozenset[EntityType] = frozenset()
    ids: tuple[IdRange, ...] = ()
    percent: float | None = None
    kinds: frozenset[Kind] = frozenset()
    header: tuple[str, str] | None = None  # lower-case name, value
    until: float | None = None
    then: Move = Move.NONE

    def moves(self, now: float) -> Move:
        """Return what it does at that time."""
        return self.then if self.until is not None and now >= self.until else self.move


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceFacts:
    """What a request is, as far as overrides look. `known`: `entities` are all that it concerns."""

    kind: Kind
    entities: tuple[EntityId, ...] = ()
    known: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names


def effective_phase(present: Phase, overrides: Sequence[Override], facts: SliceFacts, now: float) -> Phase:
    """Return the phase in which one request is carried out: the present one or a neighbour."""
    forward = False
    for one in overrides:
        move = one.moves(now)
        if move is Move.BACK and _may_belong(one, facts):
            return _moved(present, -1)
        forward = forward or (move is Move.FORWARD and _surely_belongs(one, facts))
    return _moved(present, 1) if forward else present


def reachable(present: Phase, overrides: Sequence[Override]) -> tuple[Phase, ...]:
    """Return every phase in which some request may be carried out, now or once something has expired."""
    moves = {move for one in overrides for move in (one.move, one.then)}
    found = [present]
    if Move.BACK in moves:
        found.append(_moved(present, -1))
    if Move.FORWARD in moves:
        found.append(_moved(present, 1))
    return tuple(dict.fromkeys(found))


def check_overrides(present: PhaseName, overrides: Sequence[Override]) -> None:
    """Raise OverrideError for a move that the phase does not allow."""
    for one in overrides:
        for move in {one.move, one.then} - {Move.NONE}:
            wanted = neighbour(present, 1 if move is Move.FORWARD else -1)
            if wanted is None:
                raise OverrideError(f"override {one.name!r}: there is no phase {_WORDS[move]} {present}")
            if wanted not in BUILT:
                raise OverrideError(f"override {one.name!r}: this version cannot carry out phase {wanted}")


def share_of(entity_id: EntityId) -> float:
    """Return the entity's fixed place from 0 to under 100: a percentage above it holds the entity, for ever."""
    digest = hashlib.sha256(page_entity(entity_id).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56 * 100


def _moved(present: Phase, steps: int) -> Phase:
    wanted = neighbour(present.name, steps)
    return phase(wanted) if wanted is not None and wanted in BUILT else present


def _common(one: Override, facts: SliceFacts) -> bool:
    if one.kinds and facts.kind not in one.kinds:
        return False
    return one.header is None or facts.headers.get(one.header[0]) == one.header[1]


def _holds(one: Override, entity_id: EntityId) -> bool:
    if one.entity_types and entity_type(page_entity(entity_id)) not in one.entity_types:
        return False
    if one.ids and not any(span.holds(entity_id) for span in one.ids):
        return False
    return one.percent is None or share_of(entity_id) < one.percent


def _by_entity(one: Override) -> bool:
    return bool(one.entity_types or one.ids) or one.percent is not None


def _may_belong(one: Override, facts: SliceFacts) -> bool:
    if not _common(one, facts):
        return False
    return not _by_entity(one) or not facts.known or any(_holds(one, each) for each in facts.entities)


def _surely_belongs(one: Override, facts: SliceFacts) -> bool:
    if not _common(one, facts):
        return False
    if not _by_entity(one):
        return True
    return facts.known and bool(facts.entities) and all(_holds(one, each) for each in facts.entities)


_WORDS = {Move.FORWARD: "after", Move.BACK: "before"}
_IDS = re.compile(r"([QPLM])(\d{1,10})(?:-([QPLM])(\d{1,10}))?", re.ASCII)
_HEADER = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_TYPES = (EntityType.ITEM, EntityType.PROPERTY, EntityType.LEXEME, EntityType.MEDIAINFO)


def parse_overrides(plain: object) -> tuple[Override, ...]:
    """Return the overrides of plain values (a list of mappings, as YAML gives). Raises OverrideError."""
    if plain is None:
        return ()
    if not isinstance(plain, list):
        raise OverrideError(f"overrides: expected a list, got {plain!r}")
    if len(plain) > OVERRIDES_MAX:
        raise OverrideError(f"overrides: at most {OVERRIDES_MAX}, got {len(plain)}")
    found = tuple(_parsed(one, f"overrides[{place}]") for place, one in enumerate(plain))
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise OverrideError(f"overrides: the name {twice[0]!r} is given twice")
    return found


def as_plain(overrides: Sequence[Override]) -> list[dict[str, Any]]:
    """Return overrides as plain values that `parse_overrides` reads back."""
    return [
        {
            name: value
            for name, value in (
                ("name", one.name),
                ("move", one.move.value),
                ("entity_types", sorted(one.entity_types)),
                ("ids", [f"{span.letter}{span.low}-{span.letter}{span.high}" for span in one.ids]),
                ("percent", one.percent),
                ("kinds", sorted(one.kinds)),
                ("header", "" if one.header is None else f"{one.header[0]}: {one.header[1]}"),
                ("until", _time_words(one.until)),
                ("then", "" if one.until is None else one.then.value),
            )
            if value not in (None, "", [])
        }
        for one in overrides
    ]


def _parsed(plain: object, where: str) -> Override:
    if not isinstance(plain, dict):
        raise OverrideError(f"{where}: expected fields with values, got {plain!r}")
    if strange := [name for name in plain if name not in _FIELDS]:
        raise OverrideError(f"{where}.{strange[0]}: there is no such field; the fields are {', '.join(_FIELDS)}")
    if missing := [name for name in ("name", "move") if name not in plain]:
        raise OverrideError(f"{where}.{missing[0]}: must be given")
    values = {name: _FIELDS[name](value, f"{where}.{name}") for name, value in plain.items()}
    if values["move"] is Move.NONE:
        raise OverrideError(f"{where}.move: expected back or forward")
    if "then" in values and "until" not in values:
        raise OverrideError(f"{where}.then: says what holds after `until`, which is not given")
    if not values.keys() - {"name", "move", "until", "then"}:
        raise OverrideError(f"{where}: names no slice; to move everything, flip the phase")
    return Override(**values)


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:  # noqa: PLR2004 - a name for people
        raise OverrideError(f"{where}: expected a text of 1 to 64 characters, got {value!r}")
    return value


def _move(value: object, where: str) -> Move:
    try:
        return Move(str(value))
    except ValueError:
        raise OverrideError(f"{where}: expected back or forward, got {value!r}") from None


def _texts(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise OverrideError(f"{where}: expected a list of texts, got {value!r}")
    return value


def _types(value: object, where: str) -> frozenset[EntityType]:
    known = {one.value: one for one in _TYPES}
    for one in _texts(value, where):
        if one not in known:
            raise OverrideError(f"{where}: expected some of {', '.join(known)}, got {one!r}")
    return frozenset(known[one] for one in _texts(value, where))


def _ids(value: object, where: str) -> tuple[IdRange, ...]:
    texts = _texts(value, where)
    if len(texts) > IDS_MAX:
        raise OverrideError(f"{where}: at most {IDS_MAX} ranges, got {len(texts)}")
    return tuple(_id_range(one, where) for one in texts)


def _id_range(text: str, where: str) -> IdRange:
    found = _IDS.fullmatch(text)
    if found is None or found[3] not in (None, found[1]):
        raise OverrideError(f"{where}: expected ids such as Q42 or ranges such as Q1-Q999, got {text!r}")
    low, high = int(found[2]), int(found[4] or found[2])
    if low > high:
        raise OverrideError(f"{where}: the range {text!r} ends before it begins")
    return IdRange(found[1], low, high)


def _percent(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # noqa: PLR2004
        raise OverrideError(f"{where}: expected a number from 0 to 100, got {value!r}")
    return float(value)


def _kinds(value: object, where: str) -> frozenset[Kind]:
    known = {one.value: one for one in Kind}
    for one in _texts(value, where):
        if one not in known:
            raise OverrideError(f"{where}: expected some of {', '.join(known)}, got {one!r}")
    return frozenset(known[one] for one in _texts(value, where))


def _header(value: object, where: str) -> tuple[str, str]:
    name, colon, wanted = value.partition(":") if isinstance(value, str) else ("", "", "")
    name, wanted = name.strip().lower(), wanted.strip()
    if not colon or not wanted or not _HEADER.fullmatch(name):
        raise OverrideError(f"{where}: expected a header such as 'X-Cutover-Canary: 1', got {value!r}")
    return name, wanted


def _until(value: object, where: str) -> float:
    if isinstance(value, datetime):  # YAML reads a time by itself
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise OverrideError(f"{where}: expected a time such as 2026-12-01T08:00:00Z, got {value!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _time_words(until: float | None) -> str:
    return "" if until is None else datetime.fromtimestamp(until, UTC).isoformat()


_FIELDS: Mapping[str, Callable[[object, str], Any]] = {
    "name": _name,
    "move": _move,
    "entity_types": _types,
    "ids": _ids,
    "percent": _percent,
    "kinds": _kinds,
    "header": _header,
    "until": _until,
    "then": _move,
}
