"""The relay over real sockets: what passes, what is refused, what happens when either side misbehaves."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from fakes.scripted import Script, read_head, relay_before, until

GET = b"GET /a HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answering(answer: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_head(reader)
            writer.write(answer)
            await writer.drain()

    return script


def answering_once(answer: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(answer)
        await writer.drain()

    return script


async def test_repeated_headers_cookies_and_spelling_pass_in_their_order() -> None:
    lines = b"Set-Cookie: b=2\r\nX-ODD: 1\r\nset-cookie: a=1; path=/\r\nContent-Length: 2\r\nVary:  A , B\r\n"
    async with relay_before(answering(b"HTTP/1.1 200 Fine indeed\r\n" + lines + b"\r\nok")) as relay:
        answer = await relay.talk(GET)
    assert answer == b"HTTP/1.1 200 Fine indeed\r\n" + lines + b"Connection: close\r\n\r\nok"


async def test_the_wiki_sees_the_clients_headers_and_who_it_was() -> None:
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_head(reader))
        writer.write(ANSWER)

    request = b"GET /a?b=%20c HTTP/1.1\r\nHost: wiki.example:81\r\nX-Request-Id: r1\r\nX-Forwarded-For: 6.6.6.6\r\n"
    async with relay_before(script) as relay:
        await relay.talk(request + b"Connection: close, X-Gone\r\nX-Gone: 1\r\nX-Stays: 1\r\n\r\n")
    kept = b"GET /a?b=%20c HTTP/1.1\r\nHost: wiki.example:81\r\nX-Request-Id: r1\r\nX-Stays: 1\r\n"
    who = b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: wiki.example:81\r\n"
    assert got == [kept + who + b"\r\n"]


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b"HEAD /a", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
        (b"HEAD /a", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"GET /a", b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 99\r\n\r\n'),
        (b"GET /a", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"DELETE /a", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"OPTIONS *", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (b"GET /a", b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok"),
        (b"GET /a", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ],
)
async def test_every_kind_of_answer_passes_and_the_connection_lives_on(request_line: bytes, answer: bytes) -> None:
    async with relay_before(answering(answer)) as relay:
        reader, writer = await relay.connect()
        for _ in range(3):
            writer.write(request_line + b" HTTP/1.1\r\nHost: w\r\n\r\n")
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(answer)) == answer
        writer.close()
        assert len(relay.seen) == 1  # one connection to the wiki served all three


async def test_interim_answers_pass_before_the_final_one() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reader.readexactly(4)
        writer.write(early + ANSWER)

    async with relay_before(script) as relay:
        reader, writer = await relay.connect()
        writer.write(b"POST /a HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"body")
            assert await reader.readexactly(len(early + ANSWER)) == early + ANSWER
        writer.close()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            path = (await read_head(reader)).split()[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: w\r\n\r\n" % n for n in range(50))
    async with relay_before(script) as relay:
        answer = await relay.talk(requests + GET)
    assert [line.rpartition(b"\r\n")[2] for line in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
        *(b"/%d" % n for n in range(50)),
        b"/a",
    ]


async def test_a_chunked_request_passes_with_its_trailers() -> None:
    got: list[bytes] = []
    body = b"5\r\nhello\r\n3\r\n!!!\r\n0\r\nX-Sum: 8\r\n\r\n"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        got.append(await reader.readexactly(len(body)))
        writer.write(ANSWER)

    async with relay_before(script) as relay:
        head = b"POST /a HTTP/1.1\r\nHost: w\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await relay.talk(head + body)
    assert answer.endswith(b"\r\n\r\nok")
    assert got == [body]


SMUGGLED = [
    b"POST /a HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b",
    b"POST /a HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: w\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"GET /a HTTP/1.1\r\nHost: w\r\n X: folded\r\n\r\n",
    b"GET /a HTTP/1.1\nHost: w\n\n",
    b"GET /a HTTP/1.1\r\nHost: w\r\nX: a\nY: b\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: w\r\nHost: v\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
]


@pytest.mark.parametrize("raw", SMUGGLED)
async def test_an_ambiguous_request_is_refused_and_never_reaches_the_wiki(raw: bytes) -> None:
    async with relay_before(answering(ANSWER)) as relay:
        answer = await relay.talk(raw)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"Connection: close" in answer
        assert relay.seen == []


async def test_a_chunked_body_that_turns_bad_ends_the_exchange_with_400() -> None:
    async with relay_before(answering_once(b"")) as relay:
        head = b"POST /a HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await relay.talk(head + b"3\r\nabc\r\nxx\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_goes_away_ends_the_request_at_the_wiki() -> None:
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        with suppress(ConnectionError):  # the proxy resets: nobody reads the answer
            assert await reader.read() == b""
        gone.set()

    async with relay_before(script) as relay:
        _, writer = await relay.connect()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: w\r\n\r\n")
        await until(lambda: bool(relay.seen))
        writer.close()
        async with asyncio.timeout(5):
            await gone.wait()
        assert relay.handler.ends == [(0, "client_gone")]


async def test_a_slow_client_holds_the_wiki_back_in_constant_memory() -> None:
    piece, sent = b"x" * 65536, 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1024 * len(piece)))
        for _ in range(1024):
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    async with relay_before(script) as relay:
        reader, writer = await relay.connect()
        writer.write(b"GET /big HTTP/1.1\r\nHost: w\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        previous = -1
        while previous != sent:  # until nothing moves any more
            previous = sent
            await asyncio.sleep(0.2)
        assert sent < 40 * 1024 * 1024  # socket buffers and ours, not the 64 MB of the body
        async with asyncio.timeout(30):
            got = await reader.readexactly(1024 * len(piece))
        assert got == piece * 1024
        writer.close()


async def test_a_slow_wiki_holds_the_uploading_client_back() -> None:
    go_on = asyncio.Event()
    total = 64 * 1024 * 1024
    got = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal got
        await read_head(reader)
        await go_on.wait()
        while got < total:
            got += len(await reader.read(1 << 20))
        writer.write(ANSWER)

    async with relay_before(script) as relay:
        reader, writer = await relay.connect()
        writer.write(b"POST /up HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % total)
        uploaded = 0

        async def upload() -> None:
            nonlocal uploaded
            while uploaded < total:
                writer.write(b"y" * 65536)
                await writer.drain()
                uploaded += 65536

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(upload())
            previous = -1
            while previous != uploaded:
                previous = uploaded
                await asyncio.sleep(0.2)
            assert uploaded < total
            go_on.set()
        async with asyncio.timeout(30):
            assert (await reader.read()).endswith(b"ok")
        assert got == total
        writer.close()


async def test_an_early_answer_reaches_a_client_that_is_still_uploading() -> None:
    async with relay_before(answering_once(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")) as relay:
        reader, writer = await relay.connect()
        writer.write(b"POST /up HTTP/1.1\r\nHost: w\r\nContent-Length: 100000000\r\n\r\n" + b"z" * 100000)
        async with asyncio.timeout(5):
            assert (await reader.read()).endswith(b"\r\n\r\nbig")
        writer.close()


async def test_a_wiki_that_is_down_is_said_in_the_shape_each_client_understands() -> None:
    async with relay_before(None) as relay:
        page = await relay.talk(GET)
        api = await relay.talk(
            b"GET /w/api.php?action=query&format=json HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"
        )
    assert page.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"text/html" in page
    assert api.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"MediaWiki-API-Error: maxlag\r\n" in api
    assert b"Retry-After: 5\r\n" in api


def closing_first(answer: bytes) -> tuple[Script, list[int]]:
    """A wiki that ends each connection when the second request on it arrives, unanswered."""
    served: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(answer)
        served.append(1)
        await read_head(reader)

    return script, served


async def test_a_get_on_a_connection_that_the_wiki_just_closed_is_repeated_unseen() -> None:
    script, served = closing_first(ANSWER)
    async with relay_before(script) as relay:
        reader, writer = await relay.connect()
        for _ in range(3):
            writer.write(b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n")
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.close()
    assert len(served) == 3


async def test_a_post_is_never_repeated_and_the_client_is_told_to_look_first() -> None:
    script, served = closing_first(ANSWER)
    async with relay_before(script) as relay:
        post = b"POST /w/api.php HTTP/1.1\r\nHost: w\r\nContent-Length: 4\r\n\r\nedit"
        reader, writer = await relay.connect()
        writer.write(b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n")
        async with asyncio.timeout(5):
            await reader.readexactly(len(ANSWER))
            writer.write(post)
            answer = await reader.read()
        writer.close()
    assert len(served) == 1
    assert b"MediaWiki-API-Error: internal_api_error_WikiUnanswered\r\n" in answer
    assert b"Retry-After" not in answer


async def test_half_an_answer_is_never_made_to_look_whole() -> None:
    async with relay_before(answering_once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")) as relay:
        reader, writer = await relay.connect()
        writer.write(b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(5):
                await reader.readexactly(10)
        writer.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad line\r\n\r\n",
    ],
)
async def test_an_answer_that_is_no_http_becomes_502(answer: bytes) -> None:
    async with relay_before(answering_once(answer)) as relay:
        assert (await relay.talk(GET)).startswith(b"HTTP/1.1 502 ")


async def test_an_http_1_0_client_gets_its_answer_and_the_end_of_the_connection() -> None:
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await read_head(reader))
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nuntil close")
        writer.write_eof()

    async with relay_before(script) as relay:
        answer = await relay.talk(b"GET /a HTTP/1.0\r\n\r\n")
    assert got[0].startswith(b"GET /a HTTP/1.0\r\n")
    assert answer.endswith(b"\r\n\r\nuntil close")


async def test_an_http_1_0_client_that_asks_to_keep_the_connection_is_not_left_waiting() -> None:
    async with relay_before(answering_once(ANSWER)) as relay:
        answer = await relay.talk(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.endswith(b"Connection: close\r\n\r\nok")


async def waiting(relay_limits: dict[str, float], request: bytes, script: Script) -> bytes:
    async with relay_before(script, **relay_limits) as relay:
        reader, writer = await relay.connect()
        writer.write(request)
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(reader.read())
            while not answer.done():
                relay.tick()
                await asyncio.sleep(0.02)
        writer.close()
        return answer.result()


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    assert writer is not None


LIMITS: list[tuple[dict[str, float], bytes, bytes]] = [
    ({"answer_timeout_s": 0.1}, b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n", b"HTTP/1.1 504 "),
    ({"answer_timeout_s": 0.1}, b"GET /w/api.php HTTP/1.1\r\nHost: w\r\n\r\n", b"HTTP/1.1 200 "),
    ({"head_timeout_s": 0.1}, b"GET /a HT", b"HTTP/1.1 408 "),
    ({"idle_timeout_s": 0.1}, b"POST /a HTTP/1.1\r\nHost: w\r\nContent-Length: 9\r\n\r\nab", b""),
    ({"head_timeout_s": 0.1}, b"", b""),
    ({"head_bytes_max": 1024}, b"GET /a HTTP/1.1\r\nHost: w\r\nX: " + b"x" * 2000, b"HTTP/1.1 431 "),
]


@pytest.mark.parametrize(("limits", "request_", "expected"), LIMITS)
async def test_every_wait_and_every_head_has_a_limit(
    limits: dict[str, float], request_: bytes, expected: bytes
) -> None:
    answer = await waiting({"linger_s": 0.05, **limits}, request_, mute)
    assert answer.startswith(expected)
    assert bool(answer) == bool(expected)


async def test_one_client_too_many_is_refused() -> None:
    async with relay_before(answering(ANSWER), clients_max=1) as relay:
        _, first = await relay.connect()
        await until(lambda: len(relay.handler.clients) == 1)
        assert (await relay.talk(GET)).startswith(b"HTTP/1.1 503 ")
        first.close()


async def test_requests_beyond_the_connections_wait_their_turn_or_are_told_so() -> None:
    release = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_head(reader)
            await release.wait()
            writer.write(ANSWER)

    async with relay_before(script, wiki_connections_max=1, wiki_waiting_max=1) as relay:
        ask: Callable[[], Awaitable[bytes]] = lambda: relay.talk(GET)  # noqa: E731
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(ask())
            await until(lambda: len(relay.seen) == 1)
            second = tasks.create_task(ask())
            await until(lambda: relay.pool.counts()["waiting"] == 1)
            assert b"too many requests wait" in await ask()
            release.set()
        assert first.result().endswith(b"ok")
        assert second.result().endswith(b"ok")
        assert len(relay.seen) == 1
