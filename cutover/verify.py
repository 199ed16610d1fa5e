"""`cutover verify`: hold the store against the wiki. Exit 0: nothing differs; 1: something does.

`counts`: which revisions every entity has. `heads`: every newest revision, from both sides. `history`: revisions drawn
by chance and from strata, content and all. An entity's id: everything of that entity. `findings`: what is still open.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import orjson
import uvloop
from tqdm import tqdm

from backends.config import Config
from backends.connect import checkpoints, opened_ledger, opened_store, opened_wiki
from backends.ledger.findings import AuditFindings, KeptFinding
from cutover.options import add_config_options, config_of
from export.follow_opening import opened_changes
from export.opening import entity_namespaces, open_wiki_database
from verifier.audit import Audits
from verifier.audit_result import AuditResult
from verifier.audit_wiki import ApiEyes, DatabaseEyes, WikiEyes
from wikibase.ids import parse_entity_id

SAMPLE = 1000
PER_STRATUM = 50
SHOWN_MAX = 20
"""The most findings that are printed; --json has more, the ledger all."""

AUDITS = ("counts", "heads", "history", "entity", "findings")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("audit", choices=AUDITS, help="what to look at")
    parser.add_argument("entity", nargs="?", metavar="ID", help="with entity: which one")
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--anew", action="store_true", help="counts, heads: begin at the beginning")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help=f"history: draw N revisions ({SAMPLE})")
    parser.add_argument(
        "--per-stratum", type=int, default=PER_STRATUM, metavar="N", help=f"history: N of each ({PER_STRATUM})"
    )
    parser.add_argument("--seed", type=int, help="history: draw the same sample again")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    if (options.audit == "entity") != (options.entity is not None):
        print("cutover verify: `entity` goes with an entity's id, and nothing else does", file=sys.stderr)
        return 2
    if options.entity is not None and parse_entity_id(options.entity) is None:
        print(f"cutover verify: {options.entity!r} is no entity id", file=sys.stderr)
        return 2
    if options.seed is None:
        options.seed = random.randrange(2**32)  # noqa: S311 - a sample, no secret
    config = config_of(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.audit == "findings":
            return _list(runner.run(_findings(config)), as_json=options.json)
        return _say(runner.run(verify(config, options)), options)


async def verify(config: Config, options: argparse.Namespace) -> AuditResult:
    """Carry out an audit. Raises backends.errors."""
    with _bar(options.audit) as bar:
        async with opened_audits(config) as audits:

            def draw(result: AuditResult) -> None:
                bar.set_postfix(revisions=result.revisions, found=sum(result.found.values()), refresh=False)
                bar.update(result.entities - bar.n)

            audits.progress = draw
            entity_id = parse_entity_id(options.entity or "")
            if options.audit == "entity" and entity_id is not None:
                return await audits.entity(entity_id)
            if options.audit == "counts":
                return await audits.counts(anew=options.anew)
            if options.audit == "heads":
                return await audits.heads(anew=options.anew)
            return await audits.history(
                options.sample, per_stratum=options.per_stratum, seed=options.seed, confidence=config.parity.confidence
            )


@asynccontextmanager
async def opened_audits(config: Config) -> AsyncIterator[Audits]:
    """Open the wiki, by its database where one is named, the store and the ledger. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        eyes: WikiEyes
        if getattr(config.wiki, "database", ""):
            database = await open_wiki_database(config)
            stack.push_async_callback(database.close)
            eyes = DatabaseEyes(database, entity_namespaces(config))
        else:
            eyes = ApiEyes(await stack.enter_async_context(opened_wiki(config)))
        changes = await stack.enter_async_context(opened_changes(config))
        store = await stack.enter_async_context(opened_store(config))
        ledger = await stack.enter_async_context(opened_ledger(config))
        yield Audits(eyes, changes, store, AuditFindings(ledger), checkpoints(ledger))


async def _findings(config: Config) -> list[KeptFinding]:
    async with opened_ledger(config) as ledger:
        return [one async for one in AuditFindings(ledger).open()]


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    with tqdm(unit=" entities", desc=what, dynamic_ncols=True, disable=not sys.stderr.isatty()) as bar:
        yield bar


def _say(result: AuditResult, options: argparse.Namespace) -> int:
    if options.json:
        print(orjson.dumps({**result.as_json(), "seed": options.seed}).decode())
        return int(not result.is_clean)
    print(f"{result.entities} entities, {result.revisions} revisions looked at.")
    if result.bound is not None:
        print(f"Drawn by chance (--seed {options.seed}): {result.bound.text()}.")
        print(f"{len(result.witnessed)} texts have the SHA-1 that the wiki and the store keep of them.")
        for name, count in sorted(result.strata.items()):
            print(f"  {count} {name}")
    for kind, count in sorted(result.found.items()):
        print(f"  {count} {kind}")
    for one in result.findings[:SHOWN_MAX]:
        print(f"    {one.entity_id} {one.rev_id or ''} {one.kind}: {one.detail}; {one.repair}")
    print("Nothing differs." if result.is_clean else "Something differs.")
    return int(not result.is_clean)


def _list(found: list[KeptFinding], *, as_json: bool) -> int:
    for one in found:
        if as_json:
            plain = {"entity_id": one.found.entity_id, "kind": one.found.kind, "rev_id": one.found.rev_id or None}
            plain |= {"detail": one.found.detail, "repair": one.repair, "first_at": one.first_at, "seen": one.seen}
            print(orjson.dumps(plain).decode())
        else:
            print(f"{one.found.entity_id} {one.found.rev_id or ''} {one.found.kind}: {one.found.detail}; {one.repair}")
    return int(bool(found))
