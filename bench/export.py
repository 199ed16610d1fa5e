"""What the export makes of the raw speed of its two ends, in one run: a wiki's MariaDB, and the store.

    .venv/bin/python bench/export.py [--rounds 3] [--pages 300] [--revisions 20] [--bytes 8000] [--huge 24] [--json]

- The wiki: a copy of the dataset's schema in the MariaDB of `make services`, filled with `--pages` items of
  `--revisions` revisions of about `--bytes` bytes of JSON each, compressed as MediaWiki does. Beside it the dataset
  itself ("dataset": long histories, revisions of up to 1.2 MB, every storage form).
- "read only": all rows fetched, all texts fetched and decoded, nothing made of them. "put only": the very snapshots
  that the export writes, put by a bare loop: new files, each synced with its directory, in as many threads as the
  store has; or new objects in radosgw by obstore with as many requests at once.
- "export": the exporter as `cutover export` runs it. The bar: at least half of the slower of the two raw ends.
- The sides take turns; shown is the median of the rounds. CPU is that of this process. Ratios mean more than figures.
- Memory: the peak of a process of its own that exports `--huge` revisions of 1 MB.
"""

import argparse
import asyncio
import hashlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "bench")]

import obstore  # noqa: E402 - the checkout first
import uvloop  # noqa: E402
from fakes.dump_truth import opened  # noqa: E402
from fakes.wiki_copies import WikiCopy, wiki_copy  # noqa: E402
from suites.pairs import made_pair, opened_pair  # noqa: E402

from backends.ledger.checkpoints import Checkpoints, utc_now  # noqa: E402
from backends.ledger.leases import Leases  # noqa: E402
from backends.ledger.unreadable import UnreadableRevisions  # noqa: E402
from backends.snapshots.s3_place import Credentials, S3Place, data_client  # noqa: E402
from backends.sql.sqlite import SqliteDatabase  # noqa: E402
from backends.store import Store  # noqa: E402
from export.database_source import DatabaseSource  # noqa: E402
from export.history import Exporter, Limits  # noqa: E402
from export.outcome import ExportResult  # noqa: E402

THREADS = 8
AT_ONCE = 16
PAIRS = (("files", "sqlite"), ("radosgw", "mariadb"))


COLUMNS = {
    "text": "text (old_id, old_text, old_flags)",
    "content": "content (content_id, content_size, content_sha1, content_model, content_address)",
    "slots": "slots (slot_revision_id, slot_role_id, slot_content_id, slot_origin)",
    "revision": "revision (rev_id, rev_page, rev_comment_id, rev_actor, rev_timestamp, rev_minor_edit, rev_deleted,"
    " rev_len, rev_parent_id, rev_sha1)",
    "temp": "revision_comment_temp (revcomment_rev, revcomment_comment_id)",
    "page": "page (page_id, page_namespace, page_title, page_is_redirect, page_is_new, page_random, page_touched,"
    " page_latest, page_len, page_content_model)",
}


@dataclass(frozen=True)
class Speed:
    """Revisions and bytes of JSON a second, CPU of this process for each revision."""

    revisions_s: float
    mb_s: float
    cpu_ms: float


def filled(pages: int, revisions: int, size: int) -> WikiCopy:
    """Return a copy with so many items; made once for the same numbers."""
    return wiki_copy(f"wikidb_bench_{pages}_{revisions}_{size}", "\n".join(statements(pages, revisions, size)))


def statements(pages: int, revisions: int, size: int) -> list[str]:
    """Return what empties a copy and fills it."""
    tables = ("page", "revision", "archive", "slots", "content", "text", "revision_comment_temp", "recentchanges")
    made = [f"TRUNCATE {table};" for table in (*tables, "change_tag")]
    made.append("SET @item = (SELECT model_id FROM content_models WHERE model_name = 'wikibase-item');")
    made.append("SET @actor = (SELECT MIN(actor_id) FROM actor), @said = (SELECT MIN(comment_id) FROM comment);")
    for page in range(1, pages + 1):
        rows: dict[str, list[str]] = {name: [] for name in ("text", "content", "slots", "revision", "temp")}
        for place in range(revisions):
            rev_id = (page - 1) * revisions + place + 1
            text = item(page, place, size)
            packed = zlib.compress(text, 6)[2:-4].hex()  # raw deflate, as PHP's gzdeflate writes it
            sha1 = base36(text)
            stamp = f"20260101{place // 3600:02}{place // 60 % 60:02}{place % 60:02}"
            rows["text"].append(f"({rev_id}, X'{packed}', 'utf-8,gzip')")
            rows["content"].append(f"({rev_id}, {len(text)}, '{sha1}', @item, 'tt:{rev_id}')")
            rows["slots"].append(f"({rev_id}, 1, {rev_id}, {rev_id})")
            rows["revision"].append(
                f"({rev_id}, {page}, 0, @actor, '{stamp}', 0, 0, {len(text)}, {rev_id - 1 if place else 0}, '{sha1}')"
            )
            rows["temp"].append(f"({rev_id}, @said)")
        stamp = "20260101000000"
        rows["page"] = [f"({page}, 120, 'Q{page}', 0, 0, 0.5, '{stamp}', {page * revisions}, 1, 'wikibase-item')"]
        made += [f"INSERT INTO {COLUMNS[name]} VALUES {', '.join(values)};" for name, values in rows.items()]
    return made


