"""The structural difference of two canonical forms, in words an editor knows.

Terms by language, site links by site, statements by GUID and then by rank, value, qualifiers and references; what
only stands elsewhere is told apart from what changed. Linear in the size of the input, and bounded in what it says:
so many changes, so many characters each. What is left out is counted by field, and every field that differs is named:
cutting never hides where the difference lies. The same as JSON Patch: `rules.patch`; as jsondiff:
`rules.difference_jsondiff`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from rules.difference_parts import (
    Change,
    Content,
    Differ,
    Kind,
    Path,
    aliases,
    features,
    null_came,
    plain,
    same,
    sitelinks,
    terms,
)
from rules.difference_statements import property_order, statements
from rules.difference_words import json_words, pair_words

__all__ = ["CHANGES_MAX", "TEXT_CHARS_MAX", "Change", "Difference", "Kind", "difference", "same"]

CHANGES_MAX = 50
"""How many changes are told in full."""

COUNTED_MAX = 10_000
"""How many more are counted before it says only "more than"."""

TEXT_CHARS_MAX = 4_000
"""How long the text of a difference gets, the line that says what was cut aside."""

LINE_CHARS_MAX = 1_000
"""How long the words of one change get; the names in them come from the entity."""

FIELDS_MAX = 100
"""How many fields are counted by their name; what an entity has beyond is counted together."""

FIELDS_NAMED_MAX = 12
"""How many fields the line about what was cut names."""

OTHER_FIELDS = "other fields"


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes in the order of the entity's parts; what was found besides, and is not told, is counted by field."""

    changes: tuple[Change, ...] = ()
    left_out_by_field: tuple[tuple[str, int], ...] = ()

    @property
    def left_out(self) -> int:
        """Return how many changes were counted, and are not told."""
        return sum(count for _, count in self.left_out_by_field)

    @property
    def only_order(self) -> bool:
        """Tell whether everything is there on both sides, and only stands elsewhere."""
        return not self.left_out_by_field and all(change.kind is Kind.REORDERED for change in self.changes)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that differ, all of them ("" where the whole does), those beyond `FIELDS_MAX` as one."""
        told = (_field(change) for change in self.changes)
        return tuple(dict.fromkeys([*told, *(field for field, _ in self.left_out_by_field)]))

    def text(self, chars_max: int = TEXT_CHARS_MAX) -> str:
        """Return one line for each change, at most that many characters, then one that says what was cut."""
        lines: list[str] = []
        room, cut = chars_max, Counter(dict(self.left_out_by_field))
        for place, change in enumerate(self.changes):
            if len(change.words) + 1 > room:
                cut.update(_field(one) for one in self.changes[place:])
                break
            lines.append(change.words)
            room -= len(change.words) + 1
        return "\n".join([*lines, _more(cut)] if cut else lines)


def difference(first: Content, second: Content, *, changes_max: int = CHANGES_MAX) -> Difference:
    """Return what changed from the first canonical form to the second. Raises NotAnEntityError (nested too deeply)."""
    if first is second:
        return Difference()
    if ("redirect" in first) != ("redirect" in second):
        return Difference((_redirect(first, second, (), ""),))
    found: list[tuple[str, list[Change], int]] = []
    room = COUNTED_MAX
    for key, changes in _by_field(first, second, (), ""):
        told = list(islice(changes, changes_max))
        more = sum(1 for _ in islice(changes, room)) if room else 0
        room -= more
        found.append((key, told, more))
    if any(told for _, told, _ in found):
        return _fairly(found, changes_max)
    if same(first, second):
        return Difference()
    # Two forms that differ are never told as if they did not.
    return Difference((Change(Kind.CHANGED, (), pair_words(first, second, json_words)),))


def _field(change: Change) -> str:
    return _short(change.path[0]) if change.path else ""


def _fairly(found: Sequence[tuple[str, list[Change], int]], changes_max: int) -> Difference:
    """Share the room among the fields, so that many changes in one do not hide the only one in another."""
    shares = dict.fromkeys(range(len(found)), 0)
    room = changes_max
    while room and (open_ := [place for place in shares if shares[place] < len(found[place][1])]):
        each = max(1, room // len(open_))
        for place in open_[:room]:
            given = min(each, len(found[place][1]) - shares[place], room)
            shares[place] += given
            room -= given
    told = tuple(change for place, share in shares.items() for change in found[place][1][:share])
    left_out: Counter[str] = Counter()
    for place, share in shares.items():
        field = _short(found[place][0]) if len(left_out) < FIELDS_MAX else OTHER_FIELDS
        left_out[field] += len(found[place][1]) - share + found[place][2]
    return Difference(tuple(map(_bounded, told)), tuple((field, count) for field, count in left_out.items() if count))


def _bounded(change: Change) -> Change:
    return replace(change, words=_short(change.words, LINE_CHARS_MAX))


def _short(text: str, chars_max: int = 80) -> str:
    """Cut the middle out of a text, where names are; the end tells the values."""
    if len(text) <= chars_max:
        return text
    return f"{text[: chars_max // 4]} ... {text[len(text) - chars_max * 3 // 4 + 5 :]}"


def _more(cut: Mapping[str, int]) -> str:
    total = sum(cut.values())
    named = [f"{field or 'all'} {count}" for field, count in list(cut.items())[:FIELDS_NAMED_MAX]]
    rest = f", {len(cut) - len(named)} other fields" if len(cut) > len(named) else ""
    return f"... and {'more than ' if total >= COUNTED_MAX else ''}{total} more ({', '.join(named)}{rest})"


def _redirect(first: Content, second: Content, path: Path, prefix: str) -> Change:
    sides = [f"redirect to {one['redirect']}" if "redirect" in one else "an entity" for one in (first, second)]
    return Change(Kind.CHANGED, path, f"{prefix}{sides[0]} -> {sides[1]}")


def _entity_changes(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    for _, changes in _by_field(first, second, path, prefix):
        yield from changes


def _by_field(first: Content, second: Content, path: Path, prefix: str) -> Iterator[tuple[str, Iterator[Change]]]:
    """Yield the fields that differ, and their changes."""
    for key in _keys_in_order(first, second):
        left, right = first.get(key), second.get(key)
        if same(left, right):
            if (key in first) != (key in second):
                yield key, null_came(first, second, key, path, prefix)
            continue
        kind, differ = _FIELDS.get(key, (None, plain))
        if kind is None or not (isinstance(left, kind) and isinstance(right, kind)):
            differ = plain
        changes = differ(left, right, (*path, key), prefix)
        body = key.removesuffix("-order")
        if differ is property_order and not same(first.get(body), second.get(body)):
            yield key, changes  # silent where the statements tell it
        else:
            yield key, _never_silent(changes, plain(left, right, (*path, key), prefix))


def _never_silent(changes: Iterator[Change], instead: Iterator[Change]) -> Iterator[Change]:
    told = next(changes, None)
    if told is None:
        yield from instead
    else:
        yield told
        yield from changes


def _keys_in_order(first: Content, second: Content) -> Iterable[str]:
    keys = {**first, **second}
    return [*(key for key in _FIELDS if key in keys), *sorted(key for key in keys if key not in _FIELDS)]


def _parts(noun: str) -> Differ:
    def differ(first: Sequence[Content], second: Sequence[Content], path: Path, prefix: str) -> Iterator[Change]:
        if not all(isinstance(part, dict) for part in (*first, *second)):
            yield from plain(first, second, path, prefix)
            return
        before, after = ({str(part.get("id")): part for part in side} for side in (first, second))
        for part_id in sorted({**before, **after}, key=lambda one: (len(one), one)):
            left, right = before.get(part_id), after.get(part_id)
            name = f"{prefix}{noun} {part_id}"
            if left is None or right is None:
                kind, verb = (Kind.ADDED, "added") if left is None else (Kind.REMOVED, "removed")
                yield Change(kind, (*path, part_id), f"{name} {verb}")
            elif not same(left, right):
                yield from _entity_changes(left, right, (*path, part_id), f"{name}: ")

    return differ


_FIELDS: Mapping[str, tuple[type | None, Differ]] = {
    "labels": (dict, terms("label")),
    "descriptions": (dict, terms("description")),
    "aliases": (dict, aliases),
    "lemmas": (dict, terms("lemma")),
    "representations": (dict, terms("representation")),
    "glosses": (dict, terms("gloss")),
    "grammaticalFeatures": (list, features),
    "claims": (dict, statements),
    "claims-order": (list, property_order),
    "statements": (dict, statements),
    "statements-order": (list, property_order),
    "sitelinks": (dict, sitelinks),
    "forms": (list, _parts("form")),
    "senses": (list, _parts("sense")),
}
