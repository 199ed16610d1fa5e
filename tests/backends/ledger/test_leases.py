"""Parts of a job have one worker each, and none is lost with its worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.mariadb import mariadb_address, server_statement

from backends.ledger.leases import Lease, LeaseLostError, Leases, Shard
from backends.sql.base import Database
from backends.sql.migrations import migrations
from backends.sql.mysql import MysqlDatabase
from backends.sql.sqlite import SqliteDatabase

SPECS = [{"low": number} for number in range(7)]


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@asynccontextmanager
async def on_mariadb() -> AsyncIterator[Database]:
    address = mariadb_address()
    name = "cutover_test_leases"
    await server_statement(address, f"DROP DATABASE IF EXISTS {name}")
    await server_statement(address, f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    own = replace(address, database=name)
    [step] = [one for one in migrations("ledger", "mysql") if one.name == "leases"]
    for statement in step.statements:
        await server_statement(own, statement)
    database = await MysqlDatabase.open(own, "ledger")
    try:
        yield database
    finally:
        await database.close()
        await server_statement(address, f"DROP DATABASE {name}")


@asynccontextmanager
async def on_sqlite(folder: Path) -> AsyncIterator[Database]:
    database = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
    await database.migrate()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with on_mariadb() if request.param == "mariadb" else on_sqlite(tmp_path) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def leases(database: Database, clock: Clock) -> Leases:
    made = Leases(database, owner="one", lease_s=60.0, now_ms=clock)
    assert await made.plan("job", SPECS)
    return made


async def taken(leases: Leases, shard: Shard | None = None) -> Lease:
    lease = await (leases.take("job", shard=shard) if shard else leases.take("job"))
    assert lease is not None
    return lease


async def test_a_job_is_planned_once_whoever_comes_first(leases: Leases) -> None:
    assert not await leases.plan("job", [{"low": 99}])
    assert await leases.plan("other", [{"low": 1}])
    assert (await taken(leases)).part.spec == {"low": 0}
    with pytest.raises(ValueError, match="no parts"):
        await leases.plan("empty", [])


async def test_each_part_is_taken_once_by_many_at_the_same_time(leases: Leases) -> None:
    found = await asyncio.gather(*(leases.take("job") for _ in range(12)))
    numbers = [lease.part.number for lease in found if lease is not None]
    assert sorted(numbers) == list(range(7))
    assert await leases.take("job") is None
    assert await leases.open_parts("job") == 7


async def test_a_part_that_is_done_is_nobodys_any_more(leases: Leases, clock: Clock) -> None:
    for _ in SPECS:
        await (await taken(leases)).finish({"rows": 3})
    clock.ms += 10**9
    assert await leases.take("job") is None
    assert await leases.open_parts("job") == 0
    parts = [part async for part in leases.parts("job")]
    assert [(part.number, part.done, part.progress) for part in parts] == [(n, True, {"rows": 3}) for n in range(7)]


async def test_an_expired_lease_is_taken_over_where_its_progress_stands(leases: Leases, clock: Clock) -> None:
    dead = await taken(leases)
    await dead.advance({"after": "Q5"})
    clock.ms += 59_000
    assert (await taken(leases)).part.number == 1
    clock.ms += 2_000
    heir = await taken(leases)
    assert (heir.part.number, heir.part.progress) == (0, {"after": "Q5"})
    for late in (dead.keep(), dead.advance({}), dead.finish({}), dead.give_back()):
        with pytest.raises(LeaseLostError):
            await late
    await heir.advance({"after": "Q6"})
    await heir.finish({"after": None})


async def test_a_lease_that_is_kept_does_not_expire(leases: Leases, clock: Clock) -> None:
    lease = await taken(leases)
    for _ in range(5):
        clock.ms += 40_000
        await lease.keep()
    others = [await leases.take("job") for _ in range(7)]
    assert [other.part.number for other in others if other] == [1, 2, 3, 4, 5, 6]


async def test_a_part_that_is_given_back_is_free_at_once(leases: Leases) -> None:
    await (await taken(leases)).give_back()
    assert (await taken(leases)).part.number == 0


async def test_a_shard_takes_its_own_parts_only(leases: Leases) -> None:
    shard = Shard(1, 3)
    assert [(await taken(leases, shard)).part.number for _ in range(2)] == [1, 4]
    assert await leases.take("job", shard=shard) is None
    assert await leases.open_parts("job", shard=shard) == 2
    assert (await taken(leases)).part.number == 0


async def test_a_forgotten_job_can_be_planned_again(leases: Leases) -> None:
    await leases.forget("job")
    assert [part async for part in leases.parts("job")] == []
    assert await leases.plan("job", [{"low": 5}])


async def test_anybody_sees_who_is_at_work(leases: Leases, clock: Clock) -> None:
    await taken(leases)
    first, second = [part async for part in leases.parts("job")][:2]
    assert (first.owner, first.leased, first.done) == ("one", True, False)
    assert (second.owner, second.leased) == ("", False)
    clock.ms += 61_000
    assert [part.leased async for part in leases.parts("job")] == [False] * 7
