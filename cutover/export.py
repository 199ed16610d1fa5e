"""`cutover export`: copy every revision of every entity into the store. Run it again and it goes on.

The same command on other machines takes a share of the work (`--shard i/n` where something else counts the workers).
`--dry-run` counts and says what it would cost. `--pause` and `--resume` are for exports that are under way, wherever.
"""

import argparse
import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

from backends.config import Config
from backends.connect import checkpoints, opened_ledger, opened_store
from backends.ledger.checkpoints import utc_now
from backends.ledger.leases import ALL, Leases, Shard
from backends.ledger.unreadable import UnreadableRevisions
from backends.sql.base import Database
from backends.store import Store
from cutover.options import add_config_options, config_of
from export.control import Control, set_control
from export.entity import bring_entity
from export.estimate import Estimate, Prices, estimate, words
from export.history import Exporter
from export.opening import limits_of, opened_source, throttle_of
from export.outcome import ExportResult
from export.progress import shown_progress
from export.source import Source
from export.throttle import Throttle
from wikibase.ids import EntityId, parse_entity_id

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked for besides the configuration."""

    shard: Shard = ALL
    rows_per_s: float | None = None
    prices: Prices = field(default_factory=Prices)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--shard", type=_shard, default=ALL, metavar="I/N", help="take every Nth part, from I = 0")
    parser.add_argument(
        "--rows-per-s", type=float, metavar="N", help="read so many rows in a second; with --resume: all of them do"
    )
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--dry-run", action="store_true", help="count, say what it would take, and write nothing")
    doing.add_argument("--pause", action="store_true", help="let all exports pause after their present batch")
    doing.add_argument("--resume", action="store_true", help="let them go on")
    doing.add_argument("--entity", type=_entity_id, metavar="ID", help="bring one entity to the wiki's present state")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="with --entity: read everything again, write what is lost, take out of sight what the wiki never had",
    )
    parser.add_argument("--price-puts-1000", type=float, default=Prices().puts_1000, help="what 1000 PUT requests cost")
    parser.add_argument("--price-gb-month", type=float, default=Prices().gb_month, help="what a gigabyte costs a month")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    if options.repair and options.entity is None:
        print("cutover export: --repair goes with --entity")
        return 2
    config = config_of(options)
    prices = Prices(puts_1000=options.price_puts_1000, gb_month=options.price_gb_month)
    asked = Run(options.shard, options.rows_per_s, prices)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.pause or options.resume:
            return _told(runner.run(_control(config, paused=options.pause, rows_per_s=options.rows_per_s)), options)
        if options.dry_run:
            return _estimated(runner.run(dry_run(config, asked)), options)
        if options.entity is not None:
            result = runner.run(one_entity(config, options.entity, repair=options.repair))
        else:
            result = runner.run(export(config, asked, quiet=options.json))
    return _done(result, options)


async def export(config: Config, asked: Run | None = None, *, quiet: bool = True) -> ExportResult:
    """Export everything, or a shard's part. Raises backends.errors."""
    asked = asked or Run()
    throttle = throttle_of(config)
    if asked.rows_per_s is not None:
        throttle.set_rows_per_s(asked.rows_per_s)
    async with _opened(config, throttle) as (source, store, ledger):
        marks = checkpoints(ledger)
        counts = await source.counts()
        if not quiet:
            for line in words(estimate(counts, asked.prices, revisions_per_s=asked.rows_per_s or 0.0)):
                print(line)
        with shown_progress(total=counts.revisions) as progress:
            exporter = Exporter(
                source,
                store,
                marks,
                leases_of(ledger, config),
                UnreadableRevisions(ledger),
                limits=limits_of(config),
                control=Control(marks, throttle=throttle),
                shard=asked.shard,
                progress=progress,
                now=utc_now,
            )
            return await exporter.run()


async def one_entity(config: Config, entity_id: EntityId, *, repair: bool) -> ExportResult:
    """Bring one entity to the wiki's present state. Raises backends.errors."""
    async with _opened(config) as (source, store, ledger):
        result = await bring_entity(source, store, entity_id, heal=repair)
        await UnreadableRevisions(ledger).put(result.unreadable, utc_now())
        return result


async def dry_run(config: Config, asked: Run) -> Estimate:
    """Return what an export would take. Raises backends.errors."""
    async with opened_source(config) as source:
        return estimate(await source.counts(), asked.prices, revisions_per_s=asked.rows_per_s or 0.0)


def leases_of(ledger: Database, config: Config) -> Leases:
    """Return the leases of a ledger, taken in the name of this process."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    return Leases(ledger, owner=owner[:190], lease_s=limits_of(config).lease_s)


@asynccontextmanager
async def _opened(config: Config, throttle: Throttle | None = None) -> AsyncIterator[tuple[Source, Store, Database]]:
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(opened_source(config, throttle))
        store = await stack.enter_async_context(opened_store(config))
        yield source, store, await stack.enter_async_context(opened_ledger(config))


async def _control(config: Config, *, paused: bool, rows_per_s: float | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {"paused": paused}
    if rows_per_s is not None:
        wanted["rows_per_s"] = rows_per_s
    async with opened_ledger(config) as ledger:
        return await set_control(checkpoints(ledger), **wanted)


def _shard(text: str) -> Shard:
    found = _SHARD.fullmatch(text)
    if found is None or int(found[1]) >= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r}: a shard is I/N with 0 <= I < N")
    return Shard(int(found[1]), int(found[2]))


def _entity_id(text: str) -> EntityId:
    entity_id = parse_entity_id(text)
    if entity_id is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no entity id")
    return entity_id


def _told(wanted: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        print(orjson.dumps(wanted).decode())
    elif wanted["paused"]:
        print("All exports pause after their present batch. To go on: cutover export --resume")
    else:
        print("All exports go on. To pause them again: cutover export --pause")
    return 0


def _estimated(one: Estimate, options: argparse.Namespace) -> int:
    if options.json:
        print(orjson.dumps(one.as_json()).decode())
    else:
        print("\n".join(words(one)))
    return 0


def _done(result: ExportResult, options: argparse.Namespace) -> int:
    if options.json:
        print(orjson.dumps(result.as_json()).decode())
        return 0
    print(f"{result.revisions} revisions of {result.entities} entities are in the store ({result.new_snapshots} new).")
    if result.unknown:
        print(f"  {result.unknown} revisions are in the store and not in the wiki: see --entity ID --repair")
    if result.rogue:
        print(f"  {result.rogue} revisions that the wiki never had were taken out of sight")
    for reason, count in {**result.missing_reasons, **result.skipped}.items():
        print(f"  {count} without content or no entity: {reason}")
    return 0
