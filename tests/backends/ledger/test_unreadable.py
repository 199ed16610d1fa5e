from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.unreadable import UnreadableRevision, UnreadableRevisions
from backends.sql.sqlite import SqliteDatabase
from wikibase.ids import EntityId

Q1, Q2 = EntityId("Q1"), EntityId("Q2")


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[UnreadableRevisions]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield UnreadableRevisions(database)
    await database.close()


async def test_each_revision_stands_in_the_list_once_with_the_last_reason(listed: UnreadableRevisions) -> None:
    await listed.put([UnreadableRevision(Q2, 3, "gone"), UnreadableRevision(Q1, 7, "gone")], "2026-01-01T00:00:00Z")
    await listed.put([UnreadableRevision(Q1, 7, "x" * 900)], "2026-01-02T00:00:00Z")
    await listed.put([], "2026-01-02T00:00:00Z")
    assert [one async for one in listed.all()] == [
        UnreadableRevision(Q1, 7, "x" * 400),
        UnreadableRevision(Q2, 3, "gone"),
    ]


async def test_what_could_be_read_is_taken_off(listed: UnreadableRevisions) -> None:
    await listed.put([UnreadableRevision(Q1, 7, "gone"), UnreadableRevision(Q1, 8, "gone")], "2026-01-01T00:00:00Z")
    await listed.forget(Q1, 7)
    assert [one.rev_id async for one in listed.all()] == [8]


async def test_a_list_longer_than_a_page_comes_whole(listed: UnreadableRevisions) -> None:
    many = [UnreadableRevision(Q1 if number % 2 else Q2, number, "gone") for number in range(1100)]
    await listed.put(many, "2026-01-01T00:00:00Z")
    found = [one async for one in listed.all()]
    assert len(found) == len(set(found)) == 1100
