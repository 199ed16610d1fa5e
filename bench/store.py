"""What the store costs beside its raw parts, in one run: puts, reads, CPU for each, on every pair of backends.

    .venv/bin/python bench/store.py [--rounds 3] [--writes 600] [--reads 2000] [--at-once 16] [--body-bytes 20480]
        [--memory-operations 0] [--json]

- Raw parts: the same bodies as new files, each synced with its directory, in as many threads as the store has, or as
  new objects in radosgw by obstore in a bare loop with as many requests at once; one row of the same size committed
  at a time, by sqlite3 in a plain loop or by asyncmy on as many connections as the store has. A put of the store is a
  snapshot, a transaction (row, head, outbox) and its lookups.
- "edits" puts a second revision of entities that are there, "creations" the first of new ones (with files: a new
  directory each). They go to different entities, so many at once. The sides take turns in slices of 64 operations.
  Shown is the median of the rounds. Ratios mean more than figures: the machine is shared.
- Reads: "uncached" asks for the row, reads and checks the snapshot. "cached content" is what a row in hand costs;
  "cached, head asked" asks the database which revision is the head, as after any commit; "cached read" is the same
  again while nobody commits (SQLite proves that cheaply; a server is asked each time); "hot" is 64 readers of one
  entity at once.
- `--memory-operations N` instead writes and reads N times and prints the memory along the way.
- MariaDB and radosgw take part when `make services` has started them.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import asyncmy  # noqa: E402 - the checkout first
import obstore  # noqa: E402
import uvloop  # noqa: E402
from fakes.services import services_env  # noqa: E402
from suites.pairs import Side, made_pair, opened_pair  # noqa: E402

from backends.reads import CachedReads  # noqa: E402
from backends.snapshots.envelope import encode  # noqa: E402
from backends.snapshots.s3_place import Credentials, S3Place, data_client  # noqa: E402
from backends.store import Store  # noqa: E402
from wikibase.ids import EntityId  # noqa: E402
from wikibase.revision import Revision, State  # noqa: E402

THREADS = 8
HOT_READERS = 64
CACHE_BYTES = 256 << 20
SLICE = 64
ROW = "x" * 250

Slice = Callable[[range], Awaitable[Any]]
"""Does one side's operations with these numbers."""


@dataclass(frozen=True)
class Cost:
    """Operations a second, CPU of this process for each in µs."""

    rate: float
    cpu_us: float


def revision(number: int, place: int, parent: int | None, body_bytes: int) -> Revision:
    """A revision whose JSON has about that size and packs as entities do: words again and again, numbers never."""
    text = hashlib.sha256(f"{number}/{place}".encode()).hexdigest()
    size = max(1, body_bytes // 160)
    labels = {
        f"l{row}": {"language": f"l{row}", "value": f"the label of an entity that many know {text[row % 60 :]} {row}"}
        for row in range(size)
    }
    return Revision(
        entity_id=EntityId(f"Q{number}"),
        rev_id=number * 1000 + place + 1,
        parent_id=parent or 0,
        position=place,
        timestamp="2026-11-22T15:24:12Z",
        state=State.VISIBLE,
        content={"type": "item", "id": f"Q{number}", "labels": labels},
        page_id=number,
        user="Alice",
        comment="/* wbsetlabel-set:1|en */",
    )


async def timed(count: int, work: Awaitable[Any]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    await work
    return Cost(count / (time.perf_counter() - began), (time.process_time() - cpu) / count * 1e6)


async def at_once(count: range | int, limit: int, one: Callable[[int], Awaitable[Any]]) -> None:
    numbers = iter(range(count) if isinstance(count, int) else count)

    async def worker() -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(worker())


def new_file(folder: Path, name: str, body: bytes) -> None:
    descriptor = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.write(descriptor, body)
    os.fsync(descriptor)
    os.close(descriptor)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)


def raw_files(folder: Path, bodies: list[bytes], pool: ThreadPoolExecutor) -> Slice:
    """New files, synced."""
    folder.mkdir()

    def run(numbers: range) -> None:
        list(pool.map(lambda number: new_file(folder, str(number), bodies[number]), numbers))

    return lambda numbers: asyncio.to_thread(run, numbers)


def raw_objects(side: Side, bodies: list[bytes], limit: int) -> Slice:
    """New objects, created only."""
    place = S3Place(**side["place"])
    client = data_client(place, Credentials(), requests_max=limit, timeout_s=30, connect_timeout_s=5)

    async def one(number: int) -> None:
        key = f"{place.prefix}raw/{number}"
        await obstore.put_async(client, key, bodies[number], mode="create", use_multipart=False)

    return lambda numbers: at_once(numbers, limit, one)


def raw_sqlite(folder: Path, stack: AsyncExitStack) -> Slice:
    """Rows, committed one at a time."""
    connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None, check_same_thread=False)
    stack.callback(connection.close)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw (id TEXT PRIMARY KEY, body TEXT)")

    def run(numbers: range) -> None:
        for number in numbers:
            connection.execute("INSERT INTO raw VALUES (?, ?)", (f"Q{number}", ROW))

    return lambda numbers: asyncio.to_thread(run, numbers)


