"""The right to destroy a snapshot in S3 for good: every version of it, and the markers that hide them.

What Object Lock holds is not destroyed: in GOVERNANCE mode only where the bypass is asked for by name (and the
credentials have that right), in COMPLIANCE mode by nobody before the date, which the refusal names.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backends.errors import RefusedError
from backends.snapshots.s3_admin import asking, code_of
from backends.snapshots.s3_place import Credentials, S3Place

_HELD = frozenset({"AccessDenied", "403", "InvalidRequest", "ObjectLocked"})
_NO_RETENTION = frozenset({"NoSuchObjectLockConfiguration", "InvalidRequest", "NoSuchKey", "404", "NotImplemented"})


class RetainedError(RefusedError):
    """Object Lock holds the object: the order stays recorded, and is to be finished when the lock has ended."""


class S3Erasure:
    """A part of a bucket, opened with the right to remove from it. Implements `backends.snapshots.erasing.Erasing`."""

    def __init__(
        self,
        place: S3Place,
        *,
        bypass_governance: bool = False,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
    ) -> None:
        """`bypass_governance`: destroy also what a GOVERNANCE lock holds."""
        self._place = place
        self._credentials = Credentials()
        self._bypass: Mapping[str, Any] = {"BypassGovernanceRetention": True} if bypass_governance else {}
        self._times = {"timeout_s": timeout_s, "connect_timeout_s": connect_timeout_s}

    async def erase(self, key: str) -> bool:
        """Remove all versions of an object; False when there are none. Repeating it finishes what was begun.

        Raises RetainedError, RefusedError, UnavailableError.
        """
        if not key or key.startswith("/") or ".." in key.split("/"):
            raise RefusedError(f"{key!r} cannot be the key of a snapshot")
        path = self._place.prefix + key
        async with asking(self._place, self._credentials, **self._times) as client:
            versions, markers = await self._versions(client, path)
            # The markers last: while a version is left they hide it.
            for version in (*versions, *markers):
                await self._delete(client, path, version)
            left, _ = await self._versions(client, path)
        if left:
            raise RetainedError(f"{self._place}: {key} has {len(left)} versions after all were deleted")
        return bool(versions)

    async def close(self) -> None:
        """Nothing is kept open. Calling it twice is harmless."""

    async def _versions(self, client: Any, path: str) -> tuple[list[str], list[str]]:
        versions: list[str] = []
        markers: list[str] = []
        pages = client.get_paginator("list_object_versions").paginate(Bucket=self._place.bucket, Prefix=path)
        async for page in pages:
            for field, found in (("Versions", versions), ("DeleteMarkers", markers)):
                found += [one["VersionId"] for one in page.get(field, ()) if one["Key"] == path]
        return versions, markers

    async def _delete(self, client: Any, path: str, version: str) -> None:
        try:
            await client.delete_object(Bucket=self._place.bucket, Key=path, VersionId=version, **self._bypass)
        except ClientError as error:
            if code_of(error) not in _HELD:
                raise
            held = await self._retention(client, path, version)
            if held is None:
                raise
            raise RetainedError(f"{self._place}: {path} is held by Object Lock, {held}") from None

    async def _retention(self, client: Any, path: str, version: str) -> str | None:
        """Return how and until when a version is held, None when it is not, or nobody may know."""
        try:
            answer = await client.get_object_retention(Bucket=self._place.bucket, Key=path, VersionId=version)
        except ClientError as error:
            if code_of(error) in _NO_RETENTION | _HELD:
                return None
            raise
        found = answer.get("Retention") or {}
        return f"{found['Mode']} until {found['RetainUntilDate']:%Y-%m-%dT%H:%M:%SZ}" if found.get("Mode") else None
