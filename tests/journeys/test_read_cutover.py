"""The read cutover as an operator does it: flip, reads from the store, edits that are seen at once, and back."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
from fakes.served import ROOT

from cutover.demo.stage import Stage
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World

EDITS = 8
READS_EACH = 6


async def cutover(stage: Stage, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutover", *arguments, "--config", str(stage.config_file)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


class Reader:
    """Reads one item, each time as another client would: on a connection of its own."""

    def __init__(self, stage: Stage) -> None:
        self.url = f"{stage.proxy_url}/w/api.php"

    async def read(self, **parameters: str) -> Any:
        asked = {"action": "wbgetentities", "ids": "Q1", "format": "json", **parameters}
        async with aiohttp.ClientSession() as client, client.get(self.url, params=asked) as answer:
            return await answer.json()

    async def revision(self) -> int:
        return int((await self.read())["entities"]["Q1"]["lastrevid"])


async def saved(client: aiohttp.ClientSession, url: str, token: str, value: str) -> int:
    form = {"action": "wbsetlabel", "id": "Q1", "language": "en", "value": value, "token": token, "format": "json"}
    async with client.post(url, data=form) as answer:
        return int((await answer.json())["entity"]["lastrevid"])


async def store_answers(stage: Stage, reader: Reader) -> None:
    """Wait until the store answers: after the flip the follower goes through the wiki once."""
    async with asyncio.timeout(60):
        while not (await stage.status())["store_reads"].get("answered"):
            await reader.read()
            await asyncio.sleep(0.1)


async def test_reads_move_to_the_store_and_back_and_no_client_sees_less_than_it_was_told(tmp_path: Path) -> None:
    world = World.empty()
    for number in range(5):
        world.create_item({"en": f"item {number}"})
    async with SampleWiki(world=world) as wiki:
        stage = Stage(tmp_path, wiki.url)
        async with stage.serving(), aiohttp.ClientSession() as client:
            await stage.flip("export")
            await stage.export()
            await stage.flip("shadow_reads")
            reader = Reader(stage)
            from_wiki = await reader.read()

            code, said = await cutover(stage, "phase", "set", "read_cutover")
            assert (code, "the gate is not passed" in said) == (1, True), said
            assert (await stage.status())["phase"] == "shadow_reads"
            code, said = await cutover(stage, "phase", "set", "read_cutover", "--force", "--reason", "a test")
            assert code == 0, said
            assert "FORCED" in said
            await store_answers(stage, reader)
            assert await reader.read() == from_wiki

            async with client.get(reader.url, params={"action": "query", "meta": "tokens", "format": "json"}) as answer:
                token = (await answer.json())["query"]["tokens"]["csrftoken"]
            for number in range(EDITS):
                made = await saved(client, reader.url, token, f"value {number}")
                seen = []
                for _ in range(READS_EACH):
                    seen.append(await reader.revision())
                    await asyncio.sleep(0.05)
                assert seen == [made] * READS_EACH
            status = await stage.status()
            assert status["store_reads"]["fenced"] >= 1
            assert status["store_reads"]["answered"] > EDITS
            assert (status["proxy_errors"], status["breaker"]) == (0, "closed")
            await stage.judged(60)
            code, said = await cutover(stage, "report")
            assert "Latest mismatches: none" in said
            assert "phase read_cutover" in said

            code, said = await cutover(stage, "phase", "back")
            assert code == 0, said
            answered = (await stage.status())["store_reads"]["answered"]
            assert await reader.read()
            assert (await stage.status())["store_reads"]["answered"] == answered
            assert (await stage.status())["phase"] == "shadow_reads"
