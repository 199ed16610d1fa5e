from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.errors import ConflictError, NotFoundError
from backends.ledger.revisions import Entry, HeadChange, RevisionIndex
from backends.sql.sqlite import SqliteDatabase
from wikibase.ids import EntityId
from wikibase.revision import State

Q1 = EntityId("Q1")


def entry(rev_id: int, position: int, entity_id: EntityId = Q1) -> Entry:
    return Entry(
        entity_id=entity_id,
        rev_id=rev_id,
        position=position,
        parent_id=0,
        timestamp="2026-11-22T15:24:12Z",
        state=State.VISIBLE,
        redirect_target=None,
        digest="ab" * 32,
        meta="cd" * 8,
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "index.sqlite", "index")
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
def index(database: SqliteDatabase) -> RevisionIndex:
    return RevisionIndex(database)


async def test_each_change_of_a_head_is_one_generation_and_one_outbox_row(
    index: RevisionIndex, database: SqliteDatabase
) -> None:
    for rev_id in (7, 3):
        change = HeadChange(rev_id=rev_id, page_id=5)
        await index.record(Q1, [entry(rev_id, rev_id)], change, kind="edit")
        await index.record(Q1, [entry(rev_id, rev_id)], change, kind="edit")  # repeated: nothing
    rows = await database.rows("outbox", after_entity="", after_generation=0, size=10)
    assert [(row["generation"], row["rev_id"], row["kind"]) for row in rows] == [(1, 7, "edit"), (2, 3, "edit")]
    rows = await database.rows("outbox", after_entity="Q1", after_generation=1, size=10)
    assert [row["generation"] for row in rows] == [2]


async def test_a_head_seen_too_long_ago_is_a_conflict_and_nothing_is_written(index: RevisionIndex) -> None:
    await index.record(Q1, [entry(1, 0)], HeadChange(rev_id=1, page_id=None, expected=None), kind="edit")
    for expected in (None, 2):
        with pytest.raises(ConflictError, match="generation 1"):
            await index.record(Q1, [entry(2, 1)], HeadChange(rev_id=2, page_id=None, expected=expected), kind="edit")
    assert await index.position(Q1, 2) is None
    head = await index.record(Q1, [entry(2, 1)], HeadChange(rev_id=2, page_id=None, expected=1), kind="edit")
    assert head is not None
    assert (head.rev_id, head.generation) == (2, 2)


async def test_a_head_must_be_a_revision_of_its_own_entity(index: RevisionIndex) -> None:
    await index.record(EntityId("Q2"), [entry(1, 0, EntityId("Q2"))], None, kind="history")
    with pytest.raises(NotFoundError):
        await index.record(Q1, [], HeadChange(rev_id=1, page_id=None), kind="history")


async def test_an_error_before_the_commit_leaves_nothing(index: RevisionIndex) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await index.record(Q1, [entry(1, 0)], HeadChange(rev_id=1, page_id=None), kind="edit", before_commit=fail)
    assert (await index.head(Q1), await index.entry(Q1, 1)) == (None, None)


async def test_an_entry_comes_back_with_its_overlay(index: RevisionIndex) -> None:
    told = replace(entry(1, 0), overlay={"tags": ["mw-undo"], "user": None}, redirect_target=EntityId("Q9"))
    await index.record(Q1, [told], None, kind="history")
    assert await index.entry(Q1, 1) == told
    assert await index.entries(Q1, [1, 2]) == {1: told}


async def test_heads_are_found_by_many_ids_and_paged(index: RevisionIndex) -> None:
    ids = [EntityId(f"Q{number}") for number in range(1, 12)]
    for number, entity_id in enumerate(ids):
        change = HeadChange(rev_id=number, page_id=None)
        await index.record(entity_id, [entry(number, 0, entity_id)], change, kind="history")
    assert set(await index.heads_of([*ids, EntityId("Q99")])) == set(ids)
    assert await index.heads_of([]) == {}
    paged = []
    after = ""
    while page := await index.heads(after=after, size=4):
        paged += [head.entity_id for head in page]
        after = page[-1].entity_id
    assert paged == sorted(ids)


async def test_those_that_redirect_to_an_entity_are_paged_past_those_that_no_longer_do(index: RevisionIndex) -> None:
    ids = [EntityId(f"Q{number}") for number in range(10, 30)]
    for number, entity_id in enumerate(ids):
        redirect = replace(entry(number, 0, entity_id), state=State.REDIRECT, redirect_target=Q1)
        entries = [redirect, entry(100 + number, 1, entity_id)]
        await index.record(entity_id, entries, HeadChange(rev_id=number + 100 * (number % 2), page_id=None), kind="x")
        await index.note(entity_id, entries, page_id=None)
    still = [entity_id for number, entity_id in enumerate(ids) if number % 2 == 0]
    assert await index.redirects_to(Q1, size=5) == still[:5]
    assert await index.redirects_to(Q1, after=still[4], size=50) == still[5:]


async def test_lookups_can_be_written_again(index: RevisionIndex) -> None:
    for _ in range(2):
        await index.note(Q1, [entry(1, 0), entry(2, 1)], page_id=5)
    assert (await index.entity_of(2), await index.entity_of_page(5)) == (Q1, Q1)
    await index.note(EntityId("Q2"), [], page_id=5)
    assert await index.entity_of_page(5) == "Q2"
