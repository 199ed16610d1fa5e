"""The export from a real MariaDB: for every revision of the dataset the dump says exactly what the real software says.

Once as it is usually read, once with every bound so small that nothing fits into one batch.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.dump_truth import differing, opened
from fakes.exporting import Export, exporting
from fakes.wiki_copies import DATASET, wiki_copy
from fakes.wiki_truth import told_by_the_software
from suites.stored import revision

from backends.errors import NotFoundError
from backends.snapshots.erasing import FileErasure
from backends.visibility import HiddenContent
from export.entity import ROGUE, bring_entity
from export.facts import export_facts
from export.history import EXPORT_RUN
from export.outcome import ExportResult
from wikibase.ids import EntityId
from wikibase.revision import State

pytestmark = pytest.mark.services

LIVE = ("visible", "redirect", "text_hidden", "missing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def result(folder: Path) -> ExportResult:
    """What the export did; the store is left in `folder` for all tests."""

    async def export() -> ExportResult:
        async with (
            opened(wiki_copy(), shows_hidden=True) as source,
            exporting(folder, source, hidden_content=HiddenContent.RESTRICTED) as export,
        ):
            return await export.exporter().run()

    return asyncio.run(export())


@pytest.fixture
async def exported(folder: Path, result: ExportResult) -> AsyncIterator[Export]:
    async with (
        opened(wiki_copy(), shows_hidden=True) as source,
        exporting(folder, source, hidden_content=HiddenContent.RESTRICTED) as export,
    ):
        yield export


async def test_every_line_of_the_dump_is_what_the_software_says(exported: Export) -> None:
    assert differing(await exported.dumped()) == {}


async def test_with_privilege_the_dump_has_what_is_hidden_too(exported: Export) -> None:
    assert differing(await exported.dumped(privileged=True), privileged=True) == {}


async def test_the_order_is_the_wikis_and_the_heads_are_its_heads(exported: Export) -> None:
    places: dict[str, list[int]] = {}
    for line in await exported.dumped():
        if line["state"] in LIVE:
            places.setdefault(line["entity_id"], []).append(line["rev_id"])
    truth = [line for line in told_by_the_software().values() if line["state"] in LIVE]
    for entity_id, rev_ids in places.items():
        own = sorted((line for line in truth if line["entity_id"] == entity_id), key=lambda line: line["history_index"])
        assert rev_ids == [line["rev_id"] for line in own]
        head = await exported.store.head(EntityId(entity_id))
        assert head is not None
        assert head.rev_id == next(line["rev_id"] for line in own if line["is_head"])
    status = {
        one["entity_id"]: one for one in map(orjson.loads, (DATASET / "truth/heads.jsonl").read_bytes().splitlines())
    }
    for entity_id, one in status.items():
        head = await exported.store.head(EntityId(entity_id))
        if one["status"] == "never_created":
            assert head is None
            continue
        assert head is not None
        assert (head.state is State.ARCHIVED) == (one["status"] == "deleted")
        assert one["status"] == "deleted" or (head.page_id, head.rev_id) == (one["page_id"], one["head_rev_id"])
        assert (head.state is State.REDIRECT) == (one["status"] == "redirect")


async def test_the_counts_are_those_of_the_software(exported: Export, result: ExportResult) -> None:
    counts = orjson.loads((DATASET / "truth" / "counts.json").read_bytes())
    found = Counter((line["entity_id"], line["state"]) for line in await exported.dumped())
    for entity_id, own in counts["per_entity"].items():
        for state in (*LIVE, "archived"):
            assert found[entity_id, state] == own[state], (entity_id, state)
    totals = counts["totals"]
    assert (result.revisions, result.archived, result.missing) == (
        totals["total"],
        totals["archived"],
        totals["missing"],
    )
    assert (result.hidden, result.redirects) == (totals["text_hidden"], totals["redirect"])
    statuses = totals["entities"]
    assert result.entities == statuses["live"] + statuses["redirect"] + statuses["deleted"] + statuses["unreadable"]
    assert result.deleted == statuses["deleted"]
    assert result.sha1_differs == 0


async def test_every_parent_comes_before_its_children_where_the_wiki_has_it_so(exported: Export) -> None:
    for entity_id in await exported.store.index.entity_ids():
        entries = await exported.store.index.history(entity_id)
        places = {entry.rev_id: entry.position for entry in entries}
        assert [entry.position for entry in entries] == list(range(len(entries)))
        assert all(places.get(entry.parent_id, -1) < entry.position for entry in entries)


async def test_what_cannot_be_read_is_listed_with_the_reason(exported: Export) -> None:
    facts = await export_facts(
        exported.source, exported.store, exported.checkpoints, exported.leases(), exported.unreadable
    )
    assert {one.rev_id for one in facts.unreadable} == {
        line["rev_id"] for line in told_by_the_software().values() if line["state"] == "missing"
    }
    assert all(one.reason for one in facts.unreadable)


async def test_the_facts_say_that_everything_is_there(exported: Export) -> None:
    facts = await export_facts(
        exported.source, exported.store, exported.checkpoints, exported.leases(), exported.unreadable
    )
    assert facts.met, facts.missing
    assert (facts.entities_total, facts.revisions_total, facts.counts_equal) == (82, 1299, True)
    assert (facts.entities_deleted, facts.revisions_archived, facts.spans_open) == (4, 24, 0)


async def test_the_low_water_mark_is_where_the_logs_stood(exported: Export) -> None:
    mark = await exported.checkpoints.get(EXPORT_RUN)
    assert mark is not None
    assert (mark["max_rev_id"], mark["max_log_id"]) == (1340, 147)
    assert mark["began_at"].endswith("Z")


async def test_nothing_hidden_is_where_the_public_reads(exported: Export) -> None:
    truth = told_by_the_software()
    secrets = {
        rev_id: [
            line["privileged"][key] for key in ("user", "comment") if line[key] is None and line["privileged"][key]
        ]
        for rev_id, line in truth.items()
        if line.get("privileged")
    }
    looked_at = 0
    for rev_id, words in secrets.items():
        entity_id = EntityId(truth[rev_id]["entity_id"])
        entry = await exported.store.index.entry(entity_id, rev_id)
        assert entry is not None
        shown = await exported.store.load(entry)
        for word in words:
            assert word not in (shown.user, shown.comment)
            looked_at += 1
        assert truth[rev_id]["content"] is not None or shown.content is None
    assert looked_at > 50


async def test_without_privilege_at_the_source_the_store_never_gets_what_is_hidden(tmp_path: Path) -> None:
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        await bring_entity(source, export.store, EntityId("Q62"))
        lines = [line for line in await export.dumped(privileged=True) if line["rev_id"] in (942, 948, 957)]
        assert [line["content"] for line in lines] == [None] * 3
        assert not [key async for key in export.store.snapshots.keys("restricted/")]


async def test_with_bounds_that_nothing_fits_into_the_dump_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        for name in ("histories_within", "histories_deleted", "history_of"):
            monkeypatch.setattr(source._database, name, bounded(getattr(source._database, name)))
        monkeypatch.setattr(source, "texts_max", 7)
        exporter = export.exporter(batch_entities=3, span_pages=17, piece_bytes=5000, entities_at_once=3)
        result = await exporter.run()
        assert result.entities == 86
        assert differing(await export.dumped()) == {}


def bounded(read: Callable[..., Any]) -> Callable[..., Any]:
    async def reading(*asked: Any, **options: Any) -> Any:
        return await read(*asked, revisions_max=5, **options)

    return reading


async def test_texts_with_addresses_of_later_versions_give_the_same_dump(tmp_path: Path) -> None:
    overlay = (DATASET / "overlay-es-addresses.sql").read_text().replace("USE wikidb_a;", "")
    async with opened(wiki_copy("wikidb_a_es", overlay)) as source, exporting(tmp_path, source) as export:
        await export.exporter(entities_at_once=8).run()
        assert differing(await export.dumped()) == {}


CHANGES = """
-- deleted: the page goes, its revisions lie in the archive
INSERT INTO archive (ar_namespace, ar_title, ar_comment_id, ar_actor, ar_timestamp, ar_minor_edit, ar_rev_id,
  ar_deleted, ar_len, ar_page_id, ar_parent_id, ar_sha1)
