"""The only chooser: turns the configuration into opened backends. Retry, timeout and limits are put on here."""

from pathlib import Path

from backends.config import Config, WikiConfig
from backends.ledger.spool import SpoolReader, SpoolWriter
from rules.routes.route import Site


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
