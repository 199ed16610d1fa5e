"""Pairs of backends for the contract of the store, described so that another process can open the same ones.

A side is described by plain JSON: `open` names the function that opens it ("module:function", called with the
description). A backend of snapshots or of the index joins the contract by an entry in `PAIRS`.
"""

import importlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fakes.mariadb import mariadb_address, server_statement
from fakes.s3 import keys_in_environment, radosgw
from fakes.vitess import emptied_vitess

from backends.ledger.revisions import RevisionIndex
from backends.snapshots.base import Snapshots
from backends.snapshots.erasing import Erasing, FileErasure
from backends.snapshots.files import FileSnapshots
from backends.snapshots.retrying import RetryingSnapshots
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_bucket import prepare_bucket
from backends.snapshots.s3_erasing import S3Erasure
from backends.snapshots.s3_place import S3Place
from backends.sql.base import Database
from backends.sql.mysql import MysqlAddress, MysqlDatabase
from backends.sql.sqlite import SqliteDatabase
from backends.sql.vitess import VitessDatabase
from backends.store import Store, no_crash

Side = Mapping[str, Any]

_PREPARED: set[str] = set()
"""The servers whose bucket is ready."""


@dataclass(frozen=True, repr=False)
class Pair:
    """Where snapshots and index are. Says nothing of itself: passwords are in it."""

    snapshots: Side
    index: Side

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def open_files(side: Side) -> Snapshots:
    return FileSnapshots(Path(side["root"]), threads=side.get("threads", 4))


async def open_s3(side: Side) -> Snapshots:
    """As connect opens it, with patience. The keys are in the environment."""
    bucket = await S3Snapshots.open(S3Place(**side["place"]), requests_max=side.get("requests_max", 16))
    return RetryingSnapshots(bucket, tries_max=4, delay_s=0.05, delay_max_s=1.0)


async def open_sqlite(side: Side) -> Database:
    return await SqliteDatabase.open(Path(side["path"]), "index")


async def open_mysql(side: Side) -> Database:
    return await MysqlDatabase.open(
        MysqlAddress(**side["address"]), "index", pool_max=side.get("pool_max", 8), single_shard=True
    )


async def open_vitess(side: Side) -> Database:
    return await VitessDatabase.open(MysqlAddress(**side["address"]), "index", pool_max=side.get("pool_max", 8))


@asynccontextmanager
async def made_files(folder: Path) -> AsyncIterator[Side]:
    yield {"open": "suites.pairs:open_files", "root": str(folder / "snapshots")}


@asynccontextmanager
async def made_radosgw(folder: Path) -> AsyncIterator[Side]:
    """A part of a bucket that all share. What is left there is small, and goes with the server."""
    server = radosgw()
    place = S3Place(bucket="test-pairs", prefix=f"{secrets.token_hex(8)}/", endpoint=server.endpoint)
    with keys_in_environment(server):
        if server.endpoint not in _PREPARED:
            await prepare_bucket(place)
            _PREPARED.add(server.endpoint)
        yield {
            "open": "suites.pairs:open_s3",
            "place": {name: getattr(place, name) for name in ("bucket", "prefix", "endpoint")},
        }


@asynccontextmanager
async def made_sqlite(folder: Path) -> AsyncIterator[Side]:
    yield {"open": "suites.pairs:open_sqlite", "path": str(folder / "index.sqlite")}


@asynccontextmanager
async def made_mariadb(folder: Path) -> AsyncIterator[Side]:
    server = mariadb_address()
    name = f"cutover_test_{secrets.token_hex(4)}"
    await server_statement(server, f"CREATE DATABASE {name}")
    address = replace(server, database=name)
    try:
        yield {
            "open": "suites.pairs:open_mysql",
            "address": {name: getattr(address, name) for name in ("socket", "user", "password", "database")},
        }
    finally:
        await server_statement(server, f"DROP DATABASE {name}")


@asynccontextmanager
async def made_vitess(folder: Path) -> AsyncIterator[Side]:
    address = await emptied_vitess()
    yield {
        "open": "suites.pairs:open_vitess",
        "address": {name: getattr(address, name) for name in ("host", "port", "user", "password", "database")},
    }


MADE = {
    "files": made_files,
    "radosgw": made_radosgw,
    "sqlite": made_sqlite,
    "mariadb": made_mariadb,
    "vitess": made_vitess,
}

PAIRS = [
    pytest.param(("files", "sqlite"), id="files-sqlite"),
    pytest.param(("files", "mariadb"), id="files-mariadb", marks=pytest.mark.services),
    pytest.param(("radosgw", "sqlite"), id="radosgw-sqlite", marks=pytest.mark.services),
    pytest.param(("radosgw", "mariadb"), id="radosgw-mariadb", marks=pytest.mark.services),
    pytest.param(("files", "vitess"), id="files-vitess", marks=pytest.mark.services),
]


@asynccontextmanager
async def made_pair(names: tuple[str, str], folder: Path) -> AsyncIterator[Pair]:
    """Make an empty pair; it is gone afterwards."""
    async with MADE[names[0]](folder) as snapshots, MADE[names[1]](folder) as index:
        yield Pair(snapshots, index)


@asynccontextmanager
async def opened_erasing(pair: Pair) -> AsyncIterator[Erasing]:
    """Open a pair's snapshots with the right to remove from them."""
    side = pair.snapshots
    one: Erasing = S3Erasure(S3Place(**side["place"])) if "place" in side else FileErasure(Path(side["root"]))
    yield one
    await one.close()


async def opened(side: Side) -> Any:
    module, _, function = side["open"].partition(":")
    return await getattr(importlib.import_module(module), function)(side)


@asynccontextmanager
async def opened_pair(
    pair: Pair, *, crash_point: Callable[[str], None] = no_crash, **options: Any
) -> AsyncIterator[Store]:
    """Open a store on a pair, its schema up to date."""
    async with AsyncExitStack() as stack:
        database = await opened(pair.index)
        stack.push_async_callback(database.close)
        await database.migrate()
        snapshots = await opened(pair.snapshots)
        stack.push_async_callback(snapshots.close)
        yield Store(snapshots, RevisionIndex(database), crash_point=crash_point, **options)
