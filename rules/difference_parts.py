"""What a difference is made of: one change, when two values are the same, and the changes of lists, terms and links.

`rules.difference` puts them together for an entity, `rules.difference_statements` has those of statements.
Every function here takes any JSON and raises nothing but NotAnEntityError (content nested too deeply to be written).
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from rules.difference_words import json_words, pair_words
from wikibase.canonical import canonical_bytes

Json = Any
Content = Mapping[str, Json]
Path = tuple[str, ...]


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


Differ = Callable[[Json, Json, Path, str], Iterator[Change]]
"""Yields the changes between two values under a path; the last argument is what their words begin with."""


def same(first: Json, second: Json) -> bool:
    """Tell whether two canonical values have the same canonical bytes. Decided without them when they differ."""
    if first is second:
        return True
    # Python's == is blind to 1, 1.0 and true being different JSON, and to nothing else; texts have nothing to hide.
    if first != second:
        return False
    if type(first) is str:
        return True
    try:
        return orjson.dumps(first) == orjson.dumps(second) or canonical_bytes(first) == canonical_bytes(second)
    except orjson.JSONEncodeError:
        return canonical_bytes(first) == canonical_bytes(second)


def same_probably(first: Json, second: Json) -> bool:
    """Tell what `same` tells; faster where the two are most likely the same, and come from the same hand."""
    if first is second:
        return True
    try:
        if orjson.dumps(first) == orjson.dumps(second):
            return True
    except orjson.JSONEncodeError:
        pass  # half a surrogate pair, or nested very deep
    return same(first, second)


def alike_ends(first: Sequence[Json], second: Sequence[Json]) -> tuple[int, int]:
    """Return how many members two lists begin and, behind those, end with alike."""
    shorter = min(len(first), len(second))
    begin = 0
    while begin < shorter and same(first[begin], second[begin]):
        begin += 1
    end = 0
    while end < shorter - begin and same(first[-1 - end], second[-1 - end]):
        end += 1
    return begin, end


def kind_of(first: Json, second: Json) -> Kind:
    """Return what happened to a part that is None where it is not there."""
    return Kind.ADDED if first is None else Kind.REMOVED if second is None else Kind.CHANGED


def plain(first: Json, second: Json, path: Path, prefix: str) -> Iterator[Change]:
    """Tell two values as JSON, under the last key of their path."""
    yield Change(kind_of(first, second), path, f"{prefix}{path[-1]}: {pair_words(first, second, json_words)}")


def null_came(first: Content, second: Content, key: str, path: Path, prefix: str) -> Iterator[Change]:
    """Tell that a key with null is on one side only: elsewhere None stands for what is not there."""
    if (key in first) != (key in second):
        kind, words = (Kind.REMOVED, "null -> (none)") if key in first else (Kind.ADDED, "(none) -> null")
        yield Change(kind, (*path, key), f"{prefix}{key}: {words}")


def members(
    first: Sequence[Json], second: Sequence[Json], path: Path, name: str, words: Callable[[Json], str]
) -> Iterator[Change]:
    """Tell what is in only one of two lists; when both hold the same, that they are ordered differently."""
    gone, come = _only_here(first, second)
    if not gone and not come:
        yield Change(Kind.REORDERED, path, f"{name}: reordered")
    for place in range(max(len(gone), len(come))):
        left = gone[place] if place < len(gone) else None
        right = come[place] if place < len(come) else None
        yield Change(kind_of(left, right), path, f"{name}: {pair_words(left, right, words)}")


def _only_here(first: Sequence[Json], second: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Return what is in each list beyond what is in the other, repeats counted."""
    keys = [[_member_key(one) for one in side] for side in (first, second)]
    return _beyond(first, keys[0], keys[1]), _beyond(second, keys[1], keys[0])


def _beyond(these: Sequence[Json], keys: Sequence[Hashable], others: Sequence[Hashable]) -> list[Json]:
    there = Counter(others)
    out = []
    for one, key in zip(these, keys, strict=True):
        if there.get(key, 0) > 0:
            there[key] -= 1
        else:
            out.append(one)
    return out


def _member_key(one: Json) -> Hashable:
    """Return what two members share when they are the same: of a term its two texts, else the canonical bytes."""
    if type(one) is dict and len(one) == 2:  # noqa: PLR2004  language and value
        language, value = one.get("language"), one.get("value")
        if type(language) is str and type(value) is str:
            return language, value
    return canonical_bytes(one)


def terms(noun: str) -> Differ:
    """Return what tells terms by language, under that noun."""

    def differ(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
        for language in sorted({*first, *second}):
            left, right = first.get(language), second.get(language)
            if not same(left, right):
                words = f"{prefix}{noun} {language}: {pair_words(left, right, _term)}"
                yield Change(kind_of(left, right), (*path, language), words)

    return differ


def _term(term: Json) -> str:
    if isinstance(term, dict) and set(term) == {"language", "value"}:
        return json_words(term["value"])
    return json_words(term)


def aliases(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    """Tell aliases by language."""
    for language in sorted({*first, *second}):
        left, right = first.get(language), second.get(language)
        if same(left, right):
            continue
        if all(side is None or isinstance(side, list) for side in (left, right)):
            yield from members(left or [], right or [], (*path, language), f"{prefix}alias {language}", _term)
        else:
            yield from plain(left, right, (*path, language), f"{prefix}alias ")


def sitelinks(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    """Tell links by site, badges one by one."""
    for site in sorted({*first, *second}):
        left, right = first.get(site), second.get(site)
        if same(left, right):
            continue
        name = f"{prefix}site link {site}"
        if not (isinstance(left, dict) and isinstance(right, dict)):
            yield Change(kind_of(left, right), (*path, site), f"{name}: {pair_words(left, right, _sitelink)}")
            continue
        for key in sorted({*left, *right}):
            one, other = left.get(key), right.get(key)
            if same(one, other):
                yield from null_came(left, right, key, (*path, site), f"{name}: ")
                continue
            if key == "badges" and isinstance(one, list) and isinstance(other, list):
                yield from members(one, other, (*path, site, key), f"{name}: badge", json_words)
            else:
                words = pair_words(one, other, json_words)
                yield Change(Kind.CHANGED, (*path, site, key), f"{name}: {key} {words}")


def _sitelink(link: Json) -> str:
    if not isinstance(link, dict):
        return json_words(link)
    badges = f" [{', '.join(map(str, link['badges']))}]" if link.get("badges") else ""
    return f"{json_words(link.get('title'))}{badges}"


def features(first: Sequence[Json], second: Sequence[Json], path: Path, prefix: str) -> Iterator[Change]:
    """Tell the grammatical features of a form."""
    yield from members(first, second, path, f"{prefix}grammatical feature", json_words)
