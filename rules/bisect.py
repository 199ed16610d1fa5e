"""Where two histories of an entity differ, found with few questions: digests of ranges, halved.

Pure: these are coroutines in the old sense. They yield a `Span` of positions (which both histories have), are sent
whether the two are the same there, and return what they found. Who asks may do so over a network, or in SQL: a side
answers with `range_digest` of the digests of its revisions, and two sides that answer alike are the same there.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

POSITIONS_MAX = 1_000
"""How many differing positions are listed."""

_ABSENT = b"-"
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Span:
    """Positions of a history from `begin` up to, and without, `end`; never empty."""

    begin: int
    end: int

    @property
    def size(self) -> int:
        """Return how many positions it has."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Differing:
    """The positions at which two histories differ, rising. `complete`: these are all of them."""

    positions: tuple[int, ...] = ()
    complete: bool = True


Questions = Generator[Span, bool, _Found]
"""Yields the spans that are asked about, is sent True where both sides are the same, returns what was found."""


def range_digest(digests: Iterable[str | None]) -> str:
    """Return the digest (SHA-256, hex) of a run of revisions, given theirs; None for one without content."""
    whole = hashlib.sha256()
    for one in digests:
        whole.update((one.encode("ascii") if one is not None else _ABSENT) + b"\n")
    return whole.hexdigest()


def first_difference(wiki_size: int, store_size: int) -> Questions[int | None]:
    """Find the first position at which two histories of those sizes differ, None when they are equal.

    Asks at most 1 + ceil(log2(n)) questions, n the smaller size. Where all that both have is the same, the first
    position that only one has is where they differ.
    """
    shared = min(wiki_size, store_size)
    at_the_end = None if wiki_size == store_size else shared
    if shared == 0 or (yield Span(0, shared)):
        return at_the_end
    begin, end = 0, shared  # the first difference lies in here; before `begin` all is the same
    while end - begin > 1:
        middle = (begin + end) // 2
        if (yield Span(begin, middle)):
            begin = middle
        else:
            end = middle
    return begin


def all_differences(wiki_size: int, store_size: int, *, positions_max: int = POSITIONS_MAX) -> Questions[Differing]:
    """Find the positions at which two histories differ, the first ones first, at most so many.

    Asks at most 1 + 2 k ceil(log2(n)) questions for k differing positions.
    """
    shared = min(wiki_size, store_size)
    found: list[int] = []
    # Spans to look at, the first on top. Of a span that is known to differ, only its parts are asked about.
    rest = [(Span(0, shared), False)] if shared else []
    while rest and len(found) < positions_max:
        span, known_to_differ = rest.pop()
        if not known_to_differ and (yield span):
            continue
        if span.size == 1:
            found.append(span.begin)
            continue
        middle = (span.begin + span.end) // 2
        left, right = Span(span.begin, middle), Span(middle, span.end)
        left_is_same = yield left
        rest.append((right, left_is_same))  # then the difference can only lie there
        if not left_is_same:
            rest.append((left, True))
    tail = range(shared, max(wiki_size, store_size))
    room = positions_max - len(found) if not rest else 0
    found += tail[:room]
    return Differing(tuple(found), complete=not rest and len(tail) <= room)


def run_around(known: int, size: int) -> Questions[Span]:
    """Find the run of differing positions that holds one known to differ, in a history of that size.

    For histories too long to be asked about as a whole: asks about single positions, further and further away until
    one is the same, then halves. Asks at most 4 log2(n) + 2 questions. What it steps over is taken to differ: a run
    may be told too long, never one that does not hold `known`, and both its ends were seen.
    """
    begin = yield from _edge(known, -1, known)
    after = yield from _edge(known, 1, size - 1 - known)
    return Span(begin, after + 1)


def _edge(known: int, step: int, most: int) -> Questions[int]:
    """Find the last differing position in one direction, where `most` positions lie beyond the known one."""
    differs, reach = 0, 1  # distances: known to differ; to be asked about
    while True:
        reach = min(reach, most)
        if reach <= differs:
            return known + step * differs
        if (yield _single(known + step * reach)):
            break
        differs, reach = reach, reach * 2
    same_at = reach
    while same_at - differs > 1:
        middle = (differs + same_at) // 2
        if (yield _single(known + step * middle)):
            same_at = middle
        else:
            differs = middle
    return known + step * differs


def _single(position: int) -> Span:
    return Span(position, position + 1)


def answered(questions: Questions[_Found], same: Callable[[Span], bool]) -> _Found:
    """Return what questions lead to, where each can be answered at once; elsewhere `send` the answers."""
    try:
        span = next(questions)
        while True:
            span = questions.send(same(span))
    except StopIteration as end:
        found: _Found = end.value
        return found
