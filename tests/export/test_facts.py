"""What is certain of the export; whatever is not known is not passed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.exporting import Export, exporting
from fakes.told_wiki import ToldWiki, told

from backends.errors import UnavailableError
from export.entity import bring_entity
from export.facts import ExportFacts, export_facts
from export.source import Text, WikiCounts
from wikibase.ids import EntityId


def wiki_of(count: int) -> ToldWiki:
    wiki = ToldWiki()
    for number in range(1, count + 1):
        wiki.revisions[f"Q{number}"] = [told(number * 10 + place, place) for place in range(3)]
        wiki.pages[f"Q{number}"] = (number, number * 10 + 2)
    return wiki


@pytest.fixture
async def export(tmp_path: Path) -> AsyncIterator[Export]:
    async with exporting(tmp_path, wiki_of(4)) as opened:
        yield opened


async def facts(export: Export) -> ExportFacts:
    return await export_facts(export.source, export.store, export.checkpoints, export.leases(), export.unreadable)


async def test_a_finished_export_with_equal_counts_meets_the_criteria(export: Export) -> None:
    await export.exporter(span_pages=2).run()
    found = await facts(export)
    assert found.met, found.missing
    assert (found.entities_exported, found.entities_total, found.revisions_exported) == (4, 4, 12)
    assert (found.spans, found.spans_open) == (2, 0)
    assert found.as_json()["met"] is True


async def test_before_anything_was_exported_nothing_is_met(export: Export) -> None:
    found = await facts(export)
    assert not found.met
    assert found.counts_equal is False
    assert "the export is not finished: 0 spans are open" in found.missing


async def test_an_edit_since_makes_the_counts_unequal(export: Export) -> None:
    await export.exporter().run()
    assert isinstance(export.source, ToldWiki)
    export.source.revisions["Q1"].append(told(99, 9))
    found = await facts(export)
    assert (found.counts_equal, found.met) == (False, False)


async def test_a_wiki_that_cannot_be_counted_is_not_passed(export: Export) -> None:
    await export.exporter().run()
    assert isinstance(export.source, ToldWiki)
    export.source.exact = False
    found = await facts(export)
    assert (found.counts_equal, found.met) == (None, False)

    class Down(ToldWiki):
        async def counts(self) -> WikiCounts:
            raise UnavailableError("down")

    found = await export_facts(Down(), export.store, export.checkpoints, export.leases(), export.unreadable)
    assert found.counts_equal is None
    found = await export_facts(None, export.store, export.checkpoints, export.leases(), export.unreadable)
    assert found.counts_equal is None


async def test_what_is_unreadable_is_listed_as_long_as_it_is(export: Export) -> None:
    assert isinstance(export.source, ToldWiki)
    export.source.words[21] = Text(None, "text-row-missing: tt:1")
    await export.exporter().run()
    found = await facts(export)
    assert [(one.entity_id, one.rev_id) for one in found.unreadable] == [("Q2", 21)]
    assert found.met  # it is no fault of the export
    del export.source.words[21]
    await bring_entity(export.source, export.store, EntityId("Q2"))
    found = await facts(export)
    assert (found.unreadable_total, list(found.unreadable)) == (0, [])
