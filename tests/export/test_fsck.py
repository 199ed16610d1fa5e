"""A clean store is found clean, and each kind of damage is found, named, and mended where that is possible."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from suites.filled import ENTITIES, OBJECTS, REVISIONS, fill, q10
from suites.pairs import MADE, Pair, opened_pair
from suites.stored import revision

from backends.ledger.checkpoints import Checkpoints
from backends.ledger.revision_rows import entry_params, head_params
from backends.redaction import order_body, order_key, purge
from backends.snapshots.envelope import SnapshotKey
from backends.snapshots.erasing import FileErasure
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from export import fsck as fsck_module
from export.fsck import Fsck
from export.fsck_repair import Repair
from export.fsck_result import REPAIRABLE, FsckResult, Kind, Note
from wikibase.ids import EntityId

NOW = "2026-11-22T15:24:12Z"


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with MADE["files"](tmp_path) as snapshots, MADE["sqlite"](tmp_path) as index:
        yield Pair(snapshots, index)


@pytest.fixture
async def store(pair: Pair) -> AsyncIterator[Store]:
    async with opened_pair(pair) as one:
        yield one


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Checkpoints]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Checkpoints(database)
    await database.close()


@pytest.fixture
async def erasing(pair: Pair) -> AsyncIterator[FileErasure]:
    one = FileErasure(Path(pair.snapshots["root"]))
    yield one
    await one.close()


def fsck_of(store: Store, ledger: Checkpoints, **options: Any) -> Fsck:
    return Fsck(store, ledger, **{"recheck_after_s": 0.01, **options})


def path_of(pair: Pair, rev_id: int) -> Path:
    (path,) = (path for path in Path(pair.snapshots["root"]).rglob(f"{rev_id:016}-*.zst"))
    return path


async def both_ways(store: Store, ledger: Checkpoints) -> FsckResult:
    """Check all, and all as a sample: the same must be found."""
    full = await fsck_of(store, ledger).full()
    sampled = await fsck_of(store, ledger).sample(1000, seed=1)
    assert full.found == sampled.found
    return full


async def test_a_store_as_it_should_be_is_clean(store: Store, ledger: Checkpoints) -> None:
    await fill(store)
    result = await both_ways(store, ledger)
    assert (result.found, result.entities, result.revisions, result.objects) == ({}, ENTITIES, REVISIONS, OBJECTS)
    assert result.is_clean
    assert result.noted == {Note.JOURNAL_BEHIND: 10, Note.SUPERSEDED: 1}  # the snapshot of before it was hidden


async def test_what_is_odd_but_harmless_is_counted_only(store: Store, ledger: Checkpoints) -> None:
    await fill(store)
    await store._snapshot(q10(2**40 + 9, 5, 2**40 + 4), None)  # a writer that died here
    odd = [revision(31, 0, parent_id=7, entity_id=EntityId("Q30")), revision(30, 1, entity_id=EntityId("Q30"))]
    await store.put_history(EntityId("Q30"), odd, 31)  # page_latest says so
    await store.put_history(EntityId("Q31"), [revision(32, 0, entity_id=EntityId("Q31"))], None)
    changed = {"type": "item", "id": "Q2", "labels": {}}
    await store.put_history(EntityId("Q2"), [revision(200, 0, entity_id=EntityId("Q2"), content=changed)], 203)
    await store.snapshots.create("strange/thing", b"x")
    result = await fsck_of(store, ledger).full()
    assert result.is_clean
    assert {note: count for note, count in result.noted.items() if note != Note.JOURNAL_BEHIND} == {
        Note.ORPHAN: 1,
        Note.PARENT_ELSEWHERE: 1,
        Note.HEAD_BEFORE_LAST: 1,
        Note.NO_HEAD: 1,
        Note.SUPERSEDED: 2,
        Note.UNKNOWN_KEY: 1,
    }


async def lose_snapshot(store: Store, pair: Pair) -> None:
    path_of(pair, 301).unlink()


async def flip_a_bit(store: Store, pair: Pair) -> None:
    path = path_of(pair, 301)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 4
    path.write_bytes(bytes(body))


async def swap_snapshots(store: Store, pair: Pair) -> None:
    path_of(pair, 301).write_bytes(path_of(pair, 302).read_bytes())


async def row(store: Store, entity_id: str, rev_id: int, **other: object) -> None:
    entry = await store.index.entry(EntityId(entity_id), rev_id)
    assert entry is not None
    await store.index._database.execute("revision_update", **entry_params(entry) | other)


async def change_row(store: Store, pair: Pair) -> None:
    await row(store, "Q3", 301, made_at="2001-01-01T00:00:00Z")


async def change_overlay(store: Store, pair: Pair) -> None:
    await row(store, "Q3", 301, overlay='{"user": "Mallory"}')


async def change_state(store: Store, pair: Pair) -> None:
    await row(store, "Q1", 102, overlay=None, state="visible")


async def break_chain(store: Store, pair: Pair) -> None:
    entry = await store.index.entry(EntityId("Q10"), 2**40 + 2)
    assert entry is not None
    lost = replace(entry, rev_id=2**40 + 7, position=2, parent_id=2**40 + 3)
    await store.index.record(EntityId("Q10"), [lost], None, kind="history")


async def head(store: Store, **other: object) -> None:
    present = await store.head(EntityId("Q10"))
    assert present is not None
    await store.index._database.execute("head_update", **head_params(present) | other, expected=present.generation)


async def head_back(store: Store, pair: Pair) -> None:
    await head(store, generation=6, rev_id=2**40 + 3, position=3, made_at="2026-11-22T15:24:03Z")


async def head_nowhere(store: Store, pair: Pair) -> None:
    await head(store, generation=6, rev_id=77)


async def head_differs(store: Store, pair: Pair) -> None:
    await head(store, generation=6, state="redirect")


async def head_rolled_back(store: Store, pair: Pair) -> None:
    await head(store, generation=4)


async def lose_lookup(store: Store, pair: Pair) -> None:
    await store.index._database.execute("revision_entity_put", rev_id=301, entity_id="Q99")


DAMAGES: list[tuple[Callable[[Store, Pair], Awaitable[None]], set[Kind]]] = [
    (lose_snapshot, {Kind.SNAPSHOT_MISSING}),
    (flip_a_bit, {Kind.SNAPSHOT_CORRUPT}),
    (swap_snapshots, {Kind.SNAPSHOT_CORRUPT}),
    (change_row, {Kind.ROW_DIFFERS}),
    (change_overlay, {Kind.ROW_DIFFERS}),
    (change_state, {Kind.ROW_DIFFERS}),
    (break_chain, {Kind.CHAIN_BROKEN, Kind.SNAPSHOT_MISSING, Kind.LOOKUP_MISSING}),
    (head_back, {Kind.HEAD_NOT_LAST}),
    (head_nowhere, {Kind.HEAD_UNKNOWN}),
    (head_differs, {Kind.HEAD_DIFFERS}),
    (head_rolled_back, {Kind.OUTBOX_AHEAD}),
    (lose_lookup, {Kind.LOOKUP_MISSING}),
]


@pytest.mark.parametrize(("damage", "kinds"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES])
async def test_each_damage_is_found_named_and_mended_if_it_can_be(
    damage: Callable[[Store, Pair], Awaitable[None]],
    kinds: set[Kind],
    *,
    store: Store,
    pair: Pair,
    ledger: Checkpoints,
    erasing: FileErasure,
) -> None:
    await fill(store)
    await damage(store, pair)
    result = await both_ways(store, ledger)
    assert set(result.found) == kinds
    assert not result.is_clean
    assert {one.kind for one in result.examples} == kinds
    repaired = await fsck_of(store, ledger, repair=Repair(store, erasing, now=lambda: NOW)).full()
    assert set(repaired.mended) == kinds & REPAIRABLE
    again = await fsck_of(store, ledger).full()
    assert set(again.found) == kinds - REPAIRABLE


async def test_a_lost_snapshot_comes_back_when_the_wiki_tells_it_again_to_heal(
    store: Store, pair: Pair, ledger: Checkpoints
) -> None:
    await fill(store)
    await lose_snapshot(store, pair)
    told = [revision(300 + place, place, entity_id=EntityId("Q3"), page_id=3) for place in range(4)]
    assert (await store.put_history(EntityId("Q3"), told, 303, page_id=3)).new_snapshots == 0
    assert (await store.put_history(EntityId("Q3"), told, 303, page_id=3, heal=True)).new_snapshots == 1
    assert (await fsck_of(store, ledger).full()).is_clean


async def test_purges_are_understood_and_unfinished_ones_finished(
    store: Store, pair: Pair, ledger: Checkpoints, erasing: FileErasure
) -> None:
    await fill(store)
    kept = path_of(pair, 301).read_bytes()
    key = str(SnapshotKey(EntityId("Q3"), 301, path_of(pair, 301).name[17:81]))
    done = await purge(store, erasing, EntityId("Q3"), 301, reason="order", ordered_by="legal", ordered_at=NOW)
    result = await fsck_of(store, ledger).full()
    assert (result.found, result.noted[Note.PURGED]) == ({}, 1)
    await store.snapshots.create(key, kept)  # a backup was brought back
    result = await both_ways(store, ledger)
    assert result.found == {Kind.PURGED_CONTENT: 1}
    repair = Repair(store, erasing, now=lambda: NOW)
    assert (await fsck_of(store, ledger, repair=repair).full()).is_clean
    assert key not in [key async for key in store.snapshots.keys("Q3/")]
    (order,) = done.purges
    other = replace(order, rev_id=302, digest=path_of(pair, 302).name[17:81])
    await store.snapshots.create(order_key(other), order_body(other))
    assert (await both_ways(store, ledger)).found == {Kind.PURGE_NOT_IN_INDEX: 1}
    assert (await fsck_of(store, ledger, repair=repair).full()).mended == {Kind.PURGE_NOT_IN_INDEX: 1}
    assert (await both_ways(store, ledger)).found == {}
    assert (await store.revision(EntityId("Q3"), 302)) is not None


async def test_a_full_check_that_was_stopped_goes_on_where_it_was(
    store: Store, ledger: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsck_module, "PAGE", 3)
    monkeypatch.setattr(fsck_module, "KEYS_PAGE", 7)
    await fill(store)
    pages: list[str] = []
    expected = await fsck_of(store, ledger, progress=lambda stage, _: pages.append(stage)).full()
    pages_of_all = len(pages)
    assert pages_of_all >= 9
    for stop_at in range(1, pages_of_all + 1):
        steps = 0

        def stop(stage: str, result: FsckResult) -> None:
            nonlocal steps
            steps += 1
            if steps == stop_at:  # noqa: B023 - called within the round
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await fsck_of(store, ledger, progress=stop).full()
        steps = -100
        assert await fsck_of(store, ledger, progress=stop).full() == expected
        assert steps < -100 + pages_of_all


async def test_a_sample_has_as_many_entities_as_asked_for_and_each_has_its_chance(
    store: Store, ledger: Checkpoints
) -> None:
    await fill(store)
    chosen = {tuple(await fsck_of(store, ledger)._chosen(3, random.Random(seed))) for seed in range(40)}
    assert all(len(set(some)) == 3 for some in chosen)
    assert len({one for some in chosen for one in some}) == 10
    assert (await fsck_of(store, ledger).sample(3, seed=5)).entities == 3


async def test_writes_under_way_are_no_findings(store: Store, ledger: Checkpoints) -> None:
    await fill(store)

    async def write() -> None:
        parent = 2**40 + 4
        for place in range(5, 60):
            rev_id = 2**40 + place
            await store.write(q10(rev_id, place, parent), parent)
            parent = rev_id

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        while not writing.done():
            assert (await fsck_of(store, ledger, recheck_after_s=0.3).full()).found == {}


async def test_results_survive_in_a_checkpoint(store: Store, pair: Pair, ledger: Checkpoints) -> None:
    await fill(store)
    await lose_snapshot(store, pair)
    result = await fsck_of(store, ledger).full()
    assert FsckResult.of_json(result.as_json()) == result
