"""Where snapshots lie in S3, and with whose keys: the address, the credentials, and the two clients made of them.

Credentials come from the standard chain alone (environment, ~/.aws, web identity, container or instance role), read
by aioboto3's session and handed to both clients; no configuration of ours holds a secret. TLS is verified: against
the system's authorities, and those of AWS_CA_BUNDLE where it is set; plain HTTP is for loopback, or asked for by name.
What the environment could weaken (AWS_SKIP_SIGNATURE, AWS_ALLOW_INVALID_CERTIFICATES...) is set here and so without
effect. Neither client retries: that is put on around the snapshots.
"""

import asyncio
import ipaddress
import os
import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioboto3  # type: ignore[import-untyped]
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
from obstore.store import S3Store

from backends.errors import RefusedError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Credential

REGION = "us-east-1"
"""The region where neither configuration nor environment names one; servers of one's own mostly answer to it."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*")
_CREDENTIALS_TIMEOUT_S = 15.0
# obstore asks again when less than five minutes are left; the chain renews what is about to end by itself.
_CREDENTIALS_KEPT = timedelta(minutes=10)
_ADMIN_CONNECTIONS_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """A bucket, and the part of it that is ours. Raises RefusedError for an address that cannot be right.

    `endpoint`: URL of the server; empty: AWS's own of the region. `region`: empty: as the environment says.
    `prefix`: empty, or ends with "/". `path_style`: the bucket is in the path instead of the host name.
    `plain_http`: allow http:// to other machines than this one.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    path_style: bool = True
    plain_http: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be right."""
        if not _BUCKET.fullmatch(self.bucket):
            raise RefusedError(f"{self.bucket!r} cannot be the name of a bucket")
        if not _PREFIX.fullmatch(self.prefix):
            raise RefusedError(f"{self.prefix!r} cannot be a prefix: words of A-Z a-z 0-9 . _ -, each followed by /")
        if self.endpoint:
            _check_endpoint(self.endpoint, plain_http=self.plain_http)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


class Credentials:
    """The standard chain of credentials. Called by obstore whenever it wants to know them."""

    def __init__(self) -> None:
        self.session = aioboto3.Session()

    async def __call__(self) -> "S3Credential":
        """Return the present credentials. Raises RefusedError when there are none."""
        try:
            async with asyncio.timeout(_CREDENTIALS_TIMEOUT_S):
                found = await self.session.get_credentials()
                known = await found.get_frozen_credentials() if found else None
        except (BotoCoreError, TimeoutError) as error:
            # Only the kind of error: its text may quote what was read.
            raise RefusedError(f"the credentials for S3 cannot be had: {type(error).__name__}") from None
        if known is None or not (known.access_key and known.secret_key):
            raise RefusedError("there are no credentials for S3: neither in the environment, nor in ~/.aws, nor a role")
        return {
            "access_key_id": known.access_key,
            "secret_access_key": known.secret_key,
            "token": known.token,
            "expires_at": datetime.now(UTC) + _CREDENTIALS_KEPT,
        }


def region_of(place: S3Place, credentials: Credentials) -> str:
    """Return the region: the configured one, the environment's, or `REGION`."""
    return place.region or credentials.session.region_name or REGION


def data_client(
    place: S3Place, credentials: Credentials, *, requests_max: int, timeout_s: float, connect_timeout_s: float
) -> S3Store:
    """Return obstore's client of the place: what creates, reads and lists."""
    options: ClientConfig = {
        "allow_http": place.endpoint.startswith("http://"),
        "allow_invalid_certificates": False,
        "connect_timeout": timedelta(seconds=connect_timeout_s),
        "timeout": timedelta(seconds=timeout_s),
        "pool_max_idle_per_host": str(requests_max),
    }
    if bundle := os.environ.get("AWS_CA_BUNDLE"):
        options["root_certificate"] = _read_bundle(Path(bundle))
    address = {"endpoint": place.endpoint} if place.endpoint else {}
    return S3Store(
        place.bucket,
        region=region_of(place, credentials),
        virtual_hosted_style_request=not place.path_style,
        conditional_put="etag",
        checksum_algorithm="SHA256",  # AWS wants one where objects are locked; who does not know it ignores it
        skip_signature=False,
        unsigned_payload=False,
        client_options=options,
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=timeout_s)},
        credential_provider=credentials,
        **address,  # type: ignore[arg-type]  # a key that is left out is not the same as an empty one
    )


def admin_client(
    place: S3Place, credentials: Credentials, *, timeout_s: float, connect_timeout_s: float
) -> AbstractAsyncContextManager[Any]:
    """Return aioboto3's client: what creates buckets, and asks and sets their properties."""
    config = AioConfig(
        connect_timeout=connect_timeout_s,
        read_timeout=timeout_s,
        max_pool_connections=_ADMIN_CONNECTIONS_MAX,
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path" if place.path_style else "virtual"},
        # Checksums that only AWS knows are refused by some servers; obstore sends its own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client: AbstractAsyncContextManager[Any] = credentials.session.client(
        "s3",
        region_name=region_of(place, credentials),
        endpoint_url=place.endpoint or None,
        config=config,
    )
    return client


def _check_endpoint(endpoint: str, *, plain_http: bool) -> None:
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query or url.fragment:
        raise RefusedError(f"the endpoint must be http(s)://HOST[:PORT], without a path: {_without_user(endpoint)!r}")
    if url.username is not None or url.password is not None:
        raise RefusedError("the endpoint must not carry a user or password")
    if url.scheme == "http" and not plain_http and not _is_loopback(url.hostname):
        raise RefusedError(f"plain HTTP to {url.hostname} must be allowed by name")


def _without_user(endpoint: str) -> str:
    return re.sub(r"//[^/@]*@", "//...@", endpoint)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_bundle(bundle: Path) -> bytes:
    try:
        return bundle.read_bytes()
    except OSError as error:
        raise RefusedError(f"AWS_CA_BUNDLE cannot be read: {error.strerror}: {bundle}") from None
