import pytest

from cutover.demo.entities_api import parse_local


@pytest.mark.parametrize(("text", "parsed"), [("q1", "Q1"), ("P9", "P9"), ("L1", None), ("Q0", None), (" Q1", None)])
def test_only_items_and_properties_are_known(text, parsed):
    assert parse_local(text) == parsed


async def test_a_new_item_is_read_by_id_and_by_page(small):
    small.world.edit(
        "Q1", lambda entity: {**entity, "sitelinks": {"enwiki": {"site": "enwiki", "title": "One", "badges": []}}}
    )
    by_id = (await small.api(action="wbgetentities", ids="Q1|q1|Q2"))["entities"]
    by_page = (await small.api(action="wbgetentities", sites="enwiki", titles="One"))["entities"]
    assert list(by_id) == ["Q1", "Q2"]
    assert by_page["Q1"] == by_id["Q1"]
    assert by_id["Q2"] == {"id": "Q2", "missing": ""}
    assert list(by_id["Q1"])[:5] == ["pageid", "ns", "title", "lastrevid", "modified"]


async def test_a_redirect_to_a_redirect_is_missing(small):
    world = small.world
    first, second = world.create_item(), world.create_item()
    world.redirect(second, "Q1")
    world.redirect(first, second)
    assert (await small.api(action="wbgetentities", ids=first))["entities"][first]["missing"] == ""
    assert (await small.api(action="wbgetentities", ids=second, redirects="no"))["entities"][second]["missing"] == ""


async def test_an_unreadable_head_fails_the_whole_request(client):
    client.world.edit("Q1", lambda entity: {**entity, "labels": {}})
    told = await client.api(action="wbgetentities", ids="Q1|Q74")
    assert told["error"]["errorclass"] == "Wikibase\\Lib\\Store\\StorageException"


async def test_claims_of_an_edited_item_are_filtered(client):
    client.world.edit("Q65", lambda entity: {**entity, "labels": {}})
    everything = (await client.api(action="wbgetclaims", entity="Q65"))["claims"]
    one = everything["P1"][0]
    assert (await client.api(action="wbgetclaims", entity="Q65", property="P1"))["claims"] == {"P1": everything["P1"]}
    assert (await client.api(action="wbgetclaims", claim=one["id"]))["claims"] == {"P1": [one]}
    preferred = (await client.api(action="wbgetclaims", entity="Q65", rank="preferred", props=""))["claims"]
    assert {one["rank"] for group in preferred.values() for one in group} == {"preferred"}
    assert not any("references" in one for group in preferred.values() for one in group)
