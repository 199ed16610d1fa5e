"""`cutover fsck`: is the store what it promises to be? Exit 0: yes; 1: something was found that is not mended.

Without options it looks at 1000 entities chosen by chance; `--full` at everything, and goes on where it was stopped.
`--repair` mends what the rest of the store suffices to mend, and brings the journal up to date. `--rebuild FILE`
makes the index anew from the snapshots alone, into a database of its own, and compares it with the present one.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from tqdm import tqdm

from backends.config import Config
from backends.connect import checkpoints, opened_empty_index, opened_erasing, opened_ledger, opened_store
from backends.ledger.checkpoints import utc_now
from backends.ledger.revisions import RevisionIndex
from backends.sql.base import Database
from backends.store import Store
from cutover.options import add_config_options, config_of
from export.fsck import CHECKPOINT, Fsck
from export.fsck_repair import Repair
from export.fsck_result import REPAIRABLE, FsckResult
from export.rebuild import Rebuild, Rebuilt, differences

SAMPLE = 1000
SHOWN_MAX = 20
"""The most findings, assumptions or differences that are printed; --json has more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    sample: int
    seed: int
    full: bool
    anew: bool
    repair: bool
    rebuild: Path | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help=f"look at N entities ({SAMPLE})")
    extent.add_argument("--full", action="store_true", help="look at everything; run it again and it goes on")
    extent.add_argument("--rebuild", type=Path, metavar="FILE", help="make the index anew from the snapshots into FILE")
    parser.add_argument("--anew", action="store_true", help="with --full: begin at the beginning")
    parser.add_argument("--repair", action="store_true", help="mend what can be mended; bring the journal up to date")
    parser.add_argument("--seed", type=int, help="choose the same sample again")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    seed = options.seed if options.seed is not None else random.randrange(2**32)  # noqa: S311 - a sample, no secret
    asked = Asked(options.sample, seed, options.full, options.anew, options.repair, options.rebuild)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if asked.rebuild is not None:
            return _say_rebuilt(*runner.run(rebuild(config_of(options), asked.rebuild)), as_json=options.json)
        result, journaled = runner.run(check(config_of(options), asked))
    return _say_checked(result, journaled, asked, as_json=options.json)


async def check(config: Config, asked: Asked) -> tuple[FsckResult, int]:
    """Check the store; return what was found, and how many entities the journal gained. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(config))
        ledger = await stack.enter_async_context(opened_ledger(config))
        # The right to destroy is opened for mending alone.
        erasing = await stack.enter_async_context(opened_erasing(config)) if asked.repair else None
        repair = Repair(store, erasing, now=utc_now) if erasing else None
        with _bar() as bar:
            fsck = Fsck(
                store,
                checkpoints(ledger),
                entities_at_once=config.fsck.entities_at_once,
                recheck_after_s=config.fsck.recheck_after_s,
                repair=repair,
                progress=lambda _, found: _draw(bar, found),
            )
            if asked.full and asked.anew:
                await checkpoints(ledger).clear(CHECKPOINT)
            result = await fsck.full() if asked.full else await fsck.sample(asked.sample, seed=asked.seed)
        with _bar(" entities", "journal") as bar:
            return result, await repair.journal(lambda count: _forward(bar, count)) if repair else 0


async def rebuild(config: Config, path: Path) -> tuple[Rebuilt, list[str]]:
    """Rebuild the index into a new file and compare it. Raises RefusedError when the file is there already."""
    async with opened_store(config) as store, opened_empty_index(path) as database:
        return await rebuilt_and_compared(store, database)


async def rebuilt_and_compared(store: Store, database: Database) -> tuple[Rebuilt, list[str]]:
    """Fill an empty database from a store's snapshots; return what that assumed, and what is not equal."""
    with _bar(" steps", "rebuild") as bar:
        rebuilt = await Rebuild(store.snapshots, database, progress=lambda _, count: _forward(bar, count)).run()
        return rebuilt, await differences(store.index, RevisionIndex(database))


@contextmanager
def _bar(unit: str = " entities", what: str = "fsck") -> Iterator[Any]:
    with tqdm(unit=unit, desc=what, dynamic_ncols=True, disable=not sys.stderr.isatty()) as bar:
        yield bar


def _draw(bar: Any, found: FsckResult) -> None:
    bar.set_postfix(revisions=found.revisions, objects=found.objects, found=sum(found.found.values()), refresh=False)
    bar.update(found.entities - bar.n)


def _forward(bar: Any, count: int) -> None:
    bar.update(count - bar.n if count > bar.n else 0)


def _say_checked(result: FsckResult, journaled: int, asked: Asked, *, as_json: bool) -> int:
    if as_json:
        print(orjson.dumps({**result.as_json(), "clean": result.is_clean, "journaled": journaled}).decode())
        return int(not result.is_clean)
    extent = "all" if asked.full else f"a sample (--seed {asked.seed})"
    print(f"{result.revisions} revisions of {result.entities} entities and {result.objects} objects: {extent}.")
    for note, count in sorted(result.noted.items()):
        print(f"  {count} {note} (harmless)")
    for kind, count in sorted(result.found.items()):
        mended = result.mended.get(kind, 0)
        hint = f", {mended} mended" if asked.repair else ", --repair mends it" if kind in REPAIRABLE else ""
        print(f"  {count} {kind}{hint}")
    for one in result.examples[:SHOWN_MAX]:
        print(f"    {one.entity_id} {one.rev_id or ''} {one.kind}: {one.detail}")
    if asked.repair:
        print(f"The journal gained {journaled} entities.")
    print("Clean." if result.is_clean else "Not clean.")
    return int(not result.is_clean)


def _say_rebuilt(rebuilt: Rebuilt, unequal: list[str], *, as_json: bool) -> int:
    if as_json:
        plain = {
            "journaled": rebuilt.journaled,
            "entities_assumed": rebuilt.entities_assumed,
            "assumptions": rebuilt.assumptions,
            "assumed": rebuilt.assumed,
            "differences": unequal,
        }
        print(orjson.dumps(plain).decode())
        return int(bool(unequal))
    print(f"{rebuilt.journaled} entities from the journal; assumed of {rebuilt.entities_assumed} that it lacks:")
    for line in rebuilt.assumed[:SHOWN_MAX]:
        print(f"  {line}")
    for line in unequal[:SHOWN_MAX]:
        print(f"  differs: {line}")
    print(f"{len(unequal)} differences from the present index." if unequal else "Equal to the present index.")
    return int(bool(unequal))
