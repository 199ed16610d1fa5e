"""Gathered questions: what is shared, and that no answer is older than its question."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from backends.errors import UnavailableError
from backends.gathering import Gathering


class Table:
    """Answers when it is let; remembers what it was asked together."""

    def __init__(self, **rows: int) -> None:
        self.rows = rows
        self.asked: list[list[str]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.error: UnavailableError | None = None

    async def ask(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(keys))
        self.begun.set()
        rows = dict(self.rows)
        await self.free.wait()
        if self.error:
            raise self.error
        return {key: rows[key] for key in keys if key in rows}


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_ask_meanwhile_share_the_next_question() -> None:
    table = Table(a=1, b=2)
    gathering = Gathering(table.ask, at_once=1)
    table.free.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(gathering.get("a"))
        await table.begun.wait()
        others = [group.create_task(gathering.get(key)) for key in ("b", "a", "b", "c")]
        await settle()
        table.rows["a"] = 9  # after the first question was asked, before the second
        table.free.set()
    assert table.asked == [["a"], ["b", "a", "c"]]
    assert first.result() == 1
    assert [task.result() for task in others] == [2, 9, 2, None]


async def test_so_many_questions_are_under_way_at_once_and_no_more() -> None:
    table = Table(a=1)
    gathering = Gathering(table.ask, at_once=2, keys_max=1)
    table.free.clear()
    async with asyncio.TaskGroup() as group:
        for key in ("a", "b", "c"):
            group.create_task(gathering.get(key))
        await settle()
        assert table.asked == [["a"], ["b"]]
        table.free.set()
    assert table.asked == [["a"], ["b"], ["c"]]


async def test_when_the_one_who_asks_is_cancelled_another_goes_on() -> None:
    table = Table(a=1)
    gathering = Gathering(table.ask)
    table.free.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gathering.get("a")) for _ in range(3)]
        await table.begun.wait()
        tasks[0].cancel()
        await settle()
        table.free.set()
    assert tasks[0].cancelled()
    assert [task.result() for task in tasks[1:]] == [1, 1]
    assert len(table.asked) == 2


async def test_an_error_is_told_to_all_who_share_it_and_forgotten() -> None:
    table = Table(a=1)
    gathering = Gathering(table.ask)
    table.error = UnavailableError("gone")
    done = await asyncio.gather(*(gathering.get("a") for _ in range(3)), return_exceptions=True)
    assert done == [table.error] * 3
    table.error = None
    assert await gathering.get("a") == 1


async def test_a_fault_that_is_no_backends_goes_to_the_one_who_asked_and_leaves_nobody_waiting() -> None:
    table = Table()
    gathering = Gathering(table.ask)
    table.rows = None  # type: ignore[assignment]
    done = await asyncio.gather(gathering.get("a"), gathering.get("b"), return_exceptions=True)
    assert [type(one) for one in done] == [TypeError, TypeError]
    with pytest.raises(TypeError):
        await gathering.get("a")
