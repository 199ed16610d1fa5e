"""A difference as JSON Patch (RFC 6902): operations that lead from one value to another. And a strict applier.

What only stands elsewhere in a list is a `move`, never a removal and an addition. Members of lists are known by their
`id` (statements, forms, senses), others by their content. Bounded: when a patch would get more than so many operations
or bytes of paths, it is made coarser (a group of statements, a field, at last everything is replaced as a whole) and
says so; so it is never much larger than the second value. It is never cut: applied, it always gives the second value.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.difference_parts import alike_ends, same
from wikibase.canonical import canonical_bytes
from wikibase.json_text import parse_json

Json = Any
Operation = Mapping[str, Json]
Keys = tuple[str, ...]

OPERATIONS_MAX = 1_000
"""How many operations a patch has before it is made coarser."""

PATH_CHARS_MAX = 200_000
"""How many characters all paths of a patch have before it is made coarser."""

MOVES_MAX = 300
"""How many members of one list are moved before the patch is made coarser: each move costs a walk along the list."""

MEMBERS_MAX = 20_000
"""How many members of a list are looked at, those aside that both lists begin and end with."""

_DEPTHS = (64, 4, 3, 2, 1, 0)
"""How deep a patch may look: 3 names a single statement, 2 a property or a language, 1 a field, 0 replaces it all."""


class PatchError(ValueError):
    """The patch does not fit the value, or is none. The message names the operation."""


class _TooManyError(Exception):
    """The patch would get too large at this depth."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations in their order. `coarse`: parts are replaced as a whole that differ only in places."""

    operations: tuple[Operation, ...] = ()
    coarse: bool = False


def patch_of(first: Json, second: Json, *, operations_max: int = OPERATIONS_MAX) -> Patch:
    """Return the patch that leads from the first value to the second. Raises NotAnEntityError (nested too deeply)."""
    for depth in _DEPTHS:
        try:
            found = tuple(_bounded(_operations(first, second, (), depth), operations_max))
        except _TooManyError:
            continue
        return Patch(found, coarse=depth != _DEPTHS[0])
    # One operation is too many for a limit of none.
    return Patch(({"op": "replace", "path": "", "value": second},), coarse=True)


def _bounded(operations: Iterable[Operation], operations_max: int) -> Iterator[Operation]:
    chars = 0
    for count, operation in enumerate(operations, 1):
        chars += len(operation["path"])
        if count > operations_max or chars > PATH_CHARS_MAX:
            raise _TooManyError
        yield operation


def _operations(first: Json, second: Json, path: Keys, depth: int) -> Iterator[Operation]:
    if same(first, second):
        return
    if depth > 0 and isinstance(first, dict) and isinstance(second, dict):
        for key in first:
            if key not in second:
                yield {"op": "remove", "path": _pointer((*path, key))}
        for key, value in second.items():
            if key not in first:
                yield {"op": "add", "path": _pointer((*path, key)), "value": value}
            else:
                yield from _operations(first[key], value, (*path, key), depth - 1)
    elif depth > 0 and isinstance(first, list) and isinstance(second, list):
        yield from _list_operations(first, second, path, depth)
    else:
        yield {"op": "replace", "path": _pointer(path), "value": second}


def _list_operations(first: Sequence[Json], second: Sequence[Json], path: Keys, depth: int) -> Iterator[Operation]:
    """Remove what went, move what stands elsewhere, add what came, then look into what stayed."""
    begin, end = alike_ends(first, second)
    left, right = first[begin : len(first) - end], second[begin : len(second) - end]
    if len(left) + len(right) > MEMBERS_MAX:
        raise _TooManyError
    goal_of = _pairs(left, right)
    for place in range(len(left) - 1, -1, -1):
        if place not in goal_of:
            yield {"op": "remove", "path": _pointer((*path, str(begin + place)))}
    for origin, place in _moves([goal_of[place] for place in range(len(left)) if place in goal_of]):
        sides = (_pointer((*path, str(begin + one))) for one in (origin, place))
        yield {"op": "move", "from": next(sides), "path": next(sides)}
    origin_of = {goal: place for place, goal in goal_of.items()}
    for goal, value in enumerate(right):
        if goal not in origin_of:
            yield {"op": "add", "path": _pointer((*path, str(begin + goal))), "value": value}
    for goal, value in enumerate(right):
        if goal in origin_of:
            yield from _operations(left[origin_of[goal]], value, (*path, str(begin + goal)), depth - 1)


def _pairs(first: Sequence[Json], second: Sequence[Json]) -> dict[int, int]:
    """Return which member of the first list is which of the second: by name, then what is left one by one.

    A member with an id never becomes one with another id: that one went, and another came.
    """
    at = {name: place for place, name in enumerate(_names(second))}
    out = {place: at[name] for place, name in enumerate(_names(first)) if name in at}
    taken = set(out.values())
    gone = [place for place, one in enumerate(first) if place not in out and not _has_id(one)]
    come = [place for place, one in enumerate(second) if place not in taken and not _has_id(one)]
    out.update(zip(gone, come, strict=False))
    return out


def _has_id(one: Json) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str)


def _names(values: Sequence[Json]) -> list[tuple[bytes, int]]:
    """Name each member by its id or its content, and by how many of that name came before it."""
    seen: Counter[bytes] = Counter()
    out = []
    for one in values:
        name = b"#" + one["id"].encode("utf-8", "surrogatepass") if _has_id(one) else canonical_bytes(one)
        seen[name] += 1
        out.append((name, seen[name]))
    return out


