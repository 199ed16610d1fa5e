import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from suites.stored import Q1, history, opened_store, revision

from backends.errors import ConflictError, CorruptError, NotFoundError
from backends.snapshots.envelope import parse_key
from backends.store import CRASH_POINTS, Store
from wikibase.ids import EntityId
from wikibase.revision import State

ROOT = Path(__file__).parents[2]
OTHER = EntityId("Q2")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(tmp_path) as opened:
        yield opened


def body_of(store: Store, folder: Path, rev_id: int) -> Path:
    (path,) = folder.rglob(f"{rev_id:016}-*.zst")
    return path


async def test_a_history_comes_back_as_it_was_told(store: Store) -> None:
    told = history(9, 3, 7)
    written = await store.put_history(Q1, told, 7, page_id=5)
    assert [await store.revision(Q1, one.rev_id) for one in told] == told
    assert written.new_snapshots == 3
    head = await store.head(Q1)
    assert head is not None
    assert (head.rev_id, head.position, head.page_id, head.generation) == (7, 2, 5, 1)


async def test_the_head_is_the_one_told_not_the_highest_id_nor_the_last(store: Store) -> None:
    await store.put_history(Q1, history(9, 3, 12), 3)
    head = await store.head(Q1)
    assert head is not None
    assert head.rev_id == 3


async def test_positions_order_the_history_not_ids(store: Store) -> None:
    await store.put_history(Q1, history(9, 3, 12), 12)
    assert [entry.rev_id for entry in await store.index.history(Q1)] == [9, 3, 12]
    assert await store.position(Q1, 3) == 1
    assert await store.position(Q1, 4) is None


async def test_what_the_store_does_not_have_is_none(store: Store) -> None:
    assert await store.head(Q1) is None
    assert await store.revision(Q1, 1) is None
    assert await store.position(Q1, 1) is None


async def test_telling_it_again_changes_nothing(store: Store) -> None:
    told = history(1, 2, 3)
    first = await store.put_history(Q1, told, 3)
    again = await store.put_history(Q1, told, 3)
    assert again.new_snapshots == 0
    assert again.head == first.head
    assert len(await store.index._database.rows("outbox", after_entity="", after_generation=0, size=9)) == 1


async def test_revisions_added_at_the_end_and_inserted_before_are_taken_in(store: Store) -> None:
    await store.put_history(Q1, history(10, 11), 11)
    await store.put_history(Q1, history(20, 10, 21, 11, 12), 12)
    assert [entry.rev_id for entry in await store.index.history(Q1)] == [20, 10, 21, 11, 12]
    shown = await store.revision(Q1, 11)
    head = await store.head(Q1)
    assert shown is not None
    assert head is not None
    assert (shown.position, head.rev_id, head.generation) == (3, 12, 2)


async def test_a_history_in_pieces_has_no_head_before_the_last(store: Store) -> None:
    told = history(1, 2, 3, 4)
    await store.put_history(Q1, told[:2], None)
    assert await store.head(Q1) is None
    await store.put_history(Q1, told[2:], 4)
    assert [entry.rev_id for entry in await store.index.history(Q1)] == [1, 2, 3, 4]
    head = await store.head(Q1)
    assert head is not None
    assert head.rev_id == 4


async def test_a_head_that_was_not_told_is_refused_and_nothing_becomes_visible(store: Store) -> None:
    with pytest.raises(NotFoundError, match="99"):
        await store.put_history(Q1, history(1, 2), 99)
    assert await store.index.history(Q1) == []


async def test_revisions_of_another_entity_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="Q2"):
        await store.put_history(Q1, [revision(1, 0, entity_id=OTHER)], 1)


async def test_an_older_telling_cannot_overtake_a_newer_one(store: Store) -> None:
    seen = await store.head(Q1)
    assert seen is None
    await store.put_history(Q1, history(1, 2), 2)
    with pytest.raises(ConflictError):
        await store.put_history(Q1, history(1), 1, expected=None)
    head = await store.head(Q1)
    assert head is not None
    assert head.rev_id == 2


async def test_what_the_wiki_says_now_lies_over_the_snapshot(store: Store) -> None:
    told = history(1)
    await store.put_history(Q1, told, 1)
    later = [replace(told[0], tags=("mw-reverted",), user=None, hidden=frozenset({"user"}))]
    written = await store.put_history(Q1, later, 1)
    assert written.new_snapshots == 0
    assert await store.revision(Q1, 1) == later[0]
    await store.put_history(Q1, told, 1)
    assert await store.revision(Q1, 1) == told[0]


async def test_text_hidden_later_is_not_shown_and_comes_back_when_shown_again(store: Store) -> None:
    told = history(1)
    await store.put_history(Q1, told, 1)
    hidden = [replace(told[0], state=State.TEXT_HIDDEN, content=None, hidden=frozenset({"text"}), wiki_sha1=None)]
    await store.put_history(Q1, hidden, 1)
    assert await store.revision(Q1, 1) == hidden[0]
    head = await store.head(Q1)
    assert head is not None
    assert head.state is State.TEXT_HIDDEN
    await store.put_history(Q1, told, 1)
    assert await store.revision(Q1, 1) == told[0]


