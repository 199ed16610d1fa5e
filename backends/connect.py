"""The only chooser: turns the configuration into opened backends. Retry, timeout and limits are put on here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from backends.config import Config, WikiConfig
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.evidence import Bounds
from backends.ledger.revisions import RevisionIndex
from backends.ledger.spool import SpoolReader, SpoolWriter
from backends.ledger.verdicts import Verdicts
from backends.snapshots.files import FileSnapshots
from backends.sql.base import Database
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from backends.wiki.http import WikiHttp
from rules.routes.route import Site

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
async def opened_store(config: Config) -> AsyncIterator[Store]:
    """Open snapshots and index; the schema is brought up to date. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        index = await _database(config, "index", stack)
        snapshots = FileSnapshots(Path(config.store.path) / "snapshots")
        stack.push_async_callback(snapshots.close)
        yield Store(snapshots, RevisionIndex(index))


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
    return Verdicts(ledger, details_max=limits.details_max, bounds=bounds)


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


async def _database(config: Config, schema: str, stack: AsyncExitStack) -> Database:
    database = await SqliteDatabase.open(
        Path(config.store.path) / f"{schema}.sqlite", schema, busy_timeout_s=config.store.busy_timeout_s
    )
    stack.push_async_callback(database.close)
    await database.migrate()
    return database
