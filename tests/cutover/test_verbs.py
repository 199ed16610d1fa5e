"""`cutover export`, `verifier` and `report` on the sample wiki: the programs without the demonstration around them."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fakes.served import ROOT

from backends.config import Config, StoreConfig, WikiConfig
from backends.connect import opened_ledger, opened_store, spool_reader, spool_writer, verdicts
from cutover.demo.back_door import BackDoor
from cutover.demo.damage import forge_content
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from rules.sample import Sample
from rules.verdict import Outcome
from wikibase.ids import EntityId


@pytest.fixture
async def wiki() -> AsyncIterator[SampleWiki]:
    world = World.empty()
    for number in range(5):
        world.create_item({"en": f"item {number}"})
    async with SampleWiki(world=world) as running:
        yield running


async def cutover(verb: str, wiki_url: str, data: Path, *more: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutover", verb, "--wiki", wiki_url, "--data", str(data), *more),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def config_of(wiki_url: str, data: Path) -> Config:
    return Config(wiki=WikiConfig(url=wiki_url), store=StoreConfig(path=str(data)))


async def test_an_export_says_what_it_did_and_can_be_repeated(wiki: SampleWiki, tmp_path: Path) -> None:
    code, out, err = await cutover("export", wiki.url, tmp_path, "--json")
    assert (code, json.loads(out)["revisions"]) == (0, wiki.world.revision_count), err
    code, out, _ = await cutover("export", wiki.url, tmp_path)
    assert code == 0
    assert (
        f"{wiki.world.revision_count} revisions of {wiki.world.entity_count} entities are in the store (0 new)" in out
    )
    async with opened_store(config_of(wiki.url, tmp_path)) as store:
        head = await store.head(EntityId("Q1"))
        assert head is not None


async def test_an_export_from_a_wiki_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("wiki: {api_tries_max: 1, api_patience_s: 1}\n")
    code, _, err = await cutover("export", "http://127.0.0.1:9", tmp_path / "data", "--config", str(config))
    assert code == 3
    assert "trying again may help" in err
    assert "Traceback" not in err


TARGET = "/w/api.php?action=wbgetentities&ids={}&format=json"


def sample(entity_id: str, wiki_answer: bytes) -> Sample:
    return Sample(
        sample_id=entity_id,
        phase="shadow_reads",
        worker="w",
        started_at=2e9,
        duration_s=0.1,
        method="GET",
        target=TARGET.format(entity_id),
        form=None,
        request_headers=(),
        status=200,
        response_headers=(("content-type", "application/json"),),
        body=wiki_answer,
    )


async def test_the_verifier_judges_what_is_in_the_spool_and_the_report_says_so(
    wiki: SampleWiki, tmp_path: Path
) -> None:
    config = config_of(wiki.url, tmp_path)
    await cutover("export", wiki.url, tmp_path)
    await forge_content(BackDoor(tmp_path), "Q2")
    async with aiohttp.ClientSession() as client:
        for entity_id in ("Q1", "Q2"):
            async with client.get(wiki.url + TARGET.format(entity_id)) as answer:
                one = sample(entity_id, await answer.read())
            assert spool_writer(config, entity_id).write([one], {"queue_full": 2}).told
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutover", "verifier", "--wiki", wiki.url, "--data", str(tmp_path)), cwd=ROOT
    )
    async with asyncio.timeout(30):
        while spool_reader(config).waiting():  # noqa: ASYNC110 - another process works it off
            await asyncio.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    async with opened_ledger(config) as ledger:
        kept = verdicts(ledger, config)
        assert [one.entity_id for one in await kept.latest(Outcome.MISMATCH)] == ["Q2"]
    code, out, _ = await cutover("report", wiki.url, tmp_path)
    assert code == 1
    assert 'label en: "item 1" -> "item 1 (forged)"' in out
    code, out, _ = await cutover("report", wiki.url, tmp_path, "--format", "json")
    assert json.loads(out)["shed"] == {"queue_full": 4}
    for form, start in (("markdown", "#"), ("html", "<!doctype html>")):
        _, out, _ = await cutover("report", wiki.url, tmp_path, "--format", form)
        assert out.lower().startswith(start)


async def test_a_report_of_nothing_is_no_proof_and_no_error(tmp_path: Path) -> None:
    code, out, _ = await cutover("report", "http://127.0.0.1:9", tmp_path)
    assert code == 0
    assert "0" in out
