"""Killed with SIGKILL, again and again: nothing acknowledged is lost, nothing half is seen, repeating converges."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from suites.crashing import EDITED, POINTS, TOLD, Log, look, repeat
from suites.effort import effort
from suites.pairs import Pair, opened_erasing, opened_pair

from backends.journal import Journal
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.ids import Ids
from backends.snapshots.envelope import parse_key
from backends.sql.sqlite import SqliteDatabase
from export.fsck import Fsck

ROOT = Path(__file__).parents[2]


async def test_killed_at_named_points_and_at_any_nothing_is_lost_or_half_there(pair: Pair, tmp_path: Path) -> None:
    kills = effort(40, 520)
    log = tmp_path / "log.jsonl"
    plan = {"pair": pair.as_json(), "kills": kills, "seed": 11, "log": str(log)}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "suites.crashing",
        str(tmp_path / "plan.json"),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])},
        stderr=subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30 + kills * 3)
    assert process.returncode == 0, err.decode()[-3000:]
    assert kills // 2 // len(POINTS) >= 2  # each point that often; the other half at random moments
    kept = Log(log)
    assert len(kept.acknowledged()) > kills
    async with opened_pair(pair) as store, opened_erasing(pair) as erasing:
        await look(store, kept)
        await repeat(store, Ids(store.index._database), erasing, kept)
        await look(store, kept)
        assert kept.purges("purged") >= kept.purges("purging") > set()
        journal = Journal(store.snapshots, store.index)
        await journal.catch_up()
        written = {one.head.entity_id: one.head async for one in journal.all()}
        assert written == {entity_id: await store.head(entity_id) for entity_id in (*EDITED, TOLD)}
        entities, revisions = await store.index.totals()
        snapshots = len([key async for key in store.snapshots.keys("") if parse_key(key)])
        assert entities == 4
        assert revisions <= snapshots <= revisions + kills  # at most one without a row for each death
        ledger = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
        await ledger.migrate()
        checked = await Fsck(store, Checkpoints(ledger)).full()
        await ledger.close()
        assert (checked.found, checked.revisions) == ({}, revisions)
