"""Group commit: who shares a commit, who is told what, and what a cancellation takes along."""

import asyncio
from collections.abc import Sequence

import pytest

from backends.errors import UnavailableError
from backends.sql.units import Outcome, Units


class Disk:
    """Commits when it is let; remembers what was committed together."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.broken: Exception | None = None

    async def commit(self, works: Sequence[str]) -> Sequence[Outcome]:
        self.commits.append(list(works))
        self.begun.set()
        await self.free.wait()
        if self.broken:
            raise self.broken
        return [(None, ValueError(work)) if work.startswith("bad") else (work.upper(), None) for work in works]


def first_letter(work: str) -> str:
    return work[0]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_come_during_a_commit_share_the_next() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=5)
    disk.free.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(units.do("a"))]
        await disk.begun.wait()
        tasks += [group.create_task(units.do(name)) for name in ("b", "c", "d")]
        await settle()
        assert [task.done() for task in tasks] == [False] * 4
        disk.free.set()
    assert disk.commits == [["a"], ["b", "c", "d"]]
    assert [task.result() for task in tasks] == ["A", "B", "C", "D"]


async def test_one_that_fails_is_told_so_alone() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=5)
    done = await asyncio.gather(*(units.do(name) for name in ("a", "bad", "c")), return_exceptions=True)
    assert [type(one).__name__ for one in done] == ["str", "ValueError", "str"]


async def test_of_those_with_one_key_each_has_a_commit_of_its_own_in_order() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=5, key=first_letter)
    async with units.turn():
        waiting = asyncio.gather(*(units.do(name) for name in ("a1", "a2", "b1", "a3", "b2")))
        await settle()
    assert await waiting == ["A1", "A2", "B1", "A3", "B2"]
    assert disk.commits == [["a1", "b1"], ["a2", "b2"], ["a3"]]


async def test_a_caller_that_is_cancelled_before_its_turn_takes_its_unit_along() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=5)
    async with asyncio.TaskGroup() as group, units.turn():
        task = group.create_task(units.do("a"))
        await settle()
        task.cancel()
        await settle()
    assert await units.do("b") == "B"
    assert disk.commits == [["b"]]


async def test_a_caller_that_is_cancelled_during_the_commit_spoils_it_for_nobody() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=5)
    disk.free.clear()
    async with asyncio.TaskGroup() as group:
        async with units.turn():
            leader = group.create_task(units.do("a"))
            other = group.create_task(units.do("b"))
            await settle()
        await disk.begun.wait()
        leader.cancel()
        await settle()
        assert not other.done()
        disk.free.set()
    assert leader.cancelled()
    assert other.result() == "B"
    assert disk.commits == [["a", "b"]]


async def test_a_commit_that_breaks_is_told_to_all_of_it() -> None:
    disk = Disk()
    disk.broken = OSError("no disk")
    units: Units[str] = Units(disk.commit, where="here", turn_s=5)
    done = await asyncio.gather(units.do("a"), units.do("b"), return_exceptions=True)
    assert all(isinstance(one, UnavailableError) and "no disk" in str(one) for one in done)
    assert done[0] is not done[1]


async def test_waiting_for_a_turn_is_timed() -> None:
    disk = Disk()
    units: Units[str] = Units(disk.commit, where="here", turn_s=0.05)
    async with units.turn():
        with pytest.raises(UnavailableError, match=r"here: no turn to write within 0\.05 s"):
            await units.do("a")
    assert await units.do("b") == "B"
    assert disk.commits == [["b"]]