def item(page: int, place: int, size: int) -> bytes:
    """Return the stored text of an item as editors leave it: statements with references, more at every edit."""
    claims: dict[str, list[object]] = {}
    number = 0
    while True:
        number += 1
        name = f"P{number % 40 + 1}"
        value = {
            "entity-type": "item",
            "numeric-id": page * 7919 % 99991 + number,
            "id": f"Q{page * 7919 % 99991 + number}",
        }
        snak = {
            "snaktype": "value",
            "property": name,
            "hash": f"{page * 31 + number:040x}",
            "datavalue": {"value": value, "type": "wikibase-entityid"},
        }
        reference = {
            "hash": f"{number * 17:040x}",
            "snaks": {"P50": [{**snak, "property": "P50"}]},
            "snaks-order": ["P50"],
        }
        guid = f"Q{page}$00000000-0000-4000-8000-{number:012x}"
        claims.setdefault(name, []).append(
            {"mainsnak": snak, "type": "statement", "id": guid, "rank": "normal", "references": [reference]}
        )
        if number * 800 >= size * (0.6 + 0.4 * (place + 1) / 20):
            break
    labels = {code: {"language": code, "value": f"item {page} edit {place}"} for code in ("en", "de", "fr", "ja")}
    entity = {"type": "item", "id": f"Q{page}", "labels": labels, "descriptions": [], "aliases": [], "claims": claims}
    return json.dumps({**entity, "sitelinks": []}, separators=(",", ":")).encode()


def base36(text: bytes) -> str:
    """Return the SHA-1 as the wiki stores it."""
    value = int(hashlib.sha1(text, usedforsecurity=False).hexdigest(), 16)
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")


async def read_only(source: DatabaseSource) -> tuple[int, int]:
    """Fetch and decode everything; return how many revisions and bytes."""
    revisions = size = 0
    for span in await source.spans(10_000):
        after: str | None = None
        while True:
            batch = await source.batch(span, after=after, size=50)
            for _, telling in batch.entities:
                assert telling is not None
                async for told in telling.batches():
                    for start in range(0, len(told), 50):
                        texts = await source.texts(told[start : start + 50])
                        revisions += len(texts)
                        size += sum(len(text.body or b"") for text in texts.values())
            after = batch.after
            if after is None:
                break
    return revisions, size


@asynccontextmanager
async def exporter_into(store: Store, source: DatabaseSource, folder: Path) -> AsyncIterator[Exporter]:
    """Make an exporter with a ledger of its own."""
    ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
    try:
        await ledger.migrate()
        leases = Leases(ledger, owner="bench")
        yield Exporter(
            source,
            store,
            Checkpoints(ledger),
            leases,
            UnreadableRevisions(ledger),
            limits=Limits(entities_at_once=16, batch_entities=100),
            now=utc_now,
        )
    finally:
        await ledger.close()


def new_file(folder: Path, name: str, body: bytes) -> None:
    """Write a new file for good."""
    descriptor = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.write(descriptor, body)
    os.fsync(descriptor)
    os.close(descriptor)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)


def put_files(folder: Path, bodies: list[bytes]) -> None:
    """Put the bodies as files."""
    folder.mkdir()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda pair: new_file(folder, str(pair[0]), pair[1]), enumerate(bodies)))


async def put_objects(place: S3Place, bodies: list[bytes]) -> None:
    """Put the bodies as objects."""
    client = data_client(place, Credentials(), requests_max=AT_ONCE, timeout_s=30, connect_timeout_s=5)
    numbers = iter(range(len(bodies)))

    async def worker() -> None:
        for number in numbers:
            await obstore.put_async(
                client, f"{place.prefix}raw/{number}", bodies[number], mode="create", use_multipart=False
            )

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())


