import pytest


async def test_the_page_of_an_item_shows_its_label_and_links_to_its_data(small):
    told = await small.get("/wiki/Item:Q1")
    assert (told.status, told.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    assert b"<h1>one</h1>" in told.body
    assert f"{small.wiki.url}/wiki/Special:EntityData/Q1.json" in told.headers["Link"]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/wiki/Item:Q1?action=history", 200),
        ("/w/index.php?title=Item:Q1", 200),
        ("/w/index.php?title=Item:Q1&action=raw", 415),
        ("/w/index.php?oldid=1", 200),
        ("/w/index.php?oldid=99", 404),
        ("/w/index.php?curid=1", 200),
        ("/w/index.php/Item:Q1", 200),
        ("/wiki/Item:Q99", 404),
        ("/wiki/Main_Page", 200),
        ("/wiki/item:q1", 301),
        ("/wiki/Item:Q1[", 400),
        ("/wiki/Special:RecentChanges", 200),
        ("/wiki/Special:Nothing", 404),
        ("/wiki/special:recentchanges", 301),
    ],
)
async def test_pages_have_the_status_of_the_real_ones(small, target, status):
    assert (await small.get(target)).status == status


async def test_the_page_of_a_redirect_shows_the_target(small):
    item = small.world.create_item()
    small.world.redirect(item, "Q1")
    assert b"<h1>one</h1>" in (await small.get(f"/wiki/Item:{item}")).body


async def test_wikitext_is_given_raw_and_an_unreadable_item_is_an_error(client):
    assert (await client.get("/w/index.php?title=Item:Sandbox&action=raw")).body == b"Second text of the page."
    assert (await client.get("/wiki/Item:Q74")).status == 500
    assert b"Second text" in (await client.get("/wiki/Item:Sandbox")).body


async def test_text_in_pages_is_escaped(small):
    small.world.edit("Q1", lambda entity: {**entity, "labels": {"en": {"language": "en", "value": "<script>"}}})
    assert b"<h1>&lt;script&gt;</h1>" in (await small.get("/wiki/Item:Q1")).body
