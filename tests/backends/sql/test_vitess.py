"""The same contract on a real Vitess of two shards, and what only Vitess does: shards, scatter, its own errors."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from fakes.mariadb import server_statement
from fakes.vitess import behind_vitess, emptied_vitess
from suites.database_suite import DatabaseSuite, head

from backends.errors import ConflictError, RefusedError, UnavailableError
from backends.ledger.authority import Authority, lane
from backends.ledger.ids import Ids
from backends.sql.mysql import MysqlAddress
from backends.sql.vitess import Keyspaces, VitessDatabase
from backends.sql.vschema import keyspace_id, shard_of
from wikibase.ids import EntityId

pytestmark = pytest.mark.services

LOW, HIGH = "Q2", "Q1"
"""Entities of the shards -80 and 80-."""


@pytest.fixture
async def address() -> MysqlAddress:
    return await emptied_vitess()


@pytest.fixture
async def open_again(address: MysqlAddress) -> AsyncIterator[Callable[[], Awaitable[VitessDatabase]]]:
    async with AsyncExitStack() as stack:

        async def again() -> VitessDatabase:
            opened = await VitessDatabase.open(address, "index", pool_max=8)
            stack.push_async_callback(opened.close)
            return opened

        yield again


@pytest.fixture
async def database(open_again: Callable[[], Awaitable[VitessDatabase]]) -> VitessDatabase:
    opened = await open_again()
    await opened.migrate()
    return opened


class TestVitess(DatabaseSuite):
    pass


def outbox_row(entity_id: str, generation: int) -> dict[str, object]:
    return {"entity_id": entity_id, "generation": generation, "kind": "edit", "rev_id": 1, "made_at": "x"}


async def in_shard(database: VitessDatabase, shard: str, text: str) -> list[object]:
    """What one shard's own database answers, asked behind Vitess."""
    server = replace(behind_vitess(), database=f"vt_{database.keyspaces.revisions}_{shard}")
    return [next(iter(row.values())) for row in await server_statement(server, text)]


async def test_rows_lie_where_the_vschema_puts_them(database: VitessDatabase) -> None:
    ids = [f"Q{number}" for number in range(1, 101)]
    assert await database.execute_many("head_insert", [head(one) for one in ids]) == 100
    shards = await database.shards()
    assert shards == ["-80", "80-"]
    for shard in shards:
        wanted = sorted(one for one in ids if shard_of(keyspace_id("binary_md5", one), shards) == shard)
        assert await in_shard(database, shard, "SELECT entity_id FROM heads ORDER BY entity_id") == wanted
        assert 30 < len(wanted) < 70


async def test_the_lanes_lie_on_the_shards_of_their_entities(database: VitessDatabase) -> None:
    assert await Authority(database).claim(0) == 1
    low = await in_shard(database, "-80", "SELECT lane FROM authority ORDER BY lane")
    high = await in_shard(database, "80-", "SELECT lane FROM authority ORDER BY lane")
    assert (low, high) == ([bytes([one]) for one in range(128)], [bytes([one]) for one in range(128, 256)])
    for entity_id, lanes in ((LOW, low), (HIGH, high)):
        assert lane(EntityId(entity_id)) in lanes


async def test_a_transaction_over_two_shards_is_refused_and_leaves_nothing(database: VitessDatabase) -> None:
    async def over_two() -> None:
        async with database.transaction(LOW) as inside:
            await inside.execute("head_insert", **head(LOW))
            await inside.execute("head_insert", **head(HIGH))

    with pytest.raises(RefusedError, match="multi-db transaction"):
        await over_two()
    assert await database.rows("heads", after="", size=5) == []


async def test_many_rows_are_cut_by_shard_and_each_part_is_whole(database: VitessDatabase) -> None:
    rows = [outbox_row(LOW, 1), outbox_row(HIGH, 1), outbox_row(LOW, 2), outbox_row(HIGH, 2), outbox_row(HIGH, 1)]
    with pytest.raises(ConflictError):
        await database.execute_many("outbox_insert", rows)
    # LOW's shard was named first and is done; of HIGH's nothing is there.
    assert len(await database.rows("outbox_of_entity", entity_id=LOW, after_generation=0, size=9)) == 2
    assert await database.rows("outbox_of_entity", entity_id=HIGH, after_generation=0, size=9) == []


async def test_shards_that_were_known_wrongly_are_asked_for_again(database: VitessDatabase) -> None:
    database._shards = ["-"]  # as before a split
    assert await database.execute_many("head_insert", [head(LOW), head(HIGH)]) == 2
    assert len(await database.rows("heads_of_ids", entity_ids=[LOW, HIGH])) == 2


