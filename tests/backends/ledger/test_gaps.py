"""Marks and gaps: written together or not at all, and read back whole."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.gaps import Gap, Gaps, Mark
from backends.ledger.wakes import LOOK, Wake, Wakes
from backends.sql.sqlite import SqliteDatabase
from wikibase.ids import EntityId


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    ledger = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await ledger.migrate()
    yield ledger
    await ledger.close()


def gap(low: int, high: int) -> Gap:
    return Gap(low=low, high=high, noticed_ms=5, noticed_at="2026-11-22T15:24:12Z", due_ms=9, looks=1)


async def test_mark_gaps_and_calls_are_written_together(database: SqliteDatabase) -> None:
    gaps = Gaps(database)
    assert await gaps.mark("revision") is None
    mark = Mark(number=70, seen_at="2026-11-22T15:24:12Z")
    wake = Wake(entity_id=EntityId("Q1"), kind=LOOK, due_ms=0)
    await gaps.change("revision", mark=mark, opened=[gap(5, 9), gap(20, 20)], wakes=[wake])
    assert await gaps.mark("revision") == mark
    assert await gaps.all("revision") == [gap(5, 9), gap(20, 20)]
    assert await gaps.all("log") == []
    assert await Wakes(database).waiting() == 1


async def test_what_fails_leaves_nothing_behind(database: SqliteDatabase) -> None:
    gaps = Gaps(database)
    broken = Gap(low=7, high=8, noticed_ms=5, noticed_at=None, due_ms=9)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        await gaps.change("revision", mark=Mark(number=70, seen_at="x"), opened=[gap(5, 9), broken])
    assert await gaps.mark("revision") is None
    assert await gaps.all("revision") == []


async def test_a_gap_shrinks_and_goes(database: SqliteDatabase) -> None:
    gaps = Gaps(database)
    await gaps.change("revision", opened=[gap(5, 9)])
    await gaps.change("revision", closed=[gap(5, 9)], opened=[gap(5, 6), gap(8, 9)])
    assert await gaps.all("revision") == [gap(5, 6), gap(8, 9)]
    await gaps.change("revision", closed=[gap(5, 6), gap(8, 9)])
    assert await gaps.all("revision") == []


async def test_many_gaps_are_read_page_by_page(database: SqliteDatabase) -> None:
    gaps = Gaps(database)
    many = [gap(number * 2, number * 2) for number in range(1, 1201)]
    await gaps.change("log", opened=many)
    assert await gaps.all("log") == many
