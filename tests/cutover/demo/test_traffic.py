from collections import Counter
from contextlib import AsyncExitStack

from cutover.demo.traffic import EDITED_ITEMS, demo_requests, filled, taken


def test_equal_seeds_yield_equal_requests(world):
    exchanges = world.recorded.exchanges
    first, again = (list(demo_requests(7, 300, exchanges=exchanges)) for _ in range(2))
    assert first == again
    assert len(first) == 300
    assert first != list(demo_requests(8, 300, exchanges=exchanges))


def test_most_requests_read_entities_and_every_kind_is_there(world):
    kinds = Counter(one.kind.partition(".")[0] for one in demo_requests(1, 2000, exchanges=world.recorded.exchanges))
    reads = sum(kinds[kind] for kind in ("wbgetentities", "entitydata", "wbgetclaims", "rest", "query-revisions"))
    assert reads > 1500
    assert {"page", "login", "read-back", "csrf-token"} <= set(kinds)


def test_the_recorded_reads_are_loaded_when_none_are_given():
    assert next(demo_requests(1, 1)).target


def test_edited_items_are_ordinary_and_live(world):
    assert all("redirect" not in world.content(world.head(item)) for item in EDITED_ITEMS)


async def test_the_traffic_is_answered_and_edits_are_read_back(client):
    world, values, clients = client.world, {}, {}
    revisions, seen = world.revision_count, Counter()
    async with AsyncExitStack() as stack:
        for request in demo_requests(3, 400, exchanges=world.recorded.exchanges):
            if request.jar not in clients:
                clients[request.jar] = await stack.enter_async_context(client.another())
            ready = filled(request, values.get(request.jar, {}))
            told = await clients[request.jar].send(ready.method, ready.target, ready.headers, ready.body)
            seen[told.status // 100] += 1
            if request.takes:
                values.setdefault(request.jar, {}).update(taken(request, told.json))
            if request.kind == "login":
                assert told.json["login"]["result"] == "Success"
            if b"token=" in request.body and request.kind != "login":
                seen["edits"] += 1
                assert told.json.get("success") == 1, told.body
            if request.kind == "read-back":
                ((item, record),) = told.json["entities"].items()
                assert record["lastrevid"] == world.head(item).rev_id
    assert world.revision_count == revisions + seen["edits"]
    assert seen["edits"] >= 8
    assert seen[2] > 300
