"""What every place that keeps snapshots promises. A backend's test file derives from `SnapshotsSuite`."""

import asyncio

import pytest

from backends.errors import NotFoundError, RefusedError
from backends.snapshots.base import Snapshots

KEY = "Q42/0000000000000007-" + "ab" * 32 + ".zst"


class SnapshotsSuite:
    """Needs a fixture `snapshots`: an opened, empty place."""

    async def test_what_was_created_is_read(self, snapshots: Snapshots) -> None:
        assert await snapshots.create(KEY, b"body")
        assert await snapshots.read(KEY) == b"body"

    async def test_an_empty_and_a_large_body_are_kept_as_they_are(self, snapshots: Snapshots) -> None:
        large = bytes(range(256)) * 8192
        assert await snapshots.create("Q1/empty", b"")
        assert await snapshots.create("Q1/large", large)
        assert await snapshots.read("Q1/empty") == b""
        assert await snapshots.read("Q1/large") == large

    async def test_a_second_creation_is_told_so_and_changes_nothing(self, snapshots: Snapshots) -> None:
        assert await snapshots.create(KEY, b"first")
        assert not await snapshots.create(KEY, b"second")
        assert await snapshots.read(KEY) == b"first"

    async def test_of_many_writers_at_once_one_wins_and_its_bytes_stay(self, snapshots: Snapshots) -> None:
        for race in range(10):
            key = f"Q{race + 1}/race"
            bodies = [b"%d" % writer * 1000 for writer in range(16)]
            won = await asyncio.gather(*(snapshots.create(key, body) for body in bodies))
            assert sum(won) == 1
            assert await snapshots.read(key) == bodies[won.index(True)]

    async def test_what_was_never_created_is_not_found(self, snapshots: Snapshots) -> None:
        with pytest.raises(NotFoundError):
            await snapshots.read(KEY)

    async def test_keys_are_each_listed_once(self, snapshots: Snapshots) -> None:
        keys = {f"Q{entity}/{rev:016}-{'0' * 64}.zst" for entity in (1, 10, 11, 2) for rev in range(5)}
        for key in keys:
            await snapshots.create(key, b"x")
        listed = [key async for key in snapshots.keys("")]
        assert sorted(listed) == sorted(keys)

    @pytest.mark.parametrize("prefix", ["Q1", "Q1/", "Q10/", "Q1/0000000000000003", "Q9/", "P"])
    async def test_keys_with_a_prefix_are_those_that_begin_with_it(self, snapshots: Snapshots, prefix: str) -> None:
        keys = {f"Q{entity}/{rev:016}-{'0' * 64}.zst" for entity in (1, 10, 2) for rev in (3, 33)}
        for key in keys:
            await snapshots.create(key, b"x")
        listed = [key async for key in snapshots.keys(prefix)]
        assert sorted(listed) == sorted(key for key in keys if key.startswith(prefix))

    @pytest.mark.parametrize("key", ["../x", "Q1/../../x", "/etc/passwd", "", "Q1/", "Q1//x", "Q1/a b", "Q1/.x"])
    async def test_a_key_that_leads_elsewhere_is_refused(self, snapshots: Snapshots, key: str) -> None:
        with pytest.raises(RefusedError):
            await snapshots.create(key, b"x")
        with pytest.raises(RefusedError):
            await snapshots.read(key)

    async def test_closing_twice_is_harmless(self, snapshots: Snapshots) -> None:
        await snapshots.close()
        await snapshots.close()
