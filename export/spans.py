"""How a wiki is divided into spans that many workers export at once. Pure."""

from collections.abc import Sequence

from export.source import Span
from wikibase.ids import EntityType

_LETTER = {
    EntityType.ITEM: "Q",
    EntityType.PROPERTY: "P",
    EntityType.LEXEME: "L",
    EntityType.SCHEMA: "E",
}


def page_spans(max_page_id: int, size: int) -> Sequence[Span]:
    """Return spans of so many page ids each, up to the highest one."""
    return [
        Span(kind="pages", low=str(low), high=str(min(low + size, max_page_id + 1)))
        for low in range(1, max_page_id + 1, size)
    ]


def title_spans(kind: str, namespace: int, of_type: EntityType | None, *, parts: int = 1) -> Sequence[Span]:
    """Return spans of a namespace by how its titles begin, in the order of their bytes; about so many.

    The numbers of entities begin with every digit about as often as they have digits, whatever else the title is.
    """
    letter = _LETTER.get(of_type) if of_type else None
    digits = 0 if letter is None or parts <= 1 else 1 if parts <= 9 else 2 if parts <= 90 else 3  # noqa: PLR2004 -- decades
    bounds = [f"{letter}{number}" for number in range(10 ** (digits - 1) + 1, 10**digits)] if digits else []
    bounds.sort()
    return [
        Span(kind=kind, low=low, high=high, namespace=namespace)
        for low, high in zip(["", *bounds], [*bounds, ""], strict=True)
    ]


def sampled_windows(max_page_id: int, *, windows: int, size: int) -> Sequence[tuple[int, int]]:
    """Return windows of page ids (low included, high not) spread evenly; all of them, where they are not many."""
    every = max(size, -(-max_page_id // windows))
    return [(low, min(low + size, max_page_id + 1)) for low in range(1, max_page_id + 1, every)]
