"""A difference in the notation of the library jsondiff ("compact", marshalled), for machines that read that.

jsondiff compares every member of a list with every other, and again at each level of lists in lists: on large values
it does not end. So it gets only lists that differ, without what they begin and end with alike, and only while the
work that it may have with them stays within a bound; what is beyond is replaced as a whole, and named in `cut`.
jsondiff calls 1, 1.0 and true equal; what it says of a list is therefore applied, and replaced where it does not fit.
Applied (`jsondiff.patch(first, found.as_json, marshal=True)`) it always gives the second value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jsondiff  # type: ignore[import-untyped]  # it has no types
from jsondiff import symbols

from rules.difference_parts import alike_ends, same

Json = Any

STEPS_MAX = 1_000_000
"""How many comparisons of single values jsondiff may make in one call of ours: about as many microseconds."""

CUT_NAMED_MAX = 20
"""How many paths that were cut are named."""

PATH_CHARS_MAX = 200
"""How much of a path that was cut is named."""

DEPTH_MAX = 60
"""How deep differences are looked for; what differs below is replaced where that ends."""

_SPLICE_COSTS = 2  # times as much as the member itself, about
_NODES_MAX = 20_000  # of one list; above that even counting is a waste


@dataclass(frozen=True, slots=True)
class MachineDifference:
    """What jsondiff would say, as JSON. `cut`: the first paths replaced for the bound's sake; `cut_total`: how many."""

    as_json: Json
    cut: tuple[str, ...] = ()
    cut_total: int = 0


@dataclass(slots=True)
class _Work:
    """What is left of the bound, and what was cut for it."""

    steps_left: int
    cut: list[str] = field(default_factory=list)
    cut_total: int = 0


def machine_difference(first: Json, second: Json, *, steps_max: int = STEPS_MAX) -> MachineDifference:
    """Return the difference in jsondiff's notation, {} when there is none. NotAnEntityError: nested too deeply."""
    work = _Work(steps_max)
    found = {} if same(first, second) else _differ(first, second, (), work)
    return MachineDifference(_marshalled(found), tuple(work.cut), work.cut_total)


def _differ(first: Json, second: Json, path: tuple[str, ...], work: _Work) -> Json:
    """Return how two values differ that do, with jsondiff's symbols still in it."""
    if len(path) >= DEPTH_MAX:
        return _replacement(second)
    if isinstance(first, dict) and isinstance(second, dict) and first and second:
        return _differ_maps(first, second, path, work)
    if isinstance(first, list) and isinstance(second, list) and first and second:
        return _differ_lists(first, second, path, work)
    return _replacement(second)


def _replacement(second: Json) -> Json:
    return {symbols.replace: second} if isinstance(second, dict) else second


def _differ_maps(first: dict[str, Json], second: dict[str, Json], path: tuple[str, ...], work: _Work) -> Json:
    out: dict[Any, Json] = {}
    for key, value in second.items():
        if key not in first:
            out[key] = value
        elif not same(first[key], value):
            out[key] = _differ(first[key], value, (*path, key), work)
    if gone := [key for key in first if key not in second]:
        out[symbols.delete] = gone
    return out


def _differ_lists(first: list[Json], second: list[Json], path: tuple[str, ...], work: _Work) -> Json:
    if len(first) == len(second) and _named_alike(first, second):
        return {
            place: _differ(one, other, (*path, str(place)), work)
            for place, (one, other) in enumerate(zip(first, second, strict=True))
            if not same(one, other)
        }
    begin, end = alike_ends(first, second)
    left, right = first[begin : len(first) - end], second[begin : len(second) - end]
    # A list in place of a list replaces it; splicing names each member, which costs room.
    spliced = len(second) > _SPLICE_COSTS * (len(left) + len(right))
    instead = _spliced(begin, left, right) if spliced else second
    if not left or not right:
        return _spliced(begin, left, right)
    steps = _steps(left, right)
    if steps is None or steps > work.steps_left:
        work.cut_total += 1
        if len(work.cut) < CUT_NAMED_MAX:
            work.cut.append(".".join(path)[:PATH_CHARS_MAX])
        return instead
    work.steps_left -= steps
    found = jsondiff.diff(left, right)
    if not isinstance(found, dict) or not found or not same(jsondiff.patch(left, found), right):
        return instead
    return _shifted(found, begin)


def _named_alike(first: Sequence[Json], second: Sequence[Json]) -> bool:
    """Tell whether two lists hold the same members (by id) in the same places."""
    return all(
        isinstance(one, dict) and isinstance(other, dict) and one.get("id") is not None and one["id"] == other.get("id")
        for one, other in zip(first, second, strict=True)
    )


def _spliced(begin: int, left: Sequence[Json], right: Sequence[Json]) -> Json:
    out: dict[Any, Json] = {}
    if right:
        out[symbols.insert] = [(begin + place, value) for place, value in enumerate(right)]
    if left:
        out[symbols.delete] = list(range(begin + len(left) - 1, begin - 1, -1))
    return out


def _shifted(found: dict[Any, Json], begin: int) -> Json:
    """Move the places that a difference of lists names behind what both begin with."""
    out: dict[Any, Json] = {}
    for key, value in found.items():
        if key is symbols.delete:
            out[key] = [place + begin for place in value]
        elif key is symbols.insert:
            out[key] = [(place + begin, one) for place, one in value]
        else:
            out[key + begin] = value
    return out


def _steps(left: Sequence[Json], right: Sequence[Json]) -> int | None:
    """Return a bound of the comparisons that jsondiff makes for two lists, None where counting them is hopeless.

    Each value of one side may meet each of the other; a level of lists doubles it, as jsondiff looks at each pair
    once to choose and once to tell.
    """
    sizes = []
    depth = 0
    for side in (left, right):
        nodes, levels = _measured(side)
        if nodes > _NODES_MAX:
            return None
        sizes.append(nodes)
        depth = max(depth, levels)
    return sizes[0] * sizes[1] << depth


def _measured(value: Json) -> tuple[int, int]:
    """Return how many values are in one (counting stops beyond the bound), and how deep lists lie in lists."""
    nodes, deepest = 0, 0
    rest: list[tuple[Json, int]] = [(value, 0)]
    while rest and nodes <= _NODES_MAX:
        one, levels = rest.pop()
        nodes += 1
        if isinstance(one, list):
            deepest = max(deepest, levels + 1)
            rest.extend((part, levels + 1) for part in one)
        elif isinstance(one, dict):
            rest.extend((part, levels) for part in one.values())
    return nodes, deepest


def _marshalled(found: Json) -> Json:
    """Return the difference as JSON: symbols and keys in jsondiff's escaped form, places as texts, no tuples."""
    # One frame for each level of nesting, not three as in jsondiff: the stack has room for all that JSON may nest.
    if isinstance(found, dict):
        out = {}
        for key, value in found.items():
            out[str(_escaped(key))] = _marshalled(value)
        return out
    if isinstance(found, list | tuple):
        members = []
        for one in found:
            members.append(_marshalled(one))  # noqa: PERF401  a comprehension is a frame more
        return members
    return _escaped(found)


def _escaped(value: Json) -> Json:
    if isinstance(value, symbols.Symbol):
        return f"${value.label}"
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value