SELECT 120, '{title}', COALESCE(revcomment_comment_id, rev_comment_id), rev_actor, rev_timestamp, rev_minor_edit,
  rev_id, rev_deleted, rev_len, rev_page, rev_parent_id, rev_sha1
FROM revision LEFT JOIN revision_comment_temp ON revcomment_rev = rev_id WHERE rev_page = {page};
DELETE FROM revision WHERE rev_page = {page};
DELETE FROM page WHERE page_id = {page};
"""
UNDELETED = """
INSERT INTO page (page_id, page_namespace, page_title, page_is_redirect, page_is_new, page_random, page_touched,
  page_latest, page_len, page_content_model) VALUES
  ({page}, 120, '{title}', 0, 0, 0.5, '20260101000000', {head}, 1, 'wikibase-item');
INSERT INTO revision (rev_id, rev_page, rev_comment_id, rev_actor, rev_timestamp, rev_minor_edit, rev_deleted,
  rev_len, rev_parent_id, rev_sha1)
SELECT ar_rev_id, {page}, ar_comment_id, ar_actor, ar_timestamp, ar_minor_edit, ar_deleted, ar_len, ar_parent_id,
  ar_sha1 FROM archive WHERE ar_namespace = 120 AND ar_title = '{title}' AND ar_rev_id <= {up_to};
