"""What the rendering must know of the wiki beside content: facts, each learnt from the wiki's own answers.

    general            meta=siteinfo, siprop=general: server, script path, content language, whether it is known
    namespaces         meta=siteinfo, siprop=namespaces: numbers and names, by the content model of entities
    parameters         action=paraminfo, modules=wbgetentities: which languages and sites a request may name
    languages          meta=languageinfo, liprop=fallbacks|variants: what a missing term is replaced by
    messages           meta=allmessages, amlang=en: sentences an operator may have changed (MediaWiki:...)
    site_urls          the table `sites`, or one item's answer to props=sitelinks/urls per site (no API tells it)

The data types of properties are no facts but content: the store's own property entities tell them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Json = Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_TYPES_OF_MODEL = {"wikibase-item": "item", "wikibase-property": "property", "wikibase-lexeme": "lexeme"}

DEFAULT_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "wikibase-api-no-such-entity": 'Could not find an entity with the ID "$1".',
        "wikibase-api-illegal-ids-or-sites-titles-selector": (
            'Either provide the Item "ids" or pairs of "sites" and "titles" for corresponding page'
        ),
        "wikibase-api-unresolved-redirect": (
            "The given entity ID refers to a redirect, which is not supported in this context."
        ),
        "wikibase-entitydata-not-found": "No entity with ID $1 was found.",
        "wikibase-entitydata-bad-revision": "Can't show revision $2 of entity $1.",
    }
)
"""English wording of REL1_39, by the key of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingFacts:
    """One wiki. Defaults are those of a fresh Wikibase REL1_39; None is what was not learnt, and declines reads."""

    server: str  # $wgServer, "http://127.0.0.1:8480"
    script_path: str = "/w"
    content_language: str = "en"
    namespaces: Mapping[str, tuple[int, str]] = field(  # entity type: number, name ("" for the main namespace)
        default_factory=lambda: {"item": (120, "Item"), "property": (122, "Property")}
    )
    term_languages: frozenset[str] | None = None
    site_ids: frozenset[str] | None = None  # of the parameters sites and sitefilter
    site_urls: Mapping[str, str] = field(default_factory=dict)  # site: "https://en.wikipedia.org/wiki/$1"
    fallbacks: Mapping[str, tuple[str, ...]] | None = None  # language: its explicit fallbacks
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # zh: zh, zh-hans, zh-hant...
    replaced: Mapping[str, str] = field(default_factory=dict)  # codes that stand for another, as no: nb
    implicit_fallbacks: tuple[str, ...] = ("mul", "en")  # those that are no term language count for nothing
    messages: Mapping[str, str] = field(default_factory=lambda: DEFAULT_MESSAGES)
    rest_versions: frozenset[str] = frozenset({"v0"})
    rest_headers: tuple[tuple[str, str], ...] = ()  # with $wgAllowCrossOrigin: Access-Control-Allow-Origin: *
    anonymous_values_max: int = 50
    high_values_max: int = 500
    result_bytes_max: int = 8_388_608  # $wgAPIMaxResultSize
    frame_options: str = "DENY"  # $wgApiFrameOptions, $wgEditPageFrameOptions
    api_vary: str = "Accept-Encoding, Treat-as-Untrusted, Cookie"
    entitydata_max_age_s: int = 18_000  # setting dataCdnMaxAge
    entitydata_cache_path: str = "/wiki/Special:EntityData/{entity_id}.json?revision={revision_id}"

    def title(self, entity_type: str, entity_id: str) -> tuple[int, str]:
        """Return namespace number and title of an entity's page. Raises KeyError for a type that has no page."""
        number, name = self.namespaces[entity_type]
        return number, f"{name}:{entity_id}" if name else entity_id


def rendering_facts(
    *,
    general: Json,
    namespaces: Json,
    parameters: Json,
    languages: Json,
    site_urls: Mapping[str, str] = _EMPTY,
    messages: Iterable[Json] = (),
    **settings: Any,
) -> RenderingFacts:
    """Return the facts that the wiki's answers tell, in formatversion 2 (see the table at the top).

    `general`: query.general; `namespaces`: query.namespaces; `parameters`: paraminfo.modules; `languages`:
    query.languageinfo; `messages`: query.allmessages. `settings` are other fields. Raises KeyError, TypeError where
    an answer has another shape.
    """
    values = {one["name"]: one["type"] for one in parameters[0]["parameters"]}
    told = {one["name"]: one["content"] for one in messages if "content" in one}
    return RenderingFacts(
        server=general["server"],
        script_path=general["scriptpath"],
        content_language=general["lang"],
        namespaces=_entity_namespaces(namespaces),
        term_languages=frozenset(values["languages"]),
        site_ids=frozenset(values["sites"]),
        site_urls=dict(site_urls),
        fallbacks={code: tuple(one["fallbacks"]) for code, one in languages.items()},
        variants={
            code: tuple(one["variants"])
            for code, one in languages.items()
            if len(one["variants"]) > 1 and code in one["variants"]
        },
        replaced={
            code: one["variants"][0]
            for code, one in languages.items()
            if len(one["variants"]) == 1 and code not in one["variants"]
        },
        messages={**DEFAULT_MESSAGES, **{key: text for key, text in told.items() if key in DEFAULT_MESSAGES}},
        **settings,
    )


def _entity_namespaces(namespaces: Json) -> dict[str, tuple[int, str]]:
    return {
        _TYPES_OF_MODEL[one["defaultcontentmodel"]]: (one["id"], one["name"])
        for one in namespaces.values()
        if one.get("defaultcontentmodel") in _TYPES_OF_MODEL
    }
