import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from suites.pairs import PAIRS, Pair, opened_pair
from suites.stored import Q1, edit, history, revision

from backends.errors import CorruptError, UnavailableError
from backends.ledger.revisions import Entry
from backends.reads import BATCH_MAX, CachedReads, Flights
from backends.store import Store
from wikibase.ids import EntityId
from wikibase.revision import State

EMBEDDED = pytest.mark.parametrize("pair", PAIRS[:1], indirect=True)
MEBIBYTE = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def reads_of(
    store: Store, *, cache_bytes: int = MEBIBYTE, absent_s: float = 0.0, clock: Clock | None = None
) -> CachedReads:
    return CachedReads(store, cache_bytes=cache_bytes, absent_s=absent_s, broken_s=5.0, clock=clock or Clock())


def destroy(folder: Path, rev_id: int) -> None:
    (path,) = folder.rglob(f"{rev_id:016}-*.zst")
    path.unlink()


async def test_reads_give_what_the_store_gives(store: Store) -> None:
    await store.put_history(Q1, history(9, 3, 7), 7)
    reads = reads_of(store)
    for _ in range(2):
        for rev_id in (9, 3, 7):
            assert await reads.revision(Q1, rev_id) == await store.revision(Q1, rev_id)
        assert await reads.head_revision(Q1) == await store.revision(Q1, 7)
        assert await reads.head(Q1) == await store.head(Q1)
    assert await reads.revision(Q1, 8) is None
    assert await reads.head_revision(EntityId("Q2")) is None
    assert (reads.counts.fetched, reads.counts.hits) == (3, 5)


@EMBEDDED
async def test_content_is_fetched_once(store: Store, tmp_path: Path) -> None:
    await store.put_history(Q1, history(1), 1)
    reads = reads_of(store)
    first = await reads.revision(Q1, 1)
    destroy(tmp_path, 1)
    assert await reads.revision(Q1, 1) == first


async def test_what_is_hidden_now_is_not_shown_from_the_cache(store: Store) -> None:
    told = history(1)
    await store.put_history(Q1, told, 1)
    reads = reads_of(store)
    assert await reads.revision(Q1, 1) == told[0]
    hidden = replace(told[0], state=State.TEXT_HIDDEN, content=None, user=None, hidden=frozenset({"text", "user"}))
    await store.put_history(Q1, [hidden], 1)
    assert await reads.revision(Q1, 1) == hidden
    await store.put_history(Q1, [replace(told[0], hidden=frozenset({"comment"}))], 1)
    shown = await reads.head_revision(Q1)
    assert shown is not None
    assert (shown.content, shown.comment, shown.user) == (told[0].content, None, "Alice")


async def test_a_head_written_elsewhere_is_seen_at_once(pair: Pair) -> None:
    async with opened_pair(pair) as here, opened_pair(pair) as there:
        reads = reads_of(here)
        parent = None
        for place in range(5):
            await there.write(edit(place + 1, place, parent), parent)
            parent = place + 1
            seen = await reads.head_revision(Q1)
            assert seen is not None
            assert seen.rev_id == parent


@EMBEDDED
async def test_a_head_is_not_asked_for_while_nothing_was_committed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened_pair(pair) as here, opened_pair(pair) as there:
        asked = 0
        real = here.index.head_entry

        async def counted(entity_id: EntityId) -> Entry | None:
            nonlocal asked
            asked += 1
            return await real(entity_id)

        monkeypatch.setattr(here.index, "head_entry", counted)
        reads = reads_of(here)
        await there.put_history(Q1, history(1), 1)
        for _ in range(3):
            assert await reads.head_revision(Q1) == history(1)[0]
        assert asked == 1
        hidden = replace(history(1)[0], hidden=frozenset({"comment"}), comment=None)
        await there.put_history(Q1, [hidden], 1)
        for _ in range(3):
            assert await reads.head_revision(Q1) == hidden
        assert asked == 2
        await here.put_history(Q1, history(1), 1)
        assert await reads.head_revision(Q1) == history(1)[0]


@EMBEDDED
async def test_the_cache_is_bounded_by_bytes_and_keeps_what_was_used_last(store: Store) -> None:
    ids = [EntityId(f"Q{number}") for number in range(1, 61)]
    for number, entity_id in enumerate(ids):
        content = {"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": "x" * 1000}}}
        await store.put_history(entity_id, [revision(number + 1, 0, entity_id=entity_id, content=content)], number + 1)
    reads = reads_of(store, cache_bytes=100_000)
    for _ in range(2):
        for entity_id in ids:
            await reads.head_revision(ids[0])
            await reads.head_revision(entity_id)
            assert reads.cached_bytes() <= 100_000
    assert reads.cached_bytes() > 80_000
    assert reads.counts.fetched == 60 + 59  # all but the first had gone when the second round came
    tiny = reads_of(store, cache_bytes=100)
    assert await tiny.head_revision(ids[0]) is not None
    assert tiny.cached_bytes() == 0


