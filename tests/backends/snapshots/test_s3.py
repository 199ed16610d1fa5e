"""The contract of snapshots, and what is special about S3, on a real radosgw and on moto."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import replace

import pytest
from fakes.s3 import S3Server, moto, new_bucket, part_of, radosgw, use_keys
from suites.snapshots_suite import KEY, SnapshotsSuite

from backends.errors import NotFoundError, RefusedError, UnavailableError
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_admin import Retention
from backends.snapshots.s3_place import Credentials, S3Place, data_client
from backends.snapshots.s3_probe import Capabilities

RADOSGWS = ("radosgw", "radosgw-locked")
FOUND = {
    "moto": Capabilities(conditional_put=True, versioning=True, object_lock=False, checksum=False),
    "radosgw": Capabilities(conditional_put=True, versioning=False, object_lock=False, checksum=False),
    "radosgw-locked": Capabilities(conditional_put=False, versioning=True, object_lock=True, checksum=None),
}


# moto: versioned. radosgw: create-only in place of versions. radosgw-locked: versions in place of create-only.
@pytest.fixture(scope="module", params=["moto", *(pytest.param(name, marks=pytest.mark.services) for name in RADOSGWS)])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[S3Server]:
    with moto() if kind == "moto" else nullcontext(radosgw()) as found:
        yield found


@pytest.fixture(scope="module")
def bucket(kind: str, server: S3Server) -> Iterator[S3Place]:
    with new_bucket(server, Retention(days=1) if kind == "radosgw-locked" else None) as made:
        yield made


@pytest.fixture
def place(server: S3Server, bucket: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    use_keys(server, monkeypatch)
    return part_of(bucket)


@pytest.fixture
async def snapshots(place: S3Place, kind: str) -> AsyncIterator[S3Snapshots]:
    """What `open` makes of a place, without asking each time what is asked once below."""
    made = unprobed(place, FOUND[kind])
    yield made
    await made.close()


def unprobed(place: S3Place, capabilities: Capabilities) -> S3Snapshots:
    client = data_client(place, Credentials(), requests_max=32, timeout_s=20, connect_timeout_s=5)
    return S3Snapshots(place, client, capabilities, requests_max=32, timeout_s=30, body_bytes_max=2**28)


class TestS3(SnapshotsSuite):
    pass


async def test_of_16_writers_50_times_exactly_one_wins_and_its_bytes_stay(snapshots: S3Snapshots) -> None:
    for race in range(50):
        key = f"Q{race + 1}/race"
        bodies = [b"%d" % writer * 5000 for writer in range(16)]
        won = await asyncio.gather(*(snapshots.create(key, body) for body in bodies))
        assert sum(won) == 1
        assert await snapshots.read(key) == bodies[won.index(True)]


async def test_without_create_only_writes_one_of_many_writers_of_a_process_wins(snapshots: S3Snapshots) -> None:
    snapshots.capabilities = Capabilities(conditional_put=False, versioning=None, object_lock=None, checksum=None)
    for race in range(10):
        key = f"Q{race + 1}/race"
        bodies = [b"%d" % writer * 5000 for writer in range(16)]
        won = await asyncio.gather(*(snapshots.create(key, body) for body in bodies))
        assert sum(won) == 1
        assert await snapshots.read(key) == bodies[won.index(True)]
        assert not await snapshots.create(key, b"late")
        assert await snapshots.read(key) == bodies[won.index(True)]


async def test_what_server_and_bucket_can_do_is_found_out(place: S3Place, kind: str) -> None:
    opened = await S3Snapshots.open(place)
    assert opened.capabilities == FOUND[kind]


async def test_opening_again_finds_out_the_same_and_leaves_nothing_that_is_listed(place: S3Place) -> None:
    first, second = await S3Snapshots.open(place), await S3Snapshots.open(place)
    assert first.capabilities == second.capabilities
    assert [key async for key in first.keys("")] == []


async def test_more_keys_than_one_page_holds_are_all_listed_once(snapshots: S3Snapshots) -> None:
    keys = [f"Q{entity}/{rev:05}" for entity in (1, 10, 2) for rev in range(350)]
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(snapshots.create(key, b"x"))
    assert [key async for key in snapshots.keys("")] == sorted(keys)
    assert [key async for key in snapshots.keys("Q1")] == sorted(key for key in keys if key.startswith("Q1"))
    assert [key async for key in snapshots.keys("Q1/00")] == sorted(key for key in keys if key.startswith("Q1/00"))


@pytest.mark.parametrize("prefix", ["Q1/-", "Q1/.", "Q1/0", "Q1/A", "Q1/_", "Q1/a", "Q1/b0", "q", "Q1/b-", "Q1/b"])
async def test_keys_are_found_from_whatever_character_on(snapshots: S3Snapshots, prefix: str) -> None:
    keys = {f"Q1/{word}" for word in ("0", "00", "9", "A", "Z", "_", "__", "a", "b", "b-", "b-0", "b.", "b0", "z")}
    for key in sorted(keys | {"q/x", "Q/x", "Q2/0"}):
        await snapshots.create(key, b"x")
    listed = [key async for key in snapshots.keys(prefix)]
    assert listed == sorted(key for key in keys | {"q/x", "Q/x", "Q2/0"} if key.startswith(prefix))


async def test_a_place_with_another_prefix_sees_nothing(snapshots: S3Snapshots) -> None:
    await snapshots.create(KEY, b"body")
    mine = snapshots.place.prefix
    for prefix in ("", mine[1:], f"{mine[:-1]}0/", f"{mine}{mine}"):
        other = unprobed(replace(snapshots.place, prefix=prefix), snapshots.capabilities)
        with pytest.raises(NotFoundError):
            await other.read(KEY)
    whole = unprobed(replace(snapshots.place, prefix=""), snapshots.capabilities)
    assert await whole.read(mine + KEY) == b"body"
    assert [key async for key in whole.keys(mine)] == [mine + KEY]


async def test_a_bucket_that_is_not_there_is_refused_by_name(place: S3Place) -> None:
    with pytest.raises(RefusedError, match="no such bucket"):
        await S3Snapshots.open(S3Place(bucket="nobody-made-this", endpoint=place.endpoint))


async def test_a_bucket_that_went_away_is_not_taken_for_a_missing_snapshot(place: S3Place) -> None:
    snapshots = unprobed(S3Place(bucket="nobody-made-this", endpoint=place.endpoint), FOUND["moto"])
    with pytest.raises(RefusedError, match="no such bucket"):
        await snapshots.read(KEY)
    with pytest.raises(RefusedError, match="no such bucket"):
        await snapshots.create(KEY, b"")
    with pytest.raises(RefusedError, match="no such bucket"):
        [key async for key in snapshots.keys("")]


async def test_a_closed_place_says_so(snapshots: S3Snapshots) -> None:
    await snapshots.close()
    with pytest.raises(UnavailableError, match="closed"):
        await snapshots.read(KEY)


async def test_credentials_that_may_not_write_read(snapshots: S3Snapshots) -> None:
    await snapshots.create(KEY, b"body")
    snapshots.capabilities = Capabilities(conditional_put=None, versioning=None, object_lock=None, checksum=None)
    assert await snapshots.read(KEY) == b"body"
    with pytest.raises(RefusedError, match="not allowed to write"):
        await snapshots.create("Q1/new", b"")
