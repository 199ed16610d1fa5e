import asyncio
from dataclasses import replace

from suites.entries import entry_at

from backends.errors import UnavailableError
from backends.ledger.lookups import Lookups
from backends.sql.base import Database
from wikibase.ids import EntityId

Q1, Q2 = EntityId("Q1"), EntityId("Q2")


class Counting:
    """A database that counts what is written many at once, and can be made to fail."""

    def __init__(self, inside: Database) -> None:
        self._inside = inside
        self.calls: list[int] = []
        self.failing = False

    async def execute_many(self, name: str, params: list[dict[str, object]]) -> int:
        self.calls.append(len(params))
        if self.failing:
            raise UnavailableError("it is away")
        return await self._inside.execute_many(name, params)

    async def execute(self, name: str, **params: object) -> int:
        self.calls.append(1)
        if self.failing:
            raise UnavailableError("it is away")
        return await self._inside.execute(name, **params)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inside, name)


async def test_what_was_noted_is_found_by_its_other_keys(index_database: Database) -> None:
    lookups = Lookups(index_database)
    entries = [entry_at(1, 0), replace(entry_at(2, 1), redirect_target=Q2)]
    for _ in range(2):
        await lookups.note(Q1, entries, 5)
    assert await lookups.entities_of([1, 2, 3]) == {1: Q1, 2: Q1}
    assert await lookups.entities_of([]) == {}
    assert (await lookups.entity_of(2), await lookups.entity_of_page(5)) == (Q1, Q1)
    assert await lookups.has_redirect(Q2, Q1)
    assert not await lookups.has_redirect(Q1, Q2)
    assert await lookups.redirects(Q2, after="", size=5) == [Q1]


async def test_writers_at_once_share_a_write(index_database: Database) -> None:
    counting = Counting(index_database)
    lookups = Lookups(counting)  # type: ignore[arg-type]
    await asyncio.gather(*(lookups.note(Q1, [entry_at(rev_id, 0)], None) for rev_id in range(1, 101)))
    assert sum(counting.calls) == 100
    assert len(counting.calls) <= 3
    assert len(await lookups.entities_of(range(1, 101))) == 100


async def test_an_error_is_told_to_each_that_shared_it_and_the_next_ones_go_on(index_database: Database) -> None:
    counting = Counting(index_database)
    lookups = Lookups(counting)  # type: ignore[arg-type]
    counting.failing = True
    done = await asyncio.gather(
        *(lookups.note(Q1, [entry_at(rev_id, 0)], None) for rev_id in range(1, 9)), return_exceptions=True
    )
    assert [type(one) for one in done] == [UnavailableError] * 8
    counting.failing = False
    await lookups.note(Q1, [entry_at(9, 0)], None)
    assert await lookups.entities_of(range(1, 10)) == {9: Q1}


async def test_who_is_cancelled_takes_nobody_with_it(index_database: Database) -> None:
    lookups = Lookups(index_database)
    async with asyncio.TaskGroup() as group, index_database.transaction("") as inside:
        await inside.execute("revision_entity_put", rev_id=1, entity_id="Q1")  # the first writer waits for us
        tasks = [group.create_task(lookups.note(Q1, [entry_at(rev_id, 0)], 1)) for rev_id in range(1, 9)]
        for _ in range(3):
            await asyncio.sleep(0)
        for task in tasks[:3]:
            task.cancel()
        await asyncio.wait(tasks[:3])
    assert [task.cancelled() for task in tasks] == [True] * 3 + [False] * 5
    assert set(await lookups.entities_of(range(1, 9))) == {1, *range(4, 9)}
