async def test_a_whole_history_is_exported_over_continuations(client):
    """What an exporter does: all pages, then all revisions of each, oldest first."""
    world, count, failed = client.world, 0, []
    for page in list(world.pages.values()):
        if world.entity_of(page) is None:
            continue
        more = {}
        seen = []
        while more is not None:
            fields = {
                "rvprop": "ids|timestamp|user|comment|sha1|flags|tags",
                "rvslots": "main",
                "rvdir": "newer",
                "rvlimit": "max",
            }
            told = await client.api(action="query", prop="revisions", pageids=str(page.page_id), **fields, **more)
            (element,) = told["query"]["pages"]
            seen += [one["revid"] for one in element["revisions"]]
            more = told.get("continue")
        expected = [one.rev_id for one in world.history(page.page_id)]
        failed += [] if seen == expected else [page.title]
        count += len(seen)
    assert failed == []
    assert count == world.revision_count == 1299


async def test_pages_are_ordered_by_id_and_absent_ones_are_told(client):
    told = await client.api(action="query", prop="info", titles="Item:Q75|Item:Q1|Item:Q34|Property:P1")
    assert [page.get("title") for page in told["query"]["pages"]] == ["Item:Q34", "Item:Q1", "Property:P1", "Item:Q75"]
    assert told["query"]["pages"][0] == {"ns": 120, "title": "Item:Q34", "missing": True}


async def test_redirects_are_followed_when_asked(client):
    told = await client.api(action="query", prop="info", titles="Item:Q18", redirects="1")
    assert told["query"]["redirects"] == [{"from": "Item:Q18", "to": "Item:Q35"}]
    assert told["query"]["pages"][0]["title"] == "Item:Q35"


async def test_info_tells_of_redirects_and_protection(client):
    page = (await client.api(action="query", prop="info", titles="Item:Q18", inprop="protection"))["query"]["pages"][0]
    assert (page["redirect"], page["length"], page["protection"]) == (True, 54, [])


async def test_two_ways_of_naming_pages_exclude_each_other(client):
    assert (await client.api(action="query", titles="Item:Q1", pageids="5"))["error"]["code"] == "multisource"


async def test_an_edited_generator_answer_is_rendered(client):
    client.world.create_item({"en": "x"})
    fields = {"generator": "allpages", "gapnamespace": "120", "gaplimit": "5", "rvprop": "ids|timestamp|size"}
    told = await client.api(action="query", prop="revisions", **fields)
    assert told["continue"] == {"gapcontinue": "Q13", "continue": "gapcontinue||"}
    assert len(told["query"]["pages"]) == 5
