"""wbgetentities (wikibase.md 1.1.1): parameters in, then, with the heads of the entities at hand, the answer.

The order of checks is that of REL1_39: parameters as the module declares them, ids, titles. One malformed id fails
the whole call; entities that are missing are records of their own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id
from wikibase.render.api_call import ApiError, Call
from wikibase.render.facts import DEFAULT_MESSAGES
from wikibase.render.fallback import chain_of
from wikibase.render.found import Found, Heads, has_page, is_redirect, redirect_target
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.render.php_json import print_result
from wikibase.render.record import ALL_PROPS, Renderer, Selection

MODULE = "wbgetentities"
PARAMETERS = frozenset(
    {"ids", "sites", "titles", "redirects", "props", "languages", "languagefallback", "normalize", "sitefilter"}
)
_PROPS = ALL_PROPS | {"sitelinks/urls"}
_RENDERED = frozenset({EntityType.ITEM, EntityType.PROPERTY})
# Whether a wiki has them, no namespace tells.
_UNTOLD = frozenset({EntityType.MEDIAINFO, EntityType.SCHEMA})
# What a message shows as it is: nothing that wikitext would read as more than text.
_PLAIN = re.compile(r"[A-Za-z0-9.#;,-]*(?: [A-Za-z0-9.#;,-]*)?")
_MAGIC = re.compile(r"RFC|PMID|ISBN")
_NO_SUCH_ENTITY = "wikibase-api-no-such-entity"
_NO_SELECTOR = "wikibase-api-illegal-ids-or-sites-titles-selector"

Titles = Mapping[tuple[str, str], EntityId | None]
"""Items by site and page title; None: no item has that site link."""


@dataclass(frozen=True, slots=True)
class EntitiesCall:
    """What a call asks for. `pairs` are sites and titles, in the order in which they are looked up."""

    ids: tuple[EntityId, ...]
    pairs: tuple[tuple[str, str], ...]
    normalize: bool
    follow_redirects: bool
    selection: Selection


def read_call(call: Call) -> EntitiesCall:
    """Return what a call asks for. Raises ApiError as the wiki does, DeclinedError for what is not rendered."""
    facts = call.facts
    ids = call.several("ids")
    sites = call.enumerated(MODULE, "sites", facts.site_ids, repeats=True) or ()
    titles = call.several("titles", repeats=True) or ()
    follow = call.choice("redirects", ("yes", "no"), "yes") == "yes"
    props = call.enumerated(MODULE, "props", _PROPS)
    languages = call.enumerated(MODULE, "languages", facts.term_languages)
    site_filter = call.enumerated(MODULE, "sitefilter", facts.site_ids)
    if ids is None and not (sites and titles):
        plain = _info(_NO_SELECTOR)
        raise ApiError("param-missing", plain, message=(_NO_SELECTOR, (), facts.messages[_NO_SELECTOR]))
    entity_ids = tuple(dict.fromkeys(_entity_id(text, call) for text in ids or ()))
    normalize = call.flag("normalize")
    shown = frozenset(props) if props is not None else ALL_PROPS
    if urls := "sitelinks/urls" in shown:
        shown |= {"sitelinks"}
    chains = None
    if languages and call.flag("languagefallback"):
        chains = {code: chain_of(code, facts) for code in languages}
    return EntitiesCall(
        ids=entity_ids,
        pairs=_pairs(sites, titles, normalize=normalize),
        normalize=normalize,
        follow_redirects=follow,
        selection=Selection(
            props=shown,
            urls=urls,
            languages=languages or None,
            sites=frozenset(site_filter) if site_filter else None,
            chains=chains,
        ),
    )


def asked_entities(asked: EntitiesCall, titles: Titles) -> tuple[EntityId, ...]:
    """Return the entities of a call in the order of their records: by id, then by title."""
    by_title = [found for pair in asked.pairs if (found := titles[pair]) is not None]
    return tuple(dict.fromkeys((*asked.ids, *by_title)))


def result_body(
    asked: EntitiesCall, titles: Titles, heads: Heads, renderer: Renderer
) -> tuple[bytes, tuple[tuple[EntityId, int], ...]]:
    """Return the JSON of a result and the revisions it was made of.

    `heads` hold all entities of the call and the targets of those that are redirects.
    """
    records: list[bytes] = []
    for site, title in asked.pairs:
        if titles[site, title] is None:
            missing = {"site": site, "title": title, "missing": ""}
            records.append(b'"-%d":' % (len(records) + 1) + print_result(missing, ascii_only=renderer.ascii_only))
    marks: dict[tuple[EntityId, int], None] = {}
    records += [
        b'"' + entity_id.encode() + b'":' + _record(entity_id, asked, heads, renderer, marks)
        for entity_id in asked_entities(asked, titles)
    ]
    entities = b'"entities":{' + b",".join(records) + b"}," if records else b""
    return b"{" + entities + b'"success":1}', tuple(marks)


def _record(
    entity_id: EntityId,
    asked: EntitiesCall,
    heads: Heads,
    renderer: Renderer,
    marks: dict[tuple[EntityId, int], None],
) -> bytes:
    missing = b'{"id":"' + entity_id.encode() + b'","missing":""}'
    found: Found | None = heads[entity_id]
    redirected = None
    if found is None:
        return missing
    marks[found.mark] = None
    if is_redirect(found):
        if not asked.follow_redirects:
            return missing
        target = redirect_target(found)
        redirected = (entity_id, target)
        found = heads[target]
        if found is None:
            return missing
        marks[found.mark] = None
        if is_redirect(found):  # only one step is followed
            return missing
    return renderer.record(found, asked.selection, redirected)


def _entity_id(text: str, call: Call) -> EntityId:
    entity_id = parse_entity_id(text)
    if entity_id is not None and entity_type(entity_id) in _UNTOLD:
        raise DeclinedError(Decline.ENTITY_TYPE)
    if entity_id is not None and has_page(entity_id, call.facts):
        if entity_type(entity_id) not in _RENDERED:
            raise DeclinedError(Decline.ENTITY_TYPE)
        return entity_id
    if ":" in text:
        raise DeclinedError(Decline.FOREIGN_ID)
    raise no_such_entity(text, call)


def no_such_entity(text: str, call: Call) -> ApiError:
    """Return the error about a malformed id. Raises DeclinedError where wikitext could be in it."""
    if _PLAIN.fullmatch(text) is None or _MAGIC.search(text):
        raise DeclinedError(Decline.ERROR, "no-such-entity")
    html = call.facts.messages[_NO_SUCH_ENTITY].replace("$1", text)
    info = _info(_NO_SUCH_ENTITY).replace("$1", text)
    return ApiError("no-such-entity", info, data={"id": text}, message=(_NO_SUCH_ENTITY, (text,), html))


def _info(key: str) -> str:
    """Return the software's own sentence: `info` does not follow what an operator changed."""
    return DEFAULT_MESSAGES[key]


def _pairs(sites: tuple[str, ...], titles: tuple[str, ...], *, normalize: bool) -> tuple[tuple[str, str], ...]:
    if not sites or not titles:
        return ()
    if normalize and max(len(sites), len(titles)) > 1:
        raise ApiError("params-illegal", "⧼Normalize is only allowed if exactly one site and one page have been given⧽")
    if 1 not in (len(sites), len(titles)) and len(sites) != len(titles):
        raise ApiError("params-illegal", "⧼Must request one site, one title, or an equal number of sites and titles⧽")
    return tuple((site, title) for site in sites for title in titles)
