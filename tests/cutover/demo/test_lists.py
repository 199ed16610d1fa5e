async def all_of(client, name, prefix, **fields):
    rows, more = [], {}
    while True:
        told = await client.api(action="query", list=name, **fields, **more)
        rows += told["query"][name]
        if "continue" not in told:
            return rows
        more = told["continue"]


async def test_all_pages_of_both_namespaces_are_listed_over_continuations(client):
    items = await all_of(client, "allpages", "ap", apnamespace="120", aplimit="20")
    properties = await all_of(client, "allpages", "ap", apnamespace="122", aplimit="5")
    titles = [row["title"] for row in items]
    assert titles == sorted(titles)
    assert (len(items), len(properties)) == (72, 13)
    assert {"Item:Sandbox", "Item:Q74", "Item:Q18"} <= set(titles)


async def test_redirects_can_be_filtered(client):
    rows = await all_of(client, "allpages", "ap", apnamespace="120", apfilterredir="redirects")
    assert [row["title"] for row in rows] == ["Item:Q18", "Item:Q32", "Item:Q39", "Item:Q40"]


async def test_recent_changes_grow_with_edits_and_log_events(client):
    world = client.world
    item = world.create_item({"en": "x"}, user="Bob")
    world.edit(item, lambda entity: {**entity, "labels": {}}, user="AlphaBot", bot=True, comment="c")
    world.delete(f"Item:{item}", reason="gone")
    fields = {
        "rcprop": "ids|title|timestamp|user|userid|comment|flags|loginfo|sizes|tags",
        "rcdir": "newer",
        "rclimit": "3",
    }
    rows = await all_of(client, "recentchanges", "rc", **fields)
    assert [row["rcid"] for row in rows] == sorted(row["rcid"] for row in rows)
    assert len(rows) == 13  # the page's own rows went with it
    assert (rows[-1]["logaction"], rows[-1]["comment"], rows[-1]["type"]) == ("delete", "gone", "log")
    world.undelete(f"Item:{item}")
    newest = (await client.api(action="query", list="recentchanges", rclimit="1", rcprop="loginfo"))["query"][
        "recentchanges"
    ]
    assert newest[0]["logaction"] == "restore"


async def test_recent_changes_show_bots_and_hide_the_hidden(small):
    rev_id = small.world.edit(
        "Q1", lambda entity: {**entity, "labels": {}}, user="AlphaBot", bot=True, comment="secret"
    )
    small.world.hide(rev_id, 6)
    rows = (await small.api(action="query", list="recentchanges", rcprop="ids|user|comment|flags", rctype="edit|new"))[
        "query"
    ]["recentchanges"]
    assert (rows[0]["bot"], rows[0]["userhidden"], rows[0]["commenthidden"]) == (True, True, True)
    assert "secret" not in str(rows)
    assert (rows[1]["type"], rows[1]["new"]) == ("new", True)


async def test_recent_changes_can_be_cut_by_time_namespace_and_type(client):
    fields = {
        "rcstart": "2026-09-20T00:00:00Z",
        "rcend": "2026-09-12T00:00:00Z",
        "rcnamespace": "120",
        "rclimit": "max",
    }
    rows = (await client.api(action="query", list="recentchanges", **fields))["query"]["recentchanges"]
    assert [row["revid"] for row in rows] == [1315, 1314, 1313, 1312, 1311, 1310, 1309]
    newer = {"rcdir": "newer", "rcstart": "2026-09-23T00:00:00Z", "rctype": "log"}
    assert (await client.api(action="query", list="recentchanges", **newer))["query"]["recentchanges"] == []
    bad = await client.api(action="query", list="recentchanges", rccontinue="x")
    assert bad["error"]["code"] == "badcontinue"
