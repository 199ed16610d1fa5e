"""Audits of a store that was filled from the dataset's database: all right, and after every kind of damage."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.wiki_copies import NAMESPACE_MODELS, WikiCopy, wiki_copy
from fakes.wiki_truth import told_by_the_software
from suites.stored import opened_store, revision

from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFindings
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from backends.wiki.changes_database import DatabaseChanges
from backends.wiki.database import WikiDatabase
from export.database_source import DatabaseSource
from export.entity import bring_entity
from verifier.audit import Audits
from verifier.audit_wiki import DatabaseEyes
from wikibase.ids import EntityId, EntityType
from wikibase.revision import State

pytestmark = pytest.mark.services

SPACES = {EntityType.ITEM: 120, EntityType.PROPERTY: 122}


@dataclass(slots=True)
class Audited:
    audits: Audits
    store: Store
    source: DatabaseSource
    folder: Path

    def damage(self, statement: str, *params: object) -> None:
        with closing(sqlite3.connect(self.folder / "index.sqlite", timeout=10)) as index, index:
            assert index.execute(statement, params).rowcount == 1


@asynccontextmanager
async def audited(copy: WikiCopy, folder: Path) -> AsyncIterator[Audited]:
    async with AsyncExitStack() as stack:
        wiki = await WikiDatabase.open(
            copy.reader, copy.database, clusters=copy.clusters, namespace_models=NAMESPACE_MODELS
        )
        stack.push_async_callback(wiki.close)
        changes = await DatabaseChanges.open(
            copy.reader, copy.database, namespaces=SPACES, namespace_models=NAMESPACE_MODELS
        )
        stack.push_async_callback(changes.close)
        store = await stack.enter_async_context(opened_store(folder))
        ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
        stack.push_async_callback(ledger.close)
        await ledger.migrate()
        audits = Audits(
            DatabaseEyes(wiki, SPACES), changes, store, AuditFindings(ledger), Checkpoints(ledger), settle_s=0.0
        )
        yield Audited(audits, store, DatabaseSource(wiki, SPACES), folder)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Audited]:
    """A store with the entities that the tests damage, and a few more: the audits see the others as missing."""
    async with audited(wiki_copy(), tmp_path) as opened:
        for name in ("Q1", "Q36", "Q53", "Q55", "Q62", "Q70", "P1"):
            await bring_entity(opened.source, opened.store, EntityId(name))
        yield opened


async def test_a_store_that_was_filled_from_the_database_is_found_right_in_every_way(tmp_path: Path) -> None:
    truth = told_by_the_software().values()
    ids = sorted({line["entity_id"] for line in truth})
    async with audited(wiki_copy(), tmp_path) as one:
        for name in ids:
            await bring_entity(one.source, one.store, EntityId(name))
        counts = await one.audits.counts()
        assert (counts.as_json()["findings"], counts.revisions) == ([], len(truth))
        assert counts.entities == len(ids)
        heads = await one.audits.heads()
        assert heads.as_json()["findings"] == []
        history = await one.audits.history(200, per_stratum=5, seed=3)
        assert history.as_json()["findings"] == []
        assert history.bound is not None
        assert history.bound.comparisons == 200
        assert history.bound.upper == pytest.approx(1 - 0.05 ** (1 / 200))
        assert set(history.strata) >= {"legacy", "large", "imported", "hidden", "archived", "tagged", "oldest"}
        assert len(history.witnessed) > 100
        everything = await one.audits.history(10**6, per_stratum=0, seed=3)
        assert everything.as_json()["findings"] == []
        assert everything.bound is not None
        assert everything.bound.comparisons == len(truth)


@pytest.mark.parametrize(
    ("entity", "damage", "kind"),
    [
        ("Q1", "DELETE FROM revisions WHERE entity_id = 'Q1' AND position = 1", "revision_missing"),
        (
            "Q62",
            "UPDATE revisions SET state = 'visible' WHERE entity_id = 'Q62' AND rev_id = 948",
            "visibility_differs",
        ),
        ("Q36", "UPDATE heads SET state = 'visible' WHERE entity_id = 'Q36'", "alive_in_store_only"),
        ("P1", "UPDATE heads SET rev_id = 1 WHERE entity_id = 'P1'", "head_differs"),
        (
            "Q53",
            "UPDATE revisions SET position = 99 WHERE entity_id = 'Q53' AND position = 1",
            "order_differs",
        ),
    ],
)
async def test_damage_to_the_index_is_a_finding_until_it_is_repaired(
    one: Audited, entity: str, damage: str, kind: str
) -> None:
    entity_id = EntityId(entity)
    assert (await one.audits.entity(entity_id)).as_json()["findings"] == []
    one.damage(damage)
    result = await one.audits.entity(entity_id)
    assert kind in result.found
    assert not result.is_clean
    kept = [found async for found in one.audits.findings.open()]
    assert {found.repair for found in kept} == {f"cutover export --entity {entity} --repair"}
    await bring_entity(one.source, one.store, entity_id, heal=True)
    if kind != "alive_in_store_only":
        assert (await one.audits.entity(entity_id)).as_json()["findings"] == []
        assert [found async for found in one.audits.findings.open()] == []
        assert {found.closed_at is not None for found in await one.audits.findings.of(entity_id)} == {True}


async def test_what_the_wiki_never_had_is_found_and_gone_after_the_repair(one: Audited) -> None:
    entity_id = EntityId("Q1")
    head = await one.store.head(entity_id)
    assert head is not None
    rogue = revision(990_000, head.position + 1, entity_id=entity_id, parent_id=head.rev_id)
    await one.store.put_history(entity_id, [rogue], 990_000, page_id=head.page_id)
    alone = revision(990_001, 0, entity_id=EntityId("Q4711"))
    await one.store.put_history(EntityId("Q4711"), [alone], 990_001, page_id=4711)
    counts = await one.audits.counts()
    assert counts.found["rogue"] == 2
    rogues = [kept.found async for kept in one.audits.findings.open() if kept.found.kind == "rogue"]
    assert [(found.entity_id, found.rev_id) for found in rogues] == [("Q1", 990_000), ("Q4711", 990_001)]
    heads = await one.audits.heads()
    assert {found.entity_id for found in heads.findings if found.kind == "alive_in_store_only"} == {"Q4711"}
    assert "Q1" in {found.entity_id for found in heads.findings if found.kind == "head_differs"}
    await bring_entity(one.source, one.store, entity_id, heal=True)
    assert (await one.audits.entity(entity_id)).as_json()["findings"] == []


async def test_entities_that_were_never_exported_are_found_by_counts_and_heads(one: Audited) -> None:
    await one.audits.counts()
    missing = {
        kept.found.entity_id async for kept in one.audits.findings.open() if kept.found.kind == "revision_missing"
    }
    assert {"Q23", "Q34", "Q47"} <= missing  # Q34 lies in the archive alone
    assert not missing & {"Q1", "Q36", "Q55", "P1"}
    heads = await one.audits.heads()
    assert "Q23" in {found.entity_id for found in heads.findings}


async def test_forged_content_and_metadata_are_found_by_the_history_audit(one: Audited) -> None:
    entity_id = EntityId("P1")
    head = await one.store.head(entity_id)
    assert head is not None
    kept = await one.store.revision(entity_id, head.rev_id)
    assert kept is not None
    assert kept.content is not None
    assert kept.state is State.VISIBLE
    labels = {"en": {"language": "en", "value": "forged"}}
    forged = replace(kept, content={**kept.content, "labels": labels}, user="Mallory", wiki_sha1="0" * 40)
    await one.store.put_history(entity_id, [forged], head.rev_id, page_id=head.page_id)
    result = await one.audits.entity(entity_id)
    assert set(result.found) == {"content_differs", "metadata_differs", "sha1_differs"}
    assert "Mallory" not in str(result.as_json())  # findings name fields and digests, nobody and nothing else


async def test_a_walk_that_was_stopped_goes_on_where_it_was(one: Audited) -> None:
    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(_: object) -> None:
        raise Stop

    one.audits.batch = 5
    one.audits.progress = stop
    for _ in range(3):
        with pytest.raises(Stop):
            await one.audits.heads()
    state = await one.audits.checkpoints.get("audit_heads")
    assert state is not None
    assert state["entities"] > 5
    one.audits.progress = lambda _: None
    whole = await one.audits.heads(anew=True)
    assert whole.entities > state["entities"]
