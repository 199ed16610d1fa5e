"""The only chooser: turns the configuration into opened backends. Retry, timeout and limits are put on here."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backends.config import Config, SnapshotsConfig, WikiConfig
from backends.errors import RefusedError
from backends.ledger.cases import CaseBounds
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.evidence import Bounds
from backends.ledger.revisions import RevisionIndex
from backends.ledger.spool import SpoolReader, SpoolWriter
from backends.ledger.verdicts import Verdicts
from backends.reads import CachedReads
from backends.snapshots.base import Snapshots
from backends.snapshots.erasing import Erasing, FileErasure
from backends.snapshots.files import FileSnapshots
from backends.snapshots.retrying import RetryingSnapshots
from backends.sql.base import Database
from backends.sql.dsn import Dsn, parse_dsn, tls_of
from backends.sql.mysql import MysqlAddress, MysqlDatabase
from backends.sql.sqlite import SqliteDatabase
from backends.sql.vitess import VitessDatabase
from backends.store import Store
from backends.visibility import HiddenContent
from backends.wiki.http import WikiHttp
from rules.routes.route import Site

if TYPE_CHECKING:
    from backends.snapshots.s3_place import S3Place

EXPORT_RUN = "export_run"
"""The checkpoint that says when the export that filled the store began: evidence counts from there."""


def site_of(wiki: WikiConfig) -> Site:
    """Return how the wiki's URLs look."""
    return Site(
        script_paths=wiki.script_paths,
        article_path=wiki.article_path,
        entity_namespaces=wiki.entity_namespaces,
        namespace_names=wiki.namespace_names,
        special_names=wiki.special_names,
        entitydata_names=wiki.entitydata_names,
    )


@asynccontextmanager
async def opened_wiki(config: Config) -> AsyncIterator[WikiHttp]:
    """Open the wiki's APIs for our own requests."""
    wiki = WikiHttp(
        f"{config.wiki.url.rstrip('/')}{config.wiki.script_paths[0]}/api.php",
        user_agent=config.wiki.user_agent,
        timeout_s=config.wiki.api_timeout_s,
        retries=config.wiki.api_tries_max - 1,
        patience_s=config.wiki.api_patience_s,
        maxlag_s=config.wiki.api_maxlag_s,
        concurrency=config.wiki.api_requests_max,
    )
    try:
        yield wiki
    finally:
        await wiki.close()


@asynccontextmanager
async def opened_snapshots(config: Config) -> AsyncIterator[Snapshots]:
    """Open the place of the snapshots. Raises backends.errors."""
    limits = config.snapshots
    if limits.kind == "files":
        files = FileSnapshots(Path(config.store.path) / "snapshots")
        try:
            yield files
        finally:
            await files.close()
        return
    # Imported here: who keeps files need not load two S3 clients.
    from backends.snapshots.s3 import S3Snapshots  # noqa: PLC0415 - see above

    bucket = await S3Snapshots.open(
        s3_place(limits),
        requests_max=limits.requests_max,
        timeout_s=limits.timeout_s,
        connect_timeout_s=limits.connect_timeout_s,
        body_bytes_max=limits.body_bytes_max,
    )
    patient = RetryingSnapshots(
        bucket, tries_max=limits.tries_max, delay_s=limits.retry_after_s, delay_max_s=limits.retry_after_max_s
    )
    try:
        yield patient
    finally:
        await patient.close()


def s3_place(limits: SnapshotsConfig) -> "S3Place":
    """Return where in S3 the snapshots lie. Raises RefusedError for what cannot be an address."""
    from backends.snapshots.s3_place import S3Place  # noqa: PLC0415 - as above

    return S3Place(
        bucket=limits.bucket,
        prefix=limits.prefix,
        endpoint=limits.endpoint,
        region=limits.region,
        path_style=limits.path_style,
        plain_http=limits.plain_http,
    )


@asynccontextmanager
async def opened_erasing(config: Config) -> AsyncIterator[Erasing]:
    """Open the snapshots with the right to remove what was ordered to be destroyed. Raises backends.errors."""
    limits = config.snapshots
    if limits.kind == "files":
        erasing: Erasing = FileErasure(Path(config.store.path) / "snapshots")
    else:
        from backends.snapshots.s3_erasing import S3Erasure  # noqa: PLC0415 - as above

        erasing = S3Erasure(
            s3_place(limits),
            bypass_governance=limits.bypass_governance,
            timeout_s=limits.timeout_s,
            connect_timeout_s=limits.connect_timeout_s,
        )
    try:
        yield erasing
    finally:
        await erasing.close()


