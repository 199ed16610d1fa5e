"""The export against a small wiki whose faults can be chosen."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from fakes.exporting import Export, exporting
from fakes.small_wiki import SmallPage, SmallRevision, SmallWiki, item, running

from backends.errors import UnavailableError
from backends.store import Store
from backends.wiki.http import WikiHttp
from export.api_source import ApiSource
from export.entity import bring_entity
from export.history import CHECKPOINT, Exporter
from export.outcome import ExportResult
from wikibase.ids import EntityId
from wikibase.revision import State


def page(number: int, *rev_ids: int, **other: Any) -> SmallPage:
    entity_id = f"Q{number}"
    revisions = [SmallRevision(rev_id, item(entity_id, f"word {rev_id}")) for rev_id in rev_ids]
    return SmallPage(number + 100, 120, f"Item:{entity_id}", revisions, **other)


@dataclass
class Journey:
    small: SmallWiki
    wiki: WikiHttp
    export: Export

    @property
    def store(self) -> Store:
        return self.export.store

    def exporter(self, **other: Any) -> Exporter:
        return self.export.exporter(**other)

    async def ids(self, entity_id: str) -> list[int]:
        return [entry.rev_id for entry in await self.store.index.history(EntityId(entity_id))]


@pytest.fixture
async def journey(tmp_path: Path) -> AsyncIterator[Journey]:
    async with AsyncExitStack() as stack:
        small = await stack.enter_async_context(running(SmallWiki([page(1, 1, 2, 3), page(2, 4)])))
        wiki = WikiHttp(small.url, retries=0)
        export = await stack.enter_async_context(exporting(tmp_path, ApiSource(wiki)))
        yield Journey(small, wiki, export)


async def test_every_revision_of_every_entity_is_exported_in_the_wikis_order(journey: Journey) -> None:
    journey.small.pages += [page(3, 9, 5, 7, head=5)]
    journey.small.pages[-1].revisions[1].text = json.dumps({"type": "item", "id": "Q3"})
    result = await journey.exporter().run()
    assert (result.entities, result.revisions, result.missing, result.hidden) == (3, 7, 0, 0)
    assert await journey.ids("Q3") == [9, 5, 7]
    head = await journey.store.head(EntityId("Q3"))
    assert head is not None
    assert (head.rev_id, head.position, head.page_id) == (5, 1, 103)
    shown = await journey.store.revision(EntityId("Q1"), 2)
    assert shown is not None
    assert shown.content is not None
    assert shown.content["labels"] == {"en": {"language": "en", "value": "word 2"}}
    assert (shown.user, shown.comment, shown.parent_id, shown.content_model) == ("Alice", "/* x */", 1, "wikibase-item")


async def test_pages_that_hold_no_entity_are_counted_by_reason(journey: Journey) -> None:
    journey.small.pages += [
        SmallPage(8, 120, "Item:Sandbox", [SmallRevision(50, "words")], "wikitext"),
        SmallPage(9, 120, "Item:Q9", [SmallRevision(51, "words")], "wikitext"),
        SmallPage(10, 120, "Item:Q10", [SmallRevision(52, item("Q10", "x"))]),
    ]
    journey.small.gone_while_listed.add("Item:Q10")
    result = await journey.exporter().run()
    assert result.skipped == {"title_is_no_id": 1, "content_model_wikitext": 1, "page_gone": 1}
    assert await journey.store.index.totals() == (2, 4)


async def test_a_redirect_is_stored_as_one(journey: Journey) -> None:
    journey.small.pages[1].revisions.append(SmallRevision(5, '{"entity":"Q2","redirect":"Q1"}'))
    result = await journey.exporter().run()
    head = await journey.store.head(EntityId("Q2"))
    assert head is not None
    assert (head.state, head.redirect_target, result.redirects) == (State.REDIRECT, "Q1", 1)


@pytest.mark.parametrize("text", ["words", "[]", '{"type":"item","id":"Q2","claims":{"P1":[7]}}', "null", ""])
async def test_a_text_that_is_no_entity_is_recorded_and_not_fatal(journey: Journey, text: str) -> None:
    journey.small.pages[1].revisions.append(SmallRevision(5, text))
    result = await journey.exporter().run()
    shown = await journey.store.revision(EntityId("Q2"), 5)
    assert shown is not None
    assert (shown.state, shown.content) == (State.MISSING, None)
    assert shown.error
    assert (result.missing, result.missing_reasons) == (1, {"not-an-entity": 1})


async def test_what_the_wiki_cannot_read_or_hides_is_recorded_as_such(journey: Journey) -> None:
    journey.small.pages[0].revisions[0].undecodable = True
    hidden = {"userhidden": True, "sha1hidden": True, "suppressed": True}
    journey.small.pages[0].revisions[1] = SmallRevision(2, None, raw=hidden, main={"texthidden": True})
    journey.small.pages[0].revisions[2] = SmallRevision(3, None, main={"textmissing": True})
    result = await journey.exporter().run()
    first, second, third = [await journey.store.revision(EntityId("Q1"), rev_id) for rev_id in (1, 2, 3)]
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.state is State.MISSING
    assert str(first.error).startswith("internal_api_error_MWContentSerializationException: Exception caught")
    assert (second.state, second.user, second.wiki_sha1) == (State.TEXT_HIDDEN, None, None)
    assert second.hidden == {"user", "text", "suppressed"}
    assert (third.state, third.error) == (State.MISSING, "textmissing")
    assert (result.missing, result.hidden, result.revisions) == (2, 1, 4)


async def test_a_text_with_another_sha1_is_counted_not_refused(journey: Journey) -> None:
    journey.small.pages[0].revisions[0].raw = {"sha1": "0" * 40}
    result = await journey.exporter().run()
    assert (result.sha1_differs, result.missing) == (1, 0)


async def test_a_second_export_writes_nothing_new(journey: Journey) -> None:
    await journey.exporter().run()
    before = await journey.store.head(EntityId("Q1"))
    result = await journey.exporter().run()
    assert (result.revisions, result.new_snapshots, result.packed_bytes) == (4, 0, 0)
    assert await journey.store.head(EntityId("Q1")) == before


async def test_what_was_added_hidden_and_deleted_since_is_taken_over(journey: Journey) -> None:
    await journey.exporter().run()
    journey.small.pages[0].revisions.append(SmallRevision(9, item("Q1", "later")))
    journey.small.pages[1].revisions[0] = SmallRevision(4, None, raw={"sha1hidden": True}, main={"texthidden": True})
    await journey.exporter().run()
    assert await journey.ids("Q1") == [1, 2, 3, 9]
    shown = await journey.store.revision(EntityId("Q2"), 4)
    assert shown is not None
    assert (shown.state, shown.content) == (State.TEXT_HIDDEN, None)


async def test_an_interrupted_export_goes_on_where_it_stood(journey: Journey) -> None:
    journey.small.pages = [page(number, number) for number in range(1, 10)]

    def cut(params: dict[str, str]) -> web.Response | None:
        return web.Response(status=500) if params.get("titles") == "Item:Q6" else None

    journey.small.faults.append(cut)
    with pytest.raises(UnavailableError):
        await journey.exporter(batch_entities=2).run()
    assert (await journey.export.checkpoints.get(CHECKPOINT) or {})["state"] == "running"
    journey.small.faults.clear()
    journey.small.requests.clear()
    result = await journey.exporter(batch_entities=2).run()
    asked = sorted(one["titles"] for one in journey.small.calls("titles"))
    assert asked == [f"Item:Q{number}" for number in range(5, 10)]
    assert (result.entities, result.revisions) == (9, 9)
    assert await journey.store.index.totals() == (9, 9)
    assert (await journey.export.checkpoints.get(CHECKPOINT) or {})["state"] == "finished"


async def test_a_long_history_is_told_in_pieces_of_bounded_size(journey: Journey) -> None:
    journey.small.pages = [page(1, *range(1000, 1130))]
    size = len(journey.small.pages[0].revisions[0].text or "")
    await journey.exporter(piece_bytes=size * 10).run()
    asked = [len(one["revids"].split("|")) for one in journey.small.calls("revids")]
    assert asked == [10] * 13
    assert await journey.ids("Q1") == list(range(1000, 1130))


async def test_an_edit_between_two_parts_of_the_listing_is_noticed(journey: Journey) -> None:
    journey.small.history_limit = 2
    told: list[str] = []

    def edit(params: dict[str, str]) -> None:
        if params.get("titles") == "Item:Q1":
            told.append(params.get("rvcontinue", ""))
            if len(told) == 2:  # the listing is over after this, but says another head
                journey.small.pages[0].head = 77
            elif len(told) == 3:
                journey.small.pages[0].head = None
                journey.small.pages[0].revisions.append(SmallRevision(77, item("Q1", "edited")))

    journey.small.faults.append(edit)
    await journey.exporter().run()
    assert await journey.ids("Q1") == [1, 2, 3, 77]


async def test_an_edit_stored_while_the_export_reads_is_not_undone(journey: Journey) -> None:
    await journey.exporter().run()
    later = SmallRevision(9, item("Q1", "later"))

    async def follow() -> None:
        journey.small.pages[0].revisions.append(later)
        await bring_entity(journey.export.source, journey.store, EntityId("Q1"))
        journey.small.pages[0].revisions.remove(later)  # this export still sees what was before

    class Overtaken(WikiHttp):
        async def history(self, title: str) -> Any:
            if title == "Item:Q1" and not journey.small.calls("overtaken"):
                journey.small.requests.append({"overtaken": "yes"})
                seen = await super().history(title)
                await follow()
                journey.small.pages[0].revisions.append(later)
                return seen
            return await super().history(title)

    slow = Overtaken(journey.small.url, retries=0)
    await journey.exporter(source=ApiSource(slow)).run()
    await slow.close()
    head = await journey.store.head(EntityId("Q1"))
    assert head is not None
    assert head.rev_id == 9


async def test_progress_is_told_after_each_batch(journey: Journey) -> None:
    told: list[ExportResult] = []
    result = await journey.exporter(batch_entities=1, progress=told.append).run()
    assert [one.entities for one in told] == [1, 2, 2]  # the last batch is of the empty property namespace
    assert told[-1] == result == ExportResult.of_json(result.as_json())
