"""Changes read from the dataset's database: every revision by its id, the log, and which transactions are known."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from fakes.mariadb import mariadb_address, server_statement
from fakes.wiki_copies import NAMESPACE_MODELS, WikiCopy, wiki_copy
from fakes.wiki_truth import told_by_the_software

from backends.wiki.changes_database import DatabaseChanges
from backends.wiki.changes_shapes import LOG, REVISIONS, Change, changed_users, logged_entities, merged
from wikibase.ids import EntityType

SPACES = {EntityType.ITEM: 120, EntityType.PROPERTY: 122}


@asynccontextmanager
async def opened(copy: WikiCopy, *, as_writer: bool = False) -> AsyncIterator[DatabaseChanges]:
    one = await DatabaseChanges.open(
        copy.writer if as_writer else copy.reader,
        copy.database,
        namespaces=SPACES,
        prefix=copy.prefix,
        namespace_models=NAMESPACE_MODELS,
    )
    try:
        yield one
    finally:
        await one.close()


async def all_of(changes: DatabaseChanges, stream: str) -> Mapping[int, Change]:
    found: dict[int, Change] = {}
    mark = 0
    while batch := await changes.after(stream, mark, since="", size=97):
        assert [one.number for one in batch] == sorted({one.number for one in batch})
        found |= {one.number: one for one in batch}
        mark = batch[-1].number
    return found


@pytest.mark.services
async def test_every_revision_of_an_entity_comes_by_its_id_live_or_archived() -> None:
    truth = told_by_the_software()
    async with opened(wiki_copy()) as changes:
        found = await all_of(changes, REVISIONS)
        assert {number for number, one in found.items() if one.entity_ids} >= set(truth)
        assert {number: list(found[number].entity_ids) for number in truth} == {
            number: [line["entity_id"]] for number, line in truth.items()
        }
        expected = {number for number, line in truth.items() if line["state"] != "archived"}
        assert {number for number, one in found.items() if one.rev_id is not None} == expected
        (looked,) = await changes.among(REVISIONS, [(1, 10_000)], since="", size=50)
        assert [one.number for one in looked.changes] == sorted(found)[:50]
        assert looked.covered == (1, sorted(found)[49])


@pytest.mark.services
async def test_the_log_names_the_entities_that_were_deleted_or_hidden() -> None:
    async with opened(wiki_copy()) as changes:
        named = {entity for one in (await all_of(changes, LOG)).values() for entity in one.entity_ids}
        users = {user for one in (await all_of(changes, LOG)).values() for user in one.users}
        assert named >= {"Q34", "Q36", "Q38", "Q54", "Q55", "Q57", "Q62", "Q63"}
        assert "Rude Name" in users
        ids, after = await changes.entities_of_user("Rude Name", after=None, size=500)
        assert after is None
        truth = told_by_the_software().values()
        hidden = {line["entity_id"] for line in truth if (line.get("privileged") or {}).get("user") == "Rude Name"}
        assert set(ids) >= {one for one in hidden if one != "Q38"}


@pytest.mark.services
async def test_who_may_not_list_transactions_is_told_that_nothing_is_known() -> None:
    async with opened(wiki_copy()) as changes:
        assert (await changes.moment(with_transactions=True)).transactions is None
    async with opened(wiki_copy(), as_writer=True) as changes:
        moment = await changes.moment(with_transactions=True)
        assert moment.transactions is not None
        assert moment.last[REVISIONS] >= max(told_by_the_software())
        assert moment.started_s is not None


@pytest.mark.services
async def test_a_list_that_others_keep_from_being_made_anew_proves_nothing() -> None:
    """Somebody reads the list all the time: what begins meanwhile is not in it, and must not be taken for absent."""
    server = mariadb_address()
    stop = asyncio.Event()

    async def read_all_the_time() -> None:
        while not stop.is_set():
            await server_statement(server, "SELECT COUNT(*) FROM information_schema.innodb_trx")

    async with opened(wiki_copy(), as_writer=True) as changes, asyncio.TaskGroup() as tasks:
        tasks.create_task(read_all_the_time())
        await asyncio.sleep(2.5)
        lists = [(await changes.moment(with_transactions=True)).transactions for _ in range(2)]
        stop.set()
    assert lists == [None, None]


@pytest.mark.services
async def test_a_list_that_is_asked_for_at_once_again_is_a_new_one() -> None:
    async with opened(wiki_copy(), as_writer=True) as changes:
        for _ in range(5):
            assert (await changes.moment(with_transactions=True)).transactions is not None


@pytest.mark.parametrize(
    ("namespace", "title", "page_id", "params", "expected"),
    [
        (120, "Q5", 7, "", ["Q5"]),
        (0, "Q5", 7, "", []),
        (6, "A.jpg", 7, "", ["M7"]),
        (120, "Q5", 7, 'a:1:{s:7:"4::dest";s:8:"Item:Q77";}', ["Q5", "Q77"]),
        (2, "Bob", 7, 's:9:"4::target";s:9:"Talk:Q7 x";', []),
    ],
)
def test_a_log_entry_names_entities_by_page_and_by_parameters(
    namespace: int, title: str, page_id: int, params: str, expected: Sequence[str]
) -> None:
    assert list(logged_entities(SPACES, namespace, title, page_id, params)) == expected


def test_users_are_named_when_what_they_did_may_look_different() -> None:
    assert changed_users("suppress", "block", "Rude_Name", "") == ("Rude Name",)
    assert changed_users("renameuser", "renameuser", "Bob", 's:10:"5::newuser";s:3:"Rob";') == ("Rob", "Bob")
    assert changed_users("delete", "delete", "Bob", "") == ()


def test_ranges_are_merged() -> None:
    assert merged([(5, 6), (1, 2), (3, 3), (6, 9)]) == [(1, 3), (5, 9)]
