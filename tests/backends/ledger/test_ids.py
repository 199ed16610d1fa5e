import asyncio

import pytest
from suites.stored import request

from backends.errors import RefusedError
from backends.ledger.ids import ENTITIES, FIRST_STORE_REVISION, Allotment, Allotments, IdKind, Ids, is_store_made
from backends.ledger.keys import KeyReusedError
from backends.sql.base import Database
from wikibase.ids import EntityId


async def test_revisions_of_the_store_begin_where_the_wiki_never_gets(index_database: Database) -> None:
    ids = Ids(index_database, block=3)
    assert [await ids.take() for _ in range(7)] == list(range(2**40, 2**40 + 7))
    assert is_store_made(2**40)
    assert not is_store_made(2**40 - 1)


async def test_givers_at_once_never_give_the_same_id(index_database: Database) -> None:
    givers = [Ids(index_database, block=5) for _ in range(4)]
    taken = await asyncio.gather(*(giver.take() for _ in range(30) for giver in givers))
    assert len(set(taken)) == 120
    blocks = await asyncio.gather(*(giver.allocate(10) for giver in givers))
    assert len({one for block in blocks for one in block} | set(taken)) == 160


async def test_a_block_older_than_the_head_is_discarded(index_database: Database) -> None:
    slow, quick = Ids(index_database, block=10), Ids(index_database, block=10)
    first = await slow.take()
    head = await quick.take()
    assert head == first + 10
    after = await slow.take(above=head)
    assert after > head
    assert await slow.take() == after + 1
    assert await slow.take(above=after + 4) == FIRST_STORE_REVISION + 30  # its block had been passed: a new one


async def test_ids_go_on_above_a_head_that_the_row_does_not_know(index_database: Database) -> None:
    ids = Ids(index_database, block=2)
    far = FIRST_STORE_REVISION + 1_000_000
    assert await ids.take(above=far) == far + 1
    assert min(await Ids(index_database).allocate(3)) > far + 1


async def test_entities_go_on_above_the_wikis_highest(index_database: Database) -> None:
    ids = Ids(index_database, ENTITIES["Q"], block=1)
    await ids.at_least(501)
    await ids.at_least(77)
    assert [await ids.take(), await ids.take()] == [501, 502]
    assert await Ids(index_database, ENTITIES["P"]).take() == 1


async def test_when_none_are_left_it_is_said(index_database: Database) -> None:
    ids = Ids(index_database, IdKind("few", 1, 5), block=2)
    assert [await ids.take() for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(RefusedError, match="few"):
        await ids.take()
    with pytest.raises(ValueError, match="0"):
        await ids.allocate(0)
    with pytest.raises(ValueError, match="block"):
        Ids(index_database, block=0)


async def test_a_key_always_gets_the_same_new_entity(index_database: Database) -> None:
    allotments = Allotments(index_database, now_ms=lambda: 5)
    assert await allotments.find(request("k")) is None
    offers = [Allotment(EntityId(f"Q{number}"), 2**40 + number) for number in range(1, 9)]
    given = await asyncio.gather(*(allotments.settle(request("k"), offer) for offer in offers))
    assert len(set(given)) == 1
    assert await allotments.find(request("k")) == given[0]
    with pytest.raises(KeyReusedError):
        await allotments.settle(request("k", "another"), offers[0])
