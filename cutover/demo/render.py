"""Entities as the read surfaces show them, made from the stored form (wikibase.md 3.3, wikibase-observed.md 2)."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from cutover.demo.records import Page, WikiRevision
from cutover.demo.world import Entity, World

Json = Any

TERMS = ("labels", "descriptions", "aliases")
ALL_PROPS = ("info", "sitelinks", "aliases", "labels", "descriptions", "claims", "datatype")


def page_info(page: Page, revision: WikiRevision) -> dict[str, Json]:
    """Return what goes before an entity: page, served revision and its time."""
    return {
        "pageid": page.page_id,
        "ns": page.ns,
        "title": page.title,
        "lastrevid": revision.rev_id,
        "modified": revision.timestamp,
    }


def render_entity(
    world: World,
    entity: Entity,
    *,
    props: Collection[str] = ALL_PROPS,
    languages: Collection[str] = (),
    sites: Collection[str] = (),
    urls: bool = False,
    sort_sites: bool = True,
) -> dict[str, Json]:
    """Return an entity without page info. Empty filters filter nothing. Empty maps are {}."""
    out: dict[str, Json] = {"type": entity["type"]}
    if "datatype" in entity:
        out["datatype"] = entity["datatype"]
    out["id"] = entity["id"]
    for key in TERMS:
        if key in props:
            terms = entity.get(key) or {}
            out[key] = {code: terms[code] for code in terms if not languages or code in languages}
    if "claims" in props:
        out["claims"] = render_claims(world, entity.get("claims") or {})
    if "sitelinks" in props and entity["type"] == "item":
        links = entity.get("sitelinks") or {}
        order = sorted(links) if sort_sites else links
        out["sitelinks"] = {
            site: render_link(world, links[site], url=urls) for site in order if not sites or site in sites
        }
    return out


def render_link(world: World, link: Mapping[str, Json], *, url: bool) -> dict[str, Json]:
    """Return a site link, with its address when asked for."""
    if not url:
        return dict(link)
    path = world.facts.sites.get(link["site"], "$1")
    # PHP's rawurlencode, less what MediaWiki's wfUrlencode turns back.
    return {
        **link,
        "url": path.replace("$1", quote(link["title"].replace(" ", "_"), safe="/:;@$!*(),~-_.", encoding="utf-8")),
    }


def render_claims(world: World, claims: Mapping[str, list[Json]]) -> dict[str, list[Json]]:
    """Return statements by property, each snak with its datatype where the property exists."""
    return {prop: [render_statement(world, one) for one in group] for prop, group in claims.items()}


def render_statement(world: World, statement: Mapping[str, Json]) -> dict[str, Json]:
    """Return one statement with datatypes."""
    out = dict(statement)
    out["mainsnak"] = _snak(world, statement["mainsnak"])
    if "qualifiers" in statement:
        out["qualifiers"] = _snaks(world, statement["qualifiers"])
    if "references" in statement:
        out["references"] = [{**one, "snaks": _snaks(world, one["snaks"])} for one in statement["references"]]
    return out


def _snaks(world: World, snaks: Mapping[str, list[Json]]) -> Json:
    return {prop: [_snak(world, one) for one in group] for prop, group in snaks.items()} if snaks else snaks


def _snak(world: World, snak: Mapping[str, Json]) -> dict[str, Json]:
    datatype = world.datatypes.get(snak["property"])
    return dict(snak) if datatype is None else {**snak, "datatype": datatype}
