"""The structural difference of two canonical forms, in words an editor knows.

Terms by language, site links by site, statements by GUID and then by rank, value, qualifiers and references; what
only stands elsewhere is told apart from what changed. Linear in the size of the input, and bounded in what it says:
so many changes, so many characters each, and how many were left out. The words of single values are in
`rules.difference_words`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from rules.difference_words import json_words, pair_words, reference_words, snak_words, statement_words
from wikibase.canonical import canonical_bytes

Json = Any
Content = Mapping[str, Json]
Path = tuple[str, ...]

CHANGES_MAX = 50
"""How many changes are told in full."""

COUNTED_MAX = 10_000
"""How many more are counted before it says only "more than"."""

TEXT_CHARS_MAX = 4_000
"""How long the text of a difference gets."""


class Kind(StrEnum):
    """What happened to a part, from the first side to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where (keys and indexes of the canonical form, GUIDs for statements), and one line in words."""

    kind: Kind
    path: Path
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes in the order of the entity's parts; `left_out` more were counted, and not told."""

    changes: tuple[Change, ...] = ()
    left_out: int = 0

    @property
    def only_order(self) -> bool:
        """Tell whether everything is there on both sides, and only stands elsewhere."""
        return not self.left_out and all(change.kind is Kind.REORDERED for change in self.changes)

    def text(self, chars_max: int = TEXT_CHARS_MAX) -> str:
        """Return one line for each change, at most that many characters, saying how many lines were cut."""
        lines: list[str] = []
        room = chars_max
        for place, change in enumerate(self.changes):
            if len(change.words) + 1 > room:
                return "\n".join([*lines, _more(len(self.changes) - place + self.left_out)])
            lines.append(change.words)
            room -= len(change.words) + 1
        return "\n".join([*lines, _more(self.left_out)] if self.left_out else lines)


def same(first: Json, second: Json) -> bool:
    """Tell whether two canonical values have the same canonical bytes. Decided without them when they differ."""
    # Python's == is blind to 1, 1.0 and true being different JSON, and to nothing else.
    return first is second or (first == second and canonical_bytes(first) == canonical_bytes(second))


def difference(first: Content, second: Content, *, changes_max: int = CHANGES_MAX) -> Difference:
    """Return what changed from the first canonical form to the second."""
    if same(first, second):
        return Difference()
    found = _entity_changes(first, second, (), "")
    changes = tuple(islice(found, changes_max))
    left_out = sum(1 for _ in islice(found, COUNTED_MAX))
    if not changes:  # two forms that differ are never told as if they did not
        changes = (Change(Kind.CHANGED, (), pair_words(first, second, json_words)),)
    return Difference(changes, left_out)


def _more(count: int) -> str:
    return f"... and {'more than ' if count >= COUNTED_MAX else ''}{count} more"


