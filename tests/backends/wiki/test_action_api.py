import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from fakes.small_wiki import Clock, SmallPage, SmallRevision, SmallWiki, api_error, running, times

from backends.errors import RefusedError, UnavailableError
from backends.wiki.action_api import GET_MAX_BYTES, ActionApi, retry_after_s
from backends.wiki.shapes import WikiApiError

PAGES = {"action": "query", "list": "allpages", "apnamespace": "120", "aplimit": "5"}


@pytest.fixture
async def small() -> AsyncIterator[SmallWiki]:
    async with running(SmallWiki([SmallPage(5, 120, "Item:Q1", [SmallRevision(1, "{}")])])) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def wiki(small: SmallWiki, clock: Clock) -> AsyncIterator[ActionApi]:
    opened = ActionApi(small.url, sleep=clock.sleep, timeout_s=5.0, retries=3)
    yield opened
    await opened.close()


async def test_maxlag_is_sent_and_obeyed_as_long_as_the_wiki_asks(
    wiki: ActionApi, small: SmallWiki, clock: Clock
) -> None:
    small.faults.append(times(7, lambda: api_error("maxlag", **{"Retry-After": "9"})))
    await wiki.call(PAGES)
    assert clock.waits == [9.0] * 7  # more often than `retries`: a busy wiki is no failing one
    assert {one["maxlag"] for one in small.requests} == {"5"}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_status_is_waited_for(wiki: ActionApi, small: SmallWiki, clock: Clock, status: int) -> None:
    small.faults.append(times(2, lambda: web.Response(status=status, headers={"Retry-After": "3"})))
    await wiki.call(PAGES)
    assert clock.waits == [3.0, 3.0]


async def test_patience_ends(small: SmallWiki, clock: Clock) -> None:
    small.faults.append(lambda _: api_error("maxlag", **{"Retry-After": "30"}))
    wiki = ActionApi(small.url, sleep=clock.sleep, patience_s=100)
    with pytest.raises(UnavailableError, match="maxlag") as caught:
        await wiki.call(PAGES)
    assert sum(clock.waits) <= 100
    assert caught.value.retry_after_s == 30
    await wiki.close()


@pytest.mark.parametrize(
    "response",
    [
        lambda: web.Response(status=502, text="<html>Bad gateway</html>"),
        lambda: web.Response(status=200, text="<html>not JSON</html>"),
        lambda: web.Response(status=200, text="[]"),
        lambda: api_error("internal_api_error_DBQueryTimeoutError"),
    ],
)
async def test_a_failing_wiki_is_asked_again_with_growing_waits_and_then_unavailable(
    wiki: ActionApi, small: SmallWiki, clock: Clock, response: Any
) -> None:
    small.faults[:] = [times(3, response)]
    await wiki.call(PAGES)
    assert clock.waits == [0.5, 1.0, 2.0]
    small.faults[:] = [times(4, response)]
    with pytest.raises(UnavailableError):
        await wiki.call(PAGES)


async def test_a_refusal_is_not_asked_again(wiki: ActionApi, small: SmallWiki, clock: Clock) -> None:
    small.faults.append(lambda _: api_error("readapidenied"))
    with pytest.raises(WikiApiError, match="readapidenied: why") as caught:
        await wiki.call(PAGES)
    assert isinstance(caught.value, RefusedError)
    assert len(small.requests) == 1


async def test_no_connection_is_unavailable(clock: Clock) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    wiki = ActionApi(f"http://127.0.0.1:{port}/w/api.php", sleep=clock.sleep, retries=1)
    with pytest.raises(UnavailableError):
        await wiki.call(PAGES)
    await wiki.close()


async def test_a_wiki_that_hangs_is_given_up_in_time(clock: Clock) -> None:
    hung = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        wiki = ActionApi(f"http://127.0.0.1:{port}/w/api.php", sleep=clock.sleep, retries=1, timeout_s=0.05)
        with pytest.raises(UnavailableError, match=r"0\.05 s"):
            await wiki.call(PAGES)
        await wiki.close()
        hung.set()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("0", 0.1), ("99999", 3600.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds


async def test_a_long_query_is_posted_and_a_short_one_is_not(small: SmallWiki, wiki: ActionApi) -> None:
    methods: list[str] = []
    small.on_request = lambda request: methods.append(request.method)
    await wiki.call(PAGES)
    await wiki.call({**PAGES, "apprefix": "x" * GET_MAX_BYTES})
    assert methods == ["GET", "POST"]
    assert small.requests[1]["apprefix"] == "x" * GET_MAX_BYTES


async def test_no_more_calls_are_under_way_than_allowed(small: SmallWiki) -> None:
    wiki = ActionApi(small.url, concurrency=2)
    try:
        await asyncio.gather(*(wiki.call(PAGES) for _ in range(12)))
    finally:
        await wiki.close()
    assert 1 <= small.most_at_once <= 2


async def test_an_answer_larger_than_allowed_is_refused(small: SmallWiki) -> None:
    wiki = ActionApi(small.url, answer_max_bytes=10)
    with pytest.raises(WikiApiError, match="10 bytes"):
        await wiki.call(PAGES)
    await wiki.close()


async def test_the_user_agent_is_the_operators(small: SmallWiki) -> None:
    agents: list[str] = []
    small.on_request = lambda request: agents.append(request.headers["User-Agent"])
    wiki = ActionApi(small.url, user_agent="test/1 (someone@example.org)")
    await wiki.call(PAGES)
    assert agents == ["test/1 (someone@example.org)"]
    await wiki.close()
