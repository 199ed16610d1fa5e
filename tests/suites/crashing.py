"""A program that writes and is killed, again and again: `python -m suites.crashing PLAN` (a JSON file).

It forks a process for each life. A life opens the pair of backends, looks whether everything that was ever
acknowledged is there and nothing is half there, repeats what was under way when the life before ended, and writes,
purges and keeps the journal on until it is killed with SIGKILL: every other time from outside at a random moment, else
at a named point of the write protocol, of a purge or of the journal. What is tried and what is acknowledged stands in a
file, written before and after, which no SIGKILL can take back.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from suites.pairs import Pair, opened_erasing, opened_pair
from suites.stored import edit, history, request

from backends.journal import Journal
from backends.ledger.ids import Ids
from backends.ledger.revisions import Entry
from backends.redaction import PURGE_STEPS, content_keys, purge
from backends.snapshots.base import Snapshots
from backends.snapshots.erasing import Erasing
from backends.store import CRASH_POINTS, Store
from wikibase.ids import EntityId
from wikibase.revision import Revision

EDITED = [EntityId(f"Q{number}") for number in (1, 2, 3)]
TOLD = EntityId("Q9")
LIFE_S = 120
LOADED_MAX = 20
JOURNAL_STEPS = ("before_segment", "after_segment")
POINTS = (*CRASH_POINTS, *PURGE_STEPS, *JOURNAL_STEPS)
"""Every named point at which a life may end."""


class Log:
    """What was tried and what was acknowledged."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.lines = [json.loads(line) for line in path.read_text().splitlines()]

    def add(self, **line: object) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        self.lines.append(line)

    def acknowledged(self) -> dict[str, int]:
        return {line["key"]: line["rev_id"] for line in self.lines if line["what"] == "done"}

    def under_way(self) -> list[str]:
        done = self.acknowledged()
        return [line["key"] for line in self.lines if line["what"] == "tried" and line["key"] not in done]

    def purges(self, what: str) -> set[tuple[str, int]]:
        return {(line["entity_id"], line["rev_id"]) for line in self.lines if line["what"] == what}

    def told(self) -> int:
        return max((line["size"] for line in self.lines if line["what"] == "told"), default=0)


class JournalPlace:
    """The snapshots as the journal sees them, with a crash point before and after each segment."""

    def __init__(self, inner: Snapshots, crash_point: Callable[[str], None]) -> None:
        self._inner, self._crash_point = inner, crash_point
        self.read, self.keys, self.close = inner.read, inner.keys, inner.close

    async def create(self, key: str, body: bytes) -> bool:
        self._crash_point(JOURNAL_STEPS[0])
        created = await self._inner.create(key, body)
        self._crash_point(JOURNAL_STEPS[1])
        return created


def of(entity_id: EntityId, made: Revision) -> Revision:
    return type(made)(**{name: getattr(made, name) for name in made.__slots__} | {"entity_id": entity_id})


async def look(store: Store, log: Log) -> None:
    """Nothing acknowledged is missing, nothing is half there."""
    done = log.acknowledged()
    for entity_id in (*EDITED, TOLD):
        entries: list[Entry] = []
        after = (-1, -1)
        while page := await store.index.history(entity_id, after=after):
            entries += page
            after = (page[-1].position, page[-1].rev_id)
        head = await store.head(entity_id)
        assert (head.rev_id if head else None) == (entries[-1].rev_id if entries else None), entity_id
        for entry in entries[-LOADED_MAX:]:
            assert (await store.load(entry)).rev_id == entry.rev_id
        if entity_id == TOLD:
            assert len(entries) >= log.told()
            assert [entry.rev_id for entry in entries] == list(range(len(entries), 0, -1))
        else:
            assert [entry.parent_id for entry in entries] == [0, *(entry.rev_id for entry in entries)][:-1]
            wanted = {rev_id for key, rev_id in done.items() if key.startswith(entity_id + ".")}
            assert wanted <= {entry.rev_id for entry in entries}, entity_id
    for entity_id, rev_id in sorted(log.purges("purged"))[-LOADED_MAX:]:
        assert await content_keys(store.snapshots, EntityId(entity_id), rev_id) == {}
        kept = await store.revision(EntityId(entity_id), rev_id)
        assert kept is not None
        assert kept.content is None


