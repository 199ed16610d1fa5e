"""Connections that only read, are few, are bounded in time, and are never used again after an error."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.wiki_copies import WikiCopy, wiki_copy

from backends.errors import RefusedError, UnavailableError
from backends.wiki.db_connection import ReadOnlyServer, Server

pytestmark = pytest.mark.services


@pytest.fixture
def copy() -> WikiCopy:
    return wiki_copy()


@pytest.fixture
async def server(copy: WikiCopy) -> AsyncIterator[ReadOnlyServer]:
    """As a user who may write: what is refused is refused by the session."""
    one = ReadOnlyServer(copy.writer, database=copy.database, connections_max=2, query_timeout_s=1.0)
    yield one
    await one.close()


async def test_the_server_refuses_to_write_whoever_we_are(server: ReadOnlyServer) -> None:
    async with server.session() as session:
        with pytest.raises(RefusedError, match="READ ONLY"):
            await session.rows("UPDATE page SET page_latest = 0")
    with pytest.raises(RefusedError, match="READ ONLY"):
        async with server.snapshot() as session:
            await session.rows("DELETE FROM page")


async def test_text_comes_as_it_is_stored_and_parameters_go_as_they_are(server: ReadOnlyServer) -> None:
    raw = bytes(range(256))
    async with server.session() as session:
        assert await session.rows("SELECT %s, %s, %s", raw, 7, None) == [(raw, 7, None)]
        assert await session.rows("SELECT %s = 'it''s'", b"it's") == [(1,)]
        [(name,)] = await session.rows("SELECT actor_name FROM actor WHERE actor_name LIKE %s", "Ва%".encode())
        assert name == "Ваня".encode()


async def test_what_takes_too_long_ends_here_and_there(server: ReadOnlyServer, copy: WikiCopy) -> None:
    with pytest.raises(UnavailableError):
        async with server.session() as session:
            await session.rows("SELECT SLEEP(30), 'unmistakable'")
    async with server.session() as session:  # a fresh connection: the server works on
        assert await session.rows("SELECT 1") == [(1,)]
    async with asyncio.timeout(10):
        running = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%unmistakable%'"
        while copy.run(running).strip() != "0":  # noqa: ASYNC110  nothing tells us when another server's work ends
            await asyncio.sleep(0.05)


async def test_a_cancelled_question_never_answers_the_next_one(server: ReadOnlyServer) -> None:
    for number in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), server.session() as session:
                await session.rows("SELECT SLEEP(0.2), %s", number)
        async with server.session() as session:
            assert await session.rows("SELECT 'next', %s", number) == [(b"next", number)]


async def test_who_finds_no_connection_free_waits_and_is_told(copy: WikiCopy) -> None:
    server = ReadOnlyServer(copy.reader, connections_max=1, query_timeout_s=0.2)
    async with server.session():
        with pytest.raises(UnavailableError, match="came free in"):
            async with server.session():
                pass
    async with server.session() as session:
        assert await session.rows("SELECT 1") == [(1,)]
    await server.close()


async def test_a_snapshot_sees_one_moment(copy: WikiCopy) -> None:
    changing = wiki_copy("wikidb_a_moment")
    changing.forget()
    server = ReadOnlyServer(changing.reader, database=changing.database)
    count = "SELECT COUNT(*) FROM page"
    async with server.snapshot() as session:
        before = await session.rows(count)
        changing.run("DELETE FROM page WHERE page_id = 5")
        assert await session.rows(count) == before
    async with server.snapshot() as session:
        assert await session.rows(count) == [(before[0][0] - 1,)]
    await server.close()


async def test_connections_that_the_server_ended_are_an_outage_and_then_replaced(
    server: ReadOnlyServer, copy: WikiCopy
) -> None:
    async with server.session() as session:
        [(number,)] = await session.rows("SELECT CONNECTION_ID()")
    copy.run(f"KILL {number}")
    with pytest.raises(UnavailableError):
        async with server.session() as session:
            await session.rows("SELECT 1")
    async with server.session() as session:
        assert await session.rows("SELECT 1") == [(1,)]


async def test_a_server_that_is_not_there_is_unavailable_and_a_wrong_password_refused(
    copy: WikiCopy, tmp_path: Path
) -> None:
    for server in (Server(user="x", unix_socket=str(tmp_path / "none")), Server(user="x", port=1)):
        with pytest.raises(UnavailableError):
            async with ReadOnlyServer(server).session():
                pass
    with pytest.raises(RefusedError, match="denied"):
        async with ReadOnlyServer(replace(copy.reader, password="wrong")).session():
            pass
    with pytest.raises(RefusedError):
        async with ReadOnlyServer(copy.reader, database="no_such_database").session():
            pass


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    with pytest.raises(UnavailableError):
        async with ReadOnlyServer(Server(user="x", port=port), connect_timeout_s=0.1).session():
            pass
    silent.close()
    await silent.wait_closed()


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Server(user="x", password="secret"))
    assert "secret" not in str(Server(user="x", password="secret"))