DELETE FROM archive WHERE ar_namespace = 120 AND ar_title = '{title}' AND ar_rev_id <= {up_to};
"""


async def test_what_happens_to_a_page_is_followed_in_the_store(tmp_path: Path) -> None:
    copy = wiki_copy("wikidb_a_changing")
    copy.forget()
    q16 = EntityId("Q16")
    own = sorted(
        (line for line in told_by_the_software().values() if line["entity_id"] == q16),
        key=lambda line: int(line["history_index"]),
    )
    rev_ids = [line["rev_id"] for line in own]
    page_id = own[0]["page_id"]
    async with opened(copy) as source, exporting(tmp_path, source) as export:

        async def states() -> list[tuple[int, str]]:
            await bring_entity(source, export.store, q16)
            entries = await export.store.index.history(q16)
            return [(entry.rev_id, str(entry.state)) for entry in entries]

        async def head() -> tuple[int, str, int | None]:
            found = await export.store.head(q16)
            assert found is not None
            return found.rev_id, str(found.state), found.page_id

        live = [(rev_id, "visible") for rev_id in rev_ids]
        assert await states() == live
        copy.run(CHANGES.format(title=q16, page=page_id))
        assert await states() == [(rev_id, "archived") for rev_id in rev_ids]
        assert await head() == (rev_ids[-1], "archived", page_id)
        assert (await source.telling(q16)).page is None
        # some come back, under another page id
        copy.run(UNDELETED.format(title=q16, page=90_000, head=rev_ids[3], up_to=rev_ids[3]))
        assert await states() == live[:4] + [(rev_id, "archived") for rev_id in rev_ids[4:]]
        assert await head() == (rev_ids[3], "visible", 90_000)
        shown = await export.store.revision(q16, rev_ids[0])
        assert shown is not None
        assert shown.page_id == 90_000
        # the text of one and the author of another are hidden
        copy.run(
            f"UPDATE revision SET rev_deleted = 1 WHERE rev_id = {rev_ids[1]};"
            f"UPDATE revision SET rev_deleted = 12 WHERE rev_id = {rev_ids[2]}"
        )
        assert (await states())[1] == (rev_ids[1], "text_hidden")
        shown = await export.store.revision(q16, rev_ids[2])
        assert shown is not None
        assert (shown.user, shown.hidden) == (None, {"user", "suppressed"})
        # and shown again; an older revision is inserted in the middle, as an import does
        copy.run(
            f"UPDATE revision SET rev_deleted = 0 WHERE rev_page = 90000;"
            f"UPDATE revision SET rev_page = 90000, rev_timestamp = (SELECT * FROM (SELECT rev_timestamp FROM revision"
            f" WHERE rev_id = {rev_ids[1]}) AS x) WHERE rev_id = 1339"
        )
        assert await states() == [*live[:2], (1339, "visible"), *live[2:4], *((one, "archived") for one in rev_ids[4:])]
        again = await bring_entity(source, export.store, q16)
        assert (again.changed, again.new_snapshots, again.unknown) == (0, 0, 0)


async def test_a_revision_that_the_wiki_never_had_is_counted_then_taken_out_of_sight(tmp_path: Path) -> None:
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        q20 = EntityId("Q20")
        await bring_entity(source, export.store, q20)
        before = await export.dumped()
        true_head = await export.store.head(q20)
        assert true_head is not None
        rogue = revision(999_999, 99, entity_id=q20, content={"type": "item", "id": "Q20"}, parent_id=true_head.rev_id)
        await export.store.write(rogue, true_head.rev_id)
        found = await bring_entity(source, export.store, q20)
        assert (found.unknown, found.rogue) == (1, 0)
        head = await export.store.head(q20)
        assert head is not None
        assert head.rev_id == true_head.rev_id
        mended = await bring_entity(source, export.store, q20, heal=True)
        assert (mended.unknown, mended.rogue) == (0, 1)
        assert await export.dumped() == before
        shown = await export.store.revision(q20, 999_999)
        assert shown is not None
        assert (shown.state, shown.content, shown.user, shown.error) == (State.ARCHIVED, None, None, ROGUE)
        again = await bring_entity(source, export.store, q20, heal=True)
        assert (again.rogue, again.unknown) == (0, 0)


async def test_healing_writes_a_lost_snapshot_anew(tmp_path: Path) -> None:
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        q21 = EntityId("Q21")
        await bring_entity(source, export.store, q21)
        before = await export.dumped()
        [lost] = [key async for key in export.store.snapshots.keys(f"Q21/{before[2]['rev_id']:016}-")]
        erasing = FileErasure(tmp_path / "snapshots")
        assert await erasing.erase(lost)
        await erasing.close()
        assert (await bring_entity(source, export.store, q21)).new_snapshots == 0
        assert (await bring_entity(source, export.store, q21, heal=True)).new_snapshots == 1
        assert await export.dumped() == before


async def test_an_entity_that_nobody_has_is_nothing(tmp_path: Path) -> None:
    async with opened(wiki_copy()) as source, exporting(tmp_path, source) as export:
        result = await bring_entity(source, export.store, EntityId("Q44"))
        assert (result.entities, result.skipped) == (0, {"page_gone": 1})
        assert await source.page(EntityId("Q44")) is None
        with pytest.raises(NotFoundError):
            await source._database.history(44_444)
