"""Changes over the Action API: by id, with holes, deleted ones unseen, the log by time, heads by namespace."""

from collections.abc import AsyncIterator

import pytest
from fakes.changing_wiki import ChangingWiki
from fakes.small_wiki import SmallPage, SmallRevision, running

from backends.wiki.action_api import ActionApi
from backends.wiki.changes_api import ApiChanges
from backends.wiki.changes_shapes import LOG, REVISIONS
from wikibase.ids import EntityId

SINCE = "2026-11-22T15:00:00Z"


@pytest.fixture
async def wiki() -> AsyncIterator[ChangingWiki]:
    made = ChangingWiki([])
    for rev_id in (3, 4, 9):
        made.add("Q1", rev_id, f"word {rev_id}")
    made.add("Q2", 7, "other")
    made.pages.append(SmallPage(5, 0, "Main Page", [], model="wikitext"))
    made.pages[-1].revisions.append(SmallRevision(8, "x"))
    async with running(made):
        yield made


@pytest.fixture
async def changes(wiki: ChangingWiki) -> AsyncIterator[ApiChanges]:
    one = ApiChanges(ActionApi(wiki.url))
    yield one
    await one.close()


async def test_revisions_come_by_their_ids_with_holes(changes: ApiChanges) -> None:
    found = await changes.after(REVISIONS, 3, since=SINCE, size=50)
    assert [(one.number, one.entity_ids, one.rev_id) for one in found] == [
        (4, ("Q1",), 4),
        (7, ("Q2",), 7),
        (8, (), None),
        (9, ("Q1",), 9),
    ]
    assert await changes.after(REVISIONS, 9, since=SINCE, size=50) == []


async def test_what_no_list_begins_with_is_found_a_little_above_the_newest(
    changes: ApiChanges, wiki: ChangingWiki
) -> None:
    wiki.add("Q3", 30, "imported with an old stamp")
    wiki.newest = 9
    assert [one.number for one in await changes.after(REVISIONS, 9, since=SINCE, size=10)] == [30]


async def test_holes_are_looked_at_again_by_their_ids(changes: ApiChanges, wiki: ChangingWiki) -> None:
    (first, second) = await changes.among(REVISIONS, [(5, 6), (8, 200)], since=SINCE, size=20)
    assert (first.covered, list(first.changes)) == ((5, 6), [])
    assert (second.covered, [one.number for one in second.changes]) == ((8, 27), [8, 9])
    wiki.add("Q2", 6, "late")
    (again,) = await changes.among(REVISIONS, [(5, 6)], since=SINCE, size=20)
    assert [(one.number, one.entity_ids) for one in again.changes] == [(6, ("Q2",))]


async def test_the_log_names_pages_other_pages_and_users(changes: ApiChanges, wiki: ChangingWiki) -> None:
    wiki.log("Item:Q1")
    wiki.log("Item:Q2", type="merge", action="merge", params={"dest_ns": 120, "dest_title": "Item:Q9"})
    wiki.log("User:Bob", ns=2, type="renameuser", action="renameuser", params={"olduser": "Bob", "newuser": "Robert"})
    found = await changes.after(LOG, 0, since=SINCE, size=50)
    assert [one.entity_ids for one in found] == [("Q1",), ("Q2", "Q9"), ()]
    assert found[2].users == ("Robert", "Bob")
    assert [one.number for one in await changes.after(LOG, 2, since=SINCE, size=50)] == [3]
    (looked,) = await changes.among(LOG, [(2, 2)], since=SINCE, size=50)
    assert [one.number for one in looked.changes] == [2]
    assert await changes.first(LOG, "2026-11-22T15:24:02Z", above=0) == 2


async def test_the_moment_says_how_far_the_ids_reach(changes: ApiChanges, wiki: ChangingWiki) -> None:
    wiki.log("Item:Q1")
    moment = await changes.moment(with_transactions=True)
    assert moment.last == {"revision": 9, "log": 1}
    assert (moment.transactions, moment.server) == (None, None)
    assert await changes.first(REVISIONS, SINCE, above=4) == 7


async def test_heads_are_listed_through_all_namespaces_of_entities(changes: ApiChanges, wiki: ChangingWiki) -> None:
    wiki.pages.append(SmallPage(77, 122, "Property:P5", [SmallRevision(11, "{}")]))
    found = []
    after: str | None = None
    while True:
        batch = await changes.heads(after=after, size=1)
        found += [(one.entity_id, one.rev_id) for one in batch.heads]
        if (after := batch.after) is None:
            break
    assert found == [("Q1", 9), ("Q2", 7), ("P5", 11)]
    assert set(await changes.heads_of([*(one for one, _ in found), EntityId("Q999")])) == {"Q1", "Q2", "P5"}
    ids, after = await changes.entities_of_user("Bob", after=None, size=50)
    assert (sorted(ids), after) == (["P5", "Q1", "Q2"], None)
