"""The dump says what the store holds, and what the public may not see only to those who may."""

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from fakes.exporting import Export, exporting
from fakes.told_wiki import ToldWiki, told

from backends.redaction import hide
from export.dump import KEYS, dump_entity
from export.entity import bring_entity
from wikibase.ids import EntityId

Q1, Q2 = EntityId("Q1"), EntityId("Q2")


@pytest.fixture
async def export(tmp_path: Path) -> AsyncIterator[Export]:
    wiki = ToldWiki()
    wiki.revisions = {
        Q1: [told(1, 1, archived=True, page_id=4), told(2, 2), told(3, 3, parent_id=2, tags=("mw-undo",), minor=True)],
        Q2: [told(20, 1)],
    }
    wiki.pages = {Q1: (5, 3), Q2: (6, 20)}
    async with exporting(tmp_path, wiki) as opened:
        for entity_id in (Q1, Q2):
            await bring_entity(wiki, opened.store, entity_id)
        yield opened


async def test_a_line_has_the_keys_in_their_order(export: Export) -> None:
    lines = await export.dumped()
    assert [tuple(line) for line in lines] == [KEYS] * 4
    assert orjson.loads(orjson.dumps(lines[1])) == {
        "entity_id": "Q1",
        "page_id": 5,
        "rev_id": 3,
        "parent_id": 2,
        "timestamp": "2026-11-22T15:24:03Z",
        "user": "Alice",
        "comment": "/* x */",
        "tags": ["mw-undo"],
        "minor": True,
        "sha1": None,
        "state": "visible",
        "digest": lines[1]["digest"],
        "content": lines[1]["content"],
        "redirect_target": None,
    }
    assert len(lines[1]["digest"]) == 64


async def test_archived_revisions_come_after_the_live_ones(export: Export) -> None:
    own = [(line["rev_id"], line["state"]) async for line in dump_entity(export.store, Q1)]
    assert own == [(2, "visible"), (3, "visible"), (1, "archived")]
    assert [line["rev_id"] for line in await export.dumped()] == [2, 3, 1, 20]


async def test_an_entity_that_is_not_there_has_no_line(export: Export) -> None:
    assert [line async for line in dump_entity(export.store, EntityId("Q9"))] == []


async def test_what_was_hidden_later_is_null_and_told_with_privilege(export: Export) -> None:
    [before] = [line async for line in dump_entity(export.store, Q2)]
    await hide(export.store, Q2, 20, frozenset({"text", "user", "comment"}))
    [public] = [line async for line in dump_entity(export.store, Q2)]
    assert public == {
        **before,
        "user": None,
        "comment": None,
        "content": None,
        "digest": None,
        "sha1": public["sha1"],
        "state": "text_hidden",
    }
    [privileged] = [line async for line in dump_entity(export.store, Q2, privileged=True)]
    assert privileged == {**before, "state": "text_hidden"}
