"""wbgetentities and wbgetclaims (wikibase.md 1.1, 1.1.1). languagefallback is not rendered: recorded answers only."""

import re
from typing import Any

from cutover.demo.api import Result
from cutover.demo.calls import ApiError, Call, exception_error, wikibase_error
from cutover.demo.render import ALL_PROPS, page_info, render_claims, render_entity
from cutover.demo.shapes import Raw
from cutover.demo.world import Entity, EntityMissingError, EntityUnreadableError, World
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id

STORAGE_EXCEPTION = "Wikibase\\Lib\\Store\\StorageException"
GUID_EXCEPTION = "Wikibase\\DataModel\\Services\\Statement\\StatementGuidParsingException"

_FOREIGN = re.compile(r"[A-Za-z_][\w-]*:[QP][1-9]\d{0,9}", re.IGNORECASE)
_SELECTOR = 'Either provide the Item "ids" or pairs of "sites" and "titles" for corresponding page'
_NORMALIZE = "⧼Normalize is only allowed if exactly one site and one page have been given⧽"
_PAIRS = "⧼Must request one site, one title, or an equal number of sites and titles⧽"


def parse_local(text: str) -> EntityId | None:
    """Return an id of a type that this wiki has."""
    parsed = parse_entity_id(text)
    return parsed if parsed and entity_type(parsed) in (EntityType.ITEM, EntityType.PROPERTY) else None


def get_entities(call: Call) -> Result:
    """Run wbgetentities."""
    follow = call.choice("redirects", ("yes", "no"), "yes") == "yes"
    ids = call.values("ids")
    sites = call.values("sites", call.world.facts.sites, repeats=True) or []
    titles = call.values("titles") or []
    props = call.values("props", (*ALL_PROPS, "sitelinks/urls"))
    languages = call.values("languages", call.world.facts.languages) or ()
    site_filter = call.values("sitefilter", call.world.facts.sites) or ()
    call.has("languagefallback")
    normalize = call.has("normalize")
    if ids is None and not (sites and titles):
        raise wikibase_error("param-missing", _SELECTOR, "wikibase-api-illegal-ids-or-sites-titles-selector")
    wanted, records = _by_ids(ids or [])
    if sites and titles:
        found, missing = _by_titles(call.world, sites, titles, normalize=normalize)
        records |= missing
        wanted += [entity_id for entity_id in found if entity_id not in wanted]
    shown = set(ALL_PROPS if props is None else props)
    urls = "sitelinks/urls" in shown
    if urls:
        shown.add("sitelinks")
    for entity_id in wanted:
        records[entity_id] = _record(
            call, entity_id, follow=follow, props=shown, languages=languages, sites=site_filter, urls=urls
        )
    return {**({"entities": Raw(records)} if records else {}), "success": 1}


def _by_ids(ids: list[str]) -> tuple[list[str], dict[str, Any]]:
    wanted: list[str] = []
    for text in ids:
        entity_id = parse_local(text) or (text if _FOREIGN.fullmatch(text) else None)
        if entity_id is None:
            info = f'Could not find an entity with the ID "{text}".'
            raise wikibase_error("no-such-entity", info, None, text, id=text)
        if entity_id not in wanted:
            wanted.append(entity_id)
    return wanted, {}


def _by_titles(
    world: World, sites: list[str], titles: list[str], *, normalize: bool
) -> tuple[list[str], dict[str, Any]]:
    if normalize and (len(sites) > 1 or len(titles) > 1):
        raise ApiError("params-illegal", _NORMALIZE, module="")
    if len(sites) > 1 and len(titles) > 1 and len(sites) != len(titles):
        raise ApiError("params-illegal", _PAIRS, module="")
    found: list[str] = []
    missing: dict[str, Any] = {}
    for site in sites:
        for title in titles:
            entity_id = world.site_links.get((site, title.replace("_", " ").strip()))
            if entity_id is None:
                missing[str(-1 - len(missing))] = {"site": site, "title": title, "missing": ""}
            elif entity_id not in found:
                found.append(entity_id)
    return found, missing


