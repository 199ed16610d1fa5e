"""The dataset's database as a source of an export, and what the real software says as lines of a dump."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fakes.wiki_copies import NAMESPACE_MODELS, WikiCopy
from fakes.wiki_truth import told_by_the_software

from backends.wiki.database import WikiDatabase
from export.database_source import DatabaseSource
from export.dump import KEYS
from wikibase.canonical import canonical_bytes, canonical_entity, digest
from wikibase.ids import EntityType

NAMESPACES = {EntityType.ITEM: 120, EntityType.PROPERTY: 122}


@asynccontextmanager
async def opened(copy: WikiCopy, *, shows_hidden: bool = False) -> AsyncIterator[DatabaseSource]:
    database = await WikiDatabase.open(
        copy.reader,
        copy.database,
        prefix=copy.prefix,
        clusters=copy.clusters,
        namespace_models=NAMESPACE_MODELS,
        withheld=shows_hidden,
    )
    source = DatabaseSource(database, NAMESPACES, shows_hidden=shows_hidden)
    try:
        yield source
    finally:
        await source.close()


def line_of(truth: Mapping[str, Any], *, privileged: bool = False) -> dict[str, Any]:
    """The line of the dump that the software's words mean."""
    said = {key: truth.get(key) for key in KEYS}
    if privileged and (also := truth.get("privileged")):
        said |= {key: also[key] for key in ("user", "comment", "sha1", "content", "redirect_target")}
    said["content"] = said["content"] and canonical_entity(said["content"])
    said["digest"] = digest(canonical_bytes(said["content"])) if said["content"] else None
    return said


def differing(dumped: list[dict[str, Any]], *, privileged: bool = False) -> dict[int, dict[str, Any]]:
    truth = {rev_id: line_of(line, privileged=privileged) for rev_id, line in told_by_the_software().items()}
    assert len(dumped) == len({line["rev_id"] for line in dumped}) == len(truth) == 1323
    return {
        line["rev_id"]: {
            key: (truth[line["rev_id"]][key], line[key]) for key in KEYS if truth[line["rev_id"]][key] != line[key]
        }
        for line in dumped
        if truth[line["rev_id"]] != line
    }
