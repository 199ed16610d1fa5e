import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from fakes.small_wiki import Clock, SmallPage, SmallRevision, SmallWiki, api_error, item, running

from backends.errors import NotFoundError, UnavailableError
from backends.wiki.http import WikiHttp
from backends.wiki.shapes import Content
from wikibase.ids import EntityId, EntityType


@pytest.fixture
async def small() -> AsyncIterator[SmallWiki]:
    revisions = [SmallRevision(number, item("Q1", f"word {number}")) for number in range(101, 221)]
    pages = [SmallPage(5, 120, "Item:Q1", revisions), SmallPage(6, 120, "Item:Q2", [SmallRevision(300, "{}")])]
    pages += [SmallPage(7, 122, "Property:P1", [SmallRevision(301, "{}")], "wikibase-property")]
    async with running(SmallWiki(pages)) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def wiki(small: SmallWiki, clock: Clock) -> AsyncIterator[WikiHttp]:
    opened = WikiHttp(small.url, sleep=clock.sleep, timeout_s=5.0, retries=3)
    yield opened
    await opened.close()


async def test_entity_namespaces_are_those_of_the_content_models(wiki: WikiHttp) -> None:
    site = await wiki.site()
    assert site.entity_namespaces == {EntityType.ITEM: 120, EntityType.PROPERTY: 122}
    assert site.namespace_names[120] == "Item"
    assert site.namespace_aliases == {"I": 120}
    assert (site.server, site.script_path, site.time) == ("http://wiki.example", "/w", "2026-11-22T15:24:12Z")


async def test_pages_are_listed_over_continuations(wiki: WikiHttp, small: SmallWiki) -> None:
    first = await wiki.pages(120, size=1)
    assert [page.title for page in first.pages] == ["Item:Q1"]
    second = await wiki.pages(120, after=first.after, size=1)
    assert ([page.title for page in second.pages], second.after) == (["Item:Q2"], None)
    listed = [page.title async for batch in wiki.entity_pages(120) for page in batch.pages]
    assert listed == ["Item:Q1", "Item:Q2"]


async def test_a_history_is_whole_and_oldest_first_over_continuations(wiki: WikiHttp, small: SmallWiki) -> None:
    small.history_limit = 50
    history = await wiki.history("Item:Q1")
    assert [one.rev_id for one in history.revisions] == list(range(101, 221))
    assert (history.page_id, history.head_rev_id, history.content_model) == (5, 220, "wikibase-item")
    assert len(small.calls("titles")) == 3
    assert "content" not in small.calls("titles")[0]["rvprop"].split("|")


async def test_a_page_that_is_not_there_is_not_found(wiki: WikiHttp) -> None:
    with pytest.raises(NotFoundError, match="Item:Q9"):
        await wiki.history("Item:Q9")


async def test_what_is_hidden_stays_hidden_even_if_the_wiki_tells_us(wiki: WikiHttp, small: SmallWiki) -> None:
    raw: dict[str, Any] = {"userhidden": True, "commenthidden": "", "sha1hidden": True, "suppressed": True}
    small.pages[1].revisions[0] = SmallRevision(300, "{}", raw=raw, main={"texthidden": True})
    (told,) = (await wiki.history("Item:Q2")).revisions
    assert (told.user, told.comment, told.sha1) == (None, None, None)
    assert told.hidden == {"user", "comment", "text", "suppressed"}
    assert await wiki.contents([300]) == {300: Content(None, "texthidden", "wikibase-item")}


async def test_contents_come_in_batches_of_fifty(wiki: WikiHttp, small: SmallWiki) -> None:
    contents = await wiki.contents(range(101, 221))
    assert {rev_id: one.text for rev_id, one in contents.items()} == {
        number: item("Q1", f"word {number}") for number in range(101, 221)
    }
    assert [len(one["revids"].split("|")) for one in small.calls("revids")] == [50, 50, 20]


async def test_an_answer_cut_off_at_the_wikis_size_limit_is_continued(wiki: WikiHttp, small: SmallWiki) -> None:
    small.content_bytes_max = 500
    contents = await wiki.contents(range(101, 151))
    assert all(contents[number].text == item("Q1", f"word {number}") for number in range(101, 151))
    assert len(small.calls("revids")) > 5


