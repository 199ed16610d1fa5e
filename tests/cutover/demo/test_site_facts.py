"""What the sample wiki tells of itself is what the proxy needs to render in its stead."""

import aiohttp
import orjson

from backends.wiki.http import WikiHttp
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from proxy.reads.learning import learn_facts


async def test_a_proxy_learns_the_facts_that_it_renders_by() -> None:
    async with SampleWiki(world=World.empty()) as wiki:
        api = WikiHttp(f"{wiki.url}/w/api.php", maxlag_s=None)
        try:
            facts = await learn_facts(api.call)
        finally:
            await api.close()
    assert facts.title("item", "Q1")[1].endswith("Q1")


async def test_the_answers_have_the_shape_of_the_software() -> None:
    async with SampleWiki(world=World.empty()) as wiki, aiohttp.ClientSession() as client:
        asked = {"action": "query", "meta": "languageinfo", "liprop": "fallbacks|variants", "licode": "*"}
        async with client.get(f"{wiki.url}/w/api.php", params={**asked, "format": "json"}) as answer:
            told = orjson.loads(await answer.read())["query"]["languageinfo"]
    assert "de" in told["de-at"]["fallbacks"]
