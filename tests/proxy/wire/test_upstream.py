"""The pool of connections to the wiki: bounded, and never a closing connection for an edit."""

import asyncio

from fakes.scripted import read_head, relay_before, until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head = await read_head(reader)
        if b"Content-Length: 4" in head:
            await reader.readexactly(4)
        writer.write(ANSWER)


async def test_an_edit_gets_a_new_connection_when_the_idle_one_may_be_closing() -> None:
    async with relay_before(answer_all, wiki_unsafe_reuse_s=0.0) as relay:
        reader, writer = await relay.connect()
        for request in (
            b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n",
            b"POST /a HTTP/1.1\r\nHost: w\r\nContent-Length: 4\r\n\r\nedit",
        ):
            writer.write(request)
            await reader.readexactly(len(ANSWER))
        writer.close()
        assert len(relay.seen) == 2


async def test_idle_connections_are_closed_before_the_wiki_does_it() -> None:
    async with relay_before(answer_all, wiki_keepalive_s=0.0) as relay:
        reader, writer = await relay.connect()
        writer.write(b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n")
        await reader.readexactly(len(ANSWER))
        assert relay.pool.counts()["idle"] == 1
        relay.pool.sweep()
        await until(lambda: relay.pool.counts() == {"open": 0, "idle": 0, "waiting": 0})
        writer.close()


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(ANSWER + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await reader.read()

    async with relay_before(script) as relay:
        for _ in range(3):
            answer = await relay.talk(b"GET /a HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n")
            assert answer.endswith(b"\r\n\r\nok")
        assert len(relay.seen) == 3


async def test_a_name_that_does_not_resolve_is_an_answer_not_a_crash() -> None:
    async with relay_before(answer_all) as relay:
        relay.pool.address = type(relay.pool.address)("no-such-host.invalid", 80)
        assert (await relay.talk(b"GET /a HTTP/1.1\r\nHost: w\r\n\r\n")).startswith(b"HTTP/1.1 502 ")
