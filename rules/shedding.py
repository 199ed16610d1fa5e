"""What to give up when there is not room for everything: fair to the rare, so that they stay observed. Pure.

Two ways, for two kinds of queue. Where something that waits can still be thrown out, the longest line gives way
(`gives_way`). Where it cannot, each line may hold a multiple of what is still free (`has_room`): one flood fills most
of the room, never all of it, and whoever comes later finds a share of what it left.
"""

from collections.abc import Mapping

from rules.routes.route import Surface

GENEROSITY = 4
"""A line may hold up to so many times what is free: alone it gets 4/5 of the room, beside another 4/9 each."""

_MARKS: tuple[tuple[bytes, Surface], ...] = (
    (b"wbgetentities", Surface.WBGETENTITIES),
    (b"wbgetclaims", Surface.WBGETCLAIMS),
    (b"EntityData", Surface.ENTITYDATA),
    (b"/entity/", Surface.ENTITYDATA),
    (b"rest.php", Surface.REST),
    (b"revisions", Surface.REVISIONS),
)


def line_of(target: bytes) -> str:
    """Return which surface a request target looks like, "" for none: cheap, and only good for sharing out room."""
    return next((surface.value for mark, surface in _MARKS if mark in target), "")


def has_room(own: int, total: int, most: int, wanted: int = 1) -> bool:
    """Tell whether a line that holds `own` of `total` may take `wanted` more, where `most` is all there is room for."""
    free = most - total
    return wanted <= free and own + wanted <= max(wanted, GENEROSITY * free)


def gives_way(lines: Mapping[str, int], newcomer: str) -> str:
    """Return the line that must lose one so that a newcomer's can be had: the longest, the newcomer's own on a tie."""
    own = lines.get(newcomer, 0)
    longest = max(lines, key=lambda name: (lines[name], name), default=newcomer)
    return longest if lines.get(longest, 0) > own + 1 else newcomer
