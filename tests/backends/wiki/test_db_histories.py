"""Whole histories of many pages at once are the same, whatever the bound on what is read at once."""

from collections.abc import AsyncIterator

import pytest
from fakes.wiki_copies import NAMESPACE_MODELS, wiki_copy
from fakes.wiki_truth import told_by_the_software

from backends.wiki.database import WikiDatabase
from backends.wiki.db_histories import EntityHistory, entity_of
from backends.wiki.db_rows import DatabaseRevision, Slot
from wikibase.ids import EntityId

pytestmark = pytest.mark.services


@pytest.fixture
async def database() -> AsyncIterator[WikiDatabase]:
    copy = wiki_copy()
    opened = await WikiDatabase.open(
        copy.reader, copy.database, clusters=copy.clusters, namespace_models=NAMESPACE_MODELS
    )
    yield opened
    await opened.close()


async def of_pages(database: WikiDatabase, *, size: int, revisions_max: int) -> list[EntityHistory]:
    found: list[EntityHistory] = []
    low: int | None = 1
    while low is not None:
        batch = await database.histories_within(low, 10**6, size=size, revisions_max=revisions_max)
        found += batch.histories
        assert batch.after is None or isinstance(batch.after, int)
        assert batch.after is None or batch.after > low
        low = batch.after
    return found


@pytest.mark.parametrize(("size", "revisions_max"), [(500, 5000), (7, 40), (3, 2), (1, 1000)])
async def test_each_entity_comes_once_with_all_its_revisions(
    database: WikiDatabase, size: int, revisions_max: int
) -> None:
    histories = await of_pages(database, size=size, revisions_max=revisions_max)
    assert len({one.entity_id for one in histories}) == len(histories) == 82
    truth = told_by_the_software().values()
    for one in histories:
        own = [line for line in truth if line["entity_id"] == one.entity_id]
        live = sorted((line for line in own if line["state"] != "archived"), key=lambda line: line["history_index"])
        archived = {line["rev_id"] for line in own if line["state"] == "archived"}
        if not one.whole:
            assert max(len(live), len(archived)) > revisions_max or len(live) >= revisions_max
            continue
        assert [told.rev_id for told in one.live] == [line["rev_id"] for line in live]
        assert {told.rev_id for told in one.archived} == archived
    assert any(one.whole for one in histories)


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_what_lies_in_the_archive_alone_comes_by_title(database: WikiDatabase, size: int) -> None:
    found: list[EntityHistory] = []
    low = ""
    while True:
        batch = await database.histories_deleted(120, low, "", size=size)
        found += batch.histories
        if batch.after is None:
            break
        assert str(batch.after) > low
        low = str(batch.after)
    assert [one.entity_id for one in found] == ["Q34", "Q36", "Q38"]
    assert all(one.page is None and one.archived for one in found)
    part = await database.histories_deleted(120, "Q35", "Q37")
    assert [one.entity_id for one in part.histories] == ["Q36"]


async def test_one_entity_live_deleted_or_unknown(database: WikiDatabase) -> None:
    live = await database.history_of(EntityId("Q57"), 120)
    assert live is not None
    assert live.page is not None
    assert ([one.rev_id for one in live.live], len(live.archived)) == ([1331, 1332, 1333], 5)
    deleted = await database.history_of(EntityId("Q36"), 120)
    assert deleted is not None
    assert (deleted.page, [one.rev_id for one in deleted.archived]) == (None, [327, 339, 341])
    too_many = await database.history_of(EntityId("Q36"), 120, revisions_max=2)
    assert too_many is not None
    assert (too_many.whole, too_many.archived) == (False, ())
    for nobody in ("Q44", "M5", "Q9999"):
        assert await database.history_of(EntityId(nobody), 120) is None


def archived(model: str | None, role: str = "main") -> DatabaseRevision:
    slot = Slot(origin=1, content_id=1, size=1, sha1=None, model=model, address="tt:1")
    return DatabaseRevision(
        rev_id=1,
        parent_id=0,
        timestamp="2026-11-22T15:24:12Z",
        user=None,
        comment=None,
        tags=(),
        minor=False,
        size=1,
        sha1=None,
        content_model=model,
        page_id=77,
        archived=True,
        deleted_bits=0,
        bot=None,
        slots={role: slot} if model else {},
    )


def test_a_deleted_revision_is_of_the_entity_that_title_and_model_name() -> None:
    assert entity_of("Q5", archived("wikibase-item")) == "Q5"
    assert entity_of("Q5", archived("wikitext")) is None
    assert entity_of("Q5", archived(None)) == "Q5"  # its slots are lost: the title decides
    assert entity_of("Sandbox", archived(None)) is None
    assert entity_of("Lexeme:L5", archived("wikibase-lexeme")) is None  # the colon belongs to the title
    assert entity_of("File.jpg", archived("wikibase-mediainfo", "mediainfo")) == "M77"
    assert entity_of("E7", archived("EntitySchema")) == "E7"
