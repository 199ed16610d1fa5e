"""Which wiki the export reads: its database where the configuration names one, else its Action API."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from backends.config import Config
from backends.connect import opened_wiki
from backends.errors import RefusedError
from backends.sql.dsn import Dsn, parse_dsn, tls_of
from backends.wiki.database import Cluster, WikiDatabase
from backends.wiki.db_connection import Server
from backends.wiki.db_rows import TYPES
from export.api_source import ApiSource
from export.database_source import DatabaseSource
from export.history import Limits
from export.source import Source
from export.throttle import Throttle
from wikibase.ids import EntityType

PASSWORD = "CUTOVER_WIKI_PASSWORD"  # noqa: S105 -- the name of a variable
"""Which variable of the environment holds the password of the wiki's database."""


def throttle_of(config: Config) -> Throttle:
    """Return the pace that the configuration asks for."""
    limits = config.export
    return Throttle(
        rows_per_s=limits.rows_per_s,
        lag_max_s=limits.lag_max_s,
        patience_s=limits.lag_patience_s,
    )


def limits_of(config: Config) -> Limits:
    """Return how much the configuration lets an export do at once."""
    asked = config.export
    return Limits(
        entities_at_once=asked.entities_at_once,
        batch_entities=asked.batch_entities,
        span_pages=asked.span_pages,
        piece_bytes=asked.piece_bytes,
        lease_s=asked.lease_s,
    )


@asynccontextmanager
async def opened_source(config: Config, throttle: Throttle | None = None) -> AsyncIterator[Source]:
    """Open the wiki to be read. Raises backends.errors."""
    source: Source
    if config.wiki.database:
        shows_hidden = config.store.hidden_content == "restricted"
        database = await open_wiki_database(config, withheld=shows_hidden)
        source = DatabaseSource(
            database,
            entity_namespaces(config),
            shows_hidden=shows_hidden,
            throttle=throttle or throttle_of(config),
        )
        try:
            yield source
        finally:
            await source.close()
    else:
        async with opened_wiki(config) as wiki:
            yield ApiSource(wiki)


async def open_wiki_database(config: Config, *, withheld: bool = False) -> WikiDatabase:
    """Open the wiki's database that the configuration names. Raises RefusedError, UnavailableError."""
    wiki = config.wiki
    dsn = parse_dsn(wiki.database)
    password = os.environ.get(PASSWORD, "")
    database = await WikiDatabase.open(
        _server(dsn, password),
        dsn.database,
        prefix=dsn.prefix,
        clusters=clusters_of(wiki.clusters, password),
        namespace_models=namespace_models(config),
        legacy_encoding=wiki.legacy_encoding or None,
        withheld=withheld,
        connections_max=wiki.database_connections_max,
        query_timeout_s=wiki.database_timeout_s,
    )
    database.measures.heartbeat = wiki.heartbeat or None
    return database


def entity_namespaces(config: Config) -> Mapping[EntityType, int]:
    """Return where each type of entity has its pages."""
    return {EntityType(kind): number for kind, number in config.wiki.entity_namespaces.items()}


def namespace_models(config: Config) -> Mapping[int, str]:
    """Return the content model that pages of a namespace have when they name none."""
    models = {of_type: model for model, of_type in TYPES.items()}
    return {number: models[kind] for kind, number in entity_namespaces(config).items() if kind in models}


def clusters_of(said: Mapping[str, str], password: str) -> Mapping[str, Cluster]:
    """Return the external clusters: "DATABASE" or "DATABASE.TABLE" on the wiki's server, or the same in a DSN."""
    found: dict[str, Cluster] = {}
    for name, where in said.items():
        server, place = None, where
        if "://" in where:
            try:
                dsn = parse_dsn(where)
            except ValueError as error:
                raise RefusedError(f"the external cluster {name}: {error}") from None
            server, place = _server(dsn, password), dsn.database
        database, _, table = place.partition(".")
        found[name] = Cluster(database, table or "blobs", server)
    return found


def _server(dsn: Dsn, password: str) -> Server:
    return Server(
        user=dsn.user, password=password, host=dsn.host, port=dsn.port, unix_socket=dsn.socket, tls=tls_of(dsn)
    )