async def test_a_redirect_is_known_from_both_ends(store: Store) -> None:
    content = {"entity": "Q1", "redirect": "Q2"}
    redirect = revision(2, 1, state=State.REDIRECT, content=content, redirect_target=OTHER)
    await store.put_history(Q1, [revision(1, 0), redirect], 2)
    head = await store.head(Q1)
    assert head is not None
    assert head.redirect_target == OTHER
    assert await store.index.redirects_to(OTHER) == [Q1]
    await store.put_history(Q1, [revision(1, 0), redirect, revision(3, 2)], 3)
    assert await store.index.redirects_to(OTHER) == []


async def test_lookups_find_the_entity_by_revision_and_by_page(store: Store) -> None:
    await store.put_history(Q1, history(1, 2), 2, page_id=5)
    assert await store.index.entity_of(2) == Q1
    assert await store.index.entity_of_page(5) == Q1
    assert await store.index.entity_of(3) is None
    assert await store.index.count(Q1) == 2
    assert await store.index.totals() == (1, 2)


async def test_the_history_is_paged_by_key(store: Store) -> None:
    await store.put_history(Q1, history(*range(100, 70, -1)), 71)
    seen: list[int] = []
    after = (-1, -1)
    while page := await store.index.history(Q1, after=after, size=7):
        seen += [entry.rev_id for entry in page]
        after = (page[-1].position, page[-1].rev_id)
    assert seen == list(range(100, 70, -1))


async def test_a_damaged_snapshot_is_named_and_never_returned(store: Store, tmp_path: Path) -> None:
    await store.put_history(Q1, history(1, 2), 2)
    path = body_of(store, tmp_path, 2)
    path.write_bytes(body_of(store, tmp_path, 1).read_bytes())
    with pytest.raises(CorruptError, match="Q1 revision 2"):
        await store.revision(Q1, 2)
    assert await store.revision(Q1, 1) == history(1)[0]


async def test_a_snapshot_that_is_gone_is_corruption_not_absence(store: Store, tmp_path: Path) -> None:
    await store.put_history(Q1, history(1), 1)
    body_of(store, tmp_path, 1).unlink()
    with pytest.raises(CorruptError, match="not there"):
        await store.revision(Q1, 1)


async def test_a_write_goes_on_top_of_the_head_it_was_made_from(store: Store) -> None:
    await store.write(revision(1, 0), None)
    await store.write(revision(2, 1), 1)
    with pytest.raises(ConflictError, match="revision 2, not 1"):
        await store.write(revision(3, 2), 1)
    head = await store.head(Q1)
    assert head is not None
    assert (head.rev_id, await store.revision(Q1, 3)) == (2, None)


async def test_repeating_a_write_succeeds_and_changes_nothing(store: Store) -> None:
    first = await store.write(revision(1, 0), None)
    again = await store.write(revision(1, 0), None)
    assert again.head == first.head


async def test_a_write_before_the_head_is_refused(store: Store) -> None:
    await store.put_history(Q1, history(1, 2), 2)
    with pytest.raises(ValueError, match="position 1"):
        await store.write(revision(3, 1), 2)


async def test_of_many_writers_on_one_head_one_wins_each_round(store: Store) -> None:
    parent: int | None = None
    for place in range(10):
        ids = [1000 * place + writer + 1 for writer in range(16)]
        done = await asyncio.gather(
            *(store.write(revision(rev_id, place), parent) for rev_id in ids), return_exceptions=True
        )
        winners = [rev_id for rev_id, one in zip(ids, done, strict=True) if not isinstance(one, BaseException)]
        assert len(winners) == 1
        assert all(isinstance(one, ConflictError) for one in done if isinstance(one, BaseException))
        parent = winners[0]
    assert len(await store.index.history(Q1)) == 10


PROGRAM = """
import asyncio, os, pathlib, signal, sys
from suites.stored import Q1, history, opened_store, revision

folder, point, at = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0

def crash(here):
    global calls
    if here == point:
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened_store(folder, crash_point=crash) as store:
        for size in range(2, 8):
            told = history(*range(size, 0, -1))
            await store.put_history(Q1, told, told[-1].rev_id, page_id=5)
            print(size, flush=True)

asyncio.run(main())
"""


async def _killed_once(folder: Path, point: str, at: int) -> int:
    """Run the program until it kills itself; return the size of the last history that it saw acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(folder),
        point,
        str(at),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == -signal.SIGKILL, err.decode()
    return int(out.split()[-1]) if out else 0


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_killed_at_a_named_point_nothing_acknowledged_is_lost_and_nothing_half_is_seen(
    point: str, tmp_path: Path
) -> None:
    for at in random.Random(point).sample(range(1, 7), 3):
        folder = tmp_path / str(at)
        acknowledged = await _killed_once(folder, point, at)
        async with opened_store(folder) as store:
            entries = await store.index.history(Q1)
            head = await store.head(Q1)
            size = len(entries)
            assert size >= acknowledged
            assert (head.rev_id if head else None) == (1 if size else None)
            assert [entry.rev_id for entry in entries] == list(range(size, 0, -1))
            for entry in entries:
                await store.load(entry)
            told = history(*range(9, 0, -1))
            await store.put_history(Q1, told, 1)
            assert [await store.revision(Q1, one.rev_id) for one in told] == told
            keys = [key async for key in store.snapshots.keys("")]
            assert len(keys) == len({parse_key(key) for key in keys}) == 9
