"""What the journal has is exact, and it has all of it once it has caught up."""

from pathlib import Path

import pytest
from suites.pairs import PAIRS
from suites.stored import Q1, edit, history, revision

from backends.errors import CorruptError
from backends.journal import PREFIX, Journal, decode_segment, encode_segment
from backends.redaction import hide
from backends.store import Store
from wikibase.ids import EntityId

Q2 = EntityId("Q2")
EMBEDDED = pytest.mark.parametrize("pair", PAIRS[:1], indirect=True)


async def test_it_has_heads_with_all_rows_of_histories(store: Store) -> None:
    await store.put_history(Q1, history(9, 3, 7), 7)
    journal = Journal(store.snapshots, store.index)
    assert await journal.catch_up() == 1
    (one,) = [one async for one in journal.all()]
    assert one.head == await store.head(Q1)
    assert list(one.entries) == list(await store.index.history(Q1))
    assert one.whole


async def test_it_catches_up_with_what_changed_only(store: Store) -> None:
    journal = Journal(store.snapshots, store.index)
    await store.put_history(Q1, history(1, 2), 2)
    await store.put_history(Q2, [revision(5, 0, entity_id=Q2)], 5)
    assert await journal.catch_up() == 2
    assert await journal.catch_up() == 0
    await store.write(edit(3, 2, 2), 2)
    await store.write(edit(4, 3, 3), 3)
    assert await journal.catch_up() == 1
    last = [one async for one in journal.all()][-1]
    assert ([entry.rev_id for entry in last.entries], last.whole, last.head.generation) == ([3, 4], False, 3)
    await hide(store, Q1, 1, frozenset({"text"}))
    assert await journal.catch_up() == 1
    last = [one async for one in journal.all()][-1]
    assert (len(last.entries), last.whole) == (4, True)


async def test_where_the_outbox_was_emptied_all_rows_are_written(store: Store) -> None:
    journal = Journal(store.snapshots, store.index)
    await store.put_history(Q1, history(1), 1)
    await journal.catch_up()
    await store.write(edit(2, 1, 1), 1)
    await store.index._database.execute("outbox_delete", entity_id="Q1", generation=99)
    await journal.catch_up()
    assert [one async for one in journal.all()][-1].whole


async def test_a_history_without_a_head_waits_for_it(store: Store) -> None:
    journal = Journal(store.snapshots, store.index)
    await store.put_history(Q1, history(1), None)
    assert await journal.catch_up() == 0
    await store.put_history(Q1, [revision(2, 1)], 2)
    assert await journal.append([Q1, Q2]) == 1
    assert [len(one.entries) async for one in journal.all()] == [2]


@EMBEDDED
async def test_segments_are_bounded_and_in_the_order_of_time(store: Store) -> None:
    clock = iter(range(999, 10**6))
    journal = Journal(store.snapshots, store.index, rows_max=4, now_ms=lambda: next(clock))
    for number in range(1, 11):
        entity_id = EntityId(f"Q{number}")
        told = [revision(10 * number + place, place, entity_id=entity_id) for place in range(2)]
        await store.put_history(entity_id, told, told[-1].rev_id)
    seen: list[int] = []
    assert await journal.catch_up(progress=seen.append) == 10
    segments = await journal.segments()
    assert [int(key.removeprefix(PREFIX)[:16]) for key in segments] == [999, 1000, 1001, 1002, 1003]
    assert seen == [10]


@EMBEDDED
async def test_a_segment_that_is_not_what_its_name_says_is_named(store: Store, tmp_path: Path) -> None:
    journal = Journal(store.snapshots, store.index)
    await store.put_history(Q1, history(1), 1)
    await journal.catch_up()
    (key,) = await journal.segments()
    (path,) = list(tmp_path.rglob("journal/*.zst"))  # noqa: ASYNC240 - a test's own few files
    body = path.read_bytes()
    path.write_bytes(body[:-3] + b"xyz")
    with pytest.raises(CorruptError, match="journal/"):
        await journal.read(key)
    assert decode_segment(body, key) == decode_segment(encode_segment(decode_segment(body, key)), key)
