"""`cutover show ENTITY`: print what the store holds of an entity: its head, one revision, or its history."""

import argparse
import asyncio
import sys
from typing import Any

import orjson
import uvloop

from backends.config import Config
from backends.connect import opened_store
from backends.errors import NotFoundError
from cutover.options import add_config_options, config_of
from export.dump import dump_entity, dump_line
from wikibase.ids import EntityId, parse_entity_id


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("entity", metavar="ENTITY", help="its id")
    add_config_options(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--revision", type=int, metavar="N", help="this revision instead of the head")
    which.add_argument("--history", action="store_true", help="all revisions, without their content")
    parser.add_argument("--json", action="store_true", help="print the line of `cutover dump`, with --history several")
    parser.add_argument("--privileged", action="store_true", help="also what is hidden from the public, if it was kept")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    entity_id = parse_entity_id(options.entity)
    if entity_id is None:
        print(f"cutover show: {options.entity!r} is no entity id", file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.history:
            runner.run(history(config_of(options), entity_id, as_json=options.json, privileged=options.privileged))
        else:
            shown = runner.run(revision(config_of(options), entity_id, options.revision, privileged=options.privileged))
            print(orjson.dumps(shown["line"]).decode() if options.json else _text(shown))
    return 0


async def revision(config: Config, entity_id: EntityId, rev_id: int | None, *, privileged: bool) -> dict[str, Any]:
    """Return the line of a revision (None: the head), and what the index says. Raises NotFoundError, CorruptError."""
    async with opened_store(config) as store:
        head = await store.head(entity_id)
        wanted = rev_id if rev_id is not None else head.rev_id if head else None
        entry = await store.index.entry(entity_id, wanted) if wanted is not None else None
        if entry is None:
            what = f"revision {rev_id} of {entity_id}" if rev_id is not None else str(entity_id)
            raise NotFoundError(f"the store does not have {what}")
        line = await dump_line(store, entry, privileged=privileged)
        return {
            "line": line,
            "is_head": head is not None and head.rev_id == entry.rev_id,
            "position": entry.position,
            "revisions": await store.index.count(entity_id),
        }


async def history(config: Config, entity_id: EntityId, *, as_json: bool, privileged: bool) -> None:
    """Print the history. Raises NotFoundError, CorruptError."""
    async with opened_store(config) as store:
        head = await store.head(entity_id)
        count = 0
        async for line in dump_entity(store, entity_id, privileged=privileged):
            count += 1
            if as_json:
                print(orjson.dumps(line).decode())
                continue
            mark = "*" if head and head.rev_id == line["rev_id"] else " "
            said = (line["comment"] or "").replace("\n", " ")[:80]
            print(f"{mark} {line['rev_id']:>10} {line['timestamp']} {line['state']:<11} {line['user'] or '-'}  {said}")
        if not count:
            raise NotFoundError(f"the store does not have {entity_id}")


def _text(shown: dict[str, Any]) -> str:
    line = shown["line"]
    place = f"number {shown['position'] + 1} of {shown['revisions']}" + (", the head" if shown["is_head"] else "")
    lines = [f"{line['entity_id']} revision {line['rev_id']} ({place})"]
    for name in ("state", "timestamp", "user", "comment", "minor", "tags", "page_id", "parent_id", "sha1", "digest"):
        value = line[name]
        if value not in (None, [], False):
            lines.append(f"  {name:<10} {', '.join(value) if isinstance(value, list) else value}")
    if line["redirect_target"]:
        lines.append(f"  redirects to {line['redirect_target']}")
    if line["content"] is not None:
        lines.append(orjson.dumps(line["content"], option=orjson.OPT_INDENT_2).decode())
    return "\n".join(lines)
