"""S3 servers for tests: the radosgw that `make services` starts, moto in a process of its own, and buckets in them."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fakes.services import services_env

from backends.snapshots.s3_admin import Retention, asking
from backends.snapshots.s3_bucket import prepare_bucket
from backends.snapshots.s3_place import Credentials, S3Place

TIMES = {"timeout_s": 20.0, "connect_timeout_s": 5.0}
# Ends with the test's process, however that ends: its standard input is closed then.
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it is, and keys that it knows."""

    endpoint: str
    access_key: str
    secret_key: str


def radosgw() -> S3Server:
    """The real one; the test is skipped, with the reason, when it is not up."""
    known = services_env()
    if "CUTOVER_S3_ENDPOINT" not in known:
        pytest.skip("no real S3: start radosgw with `make services`")
    return S3Server(
        known["CUTOVER_S3_ENDPOINT"],
        known["CUTOVER_S3_ACCESS_KEY"],
        known["CUTOVER_S3_SECRET_KEY"],
    )


def radosgw_configuration() -> Path:
    """The configuration of its cluster: another gateway to it can be started."""
    folder = os.environ.get("CUTOVER_SERVICES_DIR") or Path.home() / ".cache" / "cutover-services"
    return Path(folder) / "radosgw" / "ceph.conf"


@contextmanager
def moto() -> Iterator[S3Server]:
    """A moto of one's own, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _MOTO],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        port = process.stdout.readline().strip()
        assert port, "moto does not start"
        yield S3Server(f"http://127.0.0.1:{port}", "moto", "moto-secret")
        process.stdin.close()
        process.wait(10)


def use_keys(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the server's keys where the standard chain finds them, and nothing else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def keys_in_environment(server: S3Server) -> Iterator[None]:
    """As `use_keys`, for as long as the context lasts."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_keys(server, monkeypatch)
        yield


@contextmanager
def new_bucket(server: S3Server, retention: Retention | None = None) -> Iterator[S3Place]:
    """A bucket that is there for as long as the context lasts, then gone with all that is in it.

    Tests may share it, each under a prefix of its own.
    """
    place = S3Place(bucket=f"test-{secrets.token_hex(8)}", endpoint=server.endpoint)
    with keys_in_environment(server):
        asyncio.run(prepare_bucket(place, retention))
    yield place
    with keys_in_environment(server):
        asyncio.run(remove_bucket(place, locked=retention is not None))


def part_of(place: S3Place) -> S3Place:
    """A part of a bucket that nobody else uses."""
    return replace(place, prefix=f"{secrets.token_hex(8)}/")


async def remove_bucket(place: S3Place, *, locked: bool = False) -> None:
    """Remove a bucket with all that is in it. The keys are in the environment."""
    async with asking(place, Credentials(), **TIMES) as client:
        pages = [page async for page in client.get_paginator("list_object_versions").paginate(Bucket=place.bucket)]
        for page in pages:
            found = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            bypass = {"BypassGovernanceRetention": True} if locked else {}
            if found:
                await client.delete_objects(Bucket=place.bucket, Delete={"Objects": found, "Quiet": True}, **bypass)
        await client.delete_bucket(Bucket=place.bucket)