async def test_one_undecodable_revision_is_found_by_halving_and_the_others_are_read(
    wiki: WikiHttp, small: SmallWiki
) -> None:
    for place in (3, 40):
        small.pages[0].revisions[place].undecodable = True
    contents = await wiki.contents(range(101, 151))
    words = "Exception caught: Failed to decode as application/json"
    assert [number for number in range(101, 151) if contents[number].text is None] == [104, 141]
    assert contents[104] == Content(None, f"internal_api_error_MWContentSerializationException: {words}")


@pytest.mark.parametrize(
    ("raw", "main", "reason"),
    [
        ({}, {"textmissing": True}, "textmissing"),
        ({"slots": {}}, {}, "slotsmissing"),
        ({"slotsmissing": True}, {}, "slotsmissing"),
        ({}, {"texthidden": True}, "texthidden"),
    ],
)
async def test_a_revision_without_text_has_the_wikis_reason(
    wiki: WikiHttp, small: SmallWiki, raw: dict[str, Any], main: dict[str, Any], reason: str
) -> None:
    small.pages[1].revisions[0] = SmallRevision(300, None, raw=raw, main=main)
    assert (await wiki.contents([300]))[300].reason == reason


async def test_a_revision_that_is_gone_is_bad(wiki: WikiHttp) -> None:
    contents = await wiki.contents([101, 999])
    assert contents[999] == Content(None, "badrevids")
    assert contents[101].text is not None


async def test_a_text_that_kills_the_wiki_is_told_from_a_wiki_that_is_down(wiki: WikiHttp, small: SmallWiki) -> None:
    def fatal(params: dict[str, str]) -> web.Response | None:
        deadly = "105" in params.get("revids", "").split("|") and "content" in params["rvprop"]
        return web.Response(status=500, text="<html>Fatal error</html>") if deadly else None

    small.faults.append(fatal)
    contents = await wiki.contents(range(101, 111))
    assert [number for number in contents if contents[number].text is None] == [105]
    assert "HTTP 500" in str(contents[105].reason)
    small.faults[:] = [lambda _: web.Response(status=500)]
    with pytest.raises(UnavailableError, match="HTTP 500"):
        await wiki.contents([101])


async def test_revisions_out_of_reach_for_now_are_not_written_off(wiki: WikiHttp, small: SmallWiki) -> None:
    small.faults.append(
        lambda params: api_error("internal_api_error_DBConnectionError") if "content" in params["rvprop"] else None
    )
    with pytest.raises(UnavailableError, match="DBConnectionError"):
        await wiki.contents([101, 102])


async def test_a_malformed_id_does_not_spoil_its_batch(wiki: WikiHttp) -> None:
    ids = [EntityId(one) for one in ("Q1", "Q2", "X1", "Q9")]
    heads = await wiki.heads(ids)
    assert [heads[one].rev_id for one in ids] == [220, 300, None, None]
    assert str(heads[EntityId("X1")].reason).startswith("no-such-entity")
    assert heads[EntityId("Q9")].reason == "missing"


async def test_an_entity_at_a_revision(wiki: WikiHttp) -> None:
    assert await wiki.entity_at(EntityId("Q1"), 105) == json.loads(item("Q1", "word 105"))
    with pytest.raises(NotFoundError):
        await wiki.entity_at(EntityId("Q1"), 300)


async def test_a_pages_head_is_known_without_its_history(wiki: WikiHttp, small: SmallWiki) -> None:
    assert await wiki.page_head("Item:Q1") == (5, 220)
    assert await wiki.page_head("Item:Q9") is None
    small.pages[0].head = 150
    assert await wiki.page_head("Item:Q1") == (5, 150)


async def test_the_wiki_says_how_much_there_is_and_how_far_its_logs_reach(wiki: WikiHttp, small: SmallWiki) -> None:
    marks = await wiki.marks()
    assert (marks.pages, marks.edits, marks.max_rev_id, marks.max_log_id) == (3, 122, 301, 7)
    small.faults.append(lambda _: web.json_response({"batchcomplete": True, "query": {}}))
    marks = await wiki.marks()
    assert (marks.pages, marks.edits, marks.max_rev_id, marks.max_log_id) == (None, None, None, None)
