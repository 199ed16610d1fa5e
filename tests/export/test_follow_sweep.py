"""The sweep: what the streams did not see is found by the heads, called for, and a finding if it stays."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.mariadb import mariadb_address
from fakes.wiki_edits import made_wiki
from suites.following import Following, edit, following, met
from suites.stored import revision

from wikibase.ids import EntityId

pytestmark = pytest.mark.services


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Following]:
    address = mariadb_address()
    async with (
        made_wiki(address, f"follow_{secrets.token_hex(4)}") as name,
        following(address, name, tmp_path) as opened,
    ):
        await opened.begin()
        await edit(opened, *[(f"Q{number}", "a") for number in range(1, 31)])
        yield opened


async def open_kinds(one: Following) -> list[tuple[str, str]]:
    return [(found.found.entity_id, found.found.kind) async for found in one.findings.open()]


async def test_a_store_that_has_what_the_wiki_has_gives_no_finding(one: Following) -> None:
    await one.follower.catch_up()
    assert await one.sweep.whole_pass() == 0
    assert one.sweep.heads_seen == 60
    assert one.sweep.differences == 0


async def test_what_the_streams_never_saw_is_called_for_and_brought(one: Following) -> None:
    # Nothing is read from the streams: the sweep alone brings thirty entities.
    async def step() -> bool:
        await one.sweep.step()
        await one.follower._answer_calls()
        return await one.equal()

    await met(step)
    assert await open_kinds(one) == []


async def test_a_difference_that_stays_is_a_finding_until_it_is_gone(one: Following) -> None:
    await one.follower.catch_up()
    await one.store.put_history(
        EntityId("Q4711"), [revision(990_001, 0, entity_id=EntityId("Q4711"))], 990_001, page_id=4711
    )
    await edit(one, ("Q5", "later"))  # nobody follows
    assert await one.sweep.whole_pass() == 2
    assert await open_kinds(one) == [("Q4711", "alive_in_store_only"), ("Q5", "head_differs")]
    async with one.running(sweep=True):  # the follower brings the one, and marks what the wiki never had as archived

        async def none_left() -> bool:
            return await open_kinds(one) == []

        await met(none_left)
    head = await one.store.head(EntityId("Q4711"))
    assert head is None or head.state == "archived"


async def test_the_walk_goes_on_where_it_was_stopped(one: Following) -> None:
    await one.follower.catch_up()
    await one.sweep.step()
    await one.sweep.step()
    state = await one.follower.checkpoints.get("follower_sweep")
    assert state is not None
    assert (state["walk"], state["walked"]) == ("wiki", 20)


async def test_the_newest_edits_are_looked_at_without_waiting_for_the_walk(one: Following) -> None:
    await one.follower.catch_up()
    await edit(one, ("Q29", "just now"))
    last = (await one.changes.moment(with_transactions=False)).last["revision"]
    await one.sweep.recent(last)
    assert [wake.entity_id for wake in await one.wakes.due(size=100)] == ["Q29"]
    await one.follower._answer_calls()
    await asyncio.sleep(0.15)
    await one.sweep.look_again()
    assert await open_kinds(one) == []
