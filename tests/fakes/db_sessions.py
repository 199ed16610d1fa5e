"""A session and a server of a wiki's database that answer from a function, and remember what they were asked."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

Answer = Callable[[str, tuple[Any, ...]], Sequence[Sequence[Any]]]


class ScriptedSession:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def rows(self, statement: str, *params: Any) -> Sequence[Sequence[Any]]:
        self.asked.append((statement, params))
        return self._answer(statement, params)


class ScriptedServer:
    def __init__(self, answer: Answer) -> None:
        self.one = ScriptedSession(answer)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ScriptedSession]:
        yield self.one
