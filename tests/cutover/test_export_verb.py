"""What `cutover export` takes besides its configuration."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.small_wiki import SmallPage, SmallRevision, SmallWiki, item, running

from backends.config import Config, StoreConfig, WikiConfig
from backends.connect import checkpoints, opened_ledger, opened_store
from backends.ledger.leases import Shard
from cutover.export import Run, arguments, dry_run, export, one_entity, run
from export.control import CONTROL
from export.estimate import Prices
from export.history import CHECKPOINT, EXPORT_RUN
from wikibase.ids import EntityId


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    arguments(parser)
    return parser.parse_args(list(words))


@pytest.fixture
async def wiki() -> AsyncIterator[SmallWiki]:
    pages = [
        SmallPage(number, 120, f"Item:Q{number}", [SmallRevision(number, item(f"Q{number}", "x"))])
        for number in range(1, 6)
    ]
    async with running(SmallWiki(pages)) as small:
        yield small


def config_of(wiki: SmallWiki, data: Path) -> Config:
    return Config(wiki=WikiConfig(url=wiki.url.removesuffix("/w/api.php")), store=StoreConfig(path=str(data)))


async def test_a_dry_run_counts_and_writes_nothing(wiki: SmallWiki, tmp_path: Path) -> None:
    found = await dry_run(config_of(wiki, tmp_path), Run(prices=Prices(puts_1000=2.0)))
    assert (found.revisions, found.put_requests, found.requests_cost) == (5, 5, 0.01)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_finished_run_is_begun_anew_but_not_by_a_shard(wiki: SmallWiki, tmp_path: Path) -> None:
    config = config_of(wiki, tmp_path)
    shards = [await export(config, Run(shard=Shard(index, 2))) for index in (0, 1)]
    assert [one.entities for one in shards] == [5, 5]
    wiki.requests.clear()
    assert (await export(config, Run(shard=Shard(0, 2)))).entities == 5
    assert wiki.calls("titles") == []
    assert (await export(config)).entities == 5
    assert len(wiki.calls("titles")) == 5
    async with opened_ledger(config) as ledger:
        marks = checkpoints(ledger)
        assert await marks.get(EXPORT_RUN) == {"began_at": "2026-11-22T15:24:12Z", "max_rev_id": 5, "max_log_id": 7}
        kept = await marks.get(CHECKPOINT)
        assert kept is not None
        assert (kept["job"], kept["state"]) == ("export-2", "finished")


async def test_one_entity_is_brought_whatever_the_run_says(wiki: SmallWiki, tmp_path: Path) -> None:
    config = config_of(wiki, tmp_path)
    assert (await one_entity(config, EntityId("Q3"), repair=False)).new_snapshots == 1
    assert (await one_entity(config, EntityId("Q3"), repair=True)).entities == 1
    async with opened_store(config) as store:
        assert await store.index.totals() == (1, 1)


def test_exports_are_paused_and_resumed_from_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(tmp_path)
    assert run(options("--data", data, "--pause", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"paused": True, "rows_per_s": None}
    assert run(options("--data", data, "--resume", "--rows-per-s", "50", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"paused": False, "rows_per_s": 50.0}
    assert CONTROL


@pytest.mark.parametrize("shard", ["3/3", "1", "-1/2", "a/b", "0/0"])
def test_a_shard_that_cannot_be_is_refused(shard: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(f"--shard={shard}")
    assert "0 <= I < N" in capsys.readouterr().err


def test_words_that_contradict_one_another_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert options("--shard", "2/3").shard == Shard(2, 3)
    for words in (("--pause", "--resume"), ("--dry-run", "--entity", "Q1"), ("--entity", "Sandbox")):
        with pytest.raises(SystemExit):
            options(*words)
    assert run(options("--repair")) == 2
    assert "--entity" in capsys.readouterr().out