async def write(store: Store, ids: Ids, log: Log, key: str) -> None:
    """Write one edit under a key, or find out what came of it; then acknowledge it."""
    entity_id = EntityId(key.partition(".")[0])
    head = await store.head(entity_id)
    parent, place = (head.rev_id, head.position + 1) if head else (None, 0)
    rev_id = await ids.take(above=parent or 0)
    written = await store.write(of(entity_id, edit(rev_id, place, parent)), parent, key=request(key))
    assert written.head is not None
    log.add(what="done", key=key, rev_id=written.head.rev_id)


async def tell(store: Store, log: Log, size: int) -> None:
    """Tell a history that grows at its beginning, and acknowledge it."""
    await store.put_history(TOLD, [of(TOLD, one) for one in history(*range(size, 0, -1))], 1, page_id=9)
    log.add(what="told", size=size)


async def destroy(store: Store, erasing: Erasing, log: Log, entity_id: str, rev_id: int) -> None:
    """Purge a revision, and acknowledge it."""
    order = {"reason": "court", "ordered_by": "legal", "ordered_at": "2026-11-22T15:24:12Z"}
    await purge(store, erasing, EntityId(entity_id), rev_id, **order)
    log.add(what="purged", entity_id=entity_id, rev_id=rev_id)


async def repeat(store: Store, ids: Ids, erasing: Erasing, log: Log) -> None:
    """Do again what was under way when the life before ended."""
    for entity_id, rev_id in sorted(log.purges("purging") - log.purges("purged")):
        await destroy(store, erasing, log, entity_id, rev_id)
    for key in log.under_way():
        await write(store, ids, log, key)
    if telling := max((line["size"] for line in log.lines if line["what"] == "telling"), default=0):
        await tell(store, log, telling)


async def life(pair: Pair, path: Path, dice: random.Random, point: str | None, ready: int) -> None:
    calls, at = 0, dice.randint(1, 6 if point in CRASH_POINTS else 2)

    def crash(here: str) -> None:
        nonlocal calls
        calls += here == point
        if here == point and calls == at:
            os.kill(os.getpid(), signal.SIGKILL)

    log = Log(path)
    purging, journaling = (0.6 if point in steps else 0.1 for steps in (PURGE_STEPS, JOURNAL_STEPS))
    async with opened_pair(pair, crash_point=crash) as store, opened_erasing(pair) as erasing:
        await look(store, log)
        ids = Ids(store.index._database, block=8)
        journal = Journal(JournalPlace(store.snapshots, crash), store.index)
        os.write(ready, b"r")
        await repeat(store, ids, erasing, log)
        size = log.told()
        while True:
            key = f"{dice.choice(EDITED)}.{os.getpid()}.{len(log.lines)}"
            log.add(what="tried", key=key)
            await write(store, ids, log, key)
            if dice.random() < 0.2:
                size = max(size % 60 + 1, log.told())
                log.add(what="telling", size=size)
                await tell(store, log, size)
            if dice.random() < purging:
                key, rev_id = dice.choice(sorted(log.acknowledged().items()))
                entity_id = key.partition(".")[0]
                log.add(what="purging", entity_id=entity_id, rev_id=rev_id)
                await destroy(store, erasing, log, entity_id, rev_id)
            if dice.random() < journaling:
                await journal.append([*EDITED, TOLD])


def one_life(pair: Pair, path: Path, seed: int, point: str | None) -> bool:
    """Live once; True when the end was a kill, not a fault."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            asyncio.run(life(pair, path, random.Random(seed), point, writing))
        except BaseException:  # noqa: BLE001 - whatever it was, it ends this process, not its parent's copy
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    signal.alarm(LIFE_S)
    if point is None and select.select([reading], [], [], LIFE_S)[0]:
        time.sleep(random.Random(seed).random() * 0.2)  # any moment will do
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    os.close(reading)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def main(plan_path: str) -> int:
    plan = json.loads(Path(plan_path).read_text())
    pair = Pair(**plan["pair"])
    for number in range(plan["kills"]):
        point = None if number % 2 else POINTS[number // 2 % len(POINTS)]
        if not one_life(pair, Path(plan["log"]), plan["seed"] * 1_000_003 + number, point):
            sys.stderr.write(f"life {number} (point {point}) ended by itself\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
