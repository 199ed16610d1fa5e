"""Reads by key cost the same in an index of a million revisions as in a small one (at most twice as much).

Each look is timed many times, the two sizes taking turns, and the quickest times are compared: whatever else runs
on the machine only makes a look slower. Without CUTOVER_LONG the large index has 60,000 revisions.
"""

import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncmy
import pytest
from suites.effort import effort
from suites.entries import entry_at
from suites.pairs import MADE, Side, opened

from backends.ledger.revision_rows import entry_params
from backends.ledger.revisions import RevisionIndex
from backends.sql.base import Database
from wikibase.ids import EntityId

OF_ENTITY = 50
SMALL = 1_000
BATCH = 5_000
ROUNDS = 40
TIMES_MAX = 2.0


def rows(count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Revisions, and the head with each entity's last."""
    for number in range(count):
        entity_id, place = f"Q{number // OF_ENTITY + 1}", number % OF_ENTITY
        entry = entry_params(entry_at(number + 1, place, entity_id))
        head = {
            "entity_id": entity_id,
            "generation": 1,
            "rev_id": number + 1,
            "position": place,
            "made_at": entry["made_at"],
            "state": "visible",
            "redirect_target": None,
            "page_id": number,
        }
        yield entry, head if place == OF_ENTITY - 1 else None


async def fill(side: Side, database: Database, count: int) -> None:
    connection = None
    if "address" in side:
        address = side["address"]
        connection = await asyncmy.connect(
            unix_socket=address["socket"],
            user=address["user"],
            password=address["password"],
            database=address["database"],
            autocommit=True,
        )
    every = rows(count)
    while batch := list(itertools.islice(every, BATCH)):
        entries, heads = [entry for entry, _ in batch], [head for _, head in batch if head]
        for table, statement, some in (
            ("revisions", "revision_insert", entries),
            ("heads", "head_insert", heads),
        ):
            if connection is None:
                await database.execute_many(statement, some)
            else:
                names = list(some[0])
                text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
                async with connection.cursor() as cursor:
                    await cursor.executemany(text, [list(row.values()) for row in some])
    if connection is not None:
        await connection.ensure_closed()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.services)])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[int, RevisionIndex]]:
    async with AsyncExitStack() as stack:
        found = {}
        for count in (SMALL, effort(60_000, 1_000_000)):
            folder = tmp_path / str(count)
            folder.mkdir()
            side = await stack.enter_async_context(MADE[request.param](folder))
            database = await opened(side)
            stack.push_async_callback(database.close)
            await database.migrate()
            await fill(side, database, count)
            found[count] = RevisionIndex(database)
        yield found


LOOKS: dict[str, Callable[[RevisionIndex, EntityId], Awaitable[Any]]] = {
    "head": lambda index, entity_id: index.head(entity_id),
    "history": lambda index, entity_id: index.history(entity_id, size=OF_ENTITY),
    "history_back": lambda index, entity_id: index.history_back(entity_id, size=OF_ENTITY),
    "head_row": lambda index, entity_id: index.head_entries_of([entity_id]),
    "revision": lambda index, entity_id: index.entry(entity_id, (int(entity_id[1:]) - 1) * OF_ENTITY + 1),
}


async def quickest(both: dict[int, RevisionIndex], look: Callable[[RevisionIndex, EntityId], Awaitable[Any]]) -> float:
    """How many times longer a look takes in the large index: medians of the looks at random entities, best round."""
    dice = random.Random(1)
    best = dict.fromkeys(both, float("inf"))
    for _, (count, index) in itertools.product(range(ROUNDS), both.items()):
        ids = [EntityId(f"Q{dice.randrange(count // OF_ENTITY) + 1}") for _ in range(20)]
        began = time.perf_counter()
        for entity_id in ids:
            assert await look(index, entity_id)
        best[count] = min(best[count], time.perf_counter() - began)
    small, large = best
    return best[large] / best[small]


async def test_reads_by_key_do_not_grow_with_the_index(both: dict[int, RevisionIndex]) -> None:
    times = {name: await quickest(both, look) for name, look in LOOKS.items()}
    assert max(times.values()) < TIMES_MAX, times
