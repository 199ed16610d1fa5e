"""`cutover index`: make the tables of the index where its address points, or look at them. Exit 1: something is wrong.

`create` is harmless to repeat; behind Vitess it makes the VSchema too. Then, as `check` does, it looks whether
everything is as the index needs it: behind Vitess that is VSchema, tables on each shard, transaction mode, and that
no statement that answers somebody goes to more shards than the rows it wants.
"""

import argparse
import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from backends.config import Config
from backends.connect import PASSWORDS, mysql_address
from backends.errors import RefusedError
from backends.sql.base import Database
from backends.sql.dsn import parse_dsn
from backends.sql.mysql import MysqlDatabase
from backends.sql.sqlite import SqliteDatabase
from backends.sql.vitess import VitessDatabase
from backends.sql.vitess_check import findings
from cutover.options import add_config_options, config_of

SCHEMA = "index"


@dataclass(frozen=True, slots=True)
class Looked:
    """Where the index is, of what kind it is, and what is not as it must be."""

    place: str
    kind: str
    findings: list[str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=("create", "check"))
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        looked = runner.run(look(config_of(options), create=options.what == "create"))
    if options.json:
        print(orjson.dumps(looked).decode())
    else:
        print(f"Index in {looked.place} ({looked.kind}):")
        for line in looked.findings:
            print(f"  {line}")
        print("Not as it must be." if looked.findings else "As it must be.")
    return int(bool(looked.findings))


async def look(config: Config, *, create: bool) -> Looked:
    """Look at the index, its schema made first when that is asked for. Raises backends.errors."""
    database, place, kind = await _opened(config)
    try:
        if create:
            await database.migrate()
        if isinstance(database, VitessDatabase):
            return Looked(place, kind, await findings(database))
        try:
            await database.rows("heads", after="", size=1)
        except RefusedError as error:
            return Looked(place, kind, [f"its tables are not there: {error}"])
        return Looked(place, kind, [])
    finally:
        await database.close()


async def _opened(config: Config) -> tuple[Database, str, str]:
    limits = config.store
    if not limits.index:
        path = Path(limits.path) / f"{SCHEMA}.sqlite"
        opened = await SqliteDatabase.open(path, SCHEMA, busy_timeout_s=limits.busy_timeout_s)
        return opened, str(path), "sqlite"
    dsn = parse_dsn(limits.index)
    kind = VitessDatabase if dsn.scheme == "vitess" else MysqlDatabase
    database = await kind.open(
        mysql_address(dsn, os.environ.get(PASSWORDS[SCHEMA], "")),
        SCHEMA,
        pool_max=limits.connections_max,
        connect_timeout_s=limits.connect_timeout_s,
        statement_timeout_s=limits.statement_timeout_s,
        turn_s=limits.turn_timeout_s,
    )
    return database, str(dsn), dsn.scheme
