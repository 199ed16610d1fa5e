"""Pieces of answers that were made before, within a bound of bytes. What is in it never goes stale: see Renderer."""

from collections.abc import Callable, Hashable

from cachetools import LRUCache

BYTES_PER_PIECE = 400
"""What a piece takes besides its text: the key and its places in the cache."""


class Fragments:
    """A Memo of `wikibase.render.record`: the pieces used last are kept."""

    def __init__(self, bytes_max: int) -> None:
        self._kept: LRUCache[Hashable, bytes] = LRUCache(max(bytes_max, 1), getsizeof=_size)
        self.hits = 0
        self.made = 0

    def __call__(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the piece that was made for the key, or make it."""
        found = self._kept.get(key)
        if found is not None:
            self.hits += 1
            return found
        piece = make()
        self.made += 1
        if _size(piece) <= self._kept.maxsize:
            self._kept[key] = piece
        return piece

    @property
    def kept_bytes(self) -> int:
        """Return how much is kept."""
        return int(self._kept.currsize)


def _size(piece: bytes) -> int:
    return len(piece) + BYTES_PER_PIECE