async def raw_mariadb(side: Side, stack: AsyncExitStack, limit: int) -> Slice:
    """Rows, committed one at a time, on so many connections."""
    address = {name: side["address"][name] for name in ("user", "password", "database")}
    socket = side["address"]["socket"]
    pool = await asyncmy.create_pool(minsize=limit, maxsize=limit, unix_socket=socket, autocommit=True, **address)
    stack.push_async_callback(pool.wait_closed)
    stack.callback(pool.close)
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("CREATE TABLE raw (id VARCHAR(32) PRIMARY KEY, body TEXT)")

    async def one(number: int) -> None:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("INSERT INTO raw VALUES (%s, %s)", (f"Q{number}", ROW))

    return lambda numbers: at_once(numbers, limit, one)


def puts(store: Store, revisions: list[Revision], limit: int) -> Slice:
    """Writes of the store."""

    async def one(number: int) -> None:
        await store.write(revisions[number], revisions[number].parent_id or None)

    return lambda numbers: at_once(numbers, limit, one)


async def interleaved(sides: dict[str, Slice], count: int) -> dict[str, Cost]:
    """Let the sides take turns, a slice each: whatever else the disk does meanwhile, it does to all of them."""
    spent = {name: [0.0, 0.0] for name in sides}
    for first in range(0, count, SLICE):
        for name, run in sides.items():
            began, cpu = time.perf_counter(), time.process_time()
            await run(range(first, min(first + SLICE, count)))
            spent[name][0] += time.perf_counter() - began
            spent[name][1] += time.process_time() - cpu
    return {name: Cost(count / wall, cpu / count * 1e6) for name, (wall, cpu) in spent.items()}


async def reading(store: Store, ids: list[EntityId], count: int, limit: int) -> dict[str, Cost]:
    entries = await store.index.head_entries_of(ids[:1000])
    rows = list(entries.values())
    reads = CachedReads(store, cache_bytes=CACHE_BYTES, absent_s=0)
    found: dict[str, Cost] = {}

    async def uncached(number: int) -> None:
        assert await store.revision(rows[number % len(rows)].entity_id, rows[number % len(rows)].rev_id)

    found["uncached read"] = await timed(count, at_once(count, limit, uncached))
    for row in rows:
        await reads.load(row)
    found["uncached content"] = await timed(count, at_once(count, limit, lambda at: store.load(rows[at % len(rows)])))
    more = count * 20
    found["cached content"] = await timed(more, at_once(more, limit, lambda at: reads.load(rows[at % len(rows)])))

    async def cached(number: int) -> None:
        await reads.head_revision(rows[number % len(rows)].entity_id)

    found["cached, head asked"] = await timed(len(rows), at_once(len(rows), limit, cached))
    found["cached read"] = await timed(more, at_once(more, limit, cached))
    more = count * 5
    found["hot"] = await timed(more, at_once(more, HOT_READERS, lambda _: reads.head_revision(rows[0].entity_id)))
    return found


async def round_of(names: tuple[str, str], folder: Path, options: argparse.Namespace, base: int) -> dict[str, Cost]:
    """Measure every side once, in an empty pair."""
    revisions = [revision(base + number, 0, None, options.body_bytes) for number in range(options.writes)]
    bodies = [encode(one).body for one in revisions]
    edits = [revision(base + number, 1, one.rev_id, options.body_bytes) for number, one in enumerate(revisions)]
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(made_pair(names, folder))
        # What the raw parts have, the store has too: threads, requests and connections.
        snapshots = {**pair.snapshots, "threads": THREADS, "requests_max": options.at_once}
        pair = replace(pair, snapshots=snapshots, index={**pair.index, "pool_max": options.at_once})
        store = await stack.enter_async_context(opened_pair(pair, snapshots_at_once=options.at_once))
        pool = stack.enter_context(ThreadPoolExecutor(THREADS))
        if names[1] == "sqlite":
            raw_index = raw_sqlite(folder, stack)
        else:
            raw_index = await raw_mariadb(pair.index, stack, options.at_once)
        if names[0] == "files":
            raw_snapshots = raw_files(folder / "raw", bodies, pool)
        else:
            raw_snapshots = raw_objects(pair.snapshots, bodies, options.at_once)
        sides = {
            "raw snapshots": raw_snapshots,
            "raw index": raw_index,
            "creations": puts(store, revisions, options.at_once),
            "edits": puts(store, edits, options.at_once),
        }
        found = await interleaved(sides, options.writes)
        found |= await reading(store, [one.entity_id for one in revisions], options.reads, options.at_once)
    return found


