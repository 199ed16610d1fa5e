"""The rules of following ids that are not committed in their order: holes, gaps, and when a gap is settled. Pure.

An id below one that was seen and not seen itself belongs to a transaction that is under way or was rolled back. It
was given out before the higher one was committed, so its transaction had begun by then. The gap is settled when it
was looked at after all transactions that had begun by then have ended: nobody is left who could commit it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from backends.ledger.gaps import Gap
from backends.wiki.changes_shapes import Range, merged


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRules:
    """How gaps are kept.

    `margin_s`: between an id being given out and its transaction being listed. `bound_s`: how long a transaction may
    last, where no list of transactions can be had. Looks come after `first_look_s`, then after twice as long each
    time, at most `look_every_max_s`. `gaps_max`: more gaps are joined, with what was seen between them.
    """

    margin_s: float = 2.0
    bound_s: float = 3600.0
    first_look_s: float = 0.2
    look_every_max_s: float = 30.0
    gaps_max: int = 5000


def holes(mark: int, seen: Iterable[int]) -> list[Range]:
    """Return the ids above the mark and below the highest seen one that were not seen."""
    found: list[Range] = []
    expected = mark + 1
    for number in sorted(set(seen)):
        if number > expected:
            found.append((expected, number - 1))
        expected = max(expected, number + 1)
    return found


def without(span: Range, seen: Iterable[int]) -> list[Range]:
    """Return what is left of a range when some of its ids were seen."""
    low, high = span
    inside = [number for number in seen if low <= number <= high]
    rest = holes(low - 1, inside)
    end = max(inside, default=low - 1) + 1
    return [*rest, (end, high)] if end <= high else rest


def next_look_ms(gap: Gap, now_ms: int, rules: GapRules) -> int:
    """Return when a gap that was looked at just now is looked at again."""
    wait_s = min(rules.first_look_s * 2 ** min(gap.looks, 30), rules.look_every_max_s)
    return now_ms + int(wait_s * 1000)


def joined(gaps: Sequence[Gap], gaps_max: int) -> tuple[list[Gap], list[Gap]]:
    """Return which gaps to close and which to open so that at most so many are left: neighbours become one.

    The ids between them were seen: looking at them again does no harm. The joined gap counts as noticed when the
    latest of its parts was, so it is settled no earlier than each of them.
    """
    surplus = len(gaps) - gaps_max
    if surplus <= 0:
        return [], []
    ordered = sorted(gaps, key=lambda gap: gap.low)
    # Where the least was seen in between: join down to three quarters, not to come back each time.
    wanted = surplus + gaps_max // 4
    pairs = sorted(range(len(ordered) - 1), key=lambda place: ordered[place + 1].low - ordered[place].high)
    cut = set(pairs[:wanted])
    closed: list[Gap] = []
    opened: list[Gap] = []
    group = [ordered[0]]
    for place in range(1, len(ordered) + 1):
        if place < len(ordered) and place - 1 in cut:
            group.append(ordered[place])
            continue
        if len(group) > 1:
            closed += group
            opened.append(_one(group))
        if place < len(ordered):
            group = [ordered[place]]
    return closed, opened


def _one(group: Sequence[Gap]) -> Gap:
    latest = max(group, key=lambda gap: gap.noticed_ms)
    return replace(
        latest,
        low=group[0].low,
        high=max(gap.high for gap in group),
        noticed_at=min(gap.noticed_at for gap in group),
        due_ms=min(gap.due_ms for gap in group),
        looks=min(gap.looks for gap in group),
    )


@dataclass(slots=True)
class Proof:
    """Up to when all transactions that had begun have ended, from lists of those under way, looked at now and then.

    A transaction is known by thread and start, so a list in which it is missing proves that it had not begun. Where
    no list can be had, only time settles a gap. Another server, or the same started anew, begins from nothing.
    """

    rules: GapRules
    _absent_ms: dict[str, int | None] = field(default_factory=dict)
    _looked_ms: int | None = None
    _begun_before_ms: int | None = None

    def look(self, transactions: frozenset[str] | None, now_ms: int) -> None:
        """Take note of the transactions under way; `now_ms`: our clock before the list was asked for."""
        if transactions is None:
            self.forget()
            return
        self._absent_ms = {one: self._absent_ms.get(one, self._looked_ms) for one in transactions}
        self._looked_ms = now_ms
        if None in self._absent_ms.values():
            self._begun_before_ms = None
        else:
            absent = [one for one in self._absent_ms.values() if one is not None]
            self._begun_before_ms = min(absent, default=now_ms)

    def forget(self) -> None:
        """Begin anew: nothing is known of transactions."""
        self._absent_ms = {}
        self._looked_ms = self._begun_before_ms = None

    @property
    def is_possible(self) -> bool:
        """Whether transactions are listed at all."""
        return self._looked_ms is not None

    def settles(self, gap: Gap, now_ms: int) -> bool:
        """Tell whether nobody can commit the gap's ids any more. Look at them after this was asked."""
        if self.is_possible:
            margin_ms = int(self.rules.margin_s * 1000)
            return self._begun_before_ms is not None and gap.noticed_ms + margin_ms <= self._begun_before_ms
        return gap.noticed_ms + int(self.rules.bound_s * 1000) <= now_ms


def numbers_of(gaps: Iterable[Gap]) -> int:
    """Return how many ids lie in gaps."""
    return sum(high - low + 1 for low, high in merged((gap.low, gap.high) for gap in gaps))
