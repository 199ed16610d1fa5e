"""The contract of the store on every pair of backends, and what can only be seen with files at hand."""

from pathlib import Path

import pytest
from suites.pairs import PAIRS
from suites.store_suite import StoreSuite, WritesSuite
from suites.stored import Q1, history

from backends.errors import CorruptError
from backends.store import Store

EMBEDDED = PAIRS[:1]


class TestStore(StoreSuite):
    pass


class TestWrites(WritesSuite):
    pass


def body_of(folder: Path, rev_id: int) -> Path:
    (path,) = folder.rglob(f"{rev_id:016}-*.zst")
    return path


@pytest.mark.parametrize("pair", EMBEDDED, indirect=True)
async def test_a_damaged_snapshot_is_named_and_never_returned(store: Store, tmp_path: Path) -> None:
    await store.put_history(Q1, history(1, 2), 2)
    path = body_of(tmp_path, 2)
    path.write_bytes(body_of(tmp_path, 1).read_bytes())
    with pytest.raises(CorruptError, match="Q1 revision 2"):
        await store.revision(Q1, 2)
    assert await store.revision(Q1, 1) == history(1)[0]


@pytest.mark.parametrize("pair", EMBEDDED, indirect=True)
async def test_a_snapshot_that_is_gone_is_corruption_not_absence(store: Store, tmp_path: Path) -> None:
    await store.put_history(Q1, history(1), 1)
    body_of(tmp_path, 1).unlink()
    with pytest.raises(CorruptError, match="not there"):
        await store.revision(Q1, 1)