def median(rounds: list[dict[str, Cost]]) -> dict[str, Cost]:
    return {
        name: Cost(
            statistics.median(one[name].rate for one in rounds), statistics.median(one[name].cpu_us for one in rounds)
        )
        for name in rounds[0]
    }


def ratios(found: dict[str, Cost]) -> dict[str, float]:
    slower = min(found["raw snapshots"].rate, found["raw index"].rate)
    return {
        "edits, of the slower raw part": found["edits"].rate / slower,
        "creations, of the slower raw part": found["creations"].rate / slower,
        "cached content, of uncached": found["cached content"].rate / found["uncached content"].rate,
        "cached, head asked, of uncached": found["cached, head asked"].rate / found["uncached read"].rate,
        "cached read, of uncached": found["cached read"].rate / found["uncached read"].rate,
        "hot read, of uncached": found["hot"].rate / found["uncached read"].rate,
    }


def pairs() -> list[tuple[str, str]]:
    known = [("files", "sqlite")]
    if "CUTOVER_MARIADB_SOCKET" in services_env():
        known.append(("files", "mariadb"))
        if "CUTOVER_S3_ENDPOINT" in services_env():
            known += [("radosgw", "sqlite"), ("radosgw", "mariadb")]
    return known


async def measured(options: argparse.Namespace) -> dict[str, dict[str, Cost]]:
    rounds: dict[str, list[dict[str, Cost]]] = {}
    for number in range(options.rounds):
        for names in [names for names in pairs() if not options.pair or "+".join(names) in options.pair]:
            with tempfile.TemporaryDirectory(prefix="bench-store-", dir=options.folder) as folder:
                found = await round_of(names, Path(folder), options, 1 + number * options.writes)
                rounds.setdefault("+".join(names), []).append(found)
    return {pair: median(some) for pair, some in rounds.items()}


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def steps(total: int) -> Iterator[int]:
    yield from range(0, total, max(1, total // 10))


async def memory(options: argparse.Namespace) -> list[dict[str, float]]:
    """Write and read so many times (one write in ten); return the memory along the way.

    What grows at first, and has an end: the content cache (16 MB here), and each SQLite connection's page cache.
    """
    found = []
    names = tuple(options.pair[0].split("+")) if options.pair else ("files", "sqlite")
    marks = set(steps(options.memory_operations))
    with tempfile.TemporaryDirectory(prefix="bench-store-", dir=options.folder) as folder:
        async with made_pair((names[0], names[1]), Path(folder)) as pair, opened_pair(pair) as store:
            reads = CachedReads(store, cache_bytes=16 << 20, absent_s=1.0)
            heads: dict[int, int] = {}
            for operation in range(options.memory_operations):
                number = operation // 10 % 200 + 1
                if operation % 10 == 0:
                    parent = heads.get(number)
                    place = 0 if parent is None else parent % 1000
                    made = revision(number, place, parent, 2000)
                    made = replace(made, rev_id=(parent or number * 1_000_000) + 1, position=(parent or 0) + 1)
                    await store.write(made, parent)
                    heads[number] = made.rev_id
                else:
                    assert await reads.head_revision(EntityId(f"Q{number}"))
                if operation in marks:
                    found.append({"operations": operation, "resident_mb": round(resident_mb(), 1)})
                    print(found[-1], file=sys.stderr, flush=True)
            found.append({"operations": options.memory_operations, "resident_mb": round(resident_mb(), 1)})
    return found


def say(found: dict[str, dict[str, Cost]]) -> None:
    for pair, costs in found.items():
        print(f"\n{pair}")
        print(f"  {'':24}{'per second':>12}{'CPU us':>10}")
        for name, cost in costs.items():
            print(f"  {name:24}{cost.rate:12,.0f}{cost.cpu_us:10,.0f}")
        for name, ratio in ratios(costs).items():
            print(f"  {name:36}{ratio:8.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description="The store beside its raw parts.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--writes", type=int, default=600)
    parser.add_argument("--reads", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--body-bytes", type=int, default=20480)
    parser.add_argument("--memory-operations", type=int, default=0)
    parser.add_argument("--pair", action="append", help="only this one, as files+sqlite; may be repeated")
    parser.add_argument("--folder", help="where the files are written (a real disk)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.memory_operations:
            print(json.dumps(runner.run(memory(options)), indent=1))
            return 0
        found = runner.run(measured(options))
    if options.json:
        plain = {
            pair: {name: vars(cost) for name, cost in costs.items()} | {"ratios": ratios(costs)}
            for pair, costs in found.items()
        }
        print(json.dumps(plain, indent=1))
    else:
        say(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