@EMBEDDED
async def test_an_entity_that_is_not_there_is_remembered_for_a_while_only(store: Store) -> None:
    clock = Clock()
    reads = reads_of(store, absent_s=2.0, clock=clock)
    assert await reads.head(Q1) is None
    await store.put_history(Q1, history(1), 1)
    assert await reads.head_revision(Q1) is None
    clock.now_s = 2.1
    assert await reads.head_revision(Q1) is not None


@EMBEDDED
async def test_who_was_told_of_a_revision_asks_and_what_was_remembered_goes(store: Store) -> None:
    reads = reads_of(store, absent_s=60.0)
    assert await reads.head_revision(Q1) is None
    assert not await reads.has(Q1, 1)
    await store.put_history(Q1, history(1), 1)
    assert await reads.has(Q1, 1)
    assert await reads.head_revision(Q1) is not None


@EMBEDDED
async def test_nothing_absent_is_remembered_where_the_store_takes_writes(store: Store) -> None:
    reads = reads_of(store, absent_s=0.0)
    assert await reads.head(Q1) is None
    await store.put_history(Q1, history(1), 1)
    assert await reads.head(Q1) is not None


@EMBEDDED
async def test_a_broken_snapshot_is_named_each_time_but_fetched_rarely(store: Store, tmp_path: Path) -> None:
    clock = Clock()
    reads = reads_of(store, clock=clock)
    await store.put_history(Q1, history(1), 1)
    destroy(tmp_path, 1)
    for _ in range(3):
        with pytest.raises(CorruptError, match="Q1 revision 1"):
            await reads.revision(Q1, 1)
    assert reads.counts.broken == 1
    clock.now_s = 5.1
    with pytest.raises(CorruptError):
        await reads.revision(Q1, 1)
    assert reads.counts.broken == 2


@EMBEDDED
async def test_a_batch_of_fifty_is_read_together_and_one_broken_does_not_spoil_it(store: Store, tmp_path: Path) -> None:
    ids = [EntityId(f"Q{number}") for number in range(1, BATCH_MAX + 1)]
    for number, entity_id in enumerate(ids[:-1]):
        await store.put_history(entity_id, [revision(number + 1, 0, entity_id=entity_id)], number + 1)
    destroy(tmp_path, 7)
    reads = reads_of(store)
    found = await reads.head_revisions(ids)
    assert set(found) == set(ids[:-1])
    assert [entity_id for entity_id, one in found.items() if isinstance(one, CorruptError)] == ["Q7"]
    with pytest.raises(ValueError, match="51"):
        await reads.head_revisions([*ids, EntityId("Q99")])
    assert await reads.head_revisions([]) == {}


@EMBEDDED
async def test_the_history_is_paged_newest_first(store: Store) -> None:
    await store.put_history(Q1, history(*range(1, 8)), 7)
    reads = reads_of(store)
    first = await reads.history(Q1, size=5)
    second = await reads.history(Q1, before=(first[-1].position, first[-1].rev_id), size=5)
    assert [entry.rev_id for entry in (*first, *second)] == [7, 6, 5, 4, 3, 2, 1]


class Question:
    """Counts how often it was asked; each asking waits for its own `answer`."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[int]] = []

    async def __call__(self) -> int:
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.asked) < count:  # noqa: ASYNC110 - the loop's next round is what is waited for
                await asyncio.sleep(0)


async def test_who_asks_at_once_shares_an_answer_but_never_one_begun_before() -> None:
    flights: Flights[int] = Flights()
    question = Question()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(flights.ask("k", question))
        await question.until(1)
        later = [group.create_task(flights.ask("k", question)) for _ in range(10)]
        other = group.create_task(flights.ask("other", question))
        await question.until(2)
        question.asked[0].set_result(1)
        question.asked[1].set_result(7)
        await question.until(3)
        question.asked[2].set_result(2)
    assert (first.result(), other.result(), {task.result() for task in later}) == (1, 7, {2})
    assert len(question.asked) == 3
    assert flights._lines == {}


async def test_an_asker_who_gives_up_leaves_the_question_to_the_next() -> None:
    flights: Flights[int] = Flights()
    question = Question()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(flights.ask("k", question))
        await question.until(1)
        second = group.create_task(flights.ask("k", question))
        await asyncio.sleep(0)
        first.cancel()
        await question.until(2)
        question.asked[1].set_result(2)
    assert first.cancelled()
    assert second.result() == 2


async def test_an_error_is_told_to_all_who_shared_the_question_and_not_remembered() -> None:
    flights: Flights[int] = Flights()
    question = Question()

    async def failed() -> bool:
        try:
            await flights.ask("k", question)
        except UnavailableError:
            return True
        return False

    async with asyncio.TaskGroup() as group:
        group.create_task(failed())
        await question.until(1)
        later = [group.create_task(failed()) for _ in range(5)]
        await asyncio.sleep(0)
        question.asked[0].set_exception(UnavailableError("away"))
        await question.until(2)
        question.asked[1].set_exception(UnavailableError("still away"))
    assert all(task.result() for task in later)
    assert len(question.asked) == 2
    again = Question()
    async with asyncio.TaskGroup() as group:
        fine = group.create_task(flights.ask("k", again))
        await again.until(1)
        again.asked[0].set_result(5)
    assert fine.result() == 5