@asynccontextmanager
async def opened_store(config: Config) -> AsyncIterator[Store]:
    """Open snapshots and index; the schema is brought up to date. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        index = await _database(config, "index", stack)
        snapshots = await stack.enter_async_context(opened_snapshots(config))
        yield Store(
            snapshots,
            RevisionIndex(index),
            snapshots_at_once=config.store.snapshots_at_once,
            hidden_content=HiddenContent(config.store.hidden_content),
        )


def cached_reads(store: Store, config: Config) -> CachedReads:
    """Return reads with a cache, for who answers clients."""
    limits = config.store
    return CachedReads(
        store,
        cache_bytes=limits.cache_bytes,
        absent_s=limits.absent_s,
        broken_s=limits.broken_s,
        remembered_max=limits.remembered_max,
    )


@asynccontextmanager
async def opened_empty_index(path: Path) -> AsyncIterator[Database]:
    """Make a new embedded index in a file of its own. Raises RefusedError when the file is there already."""
    if await asyncio.to_thread(path.exists):
        raise RefusedError(f"{path} is there already: a rebuilt index needs a file of its own")
    database = await SqliteDatabase.open(path, "index")
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_ledger(config: Config) -> AsyncIterator[Database]:
    """Open the control data: checkpoints, verdicts, findings. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        yield await _database(config, "ledger", stack)


def checkpoints(ledger: Database) -> Checkpoints:
    """Return the checkpoints of a ledger."""
    return Checkpoints(ledger)


def verdicts(ledger: Database, config: Config) -> Verdicts:
    """Return the verdicts of a ledger."""
    limits = config.verifier
    bounds = Bounds(tuples_max=limits.tuples_max, entities_max=limits.entities_max, ages_max=limits.ages_max)
    kept = CaseBounds(
        cases_max=limits.cases_max,
        bytes_max=limits.cases_bytes_max,
        age_max_s=limits.cases_age_max_s,
        recheck_s=limits.case_recheck_s,
    )
    return Verdicts(ledger, details_max=limits.details_max, bounds=bounds, case_bounds=kept)


def spool_writer(config: Config, worker: str) -> SpoolWriter:
    """Open a worker's end of the spool."""
    limits = config.shadow
    return SpoolWriter(
        _spool_path(config), worker, bytes_max=limits.spool_bytes_max, samples_max=limits.spool_samples_max
    )


def spool_reader(config: Config) -> SpoolReader:
    """Open the verifier's end of the spool."""
    return SpoolReader(_spool_path(config))


def _spool_path(config: Config) -> Path:
    return Path(config.store.path) / "spool"


PASSWORDS = {"index": "CUTOVER_INDEX_PASSWORD", "ledger": "CUTOVER_LEDGER_PASSWORD"}
"""Which variable of the environment holds the password of a database."""


async def _database(config: Config, schema: str, stack: AsyncExitStack) -> Database:
    limits = config.store
    dsn = {"index": limits.index, "ledger": limits.ledger}[schema]
    database: Database
    if not dsn:
        path = Path(limits.path) / f"{schema}.sqlite"
        database = await SqliteDatabase.open(path, schema, busy_timeout_s=limits.busy_timeout_s)
    else:
        place = parse_dsn(dsn)
        kind = VitessDatabase if place.scheme == "vitess" else MysqlDatabase
        database = await kind.open(
            mysql_address(place, os.environ.get(PASSWORDS[schema], "")),
            schema,
            pool_max=limits.connections_max,
            connect_timeout_s=limits.connect_timeout_s,
            statement_timeout_s=limits.statement_timeout_s,
            turn_s=limits.turn_timeout_s,
            single_shard=kind is MysqlDatabase,
        )
    stack.push_async_callback(database.close)
    await database.migrate()
    return database


def mysql_address(dsn: Dsn, password: str) -> MysqlAddress:
    """Return the address of a server, TLS as it was asked for. Raises RefusedError."""
    return MysqlAddress(
        host=dsn.host,
        port=dsn.port,
        socket=dsn.socket,
        user=dsn.user,
        password=password,
        database=dsn.database,
        tls=tls_of(dsn),
    )
