import pytest

from cutover.demo.entitydata import http_date, is_not_modified


async def test_an_edited_item_has_a_new_date_and_its_old_revision_stays(client):
    rev_id = client.world.edit("Q1", lambda entity: {**entity, "labels": {}})
    told = await client.get("/wiki/Special:EntityData/Q1.json")
    head = client.world.head("Q1")
    assert told.json["entities"]["Q1"]["lastrevid"] == rev_id
    assert told.headers["Last-Modified"] == http_date(head.timestamp)
    assert told.headers["Cache-Control"] == "private, no-cache, s-maxage=0"
    fixed = await client.get("/wiki/Special:EntityData/Q1.json?revision=371")
    assert fixed.json["entities"]["Q1"]["lastrevid"] == 371
    assert fixed.headers["Cache-Control"] == "public, s-maxage=18000, max-age=18000"
    same = await client.get("/wiki/Special:EntityData/Q1.json", If_Modified_Since=http_date(head.timestamp))
    assert (same.status, same.body) == (304, b"")


async def test_a_deleted_item_is_404_and_its_revisions_too(client):
    client.world.delete("Item:Q1")
    assert (await client.get("/wiki/Special:EntityData/Q1.json")).status == 404
    assert (await client.get("/wiki/Special:EntityData/Q1.json?revision=371")).status == 404


async def test_a_revision_hidden_now_is_404(client):
    client.world.hide(282, 1)
    assert (await client.get("/wiki/Special:EntityData/Q1.json?revision=282")).status == 404


@pytest.mark.parametrize(
    ("accept", "place"),
    [
        ("text/html", "/wiki/Item:Q1"),
        ("application/json;q=0.5, text/turtle", "/wiki/Special:EntityData/Q1.ttl"),
        ("*/*", "/wiki/Special:EntityData/Q1.json"),
    ],
)
async def test_the_accept_header_chooses_the_format(client, accept, place):
    client.world.edit("Q1", lambda entity: {**entity, "labels": {}})
    told = await client.get("/wiki/Special:EntityData/Q1", Accept=accept)
    assert (told.status, told.headers["Location"]) == (303, client.wiki.url + place)


async def test_rdf_of_an_edited_item_is_not_made_up(client):
    assert (await client.get("/wiki/Special:EntityData/Q69.ttl")).status == 200
    client.world.edit("Q69", lambda entity: {**entity, "labels": {}})
    assert (await client.get("/wiki/Special:EntityData/Q69.ttl")).status == 501


@pytest.mark.parametrize(
    ("since", "same"),
    [
        (None, False),
        ("garbage", False),
        ("Thu, 18 Aug 2016 15:27:08 GMT", True),
        ("Thu, 18 Aug 2016 15:27:07 GMT", False),
        ("Thursday, 18-Aug-16 15:27:08 GMT; length=3", True),
    ],
)
def test_dates_of_every_form_are_compared_by_the_second(world, since, same):
    assert is_not_modified(world.head("Q1"), since) is same


async def test_the_page_of_an_entity_is_a_redirect(client):
    client.world.edit("Q64", lambda entity: {**entity, "labels": {}})
    told = await client.get("/wiki/Special:EntityPage/Q64")
    assert (told.status, told.headers["Location"]) == (301, f"{client.wiki.url}/wiki/Item:Q64")
    assert (await client.get("/wiki/Special:EntityPage/Qxy")).status == 400
