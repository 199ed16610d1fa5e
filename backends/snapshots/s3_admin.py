"""What a bucket is set to, asked with aioboto3: versioning, Object Lock, lifecycle rules that would harm snapshots."""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from backends.errors import BackendError, RefusedError, UnavailableError
from backends.snapshots.s3_errors import Answer, named
from backends.snapshots.s3_place import Credentials, S3Place, admin_client

_NOT_SET = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchLifecycleConfiguration"})
_NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed", "501", "405", "InvalidRequest"})
_NOT_ALLOWED = frozenset({"AccessDenied", "403"})
_TAKEN = frozenset({"PreconditionFailed", "412"})
_WRONG_CHECKSUM = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "InvalidRequest", "400"})


@dataclass(frozen=True, slots=True)
class Retention:
    """How long nobody may delete a snapshot: Object Lock, set by default on everything that is written."""

    days: int
    mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a bucket is set to. None: these credentials may not ask. `warnings`: what would harm snapshots."""

    versioning: bool | None
    object_lock: bool | None
    retention: Retention | None
    warnings: tuple[str, ...]


@asynccontextmanager
async def asking(
    place: S3Place, credentials: Credentials, *, timeout_s: float, connect_timeout_s: float
) -> AsyncIterator[Any]:
    """Open aioboto3's client; what it raises leaves as RefusedError or UnavailableError."""
    await credentials()  # says clearly that there are none
    try:
        async with admin_client(place, credentials, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s) as client:
            yield client
    except ClientError as error:
        raise _named(str(place), error) from None
    except BotoCoreError as error:
        raise _failure(str(place), error) from None


async def look_at_bucket(client: Any, place: S3Place) -> Bucket:
    """Return what a bucket is set to. `client`: from `asking`."""
    versioning = await _ask(client.get_bucket_versioning, place.bucket)
    lock = await _ask(client.get_object_lock_configuration, place.bucket)
    lifecycle = await _ask(client.get_bucket_lifecycle_configuration, place.bucket)
    settings: Mapping[str, Any] = (lock or {}).get("ObjectLockConfiguration") or {}
    found: Mapping[str, Any] = (settings.get("Rule") or {}).get("DefaultRetention") or {}
    days = found.get("Days") or 365 * found.get("Years", 0)
    return Bucket(
        versioning=None if versioning is None else versioning.get("Status") == "Enabled",
        object_lock=None if lock is None else settings.get("ObjectLockEnabled") == "Enabled",
        retention=Retention(days, found["Mode"]) if found else None,
        warnings=lifecycle_warnings((lifecycle or {}).get("Rules") or (), place.prefix),
    )


async def refuses_wrong_checksum(client: Any, place: S3Place, key: str) -> bool | None:
    """Say whether a body that does not fit its checksum is refused; None when these credentials may not write.

    The key is created only: where checksums are ignored the first try leaves it there, and is what the next ones find.
    """
    wrong = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    try:
        await client.put_object(
            Bucket=place.bucket, Key=place.prefix + key, Body=b"", ChecksumSHA256=wrong, IfNoneMatch="*"
        )
    except ClientError as error:
        code = code_of(error)
        if code in _NOT_ALLOWED:
            return None
        if code not in _TAKEN | _WRONG_CHECKSUM:
            raise
        return code in _WRONG_CHECKSUM
    return False


def lifecycle_warnings(rules: Sequence[Mapping[str, Any]], prefix: str) -> tuple[str, ...]:
    """Return a sentence for each lifecycle rule that would delete or archive snapshots under the prefix. Pure.

    Expiring old versions harms nothing: a snapshot is never written twice. Rules for tagged objects do not concern
    snapshots, which have no tags.
    """
    return tuple(
        f"lifecycle rule {rule.get('ID') or 'without a name'!r} {harm} snapshots under {prefix or 'the whole bucket'!r}"
        for rule in rules
        if rule.get("Status") == "Enabled" and _concerns(rule, prefix)
        for harm in _harms(rule)
    )


def _concerns(rule: Mapping[str, Any], prefix: str) -> bool:
    chosen: Mapping[str, Any] = rule.get("Filter") or {}
    every: Mapping[str, Any] = chosen.get("And") or chosen
    if every.get("Tag") or every.get("Tags"):
        return False
    theirs = every.get("Prefix") or rule.get("Prefix") or ""
    return bool(theirs.startswith(prefix) or prefix.startswith(theirs))


def _harms(rule: Mapping[str, Any]) -> tuple[str, ...]:
    expiration: Mapping[str, Any] = rule.get("Expiration") or {}
    deletes = any(expiration.get(field) for field in ("Days", "Date"))
    return ("deletes",) * deletes + ("archives",) * bool(rule.get("Transitions"))


async def _ask(question: Any, bucket: str) -> Mapping[str, Any] | None:
    """Return an answer: empty where there is nothing of the kind, None where these credentials may not ask."""
    try:
        answer: Mapping[str, Any] = await question(Bucket=bucket)
    except ClientError as error:
        code = code_of(error)
        if code in _NOT_SET or code in _NOT_OFFERED:
            return {}
        if code in _NOT_ALLOWED:
            return None
        raise
    return answer


def code_of(error: ClientError) -> str:
    """Return S3's code, or the status as text where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _named(doing: str, error: ClientError) -> BackendError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = code_of(error)
    answer = Answer(status, None if code.isdigit() else code)
    if code == "404":
        # An answer without a body: it was the bucket that was asked for.
        answer = Answer(status, "NoSuchBucket")
    return named(doing, answer)


def _failure(doing: str, error: BotoCoreError) -> BackendError:
    if isinstance(error, SSLError):
        return RefusedError(f"{doing}: no TLS connection that can be trusted")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return RefusedError(f"{doing}: there are no credentials for S3")
    return UnavailableError(f"{doing}: {type(error).__name__}")
