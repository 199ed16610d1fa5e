"""What a handler may wait for: the request's body before it decides, the answer before the client has it."""

import asyncio
from collections.abc import Callable

import pytest
from fakes.scripted import Relay, Script, read_head, relay_before

from proxy.wire.exchange import Exchange
from proxy.wire.head import RequestHead

BODY = b"action=wbgetentities&ids=Q1"
POST = b"POST /w/api.php HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n" % len(BODY)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsaved"

Begin = Callable[[Exchange, RequestHead], None]


def saved(got: list[bytes], answer: bytes = ANSWER) -> Script:
    """A wiki that answers each request of that length once it has it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await read_head(reader)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            got.append(await reader.readexactly(length))
            writer.write(answer)
            await writer.drain()

    return script


def decide(relay: Relay, begin: Begin) -> None:
    relay.handler.begin = begin  # type: ignore[method-assign]


def forward(relay: Relay, exchange: Exchange) -> None:
    assert exchange.head is not None
    exchange.forward(relay.handler.forwarding.request(exchange.head, exchange.peer))


async def test_a_body_in_pieces_is_told_whole_and_then_forwarded() -> None:
    got: list[bytes] = []
    told: list[bytes | None] = []
    async with relay_before(saved(got)) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            def then(body: bytes | None) -> None:
                told.append(body)
                forward(relay, exchange)

            exchange.hold(1000, then)

        decide(relay, begin)
        reader, writer = await relay.connect()
        writer.write(POST + BODY[:5])
        await writer.drain()
        await asyncio.sleep(0.02)
        assert (told, got) == ([], [])
        writer.write(BODY[5:] + POST + BODY)  # and the next one behind it
        async with asyncio.timeout(5):
            assert await reader.readexactly(2 * len(ANSWER)) == ANSWER * 2
    assert told == [BODY, BODY]
    assert got == [BODY, BODY]


async def test_a_body_that_is_too_large_is_told_as_none_and_passes_all_the_same() -> None:
    got: list[bytes] = []
    told: list[bytes | None] = []
    large = b"x" * 500_000
    async with relay_before(saved(got)) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            def then(body: bytes | None) -> None:
                told.append(body)
                forward(relay, exchange)

            exchange.hold(1000, then)

        decide(relay, begin)
        answer = await relay.talk(
            b"POST / HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(large), large)
        )
    assert answer.endswith(b"saved")
    assert (told, got) == ([None], [large])


async def test_what_was_held_can_be_answered_without_the_wiki_and_the_connection_lives_on() -> None:
    async with relay_before(saved([])) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            exchange.hold(1000, lambda _body: exchange.answer(ANSWER, 200))

        decide(relay, begin)
        reader, writer = await relay.connect()
        for request in (POST + BODY, b"GET / HTTP/1.1\r\nHost: w\r\n\r\n", POST + BODY):
            writer.write(request)
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(ANSWER)) == ANSWER
        assert relay.seen == []


async def test_a_client_that_leaves_while_its_body_is_held_is_never_decided() -> None:
    told: list[bytes | None] = []
    async with relay_before(saved([])) as relay:
        decide(relay, lambda exchange, _head: exchange.hold(1000, told.append))
        _, writer = await relay.connect()
        writer.write(POST + BODY[:5])
        await writer.drain()
        writer.close()
        async with asyncio.timeout(5):
            while not relay.handler.ends:  # noqa: ASYNC110 - the relay's own side ends it
                await asyncio.sleep(0.01)
    assert told == []


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (ANSWER, b"saved"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsav\r\n2\r\ned\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
async def test_an_answer_is_told_before_the_client_has_any_of_it(answer: bytes, body: bytes | None) -> None:
    told: list[bytes | None] = []
    leave: list[Exchange] = []
    async with relay_before(saved([], answer)) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            def then(whole: bytes | None) -> None:
                told.append(whole)
                leave.append(exchange)

            exchange.delay_answer(1000, then)
            forward(relay, exchange)

        decide(relay, begin)
        reader, writer = await relay.connect()
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n")
            async with asyncio.timeout(5):
                while not leave:  # noqa: ASYNC110 - the relay's own side tells
                    await asyncio.sleep(0.01)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.readexactly(1)
            leave.pop().release_answer()
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(answer)) == answer
    whole = answer.partition(b"\r\n\r\n")[2] if body is None else body
    assert told == [whole, whole]


async def test_an_answer_that_is_too_large_is_told_as_none_and_passes_when_let_go() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"y" * 300_000
    told: list[bytes | None] = []
    async with relay_before(saved([], large)) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            def then(whole: bytes | None) -> None:
                told.append(whole)
                exchange.release_answer()

            exchange.delay_answer(1000, then)
            forward(relay, exchange)

        decide(relay, begin)
        reader, writer = await relay.connect()
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n")
            async with asyncio.timeout(5):
                assert await reader.readexactly(len(large)) == large
    assert told == [None, None]


async def test_letting_go_of_an_answer_whose_client_has_left_is_harmless() -> None:
    leave: list[Exchange] = []
    async with relay_before(saved([])) as relay:

        def begin(exchange: Exchange, _head: RequestHead) -> None:
            exchange.delay_answer(1000, lambda _whole: leave.append(exchange))
            forward(relay, exchange)

        decide(relay, begin)
        _, writer = await relay.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: w\r\n\r\n")
        async with asyncio.timeout(5):
            while not leave:  # noqa: ASYNC110 - the relay's own side tells
                await asyncio.sleep(0.01)
            writer.close()
            while not relay.handler.ends:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        leave[0].release_answer()
    assert relay.handler.ends == [(200, "client_gone")]
