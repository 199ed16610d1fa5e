"""The follower on a real MariaDB: whatever is committed, in whatever order, is in the store afterwards."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.mariadb import mariadb_address
from fakes.private_mariadb import private_mariadb
from fakes.waiting import until
from fakes.wiki_edits import editor, made_wiki, make_wiki
from suites.following import QUICK, Following, differences, edit, following, met

from backends.errors import RefusedError
from backends.sql.mysql import MysqlAddress
from export.follow import metrics
from wikibase.ids import EntityId

pytestmark = pytest.mark.services


@pytest.fixture
async def wiki() -> AsyncIterator[tuple[MysqlAddress, str]]:
    address = mariadb_address()
    async with made_wiki(address, f"follow_{secrets.token_hex(4)}") as name:
        yield address, name


@pytest.fixture
async def one(wiki: tuple[MysqlAddress, str], tmp_path: Path) -> AsyncIterator[Following]:
    async with following(*wiki, tmp_path) as opened:
        await opened.begin()
        yield opened


async def test_edits_deletions_undeletions_suppressions_imports_and_merges_arrive(
    one: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.entity.ROGUE_AGE_S", -1.0)  # what a merge takes away is acted on at once
    made = await edit(one, ("Q1", "a"), ("Q2", "b"), ("Q1", "c"), ("Q3", "d"), ("Q3", "e"))
    await one.follower.catch_up()
    assert await one.differences() == []

    for change in (
        one.editor.delete("Q2"),
        one.editor.undelete("Q2"),
        one.editor.hide(made[0], 1),
        one.editor.hide(made[0], 0),
        one.editor.hide(made[0], 15),
        one.editor.edit("Q1", "long ago", at="20190101000000", latest=False),
        one.editor.merge("Q3", "Q1"),
        one.editor.delete("Q1"),
        one.editor.edit("Q1", "made again"),
        one.editor.delete("Q3"),
    ):
        await change
        await one.editor.commit()
        await one.follower.catch_up()
        assert await one.differences() == []
    assert await one.follower.bringer.absent(made) == set()


async def test_what_a_merge_takes_away_is_asked_about_again_once_it_is_old_enough(one: Following) -> None:
    await edit(one, ("Q1", "a"), ("Q2", "b"), ("Q2", "c"))
    await one.follower.catch_up()
    await one.editor.merge("Q2", "Q1")
    await one.editor.commit()
    await one.follower.catch_up()
    later = await one.ledger.rows("wakes_due", now_ms=10**15, size=10)
    assert ("Q2", "moved") in [(row["entity_id"], row["kind"]) for row in later]
    assert [found async for found in one.findings.open()] == []


async def test_a_transaction_that_took_its_id_early_and_commits_late_is_not_missed(
    one: Following, wiki: tuple[MysqlAddress, str]
) -> None:
    async with editor(*wiki) as slow, editor(*wiki) as gone:
        late = await slow.edit("Q7", "early id, late commit")
        late_log = await slow.log("delete", "revision", "Q7")
        lost = await gone.edit("Q8", "never committed")
        made = await edit(one, ("Q1", "a"), ("Q2", "b"))
        assert late < lost < made[0]
        await one.editor.log("protect", "protect", "Q1")
        await one.editor.commit()
        await gone.rollback()
        revisions, log = one.follower.streams
        async with one.running():
            await asyncio.sleep(4.0)  # past the bound: as long as its transaction lives, the gap stays open
            assert any(gap.low <= late <= gap.high for gap in revisions.open.values())
            assert any(gap.low <= late_log <= gap.high for gap in log.open.values())
            assert one.follower.lag.gap_ids >= 2
            assert await one.store.head(EntityId("Q7")) is None
            await slow.commit()
            await met(one.equal)
            await until(lambda: not revisions.open and not log.open, 20)
    assert one.follower.lag.seconds == 0
    head = await one.store.head(EntityId("Q7"))
    assert head is not None
    assert head.rev_id == late


async def test_where_transactions_cannot_be_listed_a_gap_is_kept_for_the_bound(
    wiki: tuple[MysqlAddress, str], tmp_path: Path
) -> None:
    async with following(*wiki, tmp_path, proves=False) as one, editor(*wiki) as slow, editor(*wiki) as gone:
        await one.begin()
        await slow.edit("Q7", "late")
        await gone.edit("Q8", "never")
        await edit(one, ("Q1", "a"))
        await gone.rollback()
        async with one.running():
            await asyncio.sleep(QUICK.rules.bound_s / 2)
            await slow.commit()
            await met(one.equal)
            assert one.follower.streams[0].open  # nobody can say that Q8 will not be committed
            await until(lambda: not one.follower.streams[0].open, 20)


async def test_ids_that_the_database_lost_and_gave_out_again_are_read_again(one: Following) -> None:
    await edit(one, *[(f"Q{number}", "a") for number in range(1, 6)])
    await one.follower.catch_up()
    # As after a failover to a server that had not got the last transaction.
    await one.editor.run("DELETE FROM revision WHERE rev_id = 5")
    await one.editor.run("DELETE FROM slots WHERE slot_revision_id = 5")
    await one.editor.run("DELETE FROM page WHERE page_title = 'Q5'")
    await one.editor.commit()
    await one.editor.run("ALTER TABLE revision AUTO_INCREMENT = 5")
    assert one.follower.streams[0].mark.number == 5
    await one.follower.catch_up()
    assert await edit(one, ("Q6", "the same id")) == [5]
    await one.follower.catch_up()
    head = await one.store.head(EntityId("Q6"))
    assert head is not None
    assert head.rev_id == 5
    found = [(kept.found.entity_id, kept.found.kind) async for kept in one.findings.open()]
    assert found == [("Q5", "rogue")]


async def test_a_server_that_was_started_anew_is_read_again_from_a_little_before(one: Following) -> None:
    await edit(one, ("Q1", "a"), ("Q2", "b"))
    await one.follower.catch_up()
    known = await one.follower.checkpoints.get("follower_server")
    assert known is not None
    for changed in ({"started_s": known["started_s"] - 100}, {"server": "another:3306"}):
        one.follower._server = {**known, **changed}
        before = one.follower.bringer.counts.entities
        await one.follower.catch_up()
        assert one.follower.bringer.counts.entities >= before + 2
        assert await one.follower.checkpoints.get("follower_server") == known
    one.follower._server = {**known, "started_s": known["started_s"] + 1}  # clocks differ by a second
    before = one.follower.bringer.counts.entities
    await one.follower._tick()
    assert one.follower.bringer.counts.entities == before


async def test_bursts_in_one_second_from_many_writers_are_all_there(
    one: Following, wiki: tuple[MysqlAddress, str]
) -> None:
    async def burst(writer: int) -> None:
        async with editor(*wiki) as own:
            for number in range(12):
                await own.edit(f"Q{100 + writer * 20 + number % 3}", f"{writer}/{number}")
                await (own.rollback() if number % 4 == 3 else own.commit())

    async with one.running(60):
        async with asyncio.TaskGroup() as writers:
            for writer in range(8):
                writers.create_task(burst(writer))
        await met(one.equal)


async def test_tags_that_are_written_after_the_edit_are_seen_at_the_second_look(one: Following) -> None:
    (made,) = await edit(one, ("Q1", "a"))
    await one.follower.catch_up()
    await one.editor.run("INSERT INTO change_tag (ct_rev_id, ct_tag_id) VALUES (%s, 1)", made)
    await one.editor.commit()

    async def tagged() -> bool:
        revision = await one.store.revision(EntityId("Q1"), made)
        return revision is not None and revision.tags == ("late-tag",)

    async with one.running():
        await met(tagged)
        await met(lambda: one.store.index.journaled([EntityId("Q1")]))


async def test_a_hidden_user_is_hidden_on_every_entity(one: Following) -> None:
    made = await edit(one, ("Q1", "a"), ("Q2", "b"))
    await one.follower.catch_up()
    await one.editor.run("UPDATE revision SET rev_deleted = 12")
    await one.editor.log("suppress", "block", "Alice", namespace=2)
    await one.editor.commit()
    await one.follower.catch_up()
    for name, rev_id in zip(("Q1", "Q2"), made, strict=True):
        revision = await one.store.revision(EntityId(name), rev_id)
        assert revision is not None
        assert (revision.user, "user" in revision.hidden) == (None, True)


async def test_a_call_is_answered_at_once_though_the_streams_sleep(one: Following) -> None:
    await edit(one, ("Q1", "a"))
    await one.wakes.poke(EntityId("Q1"))
    assert await one.follower._answer_calls() == 1
    assert await one.store.head(EntityId("Q1")) is not None
    assert await one.wakes.waiting() == 0


async def test_the_lag_is_said_in_seconds_and_revisions(one: Following) -> None:
    await one.follower.catch_up()
    await edit(one, *[("Q1", str(number)) for number in range(60)])
    await one.follower._tick()
    assert one.follower.lag.revisions == 10
    await one.follower.catch_up()
    said = metrics(one.follower.lag)
    assert said["follower_lag_revisions"] == 0
    assert said["follower_lag_seconds"] == 0
    assert await one.follower.checkpoints.get("follower") is not None


async def test_without_an_export_there_is_nowhere_to_begin(wiki: tuple[MysqlAddress, str], tmp_path: Path) -> None:
    async with following(*wiki, tmp_path) as opened:
        with pytest.raises(RefusedError, match="cutover export"):
            await opened.follower.begin(None)


async def test_what_was_under_way_when_the_export_began_is_followed(
    wiki: tuple[MysqlAddress, str], tmp_path: Path
) -> None:
    async with following(*wiki, tmp_path) as one, editor(*wiki) as slow:
        await slow.edit("Q7", "under way")
        await edit(one, ("Q1", "before the export"))
        moment = await one.changes.moment(with_transactions=False)
        last = moment.last
        await one.follower.begin(
            {"began_at": moment.now, "time": moment.now, "max_rev_id": last["revision"], "max_log_id": last["log"]}
        )
        await slow.commit()
        async with one.running():
            await met(one.equal)


async def test_the_wikis_database_is_killed_and_started_anew_while_following(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    async with private_mariadb(folder) as server:
        await make_wiki(server.root, "wiki")
        async with following(server.root, "wiki", tmp_path) as one:
            await one.begin()
            count = 0
            async with one.running(120):
                for round_ in range(3):
                    async with editor(server.root, "wiki") as own, editor(server.root, "wiki") as open_one:
                        await open_one.edit(f"Q{50 + round_}", "dies with the server")
                        for _ in range(15):
                            count += 1
                            await own.edit(f"Q{count % 5 + 1}", str(count))
                            await own.commit()
                        await server.kill()
                    await server.start()
                async with editor(server.root, "wiki") as own:
                    await own.edit("Q1", "after all")
                    await own.commit()

                    async def equal() -> bool:
                        return not await differences(own, one.store)

                    await met(equal)
