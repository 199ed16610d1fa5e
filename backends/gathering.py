"""Gathered questions: who asks while another question is under way shares the next one with all who ask meanwhile.

Nobody gets an answer to a question that began before theirs came (invariant 6): a question is closed to newcomers
when it begins. One query then answers for many keys, and for the many who ask for one key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from backends.errors import BackendError

KEYS_MAX = 500
"""The most keys of one question."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Question(Generic[K, T]):
    """One question; `asking`: somebody sees to it."""

    keys: dict[K, None] = field(default_factory=dict)
    asking: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    found: Mapping[K, T] | None = None
    error: BackendError | None = None


class Gathering(Generic[K, T]):
    """Asks for many keys at once."""

    def __init__(
        self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, T]]], *, at_once: int = 2, keys_max: int = KEYS_MAX
    ) -> None:
        """`ask` returns what there is of some keys. `at_once`: questions under way at the same time."""
        self._ask = ask
        self._turns = asyncio.Semaphore(at_once)
        self._keys_max = keys_max
        self._next: _Question[K, T] | None = None

    async def get(self, key: K) -> T | None:
        """Return what is found of a key by a question that begins after this call. Raises what asking raises."""
        question = self._next
        if question is None or len(question.keys) >= self._keys_max:
            question = self._next = _Question()
        question.keys[key] = None
        while question.found is None and question.error is None:
            if question.asking:
                await question.changed.wait()
            else:
                await self._see_to(question)
        if question.error is not None:
            raise question.error
        return question.found.get(key) if question.found else None

    async def _see_to(self, question: _Question[K, T]) -> None:
        question.asking = True
        try:
            async with self._turns:
                await asyncio.sleep(0)  # those who come at this very moment come along
                if self._next is question:
                    self._next = None
                question.found = await self._ask(list(question.keys))
        except BackendError as error:
            question.error = error
        finally:
            # Also when this caller was cancelled: another one of those who wait goes on.
            question.asking = False
            question.changed.set()
            question.changed = asyncio.Event()
