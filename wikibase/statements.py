"""Statements, references and snaks in canonical form (wikibase.md 3.1, 3.3, 3.5, 3.9).

Order that a reader can see is kept: statements inside a property, the properties of a statement list
(as a list beside the map), qualifiers, references, the snaks of a reference. What Wikibase's own lists collapse
collapses here: identical snaks of one snak list, references with the same snaks in any order, empty references.
Keys that are not known are kept: an unknown part of an answer must not vanish from a comparison.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from wikibase.errors import NotAnEntityError
from wikibase.values import canonical_datavalue

Json = Any

_RANKS = {0: "deprecated", 1: "normal", 2: "preferred"}


def canonical_statements(statements: Json, order: Json = None) -> tuple[dict[str, list[Json]], list[str]]:
    """Return statements by property, each in order, and the properties in the order of their first statement.

    Takes the map by property of every API shape, a flat list, and PHP's empty list. `order` is the list that a
    canonical form already has.
    """
    groups: dict[str, list[Json]] = {}
    if not statements:
        return groups, []
    for group in _groups(statements):
        for one in group:
            statement = canonical_statement(one)
            groups.setdefault(statement["mainsnak"]["property"], []).append(statement)
    return groups, _order(groups, order)


def canonical_statement(statement: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of one statement. `type` "claim" of old data is a statement of normal rank."""
    out = dict(statement)
    out["mainsnak"] = canonical_snak(statement["mainsnak"])
    out["type"] = "statement"
    rank = out.get("rank", "normal")
    out["rank"] = _RANKS[rank] if type(rank) is int else rank
    if out.get("id", "") is None:
        del out["id"]
    _put_snaks(out, "qualifiers", "qualifiers-order")
    references = out.pop("references", None)
    if references and (kept := _references(references)):
        out["references"] = kept
    return out


def canonical_snak(snak: Mapping[str, Json]) -> dict[str, Json]:
    """Return the canonical form of a snak: no hash, no datatype, and a value only where the type says there is one."""
    out = dict(snak)
    out.pop("hash", None)
    out.pop("datatype", None)
    kind = out["snaktype"]
    if not isinstance(out["property"], str):
        raise NotAnEntityError(f"a snak names no property: {str(snak)[:200]}")
    if kind == "value":
        out["datavalue"] = canonical_datavalue(out["datavalue"])
    elif kind in ("somevalue", "novalue"):
        out.pop("datavalue", None)
    return out


def _groups(lists: Json) -> Iterable[Sequence[Json]]:
    return lists.values() if isinstance(lists, dict) else (lists,)


def _put_snaks(out: dict[str, Json], key: str, order_key: str) -> None:
    """Replace the snak list of a statement or reference and its order; both are absent when it is empty."""
    snaks, order = out.pop(key, None), out.pop(order_key, None)
    if not snaks:
        return
    groups: dict[str, list[Json]] = {}
    for group in _groups(snaks):
        for one in group:
            snak = canonical_snak(one)
            groups.setdefault(snak["property"], []).append(snak)
    if not groups:
        return
    for prop, group in groups.items():
        if len(group) > 1:
            groups[prop] = _distinct(group)
    out[key] = groups
    out[order_key] = _order(groups, order)


def _order(groups: Mapping[str, Json], order: Json) -> list[str]:
    """Return the order as Wikibase decodes it: the order list first, then what the map holds besides (3.5)."""
    if not order or not isinstance(order, list):
        return list(groups)
    if len(order) == len(groups) and groups.keys() == set(order):
        return order
    listed = dict.fromkeys(prop for prop in order if prop in groups)
    return [*listed, *(prop for prop in groups if prop not in listed)]


def _distinct(snaks: list[Json]) -> list[Json]:
    if len(snaks) == 2 and snaks[0] != snaks[1]:  # noqa: PLR2004  the usual case, decided without serialising
        return snaks
    return list({orjson.dumps(snak, option=orjson.OPT_SORT_KEYS): snak for snak in reversed(snaks)}.values())[::-1]


def _references(references: Sequence[Mapping[str, Json]]) -> list[Json]:
    kept = []
    for reference in references:
        out = dict(reference)
        out.pop("hash", None)
        _put_snaks(out, "snaks", "snaks-order")
        if "snaks" in out:
            kept.append(out)
    return kept if len(kept) < 2 else _distinct_references(kept)  # noqa: PLR2004  nothing to compare


def _distinct_references(references: list[Json]) -> list[Json]:
    seen: dict[tuple[bytes, ...], Json] = {}
    for reference in references:
        snaks = (snak for group in reference["snaks"].values() for snak in group)
        key = tuple(sorted(orjson.dumps(snak, option=orjson.OPT_SORT_KEYS) for snak in snaks))
        seen.setdefault(key, reference)
    return list(seen.values())
