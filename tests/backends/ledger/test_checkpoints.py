from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase


@pytest.fixture
async def checkpoints(tmp_path: Path) -> AsyncIterator[Checkpoints]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Checkpoints(database, now=lambda: "2026-11-22T15:24:12Z")
    await database.close()


async def test_a_job_that_never_said_where_it_stands_has_no_checkpoint(checkpoints: Checkpoints) -> None:
    assert await checkpoints.get("export") is None


async def test_the_last_word_counts(checkpoints: Checkpoints) -> None:
    await checkpoints.put("export", {"after": "Q1"})
    await checkpoints.put("export", {"after": "Ω", "counts": {"a": 1}})
    await checkpoints.put("other", {})
    assert await checkpoints.get("export") == {"after": "Ω", "counts": {"a": 1}}


async def test_a_cleared_job_begins_anew(checkpoints: Checkpoints) -> None:
    await checkpoints.put("export", {"after": "Q1"})
    await checkpoints.clear("export")
    assert await checkpoints.get("export") is None


@pytest.mark.parametrize("name", ["", "x" * 191])
async def test_a_name_that_no_column_holds_is_refused(checkpoints: Checkpoints, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 190"):
        await checkpoints.put(name, {})
