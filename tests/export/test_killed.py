"""The export killed with SIGKILL at the named points of a write, again and again, while the wiki is edited."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from fakes.small_wiki import SmallPage, SmallRevision, SmallWiki, item, running
from suites.stored import opened_store

from backends.snapshots.envelope import parse_key
from backends.store import CRASH_POINTS
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from wikibase.ids import EntityId

ROOT = Path(__file__).parents[2]
KILLS = 20

PROGRAM = """
import asyncio, os, pathlib, signal, sys
from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase
from backends.wiki.http import WikiHttp
from export.history import Exporter
from suites.stored import opened_store

url, folder, point, at = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
calls = 0

def crash(here):
    global calls
    calls += here == point
    if here == point and calls == at:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened_store(folder, crash_point=crash) as store:
        ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
        await ledger.migrate()
        wiki = WikiHttp(url)
        result = await Exporter(wiki, store, Checkpoints(ledger), batch_pages=3, piece_bytes=int(sys.argv[5])).run()
        await wiki.close()
        await ledger.close()
        print(result.entities, result.revisions)

asyncio.run(main())
"""


async def _export(url: str, folder: Path, point: str, at: int, *, piece_bytes: int = 400) -> str | None:
    """Run an export in a process of its own; None when it was killed, else what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        url,
        str(folder),
        point,
        str(at),
        str(piece_bytes),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    if process.returncode == -signal.SIGKILL:
        return None
    assert process.returncode == 0, err.decode()
    return out.decode()


def _wiki() -> SmallWiki:
    pages = []
    for number in range(1, 31):
        revisions = [
            SmallRevision(number * 100 + (place * 37) % 50, item(f"Q{number}", f"{number}/{place}"))
            for place in range(number % 12 + 1)
        ]
        pages.append(SmallPage(number, 120, f"Item:Q{number}", revisions))
    return SmallWiki(pages)


async def test_killed_again_and_again_while_the_wiki_is_edited_the_store_ends_complete(tmp_path: Path) -> None:
    dice = random.Random(4)
    small = _wiki()
    kills = 0
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(small))
        while kills < KILLS:
            done = await _export(small.url, tmp_path, dice.choice(CRASH_POINTS), dice.randint(1, 12))
            kills += done is None
            page = dice.choice(small.pages)
            page.revisions.append(SmallRevision(100_000 + kills, item(page.title[5:], f"edit {kills}")))
        assert await _export(small.url, tmp_path, "never", 0) is not None  # what was under way ends
        assert await _export(small.url, tmp_path, "never", 0) is not None  # and once more, for the edits meanwhile
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


async def test_killed_at_each_named_point_of_a_real_history_the_counts_are_those_of_one_run(tmp_path: Path) -> None:
    world = World.load()
    async with SampleWiki(world=world) as sample:
        url = f"{sample.url}/w/api.php"
        for point in CRASH_POINTS:
            assert await _export(url, tmp_path, point, 20, piece_bytes=1 << 21) is None
        printed = await _export(url, tmp_path, "never", 0, piece_bytes=1 << 21)
    assert printed == f"{world.entity_count} {world.revision_count}\n"
    async with opened_store(tmp_path) as store:
        assert await store.index.totals() == (world.entity_count, world.revision_count)
        assert len([key async for key in store.snapshots.keys("")]) == world.revision_count
