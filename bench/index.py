"""What a statement of the index costs on each database, and how that grows with the index, in one run.

    .venv/bin/python bench/index.py [--sizes 10000,100000,1000000] [--operations 200] [--rounds 5] [--at-once 16]
        [--json]

- Sides: SQLite; MariaDB; Vitess with one shard and with two. The MariaDB is the one behind the two-shard Vitess (asked
  directly, by its socket), so that the difference is what Vitess adds. scripts/vitess.sh starts and stops them.
- Each index is filled (50 revisions to an entity, straight into the tables, each row on its shard), then asked at
  random entities, one question after another, the sides taking turns in rounds: 10th percentile and median of all
  rounds. "a second" is what so many clients get at once, in the best round. Then it is filled up to the next size.
- Reads are those of the store (`RevisionIndex`); "write" is the transaction of an edit (epoch, head, revision, outbox,
  key), "lookups" what is written after it, "sweep" a page of 100 heads from every shard.
- Database, gateway and client share the machine's cores, with whatever else it does: that only makes a question slower,
  so that sizes are compared by the 10th percentile.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import asyncmy  # noqa: E402 - the checkout first
import uvloop  # noqa: E402
from suites.entries import entry_at  # noqa: E402

from backends.errors import ConflictError  # noqa: E402
from backends.ledger.authority import Authority  # noqa: E402
from backends.ledger.keys import WriteKey  # noqa: E402
from backends.ledger.revision_rows import HeadChange, entry_params  # noqa: E402
from backends.ledger.revisions import Conditions, RevisionIndex  # noqa: E402
from backends.sql.base import Database  # noqa: E402
from backends.sql.mysql import MysqlAddress, MysqlDatabase  # noqa: E402
from backends.sql.sqlite import SqliteDatabase  # noqa: E402
from backends.sql.vitess import VitessDatabase  # noqa: E402
from backends.sql.vschema import keyspace_id, shard_of  # noqa: E402
from wikibase.ids import EntityId  # noqa: E402

OF_ENTITY = 50
BATCH = 5000
MANY = 50
"""Entities in the question for many heads at once."""

Rows = Sequence[Mapping[str, Any]]
Load = Callable[[str, Rows], Awaitable[None]]
"""Puts rows straight into a table."""


@dataclass
class Side:
    """An index on one kind of database."""

    name: str
    database: Database
    load: Load
    index: RevisionIndex = field(init=False)
    epoch: int = 0

    def __post_init__(self) -> None:
        self.index = RevisionIndex(self.database)


@dataclass(frozen=True)
class Cost:
    """Of one operation: 10th percentile and median in µs, alone; and how many a second many clients get."""

    quick_us: float
    median_us: float
    rate: float


@contextmanager
def vitess(name: str, shards: str, port: int) -> Iterator[Mapping[str, str]]:
    """Run one with so many shards; yield what its script exports."""
    env = {
        **os.environ,
        "CUTOVER_VITESS_NAME": name,
        "CUTOVER_VITESS_SHARDS": shards,
        "CUTOVER_VITESS_PORT": str(port),
        "CUTOVER_VITESS_WEB_PORT": str(port + 1),
    }
    script = str(ROOT / "scripts" / "vitess.sh")
    subprocess.run([script, "up"], env=env, check=True, stdout=sys.stderr)
    try:
        told = subprocess.run([script, "env"], env=env, check=True, capture_output=True, text=True).stdout
        yield dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", told, re.MULTILINE))
    finally:
        subprocess.run([script, "down"], env=env, check=True)


async def insert(socket: str, database: str, table: str, rows: Rows) -> None:
    """Rows into one database behind everybody's back."""
    if not rows:
        return
    names = list(rows[0])
    text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    connection = await asyncmy.connect(unix_socket=socket, user="root", database=database, autocommit=True)
    async with connection.cursor() as cursor:
        await cursor.executemany(text, [list(row.values()) for row in rows])
    await connection.ensure_closed()


async def sqlite_side(folder: Path, stack: AsyncExitStack) -> Side:
    path = folder / "index.sqlite"
    database = await SqliteDatabase.open(path, "index")
    stack.push_async_callback(database.close)
    await database.migrate()

    def put(table: str, rows: Rows) -> None:
        names = list(rows[0])
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['?'] * len(names))})"
            connection.executemany(text, [tuple(row.values()) for row in rows])

    return Side("sqlite", database, lambda table, rows: asyncio.to_thread(put, table, rows))


async def mariadb_side(socket: str, stack: AsyncExitStack, limit: int) -> Side:
    connection = await asyncmy.connect(unix_socket=socket, user="root", database="mysql", autocommit=True)
    async with connection.cursor() as cursor:
        await cursor.execute("DROP DATABASE IF EXISTS bench_index")
        await cursor.execute("CREATE DATABASE bench_index")
    await connection.ensure_closed()
    address = MysqlAddress(socket=socket, user="root", database="bench_index")
    database = await MysqlDatabase.open(address, "index", pool_max=limit)
    stack.push_async_callback(database.close)
    await database.migrate()
    return Side("mariadb", database, lambda table, rows: insert(socket, "bench_index", table, rows))


