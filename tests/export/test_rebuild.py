"""The index made anew from the bucket alone is equal, or it is said where that cannot be proven."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from suites.filled import ENTITIES, REVISIONS, fill, q10
from suites.pairs import MADE, Pair, opened, opened_pair
from suites.stored import Q1, edit, history, revision

from backends.errors import CorruptError, RefusedError
from backends.journal import Journal
from backends.ledger.ids import Ids
from backends.ledger.revisions import RevisionIndex
from backends.redaction import hide, purge
from backends.snapshots.erasing import FileErasure
from backends.sql.base import Database
from backends.store import Store
from export.rebuild import Rebuild, differences
from wikibase.ids import EntityId

Q3 = EntityId("Q3")


@pytest.fixture
async def empty(index_side: dict[str, object]) -> AsyncIterator[Database]:
    database = await opened(index_side)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", *(pytest.param(one, marks=pytest.mark.services) for one in ("mariadb", "vitess"))])
async def index_side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[object]:
    (tmp_path / "rebuilt").mkdir()
    async with MADE[request.param](tmp_path / "rebuilt") as side:
        yield side


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with MADE["files"](tmp_path) as snapshots, MADE["sqlite"](tmp_path) as index:
        yield Pair(snapshots, index)


@pytest.fixture
async def store(pair: Pair) -> AsyncIterator[Store]:
    async with opened_pair(pair) as one:
        yield one


@asynccontextmanager
async def erasure(pair: Pair) -> AsyncIterator[FileErasure]:
    one = FileErasure(Path(pair.snapshots["root"]))
    yield one
    await one.close()


async def much(store: Store, pair: Pair) -> None:
    """Everything that a snapshot alone does not tell."""
    await fill(store)
    told = [revision(rev_id, place, entity_id=EntityId("Q2")) for place, rev_id in enumerate((203, 999, 201, 202, 200))]
    told[1] = replace(told[1], tags=("late",))
    told[3] = replace(told[3], tags=("mw-reverted",), user="Renamed")
    await store.put_history(EntityId("Q2"), told, 201, page_id=2)  # inserted, reordered; the head is not the last
    await hide(store, Q3, 301, frozenset({"text", "comment"}))
    await hide(store, Q3, 302, frozenset({"user"}))
    await hide(store, Q3, 302, frozenset())
    async with erasure(pair) as erasing:
        await purge(store, erasing, EntityId("Q4"), 401, reason="r", ordered_by="b", ordered_at="2026-11-22T15:24:12Z")
    async with opened_pair(pair) as other:
        racing = [
            one.write(q10(2**40 + 5 + place, 5, 2**40 + 4), 2**40 + 4) for place, one in enumerate((store, other))
        ]
        done = await asyncio.gather(*racing, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["ConflictError", "Written"]


async def test_with_the_journal_the_rebuilt_index_is_equal_and_nothing_is_assumed(
    store: Store, pair: Pair, empty: Database
) -> None:
    await much(store, pair)
    assert await Journal(store.snapshots, store.index).catch_up() == ENTITIES
    rebuilt = await Rebuild(store.snapshots, empty).run()
    assert (rebuilt.journaled, rebuilt.assumed) == (ENTITIES, [])
    index = RevisionIndex(empty)
    assert await differences(store.index, index) == []
    assert await index.totals() == (ENTITIES, REVISIONS + 2)
    shown = Store(store.snapshots, index)
    for entity_id in ("Q2", "Q3", "Q4", "Q10"):
        for entry in await store.index.history(EntityId(entity_id)):
            assert await shown.revision(entry.entity_id, entry.rev_id) == await store.load(entry)
    assert await Ids(empty).take() > max(entry.rev_id for entry in await index.history(EntityId("Q10")))


async def test_a_journal_written_bit_by_bit_says_the_same(store: Store, pair: Pair, empty: Database) -> None:
    dice = random.Random(3)
    journal = Journal(store.snapshots, store.index, rows_max=3)
    parent = None
    for place in range(40):
        rev_id = 2**40 + place
        await store.write(edit(rev_id, place, parent), parent)
        parent = rev_id
        if dice.random() < 0.3:
            await hide(store, Q1, 2**40 + dice.randrange(place + 1), frozenset({"user"}))
        if dice.random() < 0.4:
            await journal.catch_up()
    await journal.catch_up()
    assert await journal.catch_up() == 0
    rebuilt = await Rebuild(store.snapshots, empty).run()
    assert rebuilt.assumed == []
    assert await differences(store.index, RevisionIndex(empty)) == []


async def test_without_a_journal_a_plain_history_is_equal_and_each_assumption_is_named(
    store: Store, empty: Database
) -> None:
    for number in range(1, 5):
        entity_id = EntityId(f"Q{number}")
        told = [revision(100 * number + place, place, entity_id=entity_id, page_id=number) for place in range(4)]
        await store.put_history(entity_id, told, told[-1].rev_id, page_id=number)
    await store.write(q10(2**40, 0, None), None)
    rebuilt = await Rebuild(store.snapshots, empty).run()
    assert await differences(store.index, RevisionIndex(empty)) == []
    assert (rebuilt.entities_assumed, rebuilt.assumptions) == (5, 4 * 5 + 1)
    assert "Q1: revision 103 is the head" in rebuilt.assumed


async def test_edits_after_the_last_segment_are_followed_along_their_chain(store: Store, empty: Database) -> None:
    await store.put_history(Q1, history(7, 8), 8, page_id=5)
    await Journal(store.snapshots, store.index).catch_up()
    await store._snapshot(edit(2**40 + 9, 2, 8), None)  # lost the race for revision 8
    parent = 8
    for place in range(2, 6):
        await store.write(edit(2**40 + place, place, parent), parent)
        parent = 2**40 + place
    rebuilt = await Rebuild(store.snapshots, empty).run()
    assert len(rebuilt.assumed) == 4
    index = RevisionIndex(empty)
    head = await index.head(Q1)
    assert head is not None
    assert head.rev_id == parent
    assert await index.history(Q1) == await store.index.history(Q1)


async def test_revisions_that_raced_at_the_very_end_are_left_open(store: Store, empty: Database) -> None:
    await store.put_history(Q1, history(7, 8), 8, page_id=5)
    await Journal(store.snapshots, store.index).catch_up()
    await store._snapshot(edit(2**40 + 9, 2, 8), None)
    await store.write(edit(2**40 + 8, 2, 8), 8)
    rebuilt = await Rebuild(store.snapshots, empty).run()
    assert rebuilt.assumed == [f"Q1: of the revisions {2**40 + 8}, {2**40 + 9}, all on top of 8, none was committed"]
    found = await differences(store.index, RevisionIndex(empty))
    assert len(found) == 2
    assert all(line.startswith("Q1: ") for line in found)


async def test_an_index_that_is_not_empty_is_not_touched(store: Store, empty: Database) -> None:
    await Store(store.snapshots, RevisionIndex(empty)).put_history(Q1, history(1), 1)
    with pytest.raises(RefusedError, match="not empty"):
        await Rebuild(store.snapshots, empty).run()


async def test_a_damaged_segment_is_named(store: Store, pair: Pair, empty: Database) -> None:
    await fill(store)
    await Journal(store.snapshots, store.index).catch_up()
    (path,) = list(Path(pair.snapshots["root"]).rglob("journal/*.zst"))  # noqa: ASYNC240 - a test's own few files
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptError, match="journal/"):
        await Rebuild(store.snapshots, empty).run()


async def test_every_difference_of_two_indexes_is_seen(store: Store, pair: Pair, empty: Database) -> None:
    await fill(store)
    await Rebuild(store.snapshots, empty).run()
    other = RevisionIndex(empty)
    assert {line.partition(":")[0] for line in await differences(store.index, other)} == {
        "Q1"
    }  # what was hidden later is in the journal only
    await store.write(q10(2**40 + 7, 5, 2**40 + 4), 2**40 + 4)
    await empty.execute("revision_entity_put", rev_id=301, entity_id="Q99")
    await empty.execute("page_put", page_id=5, entity_id="Q99")
    await Store(store.snapshots, other).put_history(EntityId("Q77"), [revision(77, 0, entity_id=EntityId("Q77"))], 77)
    found = {line.partition(":")[0] for line in await differences(store.index, other)}
    assert found == {"Q1", "Q10", "Q3", "Q5", "Q77"}
