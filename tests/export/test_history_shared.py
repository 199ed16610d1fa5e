"""An export that several workers share: each part is done once, a dead worker's is taken over, all of them obey."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from fakes.exporting import Export, exporting
from fakes.told_wiki import ToldWiki, told

from backends.errors import CorruptError, UnavailableError
from backends.ledger.leases import Shard
from export.control import Control, set_control
from export.history import CHECKPOINT, EXPORT_RUN
from export.outcome import ExportResult
from export.source import Text, ToldRevision
from wikibase.ids import EntityId

COUNT = 24


def filled(wiki: ToldWiki) -> ToldWiki:
    for number in range(1, COUNT + 1):
        wiki.revisions[f"Q{number}"] = [told(number * 10 + place, place) for place in range(3)]
        wiki.pages[f"Q{number}"] = (number, number * 10 + 2)
    return wiki


@pytest.fixture
def wiki() -> ToldWiki:
    return filled(ToldWiki())


@pytest.fixture
async def export(tmp_path: Path, wiki: ToldWiki) -> AsyncIterator[Export]:
    async with exporting(tmp_path, wiki) as opened:
        yield opened


async def test_two_share_a_run_and_nothing_is_read_twice(export: Export, wiki: ToldWiki) -> None:
    workers = [export.exporter(name, span_pages=2, batch_entities=1) for name in ("one", "two")]
    results = await asyncio.gather(*(worker.run() for worker in workers))
    assert [one.entities for one in results] == [COUNT, COUNT]
    assert sorted(wiki.asked) == sorted(one.rev_id for own in wiki.revisions.values() for one in own)
    kept = await export.checkpoints.get(CHECKPOINT)
    assert kept is not None
    assert (kept["state"], kept["job"], kept["spans"]) == ("finished", "export-1", 12)
    assert await export.store.index.totals() == (COUNT, COUNT * 3)


async def test_shards_divide_a_run_among_themselves(export: Export, wiki: ToldWiki) -> None:
    for index in range(3):
        await export.exporter(shard=Shard(index, 3), span_pages=2).run()
        kept = await export.checkpoints.get(CHECKPOINT)
        assert kept is not None
        assert (kept["state"] == "finished") is (index == 2)
    assert await export.store.index.totals() == (COUNT, COUNT * 3)
    assert len(wiki.asked) == COUNT * 3


async def test_what_a_dead_worker_held_is_taken_over_where_it_stood(export: Export, wiki: ToldWiki) -> None:
    class Dying(ToldWiki):
        async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
            if told[0].rev_id == 180:
                raise UnavailableError("down")
            return await ToldWiki.texts(self, told)

    dying = filled(Dying())
    with pytest.raises(UnavailableError, match="down"):
        await export.exporter("dead", source=dying, batch_entities=4, entities_at_once=1, lease_s=0.3).run()
    assert 0 < len(dying.asked) < COUNT * 3
    result = await export.exporter("heir", batch_entities=4, lease_s=0.3).run()
    assert (result.entities, result.revisions) == (COUNT, COUNT * 3)
    assert len(wiki.asked) + len(dying.asked) <= COUNT * 3 + 4 * 3


async def test_a_worker_whose_part_was_taken_over_leaves_it(
    export: Export, wiki: ToldWiki, caplog: pytest.LogCaptureFixture
) -> None:
    slow = filled(ToldWiki())
    begun, going_on = asyncio.Event(), asyncio.Event()

    class Slow(ToldWiki):
        async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
            begun.set()
            await going_on.wait()
            return await ToldWiki.texts(self, told)

    async def stolen() -> ExportResult:
        # Its lease is ended from outside: as if its clock, or the machine, had stood still.
        await begun.wait()
        await export.ledger.execute("job_part_keep", job="export-1", number=0, version=1, lease_until_ms=0)
        result = await export.exporter("heir").run()
        going_on.set()
        return result

    slow = Slow(revisions=slow.revisions, pages=slow.pages)
    results = await asyncio.gather(export.exporter("slow", source=slow, lease_s=60.0).run(), stolen())
    assert [one.entities for one in results] == [COUNT, COUNT]
    assert "taken over by another worker" in caplog.text
    assert await export.store.index.totals() == (COUNT, COUNT * 3)


async def test_a_pause_holds_a_run_between_two_batches(export: Export, wiki: ToldWiki) -> None:
    slept: list[int] = []

    async def sleep(seconds: float) -> None:
        slept.append(len(wiki.asked))
        await asyncio.sleep(0)
        if len(slept) == 5:
            await set_control(export.checkpoints, paused=False)

    await set_control(export.checkpoints, paused=True)
    control = Control(export.checkpoints, every_s=0.0, sleep=sleep)
    result = await export.exporter(control=control).run()
    assert slept == [0] * 5
    assert result.entities == COUNT


async def test_one_entitys_own_trouble_does_not_stop_the_others(export: Export, wiki: ToldWiki) -> None:
    class Broken(ToldWiki):
        async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
            if told[0].rev_id == 50:
                raise CorruptError("snapshot of Q5 revision 50: not what its name promises")
            return await ToldWiki.texts(self, told)

    result = await export.exporter(source=filled(Broken())).run()
    assert (result.entities, result.skipped) == (COUNT - 1, {"left_out": 1})
    parts = [part async for part in export.leases().parts("export-1")]
    assert [part.progress["failed"][0][0] for part in parts if part.progress and part.progress["failed"]] == ["Q5"]
    assert await export.store.head(EntityId("Q5")) is None


async def test_the_low_water_mark_is_that_of_the_first_run(export: Export) -> None:
    await export.exporter().run()
    mark = await export.checkpoints.get(EXPORT_RUN)
    assert mark == {"began_at": "2026-11-22T16:00:00Z", "max_rev_id": 77, "max_log_id": 7}
    await export.checkpoints.put(EXPORT_RUN, {**mark, "max_rev_id": 5})
    await export.exporter().run()
    assert (await export.checkpoints.get(EXPORT_RUN) or {})["max_rev_id"] == 5
    kept = await export.checkpoints.get(CHECKPOINT)
    assert kept is not None
    assert kept["job"] == "export-2"
    assert [part async for part in export.leases().parts("export-1")] == []
