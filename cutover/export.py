"""`cutover export`: copy every revision of every entity into the store. Run it again and it goes on."""

import argparse
import asyncio

import orjson
import uvloop

from backends.config import Config
from backends.connect import EXPORT_RUN, checkpoints, opened_ledger, opened_store, opened_wiki
from backends.ledger.checkpoints import utc_now
from cutover.options import add_config_options, config_of
from export.history import Exporter
from export.outcome import ExportResult
from export.progress import shown_progress


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(export(config_of(options)))
    if options.json:
        print(orjson.dumps(result.as_json()).decode())
        return 0
    print(f"{result.revisions} revisions of {result.entities} entities are in the store ({result.new_snapshots} new).")
    for reason, count in {**result.missing_reasons, **result.skipped}.items():
        print(f"  {count} without content or no entity: {reason}")
    return 0


async def export(config: Config) -> ExportResult:
    """Export everything over the Action API. Raises backends.errors."""
    async with opened_wiki(config) as wiki, opened_store(config) as store, opened_ledger(config) as ledger:
        marks = checkpoints(ledger)
        if await marks.get(EXPORT_RUN) is None:
            await marks.put(EXPORT_RUN, {"began_at": utc_now()})
        with shown_progress() as progress:
            exporter = Exporter(wiki, store, marks, concurrency=config.export.entities_at_once, progress=progress)
            return await exporter.run()
