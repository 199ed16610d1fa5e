"""The follower killed with SIGKILL at random moments while the wiki is edited: nothing is missed, nothing is twice.

10 kills; 200 with CUTOVER_LONG=1.
"""

import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from asyncmy.errors import OperationalError
from fakes.mariadb import mariadb_address
from fakes.wiki_edits import Editor, editor, made_wiki
from suites.following import following, met

from backends.snapshots.envelope import parse_key
from backends.sql.mysql import MysqlAddress

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
KILLS = 200 if os.environ.get("CUTOVER_LONG") else 10
ITEMS = 12

PROGRAM = """
import asyncio, pathlib, sys
from backends.ledger.checkpoints import Checkpoints
from fakes.mariadb import mariadb_address
from suites.following import following

async def main():
    async with following(mariadb_address(), sys.argv[1], pathlib.Path(sys.argv[2])) as one:
        await one.follower.begin(await Checkpoints(one.ledger).get("export_run"))
        print("up", flush=True)
        await one.follower.run(asyncio.Event(), sweep=one.sweep)

asyncio.run(main())
"""


async def _killed_after(name: str, folder: Path, wait_s: float) -> None:
    """Let a follower run in a process of its own for so long after it began, then kill it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "ignore", "-c", PROGRAM, name, str(folder)),
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = await asyncio.wait_for(process.stdout.readline(), 60)
    if said != b"up\n":
        raise AssertionError((await process.stderr.read()).decode())
    await asyncio.sleep(wait_s)
    assert process.returncode is None, (await process.stderr.read()).decode()
    process.send_signal(signal.SIGKILL)
    await asyncio.wait_for(process.wait(), 30)


LOCK_WAIT_TIMEOUT = 1205


async def _edit_on(address: MysqlAddress, name: str, stop: asyncio.Event, dice: random.Random) -> None:
    async with editor(address, name) as quick, editor(address, name) as slow:
        number = 0
        await quick.run("SET SESSION innodb_lock_wait_timeout = 1")
        while not stop.is_set():
            number += 1
            if number % 20 == 1:
                await slow.edit(f"Q{200 + number}", "takes its id now, commits later")
            try:
                await _one_change(quick, dice, number)
            except OperationalError as error:
                if error.args[0] != LOCK_WAIT_TIMEOUT:
                    raise
                # Both editors are ours: the quick one waits for rows of the slow one, which would wait for it here.
                await quick.rollback()
                await slow.commit()
                continue
            await (quick.rollback() if dice.random() < 0.1 else quick.commit())
            if number % 20 == 0:
                await (slow.commit() if dice.random() < 0.7 else slow.rollback())
            await asyncio.sleep(dice.random() * 0.04)
        await slow.commit()


async def _one_change(wiki: Editor, dice: random.Random, number: int) -> None:
    title = f"Q{dice.randint(1, ITEMS)}"
    lives = await wiki.value("SELECT page_latest FROM page WHERE page_title = %s", title)
    gone = await wiki.value("SELECT 1 FROM archive WHERE ar_title = %s LIMIT 1", title)
    kind = dice.random()
    if lives and kind < 0.06 and not gone:
        await wiki.delete(title)
    elif gone and not lives:
        await wiki.undelete(title)
    elif lives and kind < 0.12:
        first = await wiki.value(
            "SELECT MIN(rev_id) FROM revision JOIN page ON page_id = rev_page WHERE page_title = %s", title
        )
        if first != lives:
            await wiki.hide(first, dice.choice([0, 1, 9]))
    else:
        await wiki.edit(title, f"edit {number}")


async def test_killed_again_and_again_while_edits_go_on_the_store_ends_complete(tmp_path: Path) -> None:
    dice = random.Random(7)
    address = mariadb_address()
    async with made_wiki(address, f"follow_{secrets.token_hex(4)}") as name:
        async with following(address, name, tmp_path) as one:
            now = (await one.changes.moment(with_transactions=False)).now
            await one.follower.checkpoints.put("export_run", {"began_at": now})
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(_edit_on(address, name, stop, dice))
            for _ in range(KILLS):
                await _killed_after(name, tmp_path, dice.random() * 0.6)
            stop.set()
        async with following(address, name, tmp_path) as one:
            await one.follower.begin(None)
            async with one.running(60, sweep=True):
                await met(one.equal)
            assert [found async for found in one.findings.open()] == []
            keys = [parse_key(key) async for key in one.store.snapshots.keys("") if not key.startswith("journal/")]
            # A revision that was hidden or shown again may have a snapshot of each content, and no more.
            _, revisions = await one.store.index.totals()
            assert revisions <= len(keys) <= 2 * revisions
            assert len(set(keys)) == len(keys)
            assert await one.editor.value("SELECT COUNT(*) FROM revision") > KILLS
