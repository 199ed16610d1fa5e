"""What is said of a server or a network that does wrong: real faults, between us and a real server."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fakes.s3 import part_of
from fakes.s3_faults import Fault, FaultyS3, answer, cut_short, flip_bit
from suites.snapshots_suite import KEY

from backends.errors import BackendError, CorruptError, NotFoundError, RefusedError, UnavailableError
from backends.snapshots.envelope import decode, encode
from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_place import S3Place
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

TIMEOUT_S = 0.5
BODY = bytes(range(256)) * 80


@pytest.fixture
async def snapshots(bucket: S3Place, between: FaultyS3) -> AsyncIterator[S3Snapshots]:
    """Opened through the proxy, KEY in it; then in a hurry."""
    opened = await S3Snapshots.open(replace(part_of(bucket), endpoint=between.endpoint))
    await opened.create(KEY, BODY)
    opened._timeout_s = TIMEOUT_S
    yield opened
    await opened.close()


async def told(snapshots: S3Snapshots, *, without_waiting: bool = True) -> list[BackendError]:
    """Create, read and list; return what each said."""
    errors: list[BackendError] = []
    before = time.monotonic()
    for work in (snapshots.create("Q1/new", b"x"), snapshots.read(KEY), _listed(snapshots)):
        with pytest.raises(BackendError) as caught:
            await work
        errors.append(caught.value)
    assert time.monotonic() - before < (TIMEOUT_S if without_waiting else 10)
    return errors


async def _listed(snapshots: S3Snapshots) -> list[str]:
    return [key async for key in snapshots.keys("")]


@pytest.mark.parametrize(
    ("status", "code", "pause_s"),
    [
        ("500 Internal Server Error", "InternalError", None),
        ("500 Internal Server Error", "", None),
        ("502 Bad Gateway", "", None),
        ("503 Service Unavailable", "SlowDown", 1.0),
        ("503 Service Unavailable", "", 1.0),
        ("429 Too Many Requests", "", 1.0),
        ("400 Bad Request", "RequestTimeout", None),
        ("409 Conflict", "ConditionalRequestConflict", None),
    ],
)
async def test_a_server_in_trouble_is_worth_another_try(
    snapshots: S3Snapshots, between: FaultyS3, status: str, code: str, pause_s: float | None
) -> None:
    between.fault = Fault(answer=answer(status, code=code, headers="Retry-After: 7\r\n"))
    for error in await told(snapshots):
        assert isinstance(error, UnavailableError)
        assert error.retry_after_s == pause_s


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("403 Forbidden", "AccessDenied", "may not do that"),
        ("403 Forbidden", "InvalidAccessKeyId", "access key is not known"),
        ("403 Forbidden", "RequestTimeTooSkewed", "clock"),
        ("403 Forbidden", "", "403"),
        ("404 Not Found", "NoSuchBucket", "no such bucket"),
        ("301 Moved Permanently", "PermanentRedirect", "elsewhere"),
        ("501 Not Implemented", "NotImplemented", "cannot do that"),
        ("400 Bad Request", "ExpiredToken", "expired"),
    ],
)
async def test_a_server_that_says_no_is_not_asked_again(
    snapshots: S3Snapshots, between: FaultyS3, status: str, code: str, words: str
) -> None:
    between.fault = Fault(answer=answer(status, code=code))
    for error in await told(snapshots):
        assert isinstance(error, RefusedError)
        assert words in str(error)


async def test_one_failed_request_is_one_request(snapshots: S3Snapshots, between: FaultyS3) -> None:
    between.fault = Fault(answer=answer("503 Service Unavailable"))
    between.seen.clear()
    await told(snapshots)
    assert [line.split()[0] for line in between.seen] == ["PUT", "GET", "GET"]


async def test_a_missing_key_and_a_404_of_somebody_else_are_told_apart(
    snapshots: S3Snapshots, between: FaultyS3
) -> None:
    with pytest.raises(NotFoundError):
        await snapshots.read("Q1/none")
    between.fault = Fault(answer=answer("404 Not Found"))
    for error in await told(snapshots):
        assert isinstance(error, UnavailableError)


async def test_an_answer_that_never_comes_is_not_waited_for(snapshots: S3Snapshots, between: FaultyS3) -> None:
    between.fault = Fault(hang=True)
    for error in await told(snapshots, without_waiting=False):
        assert isinstance(error, UnavailableError)


async def test_an_answer_that_is_slow_but_in_time_is_taken(snapshots: S3Snapshots, between: FaultyS3) -> None:
    between.fault = Fault(delay_s=TIMEOUT_S / 5)
    assert await snapshots.read(KEY) == BODY
    assert await snapshots.create("Q1/slow", b"x")


async def test_a_creation_that_seemed_to_fail_is_found_when_it_is_tried_again(
    snapshots: S3Snapshots, between: FaultyS3
) -> None:
    between.fault = Fault(response=lambda _: answer("500 Internal Server Error"))
    with pytest.raises(UnavailableError):
        await snapshots.create("Q1/lost", b"x")
    between.fault = Fault()
    assert not await snapshots.create("Q1/lost", b"y")
    assert await snapshots.read("Q1/lost") == b"x"


async def test_an_answer_that_breaks_off_is_worth_another_try(snapshots: S3Snapshots, between: FaultyS3) -> None:
    between.fault = Fault(response=cut_short)
    with pytest.raises(UnavailableError):
        await snapshots.read(KEY)
    with pytest.raises(UnavailableError):
        await _listed(snapshots)
    between.fault = Fault(response=lambda _: b"")
    for error in await told(snapshots):
        assert isinstance(error, UnavailableError)
    between.fault = Fault(answer=b"220 smtp.example ESMTP\r\n\r\n")
    for error in await told(snapshots):
        assert isinstance(error, UnavailableError)


async def test_a_flipped_bit_is_found_by_whoever_decodes(snapshots: S3Snapshots, between: FaultyS3) -> None:
    packed = encode(REVISION)
    await snapshots.create(packed.key, packed.body)
    between.fault = Fault(response=flip_bit)
    damaged = await snapshots.read(packed.key)
    assert len(damaged) == len(packed.body)
    with pytest.raises(CorruptError, match="Q42 revision 948"):
        decode(damaged, packed.key)
    between.fault = Fault()
    assert decode(await snapshots.read(packed.key), packed.key) == REVISION


async def test_an_object_of_absurd_size_is_not_read(snapshots: S3Snapshots) -> None:
    snapshots._body_bytes_max = len(BODY) - 1
    with pytest.raises(CorruptError, match=str(len(BODY))):
        await snapshots.read(KEY)


async def test_a_server_that_dies_and_comes_back_is_used_again(snapshots: S3Snapshots, between: FaultyS3) -> None:
    for round_ in range(3):
        await asyncio.gather(*(snapshots.read(KEY) for _ in range(8)))  # connections to lose
        await between.stop()
        for error in await told(snapshots):
            assert isinstance(error, UnavailableError)
        await between.start()
        assert await snapshots.read(KEY) == BODY
        assert await snapshots.create(f"Q1/{round_}", b"x")


async def test_more_requests_than_allowed_wait_for_their_turn(bucket: S3Place, between: FaultyS3) -> None:
    place = replace(part_of(bucket), endpoint=between.endpoint)
    opened = await S3Snapshots.open(place, requests_max=3)
    await opened.create(KEY, BODY)
    between.fault = Fault(delay_s=0.05)
    between.at_once_max = 0
    await asyncio.gather(*(opened.read(KEY) for _ in range(12)))
    assert between.at_once_max == 3


REVISION = Revision(
    entity_id=EntityId("Q42"),
    rev_id=948,
    parent_id=942,
    position=3,
    timestamp="2019-08-14T00:07:11Z",
    state=State.VISIBLE,
    content={"type": "item", "id": "Q42", "labels": {"en": {"language": "en", "value": "Zoë"}}},
    page_id=76,
)