async def vitess_side(name: str, known: Mapping[str, str], stack: AsyncExitStack, limit: int) -> Side:
    address = MysqlAddress(
        host=known["CUTOVER_VITESS_HOST"],
        port=int(known["CUTOVER_VITESS_PORT"]),
        user=known["CUTOVER_VITESS_USER"],
        database=known["CUTOVER_VITESS_KEYSPACES"],
    )
    database = await VitessDatabase.open(address, "index", pool_max=limit)
    stack.push_async_callback(database.close)
    await database.migrate()
    shards, socket = await database.shards(), known["CUTOVER_VITESS_SOCKET"]
    connection = await asyncmy.connect(unix_socket=socket, user="root", database="mysql", autocommit=True)
    async with connection.cursor() as cursor:
        await cursor.execute(
            "SELECT CONCAT('`', table_schema, '`.', table_name) FROM information_schema.tables"
            " WHERE table_schema LIKE 'vt\\_%' AND table_name <> 'schema_steps'"
        )
        for (table,) in await cursor.fetchall():
            await cursor.execute(f"TRUNCATE TABLE {table}")
    await connection.ensure_closed()

    async def load(table: str, rows: Rows) -> None:
        key = "rev_id" if table == "revision_entities" else "entity_id"
        parts: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            parts.setdefault(shard_of(keyspace_id("binary_md5", row[key]), shards), []).append(row)
        for shard, some in parts.items():
            await insert(socket, f"vt_{database.keyspaces.revisions}_{shard}", table, some)

    return Side(name, database, load)


async def fill(side: Side, first: int, count: int) -> None:
    """Revisions with these numbers, their heads and lookups."""
    numbers = iter(range(first, count))
    while batch := list(itertools.islice(numbers, BATCH)):
        entries, heads, lookups = [], [], []
        for number in batch:
            entity_id, place = f"Q{number // OF_ENTITY + 1}", number % OF_ENTITY
            entry = entry_params(entry_at(number + 1, place, entity_id))
            entries.append(entry)
            lookups.append({"rev_id": number + 1, "entity_id": entity_id})
            if place == OF_ENTITY - 1:
                same = {"position": place, "made_at": entry["made_at"], "state": "visible", "redirect_target": None}
                heads.append({"entity_id": entity_id, "generation": 1, "rev_id": number + 1, **same, "page_id": number})
        for table, rows in (("revisions", entries), ("heads", heads), ("revision_entities", lookups)):
            await side.load(table, rows)


class Asking:
    """The operations that are timed, each at a random entity of an index of that many revisions."""

    def __init__(self, size: int, seed: int) -> None:
        self._entities = size // OF_ENTITY
        self._dice = random.Random(seed)
        self._fresh = itertools.count(10**9 + seed * 10**7)

    def entity(self) -> EntityId:
        return EntityId(f"Q{self._dice.randrange(self._entities) + 1}")

    async def head(self, side: Side) -> float:
        entity_id = self.entity()
        return await timed(side.index.head(entity_id))

    async def head_row(self, side: Side) -> float:
        return await timed(side.index.head_entries_of([self.entity()]))

    async def many_heads(self, side: Side) -> float:
        return await timed(side.index.heads_of([self.entity() for _ in range(MANY)]))

    async def revision(self, side: Side) -> float:
        entity_id = self.entity()
        return await timed(side.index.entry(entity_id, (int(entity_id[1:]) - 1) * OF_ENTITY + 1))

    async def history(self, side: Side) -> float:
        return await timed(side.index.history(self.entity(), size=OF_ENTITY))

    async def history_back(self, side: Side) -> float:
        return await timed(side.index.history_back(self.entity(), size=OF_ENTITY))

    async def entity_of(self, side: Side) -> float:
        return await timed(side.index.entity_of(self._dice.randrange(self._entities * OF_ENTITY) + 1))

    async def write(self, side: Side) -> float:
        # Entities far apart: what is timed is a write, not a race.
        entity_id = self.entity()
        head = await side.index.head(entity_id)
        assert head is not None
        number = next(self._fresh)
        entry = entry_at(number, head.position + 1, entity_id)
        key = WriteKey(f"bench.{number}", f"{number:064x}")
        conditions = Conditions(epoch=side.epoch, key=key, now_ms=number)
        change = HeadChange(rev_id=number, page_id=head.page_id, expected=head.generation)
        return await timed(side.index.append(entry, change, seen=head, conditions=conditions))

    async def lookups(self, side: Side) -> float:
        number = next(self._fresh)
        entity_id = self.entity()
        return await timed(side.index.note(entity_id, [entry_at(number, 1, entity_id)], None))

    async def sweep(self, side: Side) -> float:
        return await timed(side.index.heads(after=self.entity(), size=100))


