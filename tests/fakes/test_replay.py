"""The replay server's faults, and that it answers over one kept connection as over many."""

import asyncio
import time

import pytest
from fakes.rawhttp import BrokenAnswerError, RawRequest, exchange, read_answer
from fakes.replay import KEY_HEADER, Recording, ReplayServer

BODY = bytes(range(256)) * 40

CHUNKED = Recording(
    key="chunked",
    method="GET",
    target="/w/api.php?a=1",
    request_headers=(),
    request_body=b"",
    status=200,
    reason="Very OK",
    headers=(("server", "x"), ("Set-Cookie", "a=1"), ("Transfer-Encoding", "chunked"), ("Set-Cookie", "b=2")),
    body=BODY,
)
SIZED = Recording("sized", "POST", "/w/api.php", (), b"x=1", 200, "", (("Content-Length", str(len(BODY))),), BODY)


async def test_what_is_recorded_comes_back_in_order_and_spelling() -> None:
    async with ReplayServer([CHUNKED, SIZED]) as replay:
        answer = await exchange(replay.url, RawRequest("GET", "/w/api.php?a=1"))
        posted = await exchange(replay.url, RawRequest("POST", "/w/api.php", body=b"x=1"))

    assert (answer.status, answer.reason, answer.headers, answer.body) == (200, "Very OK", CHUNKED.headers, BODY)
    assert (posted.reason, posted.headers, posted.body) == ("", SIZED.headers, BODY)


async def test_a_chunked_recording_is_sent_in_several_chunks() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
        writer.write(b"GET /w/api.php?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        raw = await reader.read()
        writer.close()

    lengths = [line for line in raw.split(b"\r\n") if line == b"d56"]
    assert len(lengths) >= 2
    assert raw.endswith(b"\r\n0\r\n\r\n")


async def test_one_connection_serves_many_requests() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        reader, writer = await asyncio.open_connection("127.0.0.1", replay.port)
        for _ in range(3):
            writer.write(b"GET /other HTTP/1.1\r\nHost: x\r\nX-Replay-Key: chunked\r\n\r\n")
            answer = await read_answer(reader, "GET")
            assert answer.body == BODY
        writer.close()
        assert [request.target for request in replay.seen] == ["/other"] * 3


async def test_an_unrecorded_request_is_named_in_a_404() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        answer = await exchange(replay.url, RawRequest("GET", "/nothing"))
        wrong_key = await exchange(replay.url, RawRequest("GET", "/w/api.php?a=1", ((KEY_HEADER, "?"),)))

    assert (answer.status, wrong_key.status) == (404, 404)
    assert b"/nothing" in answer.body


async def test_a_chunked_request_body_is_read() -> None:
    async with ReplayServer([SIZED]) as replay:
        answer = await exchange(replay.url, RawRequest("POST", "/w/api.php", body=[b"x", b"=1"]))
        assert (answer.status, replay.seen[0].body) == (200, b"x=1")


@pytest.mark.parametrize("recording", [CHUNKED, SIZED], ids=["chunked", "sized"])
async def test_a_cut_body_is_seen_as_broken(recording: Recording) -> None:
    async with ReplayServer([recording]) as replay:
        replay.faults.cut_body_at = 1000
        request = RawRequest(recording.method, recording.target, body=recording.request_body)
        with pytest.raises(BrokenAnswerError, match="cut short"):
            await exchange(replay.url, request)


async def test_a_server_that_closes_before_the_answer_is_seen_as_broken() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        replay.faults.close_before_answer = True
        with pytest.raises(BrokenAnswerError, match="cut short"):
            await exchange(replay.url, RawRequest("GET", CHUNKED.target))
        assert len(replay.seen) == 1


async def test_a_hanging_server_never_answers_and_still_stops() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        replay.faults.hang = True
        with pytest.raises(TimeoutError):
            await exchange(replay.url, RawRequest("GET", CHUNKED.target), timeout_s=0.1)
        assert len(replay.seen) == 1


async def test_latency_comes_before_the_answer() -> None:
    async with ReplayServer([CHUNKED]) as replay:
        replay.faults.latency_s = 0.2
        started_s = time.perf_counter()
        answer = await exchange(replay.url, RawRequest("GET", CHUNKED.target))

    assert answer.body == BODY
    assert time.perf_counter() - started_s > 0.15  # event loops round their clocks
