"""Stores on real parts for tests, and revisions to put into them."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from backends.ledger.keys import WriteKey
from backends.ledger.revisions import RevisionIndex
from backends.snapshots.files import FileSnapshots
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store, no_crash
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

Q1 = EntityId("Q1")


def revision(rev_id: int, position: int, **other: Any) -> Revision:
    values: dict[str, Any] = {
        "entity_id": Q1,
        "rev_id": rev_id,
        "parent_id": 0,
        "position": position,
        "timestamp": f"2026-11-22T15:24:{position % 60:02}Z",
        "state": State.VISIBLE,
        "content": {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": f"label {rev_id}"}}},
        "page_id": 5,
        "user": "Alice",
        "comment": "/* x */",
    }
    return Revision(**(values | other))


def edit(rev_id: int, position: int, parent: int | None) -> Revision:
    return revision(rev_id, position, parent_id=parent or 0)


def request(key: str, asked: str = "") -> WriteKey:
    return WriteKey(key, hashlib.sha256(f"{key}{asked}".encode()).hexdigest())


def history(*rev_ids: int) -> list[Revision]:
    return [revision(rev_id, place) for place, rev_id in enumerate(rev_ids)]


@asynccontextmanager
async def opened_store(folder: Path, *, crash_point: Callable[[str], None] = no_crash) -> AsyncIterator[Store]:
    database = await SqliteDatabase.open(folder / "index.sqlite", "index")
    snapshots = FileSnapshots(folder / "snapshots", threads=4)
    try:
        await database.migrate()
        yield Store(snapshots, RevisionIndex(database), crash_point=crash_point)
    finally:
        await database.close()
        await snapshots.close()
