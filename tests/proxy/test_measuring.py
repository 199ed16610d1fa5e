"""Minutes of both sides, kept once they are over; reads made from the store in the background, which nobody notices."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.errors import UnavailableError
from backends.ledger.control_measures import STORE, WIKI, Measures
from backends.sql.sqlite import SqliteDatabase
from proxy.measuring import SeenRead, ShadowReads, SideMeter
from proxy.reads.request import ReadRequest
from rules.gates_measures import SideCounts
from rules.routes.route import EntityRead, Surface
from wikibase.ids import EntityId
from wikibase.render.outcome import Answer, Decline, Declined

READ = EntityRead(surface=Surface.WBGETENTITIES, entities=(EntityId("Q1"),))
REQUEST = ReadRequest(method="GET", target="/w/api.php?action=wbgetentities&ids=Q1&format=json", headers={})


class Clock:
    now = 600.0

    def __call__(self) -> float:
        return self.now


def seen(*, size_bytes: int = 100, status: int = 200, answered_by: str = WIKI) -> SeenRead:
    return SeenRead(
        request=REQUEST, read=READ, seconds=0.02, status=status, size_bytes=size_bytes, answered_by=answered_by
    )


@pytest.fixture
async def measures(tmp_path: Path) -> AsyncIterator[Measures]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Measures(database)
    await database.close()


async def test_a_minute_is_kept_when_it_is_over_and_only_once(measures: Measures) -> None:
    clock = Clock()
    meter = SideMeter("w1", clock)
    meter.add(STORE, 0.004)
    meter.add(STORE, 0.0, failed=True)
    meter.add(WIKI, 0.02)
    await meter.keep(measures)
    assert (await measures.since(0)).store.requests == 0
    clock.now += 60
    for _ in range(2):
        await meter.keep(measures)
    found = await measures.since(0)
    assert (found.store.requests, found.store.errors, found.wiki.requests) == (2, 1, 1)


async def test_what_could_not_be_kept_is_kept_later() -> None:
    class Away:
        kept: Mapping[str, SideCounts] | None = None
        down = True

        async def put(self, _minute: int, _worker: str, sides: Mapping[str, SideCounts]) -> None:
            if self.down:
                raise UnavailableError("the ledger is away")
            self.kept = sides

        async def forget_before(self, _minute: int) -> None:
            raise AssertionError("not asked for here")

    clock, away = Clock(), Away()
    meter = SideMeter("w1", clock)
    meter.add(WIKI, 0.02)
    clock.now += 60
    with pytest.raises(UnavailableError):
        await meter.keep(away)
    away.down = False
    await meter.keep(away)
    assert away.kept is not None
    assert away.kept[WIKI].requests == 1


@asynccontextmanager
async def shadowing(
    make: Callable[[], Awaitable[Answer | Declined]], *, is_shadow: bool = True
) -> AsyncIterator[tuple[ShadowReads, Callable[[], Awaitable[SideCounts]]]]:
    class Answers:
        async def answer(self, _request: ReadRequest, _route: EntityRead) -> Answer | Declined:
            return await make()

    meter = SideMeter("w1", Clock())
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        tasks.append(group.create_task(work))

    async def counted() -> SideCounts:
        await asyncio.gather(*tasks)
        return meter._minutes.get(10, {STORE: SideCounts()})[STORE]

    async with asyncio.TaskGroup() as group:
        one = ShadowReads(
            Answers(),
            meter,
            spawn,
            is_shadow=lambda: is_shadow,
            timeout_s=0.05,
            every_s=0.02,
            size_bytes_max=1000,
        )
        yield one, counted


async def answers() -> Answer | Declined:
    return Answer(200, (), b"{}")


async def declines() -> Answer | Declined:
    return Declined(Decline.FORMAT)


async def fails() -> Answer | Declined:
    raise UnavailableError("the store is away")


async def breaks() -> Answer | Declined:
    raise KeyError("a mistake")


async def hangs() -> Answer | Declined:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("make", "requests", "errors"),
    [(answers, 1, 0), (declines, 0, 0), (fails, 1, 1), (breaks, 1, 1), (hangs, 1, 1)],
)
async def test_what_became_of_a_read_made_from_the_store(
    make: Callable[[], Awaitable[Answer | Declined]], requests: int, errors: int
) -> None:
    async with shadowing(make) as (shadow, counted):
        shadow.seen(seen())
        found = await counted()
    assert (found.requests, found.errors) == (requests, errors)


async def test_not_more_often_than_it_may_and_never_large_ones_nor_what_the_store_answered() -> None:
    async with shadowing(answers) as (shadow, counted):
        for one in (seen(size_bytes=5000), seen(answered_by=STORE), seen(), seen(), seen()):
            shadow.seen(one)
        assert (await counted()).requests == 1
        await asyncio.sleep(0.03)
        shadow.seen(seen())
        assert (await counted()).requests == 2


async def test_in_other_phases_only_the_wiki_is_counted() -> None:
    async with shadowing(answers, is_shadow=False) as (shadow, counted):
        shadow.seen(seen(status=502))
        assert (await counted()).requests == 0
