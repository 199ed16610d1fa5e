"""Group commit: writes that come while one is being committed share the next commit.

A unit is a write that is known beforehand. Whoever has the turn first has all committed that wait by then; nobody is
told before the commit that holds its own. A caller that is cancelled while it waits takes its unit with it; once its
unit is under way the commit goes on without it, since the others depend on it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backends.errors import BackendError, UnavailableError

UNITS_MAX = 256
"""The most units that share one commit."""

W = TypeVar("W")
Outcome = tuple[Any, Exception | None]


@dataclass(slots=True, eq=False)
class _Unit(Generic[W]):
    """A write that waits; `done` never holds an exception, so that nobody needs to be there to see it."""

    work: W
    done: "asyncio.Future[Outcome]"
    taken: bool = False


class Units(Generic[W]):
    """The line of writes to one database."""

    def __init__(
        self,
        commit: Callable[[Sequence[W]], Awaitable[Sequence[Outcome]]],
        *,
        where: str,
        turn_s: float,
        key: Callable[[W], object] = id,
    ) -> None:
        """`commit` tells of each unit what came of it. Of units with the same `key` one at a time is committed.

        `turn_s`: how long a caller waits for its turn. `where` is named in errors.
        """
        self._commit = commit
        self._where = where
        self._turn_s = turn_s
        self._key = key
        self._turn = asyncio.Lock()
        self._waiting: deque[_Unit[W]] = deque()

    async def do(self, work: W) -> Any:
        """Have a unit committed; return what came of it, or raise that."""
        unit = _Unit(work, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        try:
            async with self.turn():
                while not unit.taken:
                    await asyncio.wait([self._commit_waiting()])
        finally:
            if not unit.taken:
                self._waiting.remove(unit)
        # Who took it may have been cancelled since: the commit goes on, and tells.
        done, error = await unit.done
        if error is not None:
            raise error
        return done

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Keep all units waiting. Raises UnavailableError when the turn does not come in time."""
        try:
            async with asyncio.timeout(self._turn_s):
                await self._turn.acquire()
        except TimeoutError:
            raise UnavailableError(f"{self._where}: no turn to write within {self._turn_s:g} s") from None
        try:
            yield
        finally:
            self._turn.release()

    def _commit_waiting(self) -> "asyncio.Future[Sequence[Outcome]]":
        units = self._chosen()
        # Shielded: it goes on when the one who waits for it is cancelled. It ends by its own limits of time.
        committing = asyncio.shield(self._commit([unit.work for unit in units]))

        def tell(ended: "asyncio.Future[Sequence[Outcome]]") -> None:
            outcomes: Sequence[Outcome]
            if ended.cancelled():
                outcomes = all_failed(units, lambda: UnavailableError(f"{self._where}: closed meanwhile"))
            elif (error := ended.exception()) is not None:
                outcomes = all_failed(units, lambda: UnavailableError(f"{self._where}: {error!r}"))
            else:
                outcomes = ended.result()
            for unit, outcome in zip(units, outcomes, strict=True):
                if not unit.done.done():
                    unit.done.set_result(outcome)

        committing.add_done_callback(tell)
        for unit in units:
            unit.taken = True
        return committing

    def _chosen(self) -> list[_Unit[W]]:
        """Take the units of the next commit out of the line, in the order of their coming."""
        keys: set[object] = set()
        chosen: list[_Unit[W]] = []
        later: list[_Unit[W]] = []
        while self._waiting and len(chosen) < UNITS_MAX:
            unit = self._waiting.popleft()
            key = self._key(unit.work)
            (later if key in keys else chosen).append(unit)
            keys.add(key)
        self._waiting.extendleft(reversed(later))
        return chosen


def all_failed(units: Sequence[object], error: Callable[[], BackendError]) -> list[Outcome]:
    """Return an error for each, every one its own: one that is raised twice would carry both tracebacks."""
    return [(None, error()) for _ in units]
