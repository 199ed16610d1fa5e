"""Erasing from S3 for good: every version goes, what a lock holds stays and says until when."""

import base64
import hashlib
from collections.abc import Iterator

import pytest
from fakes.s3 import TIMES, S3Server, new_bucket, part_of, use_keys
from suites.snapshots_suite import KEY

from backends.errors import NotFoundError, RefusedError
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_admin import Retention, asking
from backends.snapshots.s3_erasing import RetainedError, S3Erasure
from backends.snapshots.s3_place import Credentials, S3Place


@pytest.fixture
def place(server: S3Server, bucket: S3Place, monkeypatch: pytest.MonkeyPatch) -> S3Place:
    use_keys(server, monkeypatch)
    return part_of(bucket)


@pytest.fixture
def versioned(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Place]:
    with new_bucket(server) as made:
        use_keys(server, monkeypatch)
        yield made


@pytest.fixture
def locked(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Place]:
    if server.access_key == "moto":
        pytest.skip("moto answers 500 to what S3 answers about a locked object; radosgw is asked")
    with new_bucket(server, Retention(days=1)) as made:
        use_keys(server, monkeypatch)
        yield made


async def versions(place: S3Place, key: str) -> int:
    """How many versions and markers of a key there are."""
    async with asking(place, Credentials(), **TIMES) as client:
        page = await client.list_object_versions(Bucket=place.bucket, Prefix=place.prefix + key)
    return len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))


async def test_what_is_erased_is_gone_and_saying_it_twice_is_harmless(place: S3Place) -> None:
    snapshots = await S3Snapshots.open(place)
    other = KEY + "2"  # a key that begins with the other one
    await snapshots.create(KEY, b"body")
    await snapshots.create(other, b"stays")
    erasure = S3Erasure(place)
    assert await erasure.erase(KEY)
    assert not await erasure.erase(KEY)
    assert not await erasure.erase("Q7/nothing")
    with pytest.raises(NotFoundError):
        await snapshots.read(KEY)
    assert await versions(place, KEY) == 1
    assert await snapshots.read(other) == b"stays"
    assert await snapshots.create(KEY, b"again")  # what must not come back is the index's business
    await erasure.close()
    await erasure.close()


async def test_every_version_goes_those_behind_a_marker_too(versioned: S3Place) -> None:
    async with asking(versioned, Credentials(), **TIMES) as client:
        enabled = {"Status": "Enabled"}
        await client.put_bucket_versioning(Bucket=versioned.bucket, VersioningConfiguration=enabled)
        for body in (b"one", b"two"):
            await client.put_object(Bucket=versioned.bucket, Key=KEY, Body=body)
        await client.delete_object(Bucket=versioned.bucket, Key=KEY)
    assert await versions(versioned, KEY) == 3
    assert await S3Erasure(versioned).erase(KEY)
    assert await versions(versioned, KEY) == 0


async def test_a_lock_refuses_with_its_date_until_the_bypass_is_asked_for(locked: S3Place) -> None:
    async with asking(locked, Credentials(), **TIMES) as client:
        md5 = base64.b64encode(hashlib.md5(b"held", usedforsecurity=False).digest()).decode()
        await client.put_object(Bucket=locked.bucket, Key=KEY, Body=b"held", ContentMD5=md5)
    with pytest.raises(RetainedError, match=r"GOVERNANCE until \d{4}-\d\d-\d\dT") as caught:
        await S3Erasure(locked).erase(KEY)
    assert not caught.value.retry
    assert await versions(locked, KEY) == 1
    assert await S3Erasure(locked, bypass_governance=True).erase(KEY)
    assert await versions(locked, KEY) == 0


@pytest.mark.parametrize("key", ["", "/Q1", "../x", "Q1/../x"])
async def test_a_key_that_leads_elsewhere_is_refused(place: S3Place, key: str) -> None:
    with pytest.raises(RefusedError):
        await S3Erasure(place).erase(key)
