"""Buckets: made ready, and looked at for what would harm snapshots."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from fakes.s3 import TIMES, S3Server, new_bucket, radosgw, use_keys
from suites.snapshots_suite import KEY

from backends.errors import RefusedError
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_admin import Retention, asking, look_at_bucket
from backends.snapshots.s3_bucket import prepare_bucket
from backends.snapshots.s3_place import Credentials, S3Place

RETENTION = Retention(days=1)


@pytest.fixture
def place(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Place]:
    with new_bucket(server) as made:
        use_keys(server, monkeypatch)
        yield made


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Place]:
    """On radosgw alone: moto knows none of the checksums that S3 takes for a locked object but aioboto3's."""
    with new_bucket(radosgw(), RETENTION) as made:
        use_keys(radosgw(), monkeypatch)
        yield made


async def test_preparing_again_changes_nothing(place: S3Place) -> None:
    first, second = await prepare_bucket(place), await prepare_bucket(place)
    assert first == second
    # moto keeps versions; radosgw 16 would forget create-only writes then, and says that it does not keep them.
    assert first.versioning == (not first.warnings)


@pytest.mark.services
async def test_a_locked_bucket_keeps_versions_and_lets_nobody_delete_one(locked: S3Place) -> None:
    assert await prepare_bucket(locked, RETENTION) == await prepare_bucket(locked)
    opened = await S3Snapshots.open(locked)
    assert await opened.create(KEY, b"body")
    async with asking(locked, Credentials(), **TIMES) as client:
        bucket = await look_at_bucket(client, locked)
        assert (bucket.versioning, bucket.object_lock, bucket.retention) == (True, True, RETENTION)
        written = await client.head_object(Bucket=locked.bucket, Key=KEY)
        with pytest.raises(ClientError, match="AccessDenied"):
            await client.delete_object(Bucket=locked.bucket, Key=KEY, VersionId=written["VersionId"])
    assert await opened.read(KEY) == b"body"


async def test_a_bucket_that_cannot_be_locked_any_more_is_refused(place: S3Place) -> None:
    with pytest.raises(RefusedError):
        await prepare_bucket(place, Retention(days=1))
