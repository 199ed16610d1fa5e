"""Learns from the wiki what the rendering must know of it (wikibase/render/facts.py). Asked once, at start.

What is asked here anybody may read. `call` carries one call of the Action API through and returns its JSON in
formatversion 2, as `backends.wiki.action_api.ActionApi.call` does; its errors go through.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias

from wikibase.render.entity import title_in_url
from wikibase.render.facts import DEFAULT_MESSAGES, RenderingFacts, rendering_facts

Json = Any
Call: TypeAlias = Callable[[Mapping[str, str]], Awaitable[Json]]

BATCH_MAX = 50
CONTINUATIONS_MAX = 100
"""More pieces than this no answer about languages has (500 languages come in one to ten)."""


async def learn_facts(call: Call, *, site_urls: Mapping[str, str] | None = None, **settings: Any) -> RenderingFacts:
    """Return the facts of a wiki. `settings`: fields that no answer tells (cache ages, REST versions...).

    Raises ValueError where the wiki's answers have another shape than Wikibase's.
    """
    info = await call({"action": "query", "meta": "siteinfo", "siprop": "general|namespaces"})
    told = await call({"action": "paraminfo", "modules": "wbgetentities"})
    texts = await call(
        {"action": "query", "meta": "allmessages", "ammessages": "|".join(DEFAULT_MESSAGES), "amlang": "en"}
    )
    try:
        return rendering_facts(
            general=info["query"]["general"],
            namespaces=info["query"]["namespaces"],
            parameters=told["paraminfo"]["modules"],
            languages=await _languages(call),
            messages=texts["query"]["allmessages"],
            site_urls=site_urls or {},
            **settings,
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the wiki tells its facts in a shape that is not known: {error!r}") from error


async def learn_site_urls(call: Call, item_ids: Iterable[str]) -> dict[str, str]:
    """Return the addresses of pages, "https://en.wikipedia.org/wiki/$1", of the sites that items link to.

    No API tells the table of sites, but the address of each link does. Items with many links tell most.
    """
    wanted = list(dict.fromkeys(item_ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), BATCH_MAX):
        ids = "|".join(wanted[start : start + BATCH_MAX])
        answer = await call({"action": "wbgetentities", "ids": ids, "props": "sitelinks/urls"})
        for entity in (answer.get("entities") or {}).values():
            for link in (entity.get("sitelinks") or {}).values():
                path = _path_of(link)
                if path is not None:
                    found[link["site"]] = path
    return found


def _path_of(link: Mapping[str, Json]) -> str | None:
    """Return the address with $1 for the title; None where the address does not end with it."""
    url, title = link.get("url"), title_in_url(link["title"])
    return f"{url.removesuffix(title)}$1" if isinstance(url, str) and title and url.endswith(title) else None


async def _languages(call: Call) -> dict[str, Json]:
    asked = {"action": "query", "meta": "languageinfo", "liprop": "fallbacks|variants", "licode": "*"}
    languages: dict[str, Json] = {}
    following: Mapping[str, str] = {}
    for _ in range(CONTINUATIONS_MAX):
        answer = await call({**asked, **following})
        languages |= answer["query"]["languageinfo"]
        following = answer.get("continue") or {}
        if not following:
            return languages
    raise ValueError(f"the wiki tells its languages in more than {CONTINUATIONS_MAX} pieces")
