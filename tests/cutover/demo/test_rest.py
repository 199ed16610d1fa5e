BASE = "/w/rest.php/wikibase/v0/entities/items/"


async def test_an_edited_item_has_a_new_tag_that_answers_conditions(client):
    rev_id = client.world.edit("Q56", lambda entity: {**entity, "labels": {"en": {"language": "en", "value": "x"}}})
    told = await client.get(BASE + "Q56")
    assert (told.headers["ETag"], told.json["labels"]) == (f'"{rev_id}"', {"en": "x"})
    same = await client.get(BASE + "Q56", If_None_Match=f'W/"{rev_id}"')
    assert (same.status, same.headers["ETag"]) == (304, f'"{rev_id}"')
    assert (await client.get(BASE + "Q56", If_Match=f'"{rev_id}"')).status == 412


async def test_a_new_redirect_is_308_with_the_query_kept(client):
    item = client.world.create_item()
    client.world.redirect(item, "Q1")
    told = await client.get(f"{BASE}{item}/statements?x=1")
    assert (told.status, told.headers["Location"]) == (308, f"{client.wiki.url}{BASE}Q1/statements?x=1")


async def test_errors_are_json_with_their_codes(small):
    told = [await small.get(BASE + path) for path in ("Q99", "P1", "Q1?_fields=x", "Q1/labels")]
    assert [(one.status, one.json["code"]) for one in told] == [
        (404, "item-not-found"),
        (400, "invalid-item-id"),
        (400, "invalid-field"),
        (404, "rest-no-match"),
    ]


async def test_fields_choose_parts(small):
    assert (await small.get(BASE + "Q1?_fields=labels,type")).json == {
        "id": "Q1",
        "type": "item",
        "labels": {"en": "one", "de": "eins"},
    }
