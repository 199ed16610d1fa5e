"""The export against the sample wiki: every public revision of a real, difficult history."""

import asyncio
import gzip
import json
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fakes.exporting import exporting
from shared_truth import SHARED, needs_shared
from suites.stored import opened_store

from backends.store import Store
from backends.wiki.http import WikiHttp
from backends.wiki.shapes import Content
from cutover.demo.records import COMMENT_BIT, SUPPRESSED_BIT, TEXT_BIT, USER_BIT, WikiRevision
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from export.api_source import ApiSource
from export.dump import KEYS, dump_all
from export.entity import bring_entity
from export.outcome import ExportResult
from wikibase.canonical import canonical_bytes, canonical_entity, digest
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

TRUTH = SHARED / "datasets" / "wiki-a" / "truth"
PIECE_BYTES = 2 * 1024 * 1024


@pytest.fixture(scope="module")
def world() -> World:
    return World.load()


def source_of(sample: SampleWiki, wiki_type: type[WikiHttp] = WikiHttp) -> ApiSource:
    return ApiSource(wiki_type(f"{sample.url}/w/api.php", retries=0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def result(world: World, folder: Path) -> ExportResult:
    """What the export did; the store is left in `folder` for all tests."""

    async def export() -> ExportResult:
        async with SampleWiki(world=world) as sample, exporting(folder, source_of(sample)) as export:
            return await export.exporter(piece_bytes=PIECE_BYTES).run()

    return asyncio.run(export())


@pytest.fixture
async def store(result: ExportResult, folder: Path) -> AsyncIterator[Store]:
    async with opened_store(folder) as opened:
        yield opened


def _entities(world: World) -> Iterator[tuple[EntityId, int, int, list[WikiRevision]]]:
    for page in world.pages.values():
        entity_id = world.entity_of(page)
        if entity_id is not None:
            yield entity_id, page.page_id, page.latest, world.history(page.page_id)


def _state(held: WikiRevision) -> State:
    if held.deleted_bits & TEXT_BIT:
        return State.TEXT_HIDDEN
    if held.text is None:
        return State.MISSING
    return State.REDIRECT if "redirect" in json.loads(held.text) else State.VISIBLE


async def test_the_store_holds_every_public_revision_as_the_wiki_has_it(
    world: World, store: Store, result: ExportResult
) -> None:
    assert (result.entities, result.revisions) == (world.entity_count, world.revision_count)
    assert await store.index.totals() == (world.entity_count, world.revision_count)
    for entity_id, page_id, latest, history in _entities(world):
        head = await store.head(entity_id)
        assert head is not None
        assert (head.rev_id, head.page_id) == (latest, page_id)
        entries = await store.index.history(entity_id)
        assert [entry.rev_id for entry in entries] == [held.rev_id for held in history]
        for place, held in enumerate(history):
            shown = await store.revision(entity_id, held.rev_id)
            assert shown is not None
            _same(shown, held, place)


def _same(shown: Revision, held: WikiRevision, place: int) -> None:
    names = {TEXT_BIT: "text", COMMENT_BIT: "comment", USER_BIT: "user", SUPPRESSED_BIT: "suppressed"}
    told = (shown.position, shown.parent_id, shown.timestamp, shown.user, shown.comment, shown.tags, shown.minor)
    has = (place, held.parent_id, held.timestamp, held.user, held.comment, held.tags, held.minor)
    assert told == has, held.rev_id
    assert (shown.state, shown.wiki_sha1) == (_state(held), held.sha1), held.rev_id
    assert shown.hidden == {name for bit, name in names.items() if held.deleted_bits & bit}, held.rev_id
    assert (shown.content is None) == (held.text is None)
    if held.text is not None:
        assert shown.content == canonical_entity(json.loads(held.text)), held.rev_id


@needs_shared
async def test_the_store_holds_what_the_real_software_says_of_every_live_revision(
    store: Store, result: ExportResult
) -> None:
    compared = 0
    with gzip.open(TRUTH / "revisions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for truth in map(json.loads, lines):
            if truth["state"] == "archived":
                assert await store.position(truth["entity_id"], truth["rev_id"]) is None
                continue
            compared += 1
            shown = await store.revision(truth["entity_id"], truth["rev_id"])
            assert shown is not None
            assert _as_truth(shown) == _expected(truth), truth["rev_id"]
            if truth["is_head"]:
                head = await store.head(truth["entity_id"])
                assert head is not None
                assert head.rev_id == truth["rev_id"]
    totals = json.loads((TRUTH / "counts.json").read_text())["totals"]
    assert compared == totals["total_live"] == result.revisions
    told = (result.missing, result.hidden, result.redirects)
    assert told == (totals["missing"], totals["text_hidden"], totals["redirect"])


@needs_shared
async def test_the_dump_says_of_every_live_revision_what_the_software_says(store: Store) -> None:
    with gzip.open(TRUTH / "revisions.jsonl.gz", "rt", encoding="utf-8") as lines:
        truth = {line["rev_id"]: line for line in map(json.loads, lines) if line["state"] != "archived"}
    dumped = [line async for line in dump_all(store)]
    assert len(dumped) == len(truth)
    for line in dumped:
        told = {key: truth[line["rev_id"]].get(key) for key in KEYS}
        told["content"] = told["content"] and canonical_entity(told["content"])
        told["digest"] = told["content"] and digest(canonical_bytes(told["content"]))
        assert line == told


_SAME = ("entity_id", "page_id", "rev_id", "parent_id", "timestamp", "user", "comment", "minor", "redirect_target")


def _as_truth(shown: Revision) -> dict[str, Any]:
    told = {name: getattr(shown, name) for name in _SAME}
    told |= {"tags": list(shown.tags), "state": str(shown.state), "sha1": shown.wiki_sha1}
    return told | {"history_index": shown.position, "content": shown.content}


def _expected(truth: dict[str, Any]) -> dict[str, Any]:
    told = {name: truth[name] for name in (*_SAME, "tags", "state", "sha1", "history_index")}
    return told | {"content": truth["content"] and canonical_entity(truth["content"])}


def test_pages_without_an_entity_are_counted_not_stored(world: World, result: ExportResult) -> None:
    without = [page for page in world.pages.values() if page.ns in (120, 122) and world.entity_of(page) is None]
    assert sum(result.skipped.values()) == len(without)


async def test_an_entity_with_an_unreadable_head_has_its_head_and_its_readable_past(store: Store) -> None:
    head = await store.head(EntityId("Q74"))
    assert head is not None
    shown = await store.revision(EntityId("Q74"), head.rev_id)
    assert shown is not None
    assert (head.state, shown.state, shown.error) == (State.MISSING, State.MISSING, "textmissing")
    past = await store.index.history(EntityId("Q74"))
    assert past[0].state is State.VISIBLE


async def test_an_undecodable_text_costs_only_itself(store: Store, result: ExportResult) -> None:
    shown = await store.revision(EntityId("Q72"), 1237)
    assert shown is not None
    assert str(shown.error).startswith("internal_api_error_InvalidArgumentException")
    assert result.missing_reasons["internal_api_error_InvalidArgumentException"] == 1


async def test_heads_and_contents_read_again_from_the_wiki_are_those_of_the_store(world: World, store: Store) -> None:
    heads = {entity_id: head for entity_id, _, head, _ in _entities(world)}
    async with SampleWiki(world=world) as sample:
        wiki = WikiHttp(f"{sample.url}/w/api.php", retries=0)
        told = await wiki.heads(sorted(heads))
        compared = [one for one, said in told.items() if said.rev_id is not None and said.redirected_to is None]
        assert len(compared) > len(heads) * 0.9
        assert {one: told[one].rev_id for one in compared} == {one: heads[one] for one in compared}
        kept = await store.head(EntityId("Q42"))
        assert kept is not None
        entity = await wiki.entity_at(EntityId("Q42"), kept.rev_id)
        shown = await store.revision(EntityId("Q42"), kept.rev_id)
        assert shown is not None
        assert canonical_entity(dict(entity)) == shown.content
        await wiki.close()


async def test_edits_and_hiding_are_taken_over_by_a_second_export_which_writes_nothing_else(
    folder: Path, result: ExportResult, tmp_path: Path
) -> None:
    def relabel(entity: dict[str, Any]) -> dict[str, Any]:
        return entity | {"labels": {"en": {"language": "en", "value": "edited"}}}

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    world = World.load()
    before = world.head(EntityId("Q16"))
    rev_id = world.edit("Q16", relabel)
    world.hide(before.rev_id, TEXT_BIT)
    world.redirect("Q17", "Q16")
    async with SampleWiki(world=world) as sample, exporting(copy, source_of(sample)) as export:
        again = await export.exporter().run()
    assert again.revisions == result.revisions + 2
    assert again.new_snapshots == 3  # the edit, the redirect, and the hidden revision without its text
    async with opened_store(copy) as store:
        head = await store.head(EntityId("Q16"))
        assert head is not None
        assert head.rev_id == rev_id
        shown = await store.revision(EntityId("Q16"), rev_id)
        assert shown is not None
        assert shown.content is not None
        assert shown.content["labels"]["en"]["value"] == "edited"
        hidden = await store.revision(EntityId("Q16"), before.rev_id)
        assert hidden is not None
        assert (hidden.state, hidden.content) == (State.TEXT_HIDDEN, None)
        assert EntityId("Q17") in await store.index.redirects_to(EntityId("Q16"))


class Weighed(WikiHttp):
    """Remembers how much text each answer held."""

    weights: ClassVar[list[tuple[int, int]]] = []

    async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, Content]:
        found = await super().contents(rev_ids)
        self.weights.append((len(rev_ids), sum(len(one.text or "") for one in found.values())))
        return found


async def test_of_a_page_of_huge_revisions_only_a_piece_is_held_at_once(world: World, tmp_path: Path) -> None:
    async with SampleWiki(world=world) as sample, exporting(tmp_path, source_of(sample, Weighed)) as export:
        result = await bring_entity(export.source, export.store, EntityId("Q47"), piece_bytes=PIECE_BYTES)
    assert result.revisions == 40
    assert sum(size for _, size in Weighed.weights) == result.wiki_bytes > 40_000_000
    # rev_len, by which pieces are cut, is a little less than the JSON's length (wikibase.md 4.5).
    assert all(count == 1 or size < PIECE_BYTES * 2 for count, size in Weighed.weights)
