"""Statements of two canonical forms compared: by GUID, then by rank, value, qualifiers and references.

Only the groups of properties that differ are looked into: a statement cannot have moved out of a group that is equal
on both sides. Sequence is told as sequence: statements of a property, properties, qualifiers, references.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from rules.difference_parts import Change, Content, Json, Kind, Path, members, null_came, plain, same, same_probably
from rules.difference_words import json_words, pair_words, reference_words, snak_words, statement_words
from wikibase.canonical import canonical_bytes

Groups = dict[str, Sequence[Content]]


def statements(first: Content, second: Content, path: Path, prefix: str) -> Iterator[Change]:
    """Tell the statements that came, went, changed, or stand elsewhere."""
    props = [prop for prop in {**first, **second} if not same_probably(first.get(prop), second.get(prop))]
    left_groups, right_groups = ({prop: side[prop] for prop in props if prop in side} for side in (first, second))
    if not (_readable(left_groups) and _readable(right_groups)):
        for prop in props:
            yield from plain(first.get(prop), second.get(prop), (*path, prop), prefix)
        return
    yield from _by_statement(left_groups, right_groups, path, prefix)


def property_order(first: Sequence[Json], second: Sequence[Json], path: Path, prefix: str) -> Iterator[Change]:
    """Tell that properties stand in another order; that one came or went is told by its statements."""
    yield from _order(first, second, path, (f"{prefix}properties reordered", prefix))


def _readable(groups: Groups) -> bool:
    return all(isinstance(group, list) and all(isinstance(one, dict) for one in group) for group in groups.values())


def _by_statement(first: Groups, second: Groups, path: Path, prefix: str) -> Iterator[Change]:
    before, after = _by_guid(first), _by_guid(second)
    for guid in sorted({**before, **after}, key=lambda one: _place(before.get(one) or after[one])):
        left, right = before.get(guid), after.get(guid)
        if left is None or right is None:
            prop, statement = left or right or ("", {})
            kind, verb = (Kind.ADDED, "added") if left is None else (Kind.REMOVED, "removed")
            yield Change(kind, (*path, guid), f"{prefix}{prop}: statement {verb}: {statement_words(statement)}")
        elif left[0] != right[0]:
            yield Change(Kind.CHANGED, (*path, guid), f"{prefix}statement {guid}: property {left[0]} -> {right[0]}")
            yield from _statement(_under(right[0], left[1]), right[1], (*path, guid), f"{prefix}{right[0]} ({guid})")
        elif not same(left[1], right[1]):
            alone = len(first[left[0]]) == 1 == len(second[right[0]])
            name = f"{prefix}{left[0]}" if alone else f"{prefix}{left[0]} ({guid})"
            yield from _statement(left[1], right[1], (*path, guid), name)
    for prop in first:
        left_order = [guid for guid in _guids(first[prop]) if guid in after]
        right_order = [guid for guid in _guids(second.get(prop) or []) if guid in before]
        if left_order != right_order and sorted(left_order) == sorted(right_order):
            yield Change(Kind.REORDERED, (*path, prop), f"{prefix}{prop}: statements reordered")


def _under(prop: str, statement: Content) -> Content:
    """Return the statement as it would be under another property, so that this is told once."""
    snak = statement.get("mainsnak")
    return {**statement, "mainsnak": {**snak, "property": prop}} if isinstance(snak, dict) else statement


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


def _by_guid(groups: Groups) -> dict[str, tuple[str, Content]]:
    out: dict[str, tuple[str, Content]] = {}
    for prop, group in groups.items():
        for guid, statement in zip(_guids(group), group, strict=True):
            out[guid if guid not in out else f"{prop} {guid}"] = (prop, statement)
    return out


def _statement(first: Content, second: Content, path: Path, name: str) -> Iterator[Change]:
    for key in sorted({*first, *second}):
        left, right = first.get(key), second.get(key)
        if same(left, right):
            yield from null_came(first, second, key, path, f"{name}: ")
            continue
        lists = all(side is None or isinstance(side, list) for side in (left, right))
        if key == "mainsnak":
            yield Change(Kind.CHANGED, (*path, key), f"{name}: value {pair_words(left, right, snak_words)}")
        elif key == "qualifiers" and all(side is None or isinstance(side, dict) for side in (left, right)):
            yield from _qualifiers(left or {}, right or {}, (*path, key), name)
        elif key == "references" and lists:
            yield from members(left or [], right or [], (*path, key), f"{name}: reference", reference_words)
        elif key == "qualifiers-order" and lists:
            yield from _order(left or [], right or [], (*path, key), (f"{name}: qualifiers reordered", f"{name}: "))
        else:
            yield Change(Kind.CHANGED, (*path, key), f"{name}: {key} {pair_words(left, right, _bare)}")


def _bare(value: Json) -> str:
    return value if isinstance(value, str) and value.isalpha() else json_words(value)


def _qualifiers(first: Content, second: Content, path: Path, name: str) -> Iterator[Change]:
    for prop in sorted({*first, *second}):
        left, right = first.get(prop) or [], second.get(prop) or []
        if same(left, right):
            continue
        if isinstance(left, list) and isinstance(right, list):
            yield from members(left, right, (*path, prop), f"{name}: qualifier {prop}", snak_words)
        else:
            yield from plain(left, right, (*path, prop), f"{name}: qualifier ")


def _order(first: Sequence[Json], second: Sequence[Json], path: Path, words: tuple[str, str]) -> Iterator[Change]:
    """Tell that what both sides list stands in another order: the first words, or the second and both lists."""
    left, right = ([str(prop) for prop in side] for side in (first, second))
    there, here = set(right), set(left)
    if [prop for prop in left if prop in there] != [prop for prop in right if prop in here]:
        yield Change(Kind.REORDERED, path, words[0])
    elif here == there:
        yield from plain(first, second, path, words[1])