async def timed(work: Awaitable[Any]) -> float:
    """Seconds."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


OPERATIONS: Mapping[str, Callable[[Asking, Side], Awaitable[float]]] = {
    "head": Asking.head,
    "head with its row": Asking.head_row,
    f"{MANY} heads": Asking.many_heads,
    "revision": Asking.revision,
    f"history of {OF_ENTITY}": Asking.history,
    f"history of {OF_ENTITY}, back": Asking.history_back,
    "entity of a revision": Asking.entity_of,
    "write": Asking.write,
    "lookups": Asking.lookups,
    "sweep": Asking.sweep,
}


async def costs(sides: Sequence[Side], size: int, options: argparse.Namespace) -> dict[str, dict[str, Cost]]:
    """Operation: side: what it costs."""
    found: dict[str, dict[str, Cost]] = {}
    for name, operation in OPERATIONS.items():
        alone: dict[str, list[float]] = {side.name: [] for side in sides}
        rates: dict[str, list[float]] = {side.name: [] for side in sides}
        for number, side in itertools.product(range(options.rounds), sides):
            # Each side is asked the same.
            asking = Asking(size, size + 2 * number)
            alone[side.name] += [await operation(asking, side) for _ in range(options.operations)]
            asking = Asking(size, size + 2 * number + 1)
            began = time.perf_counter()
            await together(partial(operation, asking, side), options.operations, options.at_once)
            rates[side.name].append(options.operations / (time.perf_counter() - began))
        found[name] = {
            side.name: Cost(
                statistics.quantiles(alone[side.name], n=10)[0] * 1e6,
                statistics.median(alone[side.name]) * 1e6,
                max(rates[side.name]),
            )
            for side in sides
        }
    return found


async def together(operation: Callable[[], Awaitable[float]], count: int, limit: int) -> None:
    """So many operations by so many clients. A write that lost to another of the same entity is not repeated."""
    left = iter(range(count))

    async def client() -> None:
        for _ in left:
            try:
                await operation()
            except ConflictError:
                continue

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(client())


async def measured(options: argparse.Namespace, known: Mapping[str, Mapping[str, str]], folder: Path) -> Any:
    """Size: operation: side: what it costs."""
    found: dict[int, dict[str, dict[str, Cost]]] = {}
    async with AsyncExitStack() as stack:
        limit = options.at_once
        sides = [
            await sqlite_side(folder, stack),
            await mariadb_side(known["two"]["CUTOVER_VITESS_SOCKET"], stack, limit),
            await vitess_side("vitess 1", known["one"], stack, limit),
            await vitess_side("vitess 2", known["two"], stack, limit),
        ]
        filled = 0
        for side in sides:
            side.epoch = await Authority(side.database).claim(0)
        for size in options.sizes:
            for side in sides:
                began = time.perf_counter()
                await fill(side, filled, size)
                print(f"{side.name}: {size} revisions, {time.perf_counter() - began:.0f} s", file=sys.stderr)
            filled = size
            found[size] = await costs(sides, size, options)
    return found


def say(found: Mapping[int, Mapping[str, Mapping[str, Cost]]]) -> None:
    names = list(next(iter(next(iter(found.values())).values())))
    for size, operations in found.items():
        print(f"\n{size:,} revisions: 10th percentile / median in µs alone; a second, many at once")
        print(f"  {'':24}" + "".join(f"{name:>26}" for name in names))
        for operation, of in operations.items():
            cells = [f"{of[name].quick_us:,.0f} / {of[name].median_us:,.0f}; {of[name].rate:,.0f}" for name in names]
            print(f"  {operation:24}" + "".join(f"{cell:>26}" for cell in cells))
    small, large = min(found), max(found)
    if small != large:
        print(f"\n10th percentile at {large:,} revisions, of that at {small:,}")
        for operation in OPERATIONS:
            grown = [found[large][operation][name].quick_us / found[small][operation][name].quick_us for name in names]
            print(f"  {operation:24}" + "".join(f"{ratio:26.2f}" for ratio in grown))


def main() -> int:
    parser = argparse.ArgumentParser(description="The index on each kind of database.")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.sizes = sorted(int(size) for size in options.sizes.split(","))
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        known = {
            "one": stack.enter_context(vitess("bench-1", "-", 15316)),
            "two": stack.enter_context(vitess("bench-2", "-80 80-", 15326)),
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-index-")))
        found = runner.run(measured(options, known, folder))
    if options.json:
        plain = {
            size: {
                operation: {
                    name: {"quick_us": cost.quick_us, "median_us": cost.median_us, "rate": cost.rate}
                    for name, cost in of.items()
                }
                for operation, of in operations.items()
            }
            for size, operations in found.items()
        }
        print(json.dumps(plain))
    else:
        say(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
