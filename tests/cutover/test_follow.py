"""The verb over the Action API: from where the export stopped, until the store has what the wiki has."""

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.changing_wiki import ChangingWiki
from fakes.small_wiki import running
from suites.stored import opened_store

from backends.config import Config
from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase
from cutover import follow, verify
from cutover.options import config_of
from export.follow_opening import bell_of, settings_of
from export.follow_wiring import FollowSettings
from wikibase.ids import EntityId


async def exported(data: Path, **run: object) -> None:
    ledger = await SqliteDatabase.open(data / "ledger.sqlite", "ledger")
    await ledger.migrate()
    await Checkpoints(ledger).put("export_run", {"began_at": "2026-11-22T15:24:12Z", **run})
    await ledger.close()


def options_of(verb: Callable[[argparse.ArgumentParser], None], *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb(parser)
    return parser.parse_args(arguments)


async def in_thread(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    return await asyncio.to_thread(run, options)


async def test_following_until_current_and_verifying_over_the_api(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wiki = ChangingWiki([])
    for number in range(1, 8):
        wiki.add(f"Q{number % 3 + 1}", number * 10, f"word {number}")
    await exported(tmp_path, max_rev_id=40, max_log_id=0)
    async with running(wiki):
        where = ["--wiki", wiki.url.removesuffix("/w/api.php"), "--data", str(tmp_path), "--json"]
        followed = options_of(follow.arguments, *where, "--until-current")
        assert await in_thread(follow.run, followed) == 0
        assert json.loads(capsys.readouterr().out)["revisions"] == 0
        wiki.add("Q1", 85, "later")
        wiki.pages = [page for page in wiki.pages if page.title != "Item:Q2"]
        wiki.log("Item:Q2")
        assert await in_thread(follow.run, followed) == 0
        capsys.readouterr()
        assert await in_thread(follow.run, options_of(follow.arguments, *where, "--status")) == 0
        assert json.loads(capsys.readouterr().out)["seconds"] == 0
        for audit in (["counts"], ["heads"], ["history", "--sample", "5"], ["entity", "Q1"]):
            code = await in_thread(verify.run, options_of(verify.arguments, *audit, *where))
            said = json.loads(capsys.readouterr().out)
            assert (code, said["findings"]) == (0, [])
        wiki.add("Q3", 99, "nobody follows")
        assert await in_thread(verify.run, options_of(verify.arguments, "heads", *where, "--anew")) == 1
        assert json.loads(capsys.readouterr().out)["findings"][0]["repair"] == "cutover export --entity Q3 --repair"
        assert await in_thread(verify.run, options_of(verify.arguments, "findings", *where)) == 1
        assert json.loads(capsys.readouterr().out)["kind"] == "head_differs"
        assert await in_thread(verify.run, options_of(verify.arguments, "history", *where[:-1])) == 1
        assert "the true rate is at most" in capsys.readouterr().out
    async with opened_store(tmp_path) as store:
        head = await store.head(EntityId("Q1"))
        assert head is not None
        assert head.rev_id == 85
        gone = await store.head(EntityId("Q2"))
        assert gone is not None
        assert gone.state == "archived"


async def test_it_runs_until_stopped_and_waits_for_an_export_to_begin(tmp_path: Path) -> None:
    wiki = ChangingWiki([])
    wiki.add("Q1", 5, "a")
    async with running(wiki):
        where = ["--wiki", wiki.url.removesuffix("/w/api.php"), "--data", str(tmp_path)]
        config = config_of(options_of(follow.arguments, *where))
        stop = asyncio.Event()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(follow.follow(config, stop, waits=True))
            await asyncio.sleep(0.2)
            await exported(tmp_path)
            async with opened_store(tmp_path) as store:
                while await store.head(EntityId("Q1")) is None:
                    bell_of(config).ring()
                    await asyncio.sleep(0.1)
            stop.set()


def test_without_an_export_or_with_nonsense_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--wiki", "http://127.0.0.1:9", "--data", str(tmp_path)]
    assert follow.run(options_of(follow.arguments, *where, "--status")) == 1
    assert verify.run(options_of(verify.arguments, "entity", *where)) == 2
    assert verify.run(options_of(verify.arguments, "counts", "Q1", *where)) == 2
    assert verify.run(options_of(verify.arguments, "entity", "X1", *where)) == 2
    assert "no entity id" in capsys.readouterr().err


def test_the_limits_are_the_usual_ones_where_the_configuration_names_none() -> None:
    assert settings_of(Config()) == FollowSettings()
