import asyncio
from collections import Counter

import pytest

from backends.errors import ConflictError
from backends.ledger.authority import LANES, Authority, StaleEpochError, confirm, lane
from backends.sql.base import Database
from wikibase.ids import EntityId

IDS = [EntityId(f"Q{number}") for number in range(1, 2000)]


async def lanes(database: Database) -> Counter[int]:
    return Counter(row["epoch"] for row in await database.rows("authority_lanes", first=b"", size=1000))


async def confirmed(database: Database, entity_id: EntityId, epoch: int) -> bool:
    try:
        async with database.transaction(entity_id) as inside:
            await confirm(inside, entity_id, epoch)
    except StaleEpochError:
        return False
    return True


def test_entities_are_spread_over_all_lanes() -> None:
    assert {lane(one) for one in IDS} == set(LANES)
    assert lane(EntityId("Q42")) == bytes.fromhex("3d")  # the first byte of MD5("Q42"), as `md5sum` says


async def test_before_the_first_claim_nobody_may_write(index_database: Database) -> None:
    assert await Authority(index_database).epoch() == 0
    assert not await confirmed(index_database, IDS[0], 1)


async def test_a_claim_ends_the_epoch_before_it_in_every_lane(index_database: Database) -> None:
    authority = Authority(index_database)
    assert await authority.claim(0) == 1
    assert await lanes(index_database) == {1: 256}
    assert await confirmed(index_database, IDS[0], 1)
    assert await authority.claim(1) == 2
    assert await lanes(index_database) == {2: 256}
    assert [await confirmed(index_database, IDS[7], epoch) for epoch in (1, 2, 3)] == [False, True, False]


async def test_of_claimants_at_once_one_wins(index_database: Database) -> None:
    for seen in (0, 1):
        done = await asyncio.gather(*(Authority(index_database).claim(seen) for _ in range(4)), return_exceptions=True)
        assert sorted(str(type(one).__name__) for one in done) == ["ConflictError"] * 3 + ["int"]
    with pytest.raises(ConflictError, match="epoch 1"):
        await Authority(index_database).claim(1)


async def test_a_claim_that_died_half_way_stops_both_until_it_is_finished(index_database: Database) -> None:
    authority = Authority(index_database)
    await authority.claim(0)
    assert await index_database.execute("authority_take", lane=LANES[0], seen=1, epoch=2) == 1  # and dies
    assert await authority.epoch() == 2
    assert not await confirmed(index_database, IDS[0], 2)
    await authority.finish(2)
    await authority.finish(2)
    assert await lanes(index_database) == {2: 256}
    await authority.claim(2)
    with pytest.raises(StaleEpochError):
        await authority.finish(2)


async def test_a_claim_waits_for_writes_that_were_confirmed_before_it(index_database: Database) -> None:
    authority = Authority(index_database)
    await authority.claim(0)
    order: list[str] = []
    confirmed_it = asyncio.Event()
    let_go = asyncio.Event()

    async def write() -> None:
        async with index_database.transaction(IDS[0]) as inside:
            await confirm(inside, IDS[0], 1)
            confirmed_it.set()
            await let_go.wait()
            order.append("written")

    async def claim() -> None:
        await confirmed_it.wait()
        await authority.claim(1)
        order.append("claimed")

    async def look() -> None:
        await confirmed_it.wait()
        await asyncio.sleep(0.2)  # long enough for a claim that does not wait
        assert order == []
        let_go.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for one in (write, claim, look):
            group.create_task(one())
    assert order == ["written", "claimed"]
    assert await lanes(index_database) == {2: 256}
