"""S3 servers and buckets for the tests of what lies in S3."""

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext

import pytest
from fakes.s3 import S3Server, moto, new_bucket, radosgw, use_keys
from fakes.s3_faults import FaultyS3, faulty

from backends.snapshots.s3_place import S3Place


@pytest.fixture(scope="module", params=["moto", pytest.param("radosgw", marks=pytest.mark.services)])
def server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    with moto() if request.param == "moto" else nullcontext(radosgw()) as found:
        yield found


@pytest.fixture(scope="module")
def bucket(server: S3Server) -> Iterator[S3Place]:
    """One for all tests of a file: each takes a part of it."""
    with new_bucket(server) as made:
        yield made


@pytest.fixture
async def between(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyS3]:
    """A proxy in front of the server, that can do damage."""
    use_keys(server, monkeypatch)
    async with faulty(server.endpoint) as proxy:
        yield proxy