async def test_a_statement_that_would_ask_every_shard_is_refused_unless_it_says_so(database: VitessDatabase) -> None:
    await database.execute_many("head_insert", [head(LOW), head(HIGH)])
    assert [row["entity_id"] for row in await database.rows("heads", after="", size=5)] == [HIGH, LOW]
    async with database.within(database.keyspaces.revisions) as connection:
        with pytest.raises(RefusedError, match="scatter"):
            await database.asked(connection, "SELECT entity_id FROM heads WHERE generation = 1")
        with pytest.raises(RefusedError, match="multi-db"):
            await database.asked(connection, "UPDATE heads SET generation = 2")


async def test_who_has_committed_sees_it_though_others_ask_the_same(database: VitessDatabase) -> None:
    """Vitess gives one answer to all who ask the same at once: one could be given what was there before his commit."""
    await database.execute("journaled_put", entity_id=LOW, generation=0)
    numbers = itertools.count(1)
    behind: list[tuple[int, int]] = []

    async def write_and_read() -> None:
        for _ in range(200):
            number = next(numbers)
            await database.execute("journaled_put", entity_id=LOW, generation=number)
            seen = (await database.rows("journaled_of_ids", entity_ids=[LOW]))[0]["generation"]
            if seen < number:
                behind.append((seen, number))

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(write_and_read())
    assert behind == []


async def test_sweeps_and_histories_cause_no_warnings(
    database: VitessDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    await database.rows("heads", after="", size=5)
    await database.rows("authority_lanes", first=b"", size=5)
    await database.rows("history", entity_id=LOW, after_position=0, after_rev_id=0, size=5)
    await database.rows("totals")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_ids_are_given_out_once_by_two_gateways_clients(
    database: VitessDatabase, open_again: Callable[[], Awaitable[VitessDatabase]]
) -> None:
    one, two = Ids(database, block=4), Ids(await open_again(), block=4)
    taken = await asyncio.gather(*((one, two)[number % 2].take() for number in range(60)))
    assert len(set(taken)) == 60


async def test_more_transactions_than_a_tablet_allows_are_an_overload_that_passes(address: MysqlAddress) -> None:
    """20 at once is Vitess's own default; the 21st waits for a second."""
    crowd = await VitessDatabase.open(address, "index", pool_max=24)
    try:
        await crowd.migrate()
        enough, refused = asyncio.Event(), list[UnavailableError]()

        async def hold(generation: int) -> None:
            try:
                async with crowd.transaction(LOW) as inside:
                    await inside.execute("outbox_insert", **outbox_row(LOW, generation))
                    await enough.wait()
            except UnavailableError as error:
                refused.append(error)
                if len(refused) == 4:
                    enough.set()

        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for generation in range(24):
                group.create_task(hold(generation))
        assert len(refused) == 4
        assert len(await crowd.rows("outbox_of_entity", entity_id=LOW, after_generation=-1, size=50)) == 20
        assert await crowd.execute("head_insert", **head(LOW)) == 1
    finally:
        await crowd.close()


async def test_a_keyspace_that_is_not_there_is_named(address: MysqlAddress) -> None:
    with pytest.raises(RefusedError, match="no keyspace 'elsewhere'; there are control, revisions"):
        await VitessDatabase.open(replace(address, database="revisions,elsewhere"), "index")


async def test_what_is_no_vitess_is_refused() -> None:
    emptied = await emptied_vitess()
    server = replace(behind_vitess(), database=emptied.database)
    with pytest.raises(RefusedError):
        await VitessDatabase.open(server, "index")


@pytest.mark.parametrize("text", ["", "revisions", "a,b,c", "a,", "a,a"])
def test_an_index_needs_two_keyspaces(text: str) -> None:
    with pytest.raises(RefusedError, match="two keyspaces"):
        Keyspaces.of(text, "index")


def test_a_ledger_needs_one() -> None:
    assert Keyspaces.of("control", "ledger") == Keyspaces("", "control")
    assert Keyspaces.of("revisions,control", "ledger") == Keyspaces("revisions", "control")


async def test_a_ledger_lies_in_the_unsharded_keyspace(address: MysqlAddress) -> None:
    ledger = await VitessDatabase.open(replace(address, database="control"), "ledger")
    try:
        await ledger.migrate()
        row = {"name": "job", "state": "{}", "updated_at": "x"}
        await ledger.execute("checkpoint_put", **row)
        assert [dict(one) for one in await ledger.rows("checkpoints", after="", size=9)] == [row]
        assert await ledger.execute_many("checkpoint_put", [{**row, "name": "a"}, {**row, "name": "b"}]) == 2
    finally:
        await ledger.close()