def _moves(goals: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Sort a list of distinct numbers with as few moves (from, to) as can be: its longest rising run stays."""
    staying = _longest_rising(goals)
    if len(staying) == len(goals):
        return
    if len(goals) - len(staying) > MOVES_MAX:
        raise _TooManyError
    work = list(goals)
    before = None  # what the one that is looked at has to follow
    for goal in sorted(goals):
        if goal not in staying:
            origin = work.index(goal)
            del work[origin]
            place = 0 if before is None else work.index(before) + 1
            work.insert(place, goal)
            if place != origin:
                yield origin, place
        before = goal


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return the members of a longest increasing subsequence."""
    tails: list[int] = []  # the smallest number that a rising run of each length can end with
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    out: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        out.add(last)
        last = before[last]
    return out


def _pointer(keys: Keys) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def apply_patch(value: Json, operations: Sequence[Operation]) -> Json:
    """Return the value with the operations of RFC 6902 applied in order; the given value stays as it is.

    Strict: raises PatchError where an operation does not fit, and nothing is applied then.
    """
    holder = {"": _copy(value)}
    for number, operation in enumerate(operations):
        try:
            _apply(holder, operation)
        except PatchError as error:
            raise PatchError(f"operation {number}: {error}") from error
    return holder[""]


def _copy(value: Json) -> Json:
    if isinstance(value, dict | list):
        return parse_json(canonical_bytes(value))
    return value


def _apply(holder: dict[str, Json], operation: Operation) -> None:
    step = _STEPS.get(str(operation.get("op"))) if isinstance(operation, Mapping) else None
    if step is None:
        raise PatchError(f"there is no such operation: {str(operation)[:80]}")
    step(holder, operation)


def _add(holder: dict[str, Json], operation: Operation) -> None:
    _put(holder, _keys(operation, "path"), _copy(_value(operation)))


def _remove(holder: dict[str, Json], operation: Operation) -> None:
    _take(holder, _keys(operation, "path"))


def _replace(holder: dict[str, Json], operation: Operation) -> None:
    parent, key = _found(holder, _keys(operation, "path"))
    parent[key] = _copy(_value(operation))


def _copy_value(holder: dict[str, Json], operation: Operation) -> None:
    parent, key = _found(holder, _keys(operation, "from"))
    _put(holder, _keys(operation, "path"), _copy(parent[key]))


def _move(holder: dict[str, Json], operation: Operation) -> None:
    origin, path = _keys(operation, "from"), _keys(operation, "path")
    if path[: len(origin)] == origin and path != origin:
        raise PatchError("a value cannot move into itself")
    _put(holder, path, _take(holder, origin))


def _test(holder: dict[str, Json], operation: Operation) -> None:
    parent, key = _found(holder, _keys(operation, "path"))
    if not same(parent[key], _value(operation)):
        raise PatchError(f"test of {operation['path']!r} failed")


_STEPS: Mapping[str, Callable[[dict[str, Json], Operation], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "copy": _copy_value,
    "move": _move,
    "test": _test,
}


def _value(operation: Operation) -> Json:
    if "value" not in operation:
        raise PatchError(f"{operation['op']} without a value")
    return operation["value"]


def _keys(operation: Operation, name: str) -> Keys:
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise PatchError(f"{name} is no JSON Pointer: {str(pointer)[:80]}")
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/"))


def _found(holder: dict[str, Json], path: Keys) -> tuple[Any, Any]:
    """Return what holds the value at a path, and under which key or index. The value must be there."""
    parent, key = _parent(holder, path)
    place = _place(parent, key)
    if place is None or (isinstance(parent, dict) and place not in parent):
        raise PatchError(f"there is nothing at {_pointer(path[1:])!r}")
    return parent, place


def _parent(holder: dict[str, Json], path: Keys) -> tuple[Json, str]:
    here: Json = holder
    for key in path[:-1]:
        place = _place(here, key)
        if place is None or (isinstance(here, dict) and place not in here):
            raise PatchError(f"there is nothing at {_pointer(path[1:])!r}")
        here = here[place]
    return here, path[-1]


def _place(parent: Json, key: str) -> str | int | None:
    if isinstance(parent, dict):
        return key
    index = _index(key)
    return index if isinstance(parent, list) and index is not None and index < len(parent) else None


def _index(key: str) -> int | None:
    plain = key.isascii() and key.isdigit() and (key == "0" or key[0] != "0")
    return int(key) if plain and len(key) < 10 else None  # noqa: PLR2004  no list has as many members


def _put(holder: dict[str, Json], path: Keys, value: Json) -> None:
    parent, key = _parent(holder, path)
    if isinstance(parent, dict):
        parent[key] = value
        return
    index = len(parent) if isinstance(parent, list) and key == "-" else _index(key)
    if not isinstance(parent, list) or index is None or index > len(parent):
        raise PatchError(f"nothing can be put at {_pointer(path[1:])!r}")
    parent.insert(index, value)


def _take(holder: dict[str, Json], path: Keys) -> Json:
    if path == ("",):
        raise PatchError("the whole cannot be removed")
    parent, key = _found(holder, path)
    return parent.pop(key)
