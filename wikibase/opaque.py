"""Counting the values that Wikibase does not decode: unknown types, and values that do not fit their type.

They are kept verbatim in the canonical form; whoever exports or compares should know how many there were.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from wikibase.values import is_decoded

Json = Any


def opaque_values(content: Mapping[str, Json]) -> Counter[str]:
    """Return how many values of a canonical form are opaque, by `datavalue.type`."""
    found: Counter[str] = Counter()
    for datavalue in _datavalues(content):
        kind = datavalue["type"]
        if not is_decoded(kind, datavalue["value"]):
            found[kind if isinstance(kind, str) else "null"] += 1
    return found


def _datavalues(content: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    for snak in _snaks(content):
        if snak["snaktype"] == "value":
            yield snak["datavalue"]


def _snaks(content: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    if "serializationVersion" in content:
        return
    for part in ("forms", "senses"):
        for inner in content.get(part, ()):
            yield from _snaks(inner)
    for group in (content.get("claims") or content.get("statements") or {}).values():
        for statement in group:
            yield statement["mainsnak"]
            for snaks in statement.get("qualifiers", {}).values():
                yield from snaks
            for reference in statement.get("references", ()):
                for snaks in reference["snaks"].values():
                    yield from snaks
