"""Write modules of the Action API, as tables: Wikibase's own (wikibase.md 2.1) and page-level ones (2.3).

A page-level write is an entity write when its title names an entity's page, or when the request does not tell the
page (page id, revision id, an imported file): taking a write for a write is the safe side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from rules.routes.parameters import Parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import EntityWrite, Route, Site, Surface
from rules.routes.titles import page_entities, page_of, statement_entity
from wikibase.ids import EntityId, page_entity

GUIDS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a Wikibase module says which entities it changes. All are names of parameters."""

    ids: tuple[str, ...] = ()
    guids: tuple[str, ...] = ()  # one or many statement ids
    statement: str | None = None  # JSON of a statement, with its `id`
    by_title: tuple[tuple[str, str], ...] = ()  # site and title
    parent: str | None = None  # JSON with `lexemeId`, when a form or sense is created


_BY_ID = Address(ids=("id",), by_title=(("site", "title"),))

WIKIBASE_WRITES: Mapping[str, Address] = {
    "wbeditentity": Address(ids=("id",), by_title=(("site", "title"),), parent="data"),
    "wbsetlabel": _BY_ID,
    "wbsetdescription": _BY_ID,
    "wbsetaliases": _BY_ID,
    "wbsetsitelink": _BY_ID,
    "wblinktitles": Address(by_title=(("fromsite", "fromtitle"), ("tosite", "totitle"))),
    "wbcreateclaim": Address(ids=("entity",)),
    "wbsetclaim": Address(statement="claim"),
    "wbsetclaimvalue": Address(guids=("claim",)),
    "wbsetqualifier": Address(guids=("claim",)),
    "wbsetreference": Address(guids=("statement",)),
    "wbremoveclaims": Address(guids=("claim",)),
    "wbremovequalifiers": Address(guids=("claim",)),
    "wbremovereferences": Address(guids=("statement",)),
    "wbmergeitems": Address(ids=("fromid", "toid")),
    "wbcreateredirect": Address(ids=("from", "to")),
    "wbladdform": Address(ids=("lexemeId",)),
    "wbleditformelements": Address(ids=("formId",)),
    "wblremoveform": Address(ids=("id",)),
    "wbladdsense": Address(ids=("lexemeId",)),
    "wbleditsenseelements": Address(ids=("senseId",)),
    "wblremovesense": Address(ids=("id",)),
    "wblmergelexemes": Address(ids=("source", "target")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where a page-level module says which pages it changes.

    `untold` are parameters that name pages without a title; `always_untold`: nothing names them; `needs` and `only`
    restrict the module to requests with a parameter, or with certain values of one.
    """

    titles: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    always_untold: bool = False
    needs: str | None = None  # without this parameter the module changes no entity's page
    only: tuple[str, frozenset[str]] | None = None  # parameter and the values with which it can
    files: bool = False  # changes a file's page, which holds an entity where files have mediainfo


_BY_TITLE_OR_ID = Pages(titles=("title",), untold=("pageid",))

PAGE_WRITES: Mapping[str, Pages] = {
    "edit": _BY_TITLE_OR_ID,
    "delete": _BY_TITLE_OR_ID,
    "undelete": Pages(titles=("title",)),
    "rollback": _BY_TITLE_OR_ID,
    "protect": _BY_TITLE_OR_ID,
    "changecontentmodel": _BY_TITLE_OR_ID,
    "setpagelanguage": _BY_TITLE_OR_ID,
    "move": Pages(titles=("from", "to"), untold=("fromid",)),
    "mergehistory": Pages(titles=("from", "to"), untold=("fromid", "toid")),
    # MediaWiki takes the page from the first revision id, whatever `target` says.
    "revisiondelete": Pages(titles=("target",), untold=("ids",), only=("type", frozenset({"revision", "archive"}))),
    "import": Pages(always_untold=True),
    "tag": Pages(untold=("revid", "rcid", "logid")),
    "block": Pages(always_untold=True, needs="hideuser"),
    "visualeditoredit": Pages(titles=("page",)),
    "upload": Pages(files=True),
    "filerevert": Pages(files=True),
}


def write_route(action: str, parameters: Parameters, site: Site) -> Route | None:
    """Return the route of a write module, or None when the action is none."""
    address = WIKIBASE_WRITES.get(action)
    if address is not None:
        return EntityWrite(
            surface=Surface.ACTION_API,
            module=action,
            entities=_addressed(address, parameters),
            by_title=_addressed_by_title(address, parameters),
        )
    pages = PAGE_WRITES.get(action)
    if pages is None:
        return None
    write = EntityWrite(surface=Surface.ACTION_API, module=action)
    return pages_route(pages, parameters, site, write, elsewhere=Reason.ACTION_NOT_ENTITY)


def _addressed(address: Address, parameters: Parameters) -> tuple[EntityId, ...]:
    found: list[EntityId | None] = [page_of(parameters.get(name)) for name in address.ids]
    for name in address.guids:
        found += [_page_of_statement(guid) for guid in (parameters.values(name) or ())[:GUIDS_MAX]]
    if address.statement is not None:
        found.append(_page_of_statement(_string_in_json(parameters.get(address.statement), "id") or ""))
    if address.parent is not None and parameters.get("new") in ("form", "sense"):
        found.append(page_of(_string_in_json(parameters.get(address.parent), "lexemeId")))
    return tuple(dict.fromkeys(entity for entity in found if entity is not None))


def _addressed_by_title(address: Address, parameters: Parameters) -> tuple[tuple[str, str], ...]:
    pairs = [(parameters.get(site), parameters.get(title)) for site, title in address.by_title]
    return tuple((site, title) for site, title in pairs if site is not None and title is not None)


def _page_of_statement(guid: str) -> EntityId | None:
    entity = statement_entity(guid)
    return None if entity is None else page_entity(entity)


def _string_in_json(text: str | None, key: str) -> str | None:
    """Return a string value of a JSON object; None for whatever else the text is."""
    if not text:
        return None
    try:
        document = orjson.loads(text.encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else None


def pages_route(
    pages: Pages, parameters: Parameters, site: Site, write: EntityWrite, *, elsewhere: Reason, subpage: str = ""
) -> Route:
    """Return `write` with the entities whose pages are named, or why there are none.

    `subpage` is one more title; `elsewhere` is the reason when the request is of the kind that changes no entity.
    """
    if pages.needs is not None and not parameters.has(pages.needs):
        return not_ours(elsewhere)
    if pages.only is not None and parameters.get(pages.only[0]) not in pages.only[1]:
        return not_ours(elsewhere)
    if pages.files:
        return write if "mediainfo" in site.entity_namespaces else not_ours(elsewhere)
    titles = [parameters.get(name) or "" for name in pages.titles]
    found = [ids for title in (*titles, subpage) if (ids := page_entities(title, site)) is not None]
    if found:
        return replace(write, entities=tuple(dict.fromkeys(entity for ids in found for entity in ids)))
    if pages.always_untold or any(parameters.is_given(name) for name in pages.untold):
        return write
    return not_ours(Reason.PAGE_NOT_ENTITY)
