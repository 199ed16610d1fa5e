"""The two shapes of an Action API answer: formatversion 2 as modules write it, formatversion 1 made from it.

In formatversion 1 true is `""`, false is absent, the text of an element has the key `*`, and lists
of pages are maps (wikibase.md 1.1.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEXT = "\0"
"""A key that begins with it is the element's text: the rest of the key in formatversion 2, `*` in 1."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A value that is the same in both (entities)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A text that formatversion 1 wraps into a map with the one key `*` (the html of a message)."""

    text: str


@dataclass(frozen=True, slots=True)
class ById:
    """A map by id in formatversion 1, the list of its values in 2 (pages)."""

    items: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PhpMap:
    """A map in both; keys 0, 1, 2… make PHP print it as a list."""

    items: Mapping[int, Any]


def shaped(value: Any, version: int) -> Any:
    """Return an answer in formatversion 1 or 2, free of the marks of this module."""
    if isinstance(value, dict):
        return _element(value, version)
    if isinstance(value, list | tuple):
        return [shaped(item, version) for item in value]
    if isinstance(value, Raw | Wrapped | ById | PhpMap):
        return _unmarked(value, version)
    return value


def _unmarked(value: Raw | Wrapped | ById | PhpMap, version: int) -> Any:
    match value:
        case Raw():
            return value.value
        case Wrapped():
            return {"*": value.text} if version == 1 else value.text
        case ById():
            items = {key: shaped(item, version) for key, item in value.items.items()}
            return items if version == 1 else list(items.values())
        case PhpMap():
            listed = [shaped(item, version) for item in value.items.values()]
            counted = list(value.items) == list(range(len(listed)))
            return listed if counted else dict(zip(map(str, value.items), listed, strict=True))


def _element(element: Mapping[str, Any], version: int) -> Any:
    out = {}
    for key, item in element.items():
        if version == 1 and isinstance(item, bool):
            if item:
                out[key] = ""
            continue
        name = key if not key.startswith(TEXT) else "*" if version == 1 else key[1:]
        out[name] = shaped(item, version)
    return out
