"""The export killed with SIGKILL, again and again, two at once, while the wiki is edited: it ends complete.

Killed at the named points of a write, where it hurts most, and at any moment. `CUTOVER_LONG=1`: 200 times.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from fakes.dump_truth import differing, opened
from fakes.exporting import exporting
from fakes.small_wiki import SmallPage, SmallRevision, SmallWiki, item, running
from fakes.wiki_copies import wiki_copy
from suites.stored import opened_store

from backends.ledger.leases import Leases
from backends.snapshots.envelope import parse_key
from backends.store import CRASH_POINTS
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from wikibase.ids import EntityId

ROOT = Path(__file__).parents[2]
LONG = bool(os.environ.get("CUTOVER_LONG"))
KILLS = 200 if LONG else 6
KILLS_ON_DATABASE = 200 if LONG else 3
BATCH = 3
LEASE_S = 0.6

PROGRAM = """
import asyncio, os, pathlib, signal, sys
from contextlib import AsyncExitStack
from fakes.exporting import exporting

where, folder, point, at, piece_bytes, batch = sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:]
calls = 0

def crash(here):
    global calls
    calls += here == point
    if here == point and calls == int(at):
        os.kill(os.getpid(), signal.SIGKILL)

async def source(stack):
    if where == "database":
        from fakes.dump_truth import opened
        from fakes.wiki_copies import wiki_copy
        return await stack.enter_async_context(opened(wiki_copy()))
    from backends.wiki.http import WikiHttp
    from export.api_source import ApiSource
    return ApiSource(WikiHttp(where))

async def main():
    async with AsyncExitStack() as stack:
        export = await stack.enter_async_context(exporting(folder, await source(stack), crash_point=crash))
        exporter = export.exporter(
            f"process {os.getpid()}",
            batch_entities=int(batch),
            piece_bytes=int(piece_bytes),
            lease_s=LEASE_S,
            span_pages=20,
        )
        result = await exporter.run()
        print(result.entities, result.revisions, *result.skipped)

asyncio.run(main())
""".replace("LEASE_S", str(LEASE_S))


@asynccontextmanager
async def started(
    where: str, folder: Path, point: str = "never", at: int = 0, *, piece_bytes: int = 400
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an export in a process of its own; it is killed when it is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, where, str(folder), point, str(at), str(piece_bytes), str(BATCH)),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> str | None:
    """Wait for the end; None when it was killed, else what it printed."""
    out, err = await asyncio.wait_for(process.communicate(), 120)
    if process.returncode == -signal.SIGKILL:
        return None
    assert process.returncode == 0, err.decode()
    return out.decode()


async def exported(
    where: str, folder: Path, point: str = "never", at: int = 0, *, piece_bytes: int = 400
) -> str | None:
    async with started(where, folder, point, at, piece_bytes=piece_bytes) as process:
        return await ended(process)


async def two_killed(where: str, folder: Path, dice: random.Random) -> int:
    """Let two exports run at once: one dies at a point of a write, the other at any moment. Return how many died."""
    async with AsyncExitStack() as stack:
        at = dice.randint(1, 12)
        first = await stack.enter_async_context(started(where, folder, dice.choice(CRASH_POINTS), at))
        second = await stack.enter_async_context(started(where, folder))
        killed = await ended(first) is None
        if dice.random() < 0.5 and second.returncode is None:  # now, wherever it is
            second.kill()
        return killed + (await ended(second) is None)


def small_wiki() -> SmallWiki:
    pages = []
    for number in range(1, 31):
        revisions = [
            SmallRevision(number * 100 + (place * 37) % 50, item(f"Q{number}", f"{number}/{place}"))
            for place in range(number % 12 + 1)
        ]
        pages.append(SmallPage(number, 120, f"Item:Q{number}", revisions))
    return SmallWiki(pages)


async def test_two_at_once_killed_again_and_again_while_the_wiki_is_edited_end_complete(tmp_path: Path) -> None:
    dice = random.Random(4)
    small = small_wiki()
    kills, edits = 0, 0
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(small))
        while kills < KILLS:
            kills += await two_killed(small.url, tmp_path, dice)
            page = dice.choice(small.pages)
            edits += 1
            page.revisions.append(SmallRevision(100_000 + edits, item(page.title[5:], f"edit {edits}")))
        assert await exported(small.url, tmp_path) is not None  # what was under way ends
        printed = await exported(small.url, tmp_path)  # and once more, for the edits meanwhile
        assert printed == f"30 {sum(len(page.revisions) for page in small.pages)}\n"
        store = await stack.enter_async_context(opened_store(tmp_path))
        for page in small.pages:
            entity_id = EntityId(page.title[5:])
            entries = await store.index.history(entity_id)
            assert [entry.rev_id for entry in entries] == [one.rev_id for one in page.revisions]
            assert [entry.position for entry in entries] == list(range(len(entries)))
            head = await store.head(entity_id)
            assert head is not None
            assert head.rev_id == page.revisions[-1].rev_id
            for entry, one in zip(entries, page.revisions, strict=True):
                shown = await store.load(entry)
                assert shown.content is not None
                assert shown.content["labels"] == json.loads(str(one.text))["labels"]
                assert await store.index.entity_of(one.rev_id) == entity_id
        keys = [parse_key(key) async for key in store.snapshots.keys("")]
        assert len(keys) == sum(len(page.revisions) for page in small.pages)
        assert None not in keys
    asked = Counter(int(rev_id) for one in small.calls("revids") for rev_id in one["revids"].split("|"))
    revisions_of_batch = BATCH * max(len(page.revisions) for page in small.pages)
    # Whatever is read twice was under way when somebody was killed, or was at work twice at that moment.
    assert sum(asked.values()) - len(asked) <= kills * revisions_of_batch


@pytest.mark.services
async def test_killed_while_it_reads_the_database_the_dump_is_that_of_the_software(tmp_path: Path) -> None:
    wiki_copy()
    dice = random.Random(5)
    kills = 0
    while kills < KILLS_ON_DATABASE:
        kills += await two_killed("database", tmp_path, dice)
    printed = await exported("database", tmp_path)
    assert printed == "86 1323\n"
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        assert differing(await export.dumped()) == {}
        assert len([key async for key in export.store.snapshots.keys("")]) == 1323
        kept = await export.checkpoints.get("export.history")
        assert kept is not None
        assert await Leases(export.ledger, owner="test").open_parts(kept["job"]) == 0


async def test_killed_at_each_named_point_of_a_real_history_the_counts_are_those_of_one_run(tmp_path: Path) -> None:
    world = World.load()
    async with SampleWiki(world=world) as sample:
        url = f"{sample.url}/w/api.php"
        for point in CRASH_POINTS:
            assert await exported(url, tmp_path, point, 20, piece_bytes=1 << 21) is None
        printed = await exported(url, tmp_path, piece_bytes=1 << 21)
    assert printed == f"{world.entity_count} {world.revision_count} title_is_no_id\n"
    async with opened_store(tmp_path) as store:
        assert await store.index.totals() == (world.entity_count, world.revision_count)
        assert len([key async for key in store.snapshots.keys("")]) == world.revision_count
