"""Facts learnt from a wiki that answers as recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.reads.learning import learn_facts, learn_site_urls

TOLD = json.loads((Path(__file__).resolve().parents[2] / "cases" / "reads" / "facts.json").read_text("utf-8"))


class Wiki:
    """Answers what is asked for facts; languages come in two pieces."""

    def __init__(self, **entities: Any) -> None:
        self.entities = entities
        self.asked: list[Mapping[str, str]] = []

    async def call(self, params: Mapping[str, str]) -> Any:
        self.asked.append(params)
        match params:
            case {"meta": "siteinfo"}:
                return {"query": {"general": TOLD["general"], "namespaces": TOLD["namespaces"]}}
            case {"action": "paraminfo"}:
                return {"paraminfo": {"modules": TOLD["parameters"]}}
            case {"meta": "allmessages"}:
                changed = {"name": "wikibase-api-no-such-entity", "content": "No $1"}
                return {"query": {"allmessages": [changed, {"name": "x", "missing": True}]}}
            case {"meta": "languageinfo"}:
                codes = sorted(TOLD["languages"])
                half = codes[len(codes) // 2 :] if "licontinue" in params else codes[: len(codes) // 2]
                more = {} if "licontinue" in params else {"continue": {"licontinue": "x", "continue": "-||"}}
                return {"query": {"languageinfo": {code: TOLD["languages"][code] for code in half}}, **more}
            case {"action": "wbgetentities", "ids": ids}:
                return {"entities": {one: self.entities[one] for one in ids.split("|")}, "success": 1}
        raise AssertionError(params)


async def test_a_wiki_tells_its_facts() -> None:
    facts = await learn_facts(Wiki().call, site_urls={"enwiki": "https://en.example/$1"}, rest_versions=frozenset())
    assert facts.server == TOLD["general"]["server"]
    assert facts.fallbacks is not None
    assert facts.fallbacks.keys() == TOLD["languages"].keys()
    assert facts.messages["wikibase-api-no-such-entity"] == "No $1"
    assert (facts.site_urls, facts.rest_versions) == ({"enwiki": "https://en.example/$1"}, frozenset())


async def test_answers_of_another_shape_are_an_error_that_says_so() -> None:
    async def empty(_params: Mapping[str, str]) -> Any:
        return {"query": {"languageinfo": {}}}

    with pytest.raises(ValueError, match="shape that is not known"):
        await learn_facts(empty)


async def test_languages_without_end_are_an_error() -> None:
    async def endless(params: Mapping[str, str]) -> Any:
        if params.get("meta") == "languageinfo":
            return {"query": {"languageinfo": {}}, "continue": {"licontinue": "x"}}
        return await Wiki().call(params)

    with pytest.raises(ValueError, match="more than 100"):
        await learn_facts(endless)


async def test_addresses_of_sites_are_told_by_those_of_links() -> None:
    def link(site: str, title: str, url: str | None) -> dict[str, Any]:
        return {"site": site, "title": title, **({"url": url} if url else {})}

    wiki = Wiki(
        Q1={
            "sitelinks": {
                "enwiki": link("enwiki", "A b/é", "https://en.wikipedia.org/wiki/A_b/%C3%A9"),
                "oddwiki": link("oddwiki", "A", "https://odd.example/?page=B"),
                "nowiki": link("nowiki", "A", None),
            }
        },
        Q2={"missing": ""},
        **{f"Q{number}": {} for number in range(3, 60)},
    )
    items = [f"Q{number}" for number in range(1, 60)]
    assert await learn_site_urls(wiki.call, items) == {"enwiki": "https://en.wikipedia.org/wiki/$1"}
    assert len(wiki.asked) == 2