def _entity_changes(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    if ("redirect" in first) != ("redirect" in second):
        sides = [f"redirect to {one['redirect']}" if "redirect" in one else "an entity" for one in (first, second)]
        yield Change(Kind.CHANGED, path, f"{prefix}{sides[0]} -> {sides[1]}")
        return
    for key in _keys_in_order(first, second):
        left, right = first.get(key), second.get(key)
        if same(left, right):
            continue
        differ = _FIELDS.get(key, _plain)
        if key in first and key in second and type(left) is type(right):
            yield from differ(left, right, (*path, key), prefix)
        else:
            yield from _plain(left, right, (*path, key), prefix)


def _keys_in_order(first: Content, second: Content) -> Sequence[str]:
    keys = {**first, **second}
    return [*(key for key in _FIELDS if key in keys), *sorted(key for key in keys if key not in _FIELDS)]


def _plain(first: Json, second: Json, path: Path, prefix: str) -> Iterator[Change]:
    kind = Kind.ADDED if first is None else Kind.REMOVED if second is None else Kind.CHANGED
    yield Change(kind, path, f"{prefix}{path[-1]}: {pair_words(first, second, json_words)}")


def _terms(noun: str) -> Callable[[Json, Json, Path, str], Iterator[Change]]:
    def differ(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
        for language in sorted({*first, *second}):
            left, right = first.get(language), second.get(language)
            if not same(left, right):
                kind = Kind.ADDED if left is None else Kind.REMOVED if right is None else Kind.CHANGED
                yield Change(kind, (*path, language), f"{prefix}{noun} {language}: {pair_words(left, right, _term)}")

    return differ


def _term(term: Json) -> str:
    if isinstance(term, dict) and set(term) == {"language", "value"}:
        return json_words(term["value"])
    return json_words(term)


def _aliases(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    for language in sorted({*first, *second}):
        left, right = first.get(language) or [], second.get(language) or []
        if not same(left, right):
            yield from _members(left, right, (*path, language), f"{prefix}alias {language}", _term)


def _members(
    first: Sequence[Json], second: Sequence[Json], path: Path, name: str, words: Callable[[Json], str]
) -> Iterator[Change]:
    """Tell what is in only one of two lists; when both hold the same, that they are ordered differently."""
    gone, come = _only(first, second), _only(second, first)
    if not gone and not come:
        yield Change(Kind.REORDERED, path, f"{name}: reordered")
    for place in range(max(len(gone), len(come))):
        left = gone[place] if place < len(gone) else None
        right = come[place] if place < len(come) else None
        kind = Kind.ADDED if left is None else Kind.REMOVED if right is None else Kind.CHANGED
        yield Change(kind, path, f"{name}: {pair_words(left, right, words)}")


def _only(these: Sequence[Json], others: Sequence[Json]) -> list[Json]:
    """Return what is in these beyond what is in the others, repeats counted."""
    there = Counter(canonical_bytes(other) for other in others)
    out = []
    for one in these:
        key = canonical_bytes(one)
        if there[key] > 0:
            there[key] -= 1
        else:
            out.append(one)
    return out


def _sitelinks(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    for site in sorted({*first, *second}):
        left, right = first.get(site), second.get(site)
        if same(left, right):
            continue
        name = f"{prefix}site link {site}"
        if left is None or right is None:
            kind = Kind.ADDED if left is None else Kind.REMOVED
            yield Change(kind, (*path, site), f"{name}: {pair_words(left, right, _sitelink)}")
            continue
        for key in sorted({*left, *right}):
            if not same(left.get(key), right.get(key)):
                if key == "badges":
                    yield from _members(left[key], right[key], (*path, site, key), f"{name}: badge", json_words)
                else:
                    words = pair_words(left.get(key), right.get(key), json_words)
                    yield Change(Kind.CHANGED, (*path, site, key), f"{name}: {key} {words}")


def _sitelink(link: Content) -> str:
    badges = f" [{', '.join(map(str, link['badges']))}]" if link.get("badges") else ""
    return f"{json_words(link.get('title'))}{badges}"


def _statements(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    before, after = _by_guid(first), _by_guid(second)
    for guid in sorted({**before, **after}, key=lambda one: _place(before.get(one) or after[one])):
        left, right = before.get(guid), after.get(guid)
        if left is None or right is None:
            prop, statement = left or right or ("", {})
            kind, verb = (Kind.ADDED, "added") if left is None else (Kind.REMOVED, "removed")
            yield Change(kind, (*path, guid), f"{prefix}{prop}: statement {verb}: {statement_words(statement)}")
        elif left[0] != right[0]:
            yield Change(Kind.CHANGED, (*path, guid), f"{prefix}statement {guid}: property {left[0]} -> {right[0]}")
        elif not same(left[1], right[1]):
            alone = len(first[left[0]]) == 1 == len(second[right[0]])
            name = f"{prefix}{left[0]}" if alone else f"{prefix}{left[0]} ({guid})"
            yield from _statement(left[1], right[1], (*path, guid), name)
    for prop in first:
        left_order = [guid for guid in _guids(first.get(prop) or []) if guid in after]
        right_order = [guid for guid in _guids(second.get(prop) or []) if guid in before]
        if left_order != right_order and sorted(left_order) == sorted(right_order):
            yield Change(Kind.REORDERED, (*path, prop), f"{prefix}{prop}: statements reordered")


def _place(found: tuple[str, Json]) -> tuple[int, str]:
    return len(found[0]), found[0]


def _guids(group: Sequence[Content]) -> list[str]:
    """Return a key for each statement: its GUID; what has none, or one twice, by its content or a count."""
    seen: Counter[str] = Counter()
    out = []
    for statement in group:
        guid = str(statement.get("id") or canonical_bytes(statement).decode())
        seen[guid] += 1
        out.append(guid if seen[guid] == 1 else f"{guid} ({seen[guid]})")
    return out


def _by_guid(statements: Content) -> dict[str, tuple[str, Json]]:
    out: dict[str, tuple[str, Json]] = {}
    for prop, group in statements.items():
        for guid, statement in zip(_guids(group), group, strict=True):
            out[guid if guid not in out else f"{prop} {guid}"] = (prop, statement)
    return out


def _statement(first: Content, second: Content, path: Path, name: str) -> Iterator[Change]:
    for key in sorted({*first, *second}):
        left, right = first.get(key), second.get(key)
        if same(left, right):
            continue
        if key == "mainsnak":
            yield Change(Kind.CHANGED, (*path, key), f"{name}: value {pair_words(left, right, snak_words)}")
        elif key == "qualifiers":
            yield from _qualifiers(left or {}, right or {}, (*path, key), name)
        elif key == "references":
            yield from _members(left or [], right or [], (*path, key), f"{name}: reference", reference_words)
        elif key == "qualifiers-order":
            if left and right and sorted(left) == sorted(right):
                yield Change(Kind.REORDERED, (*path, key), f"{name}: qualifiers reordered")
        else:
            yield Change(Kind.CHANGED, (*path, key), f"{name}: {key} {pair_words(left, right, _bare)}")


def _bare(value: Json) -> str:
    return value if isinstance(value, str) and value.isalpha() else json_words(value)


def _qualifiers(first: Content, second: Content, path: Path, name: str) -> Iterator[Change]:
    for prop in sorted({*first, *second}):
        left, right = first.get(prop) or [], second.get(prop) or []
        if not same(left, right):
            yield from _members(left, right, (*path, prop), f"{name}: qualifier {prop}", snak_words)


def _property_order(first: Sequence[str], second: Sequence[str], path: Path, prefix: str) -> Iterator[Change]:
    """Tell that properties stand in another order; that one came or went is told by its statements."""
    there, here = set(second), set(first)
    if [prop for prop in first if prop in there] != [prop for prop in second if prop in here]:
        yield Change(Kind.REORDERED, path, f"{prefix}properties reordered")
    elif here == there:
        yield from _plain(first, second, path, prefix)


def _parts(noun: str) -> Callable[[Json, Json, Path, str], Iterator[Change]]:
    def differ(first: Sequence[Content], second: Sequence[Content], path: Path, prefix: str) -> Iterator[Change]:
        before, after = ({str(part.get("id")): part for part in side} for side in (first, second))
        for part_id in sorted({**before, **after}):
            left, right = before.get(part_id), after.get(part_id)
            name = f"{prefix}{noun} {part_id}"
            if left is None or right is None:
                kind, verb = (Kind.ADDED, "added") if left is None else (Kind.REMOVED, "removed")
                yield Change(kind, (*path, part_id), f"{name} {verb}")
            elif not same(left, right):
                yield from _entity_changes(left, right, (*path, part_id), f"{name}: ")

    return differ


def _features(first: Sequence[Json], second: Sequence[Json], path: Path, prefix: str) -> Iterator[Change]:
    yield from _members(first, second, path, f"{prefix}grammatical feature", json_words)


_FIELDS: Mapping[str, Callable[[Json, Json, Path, str], Iterator[Change]]] = {
    "labels": _terms("label"),
    "descriptions": _terms("description"),
    "aliases": _aliases,
    "lemmas": _terms("lemma"),
    "representations": _terms("representation"),
    "glosses": _terms("gloss"),
    "grammaticalFeatures": _features,
    "claims": _statements,
    "claims-order": _property_order,
    "statements": _statements,
    "statements-order": _property_order,
    "sitelinks": _sitelinks,
    "forms": _parts("form"),
    "senses": _parts("sense"),
}
