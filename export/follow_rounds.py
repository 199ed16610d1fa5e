"""Rounds: telling the fence that everything the wiki had at some moment is in the store (invariant 6, docs/flips.md).

Somebody asks for a round by raising a number in the ledger. The follower reads the number, then looks what the wiki
has. The round is over once all of that was read, every gap that was open then was looked at again - an edit that was
answered before was committed before, so one more look finds it - and nothing waits that could not be brought.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backends.ledger.floors import Floors
from backends.ledger.gaps import Gap
from backends.ledger.wakes import Wakes
from backends.wiki.changes_shapes import Moment
from export.follow_stream import Stream


@dataclass(slots=True)
class Rounds:
    """The round under way, if any."""

    floors: Floors
    wakes: Wakes
    passed: int = 0
    _number: int = 0
    _last: dict[str, int] = field(default_factory=dict)
    _gaps: dict[str, tuple[Gap, ...]] = field(default_factory=dict)

    async def asked(self) -> int:
        """Return the last round that was asked for. To be called before the wiki is looked at."""
        return await self.floors.round_asked()

    def begin(self, number: int, moment: Moment, streams: Sequence[Stream]) -> None:
        """Begin a round that was asked for before that moment, unless one is under way."""
        if self._number or number <= self.passed:
            return
        self._number = number
        self._last = {stream.name: moment.last[stream.name] for stream in streams}
        self._gaps = {stream.name: tuple(stream.open.values()) for stream in streams}
        for stream in streams:  # nobody waits longer than need be
            stream.open = {low: replace(gap, due_ms=0) for low, gap in stream.open.items()}

    async def look(self, streams: Sequence[Stream]) -> None:
        """Say that the round is over when it is. Raises backends.errors."""
        if not self._number or not all(self._is_through(stream) for stream in streams):
            return
        if await self.wakes.failed():
            return
        await self.floors.round_over(self._number)
        self.passed, self._number = self._number, 0

    def _is_through(self, stream: Stream) -> bool:
        if stream.mark.number < self._last[stream.name] and not stream.is_dry:
            return False
        return not any(
            now.looks <= then.looks and now.low <= then.high and then.low <= now.high
            for then in self._gaps[stream.name]
            for now in stream.open.values()
        )