async def speed(work: Callable[[], Awaitable[tuple[int, int]]]) -> Speed:
    """Run something that says how many revisions and bytes it did."""
    began, cpu = time.perf_counter(), time.process_time()
    revisions, size = await work()
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    return Speed(revisions / took, size / took / 1e6, spent / revisions * 1000)


async def round_of(copy: WikiCopy, names: tuple[str, str], folder: Path) -> dict[str, Speed]:
    """Run each side once."""
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(made_pair(names, folder))
        if names[0] == "files":
            pair = replace(pair, snapshots={**pair.snapshots, "threads": THREADS})
        store = await stack.enter_async_context(opened_pair(pair))
        source = await stack.enter_async_context(opened(copy))
        found = {"read only": await speed(lambda: read_only(source))}
        exporter = await stack.enter_async_context(exporter_into(store, source, folder))
        done = ExportResult()

        async def export() -> tuple[int, int]:
            nonlocal done
            done = await exporter.run()
            return done.revisions, done.wiki_bytes

        found["export"] = await speed(export)
        keys = [key async for key in store.snapshots.keys("Q")]
        bodies = [await store.snapshots.read(key) for key in keys]

        async def put() -> tuple[int, int]:
            if names[0] == "files":
                await asyncio.to_thread(put_files, folder / "raw", bodies)
            else:
                await put_objects(S3Place(**pair.snapshots["place"]), bodies)
            return len(bodies), done.wiki_bytes

        found["put only"] = await speed(put)
        return found


def median(rounds: list[dict[str, Speed]]) -> dict[str, Speed]:
    """Return the middle of each figure."""
    return {
        side: Speed(
            *(statistics.median(getattr(one[side], name) for one in rounds) for name in asdict(rounds[0][side]))
        )
        for side in rounds[0]
    }


def ratio(found: dict[str, Speed]) -> float:
    """Return the export's speed beside the slower of the raw ends."""
    return found["export"].revisions_s / min(found["read only"].revisions_s, found["put only"].revisions_s)


async def measured(options: argparse.Namespace) -> dict[str, dict[str, Speed]]:
    """Run all rounds."""
    wikis = {
        "typical": filled(options.pages, options.revisions, options.bytes),
        "dataset": wiki_copy(),
    }
    rounds: dict[str, list[dict[str, Speed]]] = {}
    for _ in range(options.rounds):
        for name, copy in wikis.items():
            for pair in PAIRS:
                with tempfile.TemporaryDirectory() as folder:
                    done = await round_of(copy, pair, Path(folder))
                rounds.setdefault(f"{name} to {'+'.join(pair)}", []).append(done)
    return {name: median(some) for name, some in rounds.items()}


async def huge(options: argparse.Namespace) -> None:
    """Export revisions of 1 MB and say how much memory that took at most; in a process of its own."""
    copy = filled(max(1, options.huge // 8), 8, 2_200_000)  # about 1 MB each
    with tempfile.TemporaryDirectory() as folder:
        found = await round_of_export(copy, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"revisions": found.revisions, "mb": found.wiki_bytes / 1e6, "peak_mb": round(peak)}))


async def round_of_export(copy: WikiCopy, folder: Path) -> ExportResult:
    """Export into files and SQLite."""
    async with (
        made_pair(("files", "sqlite"), folder) as pair,
        opened_pair(pair) as store,
        opened(copy) as source,
        exporter_into(store, source, folder) as exporter,
    ):
        return await exporter.run()


def say(found: dict[str, dict[str, Speed]]) -> None:
    """Print a table."""
    for name, sides in found.items():
        print(f"{name}: export at {ratio(sides):.2f} of the slower raw end")
        for side, one in sides.items():
            print(
                f"  {side:<10} {one.revisions_s:9,.0f} revisions/s {one.mb_s:8.1f} MB/s {one.cpu_ms:7.2f} ms CPU each"
            )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--revisions", type=int, default=20)
    parser.add_argument("--bytes", type=int, default=8000)
    parser.add_argument("--huge", type=int, default=24)
    parser.add_argument("--only-huge", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.only_huge:
            runner.run(huge(options))
            return 0
        found = runner.run(measured(options))
    if options.json:
        print(json.dumps({name: {side: asdict(one) for side, one in sides.items()} for name, sides in found.items()}))
    else:
        say(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