def load(call: Call, entity_id: EntityId) -> Entity:
    """Return an entity's head content, a redirect's too. An unreadable one is a PHP exception."""
    try:
        return call.world.content(call.world.head(entity_id))
    except EntityUnreadableError:
        raise exception_error(STORAGE_EXCEPTION, call.request_id) from None


def _record(call: Call, asked: str, *, follow: bool, props: set[str], **filters: Any) -> dict[str, Any]:
    missing = {"id": asked, "missing": ""}
    served = parse_local(asked)
    redirects: dict[str, Any] = {}
    try:
        if served is None:
            return missing
        entity = load(call, served)
        if "redirect" in entity:
            if not follow:
                return missing
            redirects = {"redirects": {"from": asked, "to": entity["redirect"]}}
            served = EntityId(entity["redirect"])
            entity = load(call, served)
    except EntityMissingError:
        return missing
    if "redirect" in entity:  # only one step is followed
        return missing
    if not props:
        return {"id": served, "type": entity["type"]}
    page = call.world.entity_page(served)
    assert page is not None
    info = page_info(page, call.world.head(served)) if "info" in props else {}
    return {**info, **redirects, **render_entity(call.world, entity, props=props, **filters)}


def get_claims(call: Call) -> Result:
    """Run wbgetclaims: of an entity (with filters), or the one statement with a GUID."""
    guid, asked = call.text("claim"), call.text("entity")
    prop = call.text("property")
    rank = call.choice("rank", ("deprecated", "normal", "preferred"))
    props = call.values("props", ("references",))
    entity_id = _claims_entity(call, guid, asked)
    if prop is not None and guid is None:
        prop = _parsed(prop)
    claims = _claims_of(call, entity_id)
    if guid is not None:
        claims = _filtered(claims, lambda one: one.get("id") == guid)
    else:
        if prop is not None:
            claims = {key: group for key, group in claims.items() if key == prop}
        if rank is not None:
            claims = _filtered(claims, lambda one: one.get("rank") == rank)
    if props is not None and "references" not in props:
        claims = {
            key: [{k: v for k, v in one.items() if k != "references"} for one in group] for key, group in claims.items()
        }
    return {"claims": Raw(render_claims(call.world, claims))}


def _claims_entity(call: Call, guid: str | None, asked: str | None) -> EntityId:
    if guid is not None:
        prefix, *rest = guid.split("$")
        if len(rest) != 1:
            raise wikibase_error("invalid-guid", "Invalid claim guid.")
        found = parse_local(prefix)
        if found is None:
            raise exception_error(GUID_EXCEPTION, call.request_id)
        if asked is not None and parse_local(asked) != found:
            raise wikibase_error("param-illegal", "An illegal set of parameters have been used.")
        return found
    if asked is None:
        raise wikibase_error("param-missing", 'The required parameter "$1" was missing.')
    return _parsed(asked)


def _parsed(text: str) -> EntityId:
    entity_id = parse_local(text)
    if entity_id is None:
        detail = "$serialization must not be an empty string"
        if text:
            detail = f'The serialization "{text}" is not recognized by the configured id builders'
        raise wikibase_error("param-invalid", detail, None, detail)
    return entity_id


def _claims_of(call: Call, entity_id: EntityId) -> dict[str, Any]:
    try:
        entity = call.world.content(call.world.head(entity_id))
    except EntityMissingError:
        raise no_such_entity(entity_id) from None
    except EntityUnreadableError:
        raise wikibase_error("cant-load-entity-content", "Cannot access content, revision may be deleted.") from None
    if "redirect" in entity:
        raise unresolved_redirect()
    claims: dict[str, Any] = entity.get("claims") or {}
    return claims


def _filtered(claims: dict[str, Any], keep: Any) -> dict[str, Any]:
    kept = {key: [one for one in group if keep(one)] for key, group in claims.items()}
    return {key: group for key, group in kept.items() if group}


def no_such_entity(entity_id: str) -> ApiError:
    """Return the error of modules that load one entity; its text is not translated (recording 047)."""
    return wikibase_error("no-such-entity", "⧼no-such-entity⧽", "no-such-entity", entity_id)


def unresolved_redirect() -> ApiError:
    """Return the error of modules that do not follow redirects."""
    info = "The given entity ID refers to a redirect, which is not supported in this context."
    return wikibase_error("unresolved-redirect", info)
