"""`cutover dump`: print every revision that the store holds, one JSON object a line, to be compared with the wiki."""

import argparse
import asyncio
import sys

import orjson
import uvloop

from backends.config import Config
from backends.connect import opened_store
from backends.errors import NotFoundError
from cutover.options import add_config_options, config_of
from export.dump import dump_all, dump_entity
from wikibase.ids import EntityId, parse_entity_id


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--jsonl", action="store_true", required=True, help="one JSON object a line (the only form)")
    parser.add_argument("--entity", metavar="ID", help="only this entity")
    parser.add_argument("--privileged", action="store_true", help="also what is hidden from the public, if it was kept")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    entity_id = parse_entity_id(options.entity) if options.entity else None
    if options.entity and entity_id is None:
        print(f"cutover dump: {options.entity!r} is no entity id", file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(dump(config_of(options), entity_id, privileged=options.privileged))
    return 0


async def dump(config: Config, entity_id: EntityId | None, *, privileged: bool) -> None:
    """Write the lines to stdout. Raises NotFoundError, CorruptError, backends.errors."""
    async with opened_store(config) as store:
        lines = (
            dump_entity(store, entity_id, privileged=privileged)
            if entity_id
            else dump_all(store, privileged=privileged)
        )
        count = 0
        async for line in lines:
            sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
            count += 1
        sys.stdout.buffer.flush()
        if entity_id and not count:
            raise NotFoundError(f"the store does not have {entity_id}")
