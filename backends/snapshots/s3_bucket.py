"""Making a bucket ready for snapshots: it is there, keeps versions, and locks objects where that is asked for.

Needs rights that the running programs need not have. Every setting is read again after it was made: some servers
accept what they do not do. Create-only writes go before versioning: radosgw 16 forgets them in versioned buckets, and
a snapshot that cannot be overwritten needs no older versions. Only Object Lock goes before that, if it is asked for.
"""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backends.errors import RefusedError
from backends.snapshots.s3_admin import Bucket, Retention, asking, code_of, look_at_bucket
from backends.snapshots.s3_place import REGION, Credentials, S3Place, data_client, region_of
from backends.snapshots.s3_probe import creates_only_once

_ABSENT = frozenset({"NoSuchBucket", "404"})
_NO_VERSIONING = (
    "this server forgets create-only writes in versioned buckets: versioning is suspended in favour of them"
)


async def prepare_bucket(
    place: S3Place, retention: Retention | None = None, *, timeout_s: float = 30.0, connect_timeout_s: float = 5.0
) -> Bucket:
    """Create the bucket where it is missing, turn versioning on, and set retention where it is asked for.

    Harmless to repeat. Returns what the bucket is set to afterwards, with what to tell the operator as `warnings`.
    Raises RefusedError when the server cannot do it or says that it did and has not, UnavailableError.
    """
    credentials = Credentials()
    async with asking(place, credentials, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s) as client:
        if not await _exists(client, place.bucket):
            await _create(client, place, region_of(place, credentials), lockable=retention is not None)
        before = await look_at_bucket(client, place)
        await _set_versioning(client, place, "Enabled")
        if retention:
            await _set_retention(client, place, before, retention)
        after = await look_at_bucket(client, place)
        if after.versioning is False:
            raise RefusedError(f"{place}: versioning was turned on, and the server says that it is off")
        if after.object_lock:
            return after  # a locked bucket must stay versioned
        store = data_client(
            place, credentials, requests_max=1, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s
        )
        if await creates_only_once(place, store) is not False:
            return after
        await _set_versioning(client, place, "Suspended")
        if await creates_only_once(place, store):
            suspended = await look_at_bucket(client, place)
            return replace(suspended, warnings=(_NO_VERSIONING, *suspended.warnings))
        # No gain: what others overwrite can at least be found again.
        await _set_versioning(client, place, "Enabled")
        return after


async def _set_versioning(client: Any, place: S3Place, status: str) -> None:
    await client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": status})


async def _set_retention(client: Any, place: S3Place, before: Bucket, retention: Retention) -> None:
    if before.retention == retention:
        return
    rule = {"DefaultRetention": {"Mode": retention.mode, "Days": retention.days}}
    settings = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    await client.put_object_lock_configuration(Bucket=place.bucket, ObjectLockConfiguration=settings)
    found = (await look_at_bucket(client, place)).retention
    if found != retention:
        raise RefusedError(f"{place}: the server accepted {retention} and has {found}")


async def _exists(client: Any, bucket: str) -> bool:
    try:
        await client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return False
        raise
    return True


async def _create(client: Any, place: S3Place, region: str, *, lockable: bool) -> None:
    settings: dict[str, Any] = {"Bucket": place.bucket}
    if region != REGION and not place.endpoint:
        settings["CreateBucketConfiguration"] = {"LocationConstraint": region}
    if lockable:
        settings["ObjectLockEnabledForBucket"] = True
    try:
        await client.create_bucket(**settings)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
