"""What is found out at opening about a server that can do little, or about keys that may do little."""

import asyncio
from dataclasses import replace

import pytest
from fakes.s3 import part_of
from fakes.s3_faults import Fault, FaultyS3, answer
from suites.snapshots_suite import KEY

from backends.errors import RefusedError, UnavailableError
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_place import S3Place

WITHOUT_CONDITION = {
    "501": Fault(only=b"/.cutover/create-only", answer=answer("501 Not Implemented", code="NotImplemented")),
    "ignored": Fault(
        only=b"/.cutover/create-only", answer=answer("200 OK", headers='ETag: "0123456789abcdef0123456789abcdef"\r\n')
    ),
}


@pytest.mark.parametrize("fault", ["501", "ignored"])
async def test_a_server_without_create_only_writes_is_found_out_and_nothing_is_overwritten(
    bucket: S3Place, between: FaultyS3, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    between.fault = WITHOUT_CONDITION[fault]
    opened = await S3Snapshots.open(replace(part_of(bucket), endpoint=between.endpoint))
    assert opened.capabilities.conditional_put is False
    assert "no create-only writes" in caplog.text
    between.fault = Fault()  # unconditional writes work
    assert await opened.create(KEY, b"first")
    assert not await opened.create(KEY, b"second")
    assert await opened.read(KEY) == b"first"


async def test_without_create_only_writes_one_who_was_overwritten_is_told_so(
    bucket: S3Place, between: FaultyS3
) -> None:
    between.fault = WITHOUT_CONDITION["501"]
    place = replace(part_of(bucket), endpoint=between.endpoint)
    first, second = await S3Snapshots.open(place), await S3Snapshots.open(place)
    between.fault = Fault(only=b"PUT", delay_s=0.2)  # both look before either has written
    won = await asyncio.gather(first.create(KEY, b"first"), second.create(KEY, b"second"))
    kept = await first.read(KEY)
    assert sorted(won) == [False, True]
    assert kept == (b"first", b"second")[won.index(True)]


async def test_credentials_that_may_not_write_are_taken_for_reading(
    bucket: S3Place, between: FaultyS3, caplog: pytest.LogCaptureFixture
) -> None:
    place = replace(part_of(bucket), endpoint=between.endpoint)
    writer = await S3Snapshots.open(place)
    await writer.create(KEY, b"body")
    between.fault = Fault(only=b"PUT", answer=answer("403 Forbidden", code="AccessDenied"))
    reader = await S3Snapshots.open(place)
    assert reader.capabilities.conditional_put is None
    assert "only be read" in caplog.text
    assert await reader.read(KEY) == b"body"
    with pytest.raises(RefusedError):
        await reader.create("Q1/x", b"")


@pytest.mark.parametrize("code", ["SlowDown", "InternalError"])
async def test_a_server_that_is_in_trouble_at_opening_is_not_taken_for_a_poor_one(
    bucket: S3Place, between: FaultyS3, code: str
) -> None:
    between.fault = Fault(only=b"PUT", answer=answer("503 Slow Down", code=code))
    with pytest.raises(UnavailableError):
        await S3Snapshots.open(replace(part_of(bucket), endpoint=between.endpoint))
    between.fault = Fault(only=b"versioning", answer=answer("503 Slow Down", code=code))
    with pytest.raises(UnavailableError):
        await S3Snapshots.open(replace(part_of(bucket), endpoint=between.endpoint))
