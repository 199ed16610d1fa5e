"""Each named statement goes to one shard, by vtgate's own plans; and what is not as it must be is found."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fakes.mariadb import server_statement
from fakes.vitess import behind_vitess, emptied_vitess

from backends.sql.statements import Statement, StatementBook, book
from backends.sql.vitess import ALLOW_SCATTER, VitessDatabase
from backends.sql.vitess_check import Plan, boundary_findings, findings, plans
from backends.sql.vschema import columns, table_of

pytestmark = pytest.mark.services

WALKS = {"authority_lanes", "entities", "heads", "outbox", "purges_to_do", "totals"}
BY_LIST = {"heads_of_ids", "head_revisions_of_ids", "journaled_of_ids", "revision_entities_of_ids"}


@pytest.fixture
async def database() -> AsyncIterator[VitessDatabase]:
    opened = await VitessDatabase.open(await emptied_vitess(), "index", pool_max=4)
    await opened.migrate()
    yield opened
    await opened.close()


async def test_each_named_statement_goes_to_one_shard(database: VitessDatabase) -> None:
    found = await plans(database)
    mysql = book("mysql")
    of_index = {name for name in mysql.names() if table_of(mysql[name].text) in columns("index")}
    assert found.keys() == of_index
    assert {name for name, plan in found.items() if not plan.is_on_one_shard} == WALKS | BY_LIST
    assert {name for name, plan in found.items() if not plan.is_by_key} == WALKS
    assert {name for name in of_index if ALLOW_SCATTER in mysql[name].text} == WALKS


async def test_a_statement_without_its_key_is_not_taken_for_one_with_it(database: VitessDatabase) -> None:
    bad = {
        "update": "UPDATE heads SET page_id = :page_id WHERE generation = :generation",
        "delete": "DELETE FROM outbox WHERE entity_id IN (:ids)",
        "select": f"SELECT {ALLOW_SCATTER} entity_id FROM heads WHERE page_id = :page_id",
        "join": f"SELECT {ALLOW_SCATTER} heads.entity_id FROM heads INNER JOIN revisions"
        " ON revisions.rev_id = heads.rev_id WHERE heads.entity_id = :entity_id",
    }
    params = {"update": {"page_id", "generation"}, "delete": {"ids"}, "select": {"page_id"}, "join": {"entity_id"}}
    statements = StatementBook([Statement(name, text, frozenset(params[name])) for name, text in bad.items()])
    found = await plans(database, statements)
    assert {name for name, plan in found.items() if plan.is_by_key} == set()


def test_no_plan_at_all_is_not_one_shard() -> None:
    assert not Plan(()).is_on_one_shard
    assert not Plan(()).is_by_key


def test_shards_that_cut_a_lane_are_said() -> None:
    assert boundary_findings(["-", "0", "-40", "40-80", "80-c0", "c0-"]) == []
    assert [one[:11] for one in boundary_findings(["-4080", "4080-80", "80-"])] == ["shard -4080", "shard 4080-"]


async def test_a_fresh_index_is_as_it_must_be(database: VitessDatabase) -> None:
    assert await findings(database) == []


async def test_what_is_missing_is_said(database: VitessDatabase) -> None:
    keyspace = database.keyspaces.revisions
    server = behind_vitess()
    try:
        async with database.within(keyspace) as connection:
            await database.asked(connection, f"ALTER VSCHEMA ON {keyspace}.pages DROP VINDEX by_md5")
            await server_statement(server, f"ALTER TABLE `vt_{keyspace}_80-`.redirects RENAME TO `vt_{keyspace}_80-`.r")
        assert await findings(database) == [
            f"VSchema of {keyspace} lacks the table pages",
            f"{keyspace}/80- lacks the table redirects",
        ]
    finally:
        await server_statement(server, f"ALTER TABLE `vt_{keyspace}_80-`.r RENAME TO `vt_{keyspace}_80-`.redirects")
        async with database.within(keyspace) as connection:
            await database.asked(connection, f"ALTER VSCHEMA ON {keyspace}.pages ADD VINDEX by_md5(page_id)")
    assert await findings(database) == []


async def test_another_transaction_mode_is_said(database: VitessDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = database.asked

    async def asked(connection: Any, text: str, params: Mapping[str, Any] | None = None) -> Any:
        if "transaction_mode" in text:
            await ask(connection, "SET transaction_mode = 'MULTI'")
        return await ask(connection, text, params)

    monkeypatch.setattr(database, "asked", asked)
    (found,) = await findings(database)
    assert found.startswith("transactions are MULTI, not SINGLE")
