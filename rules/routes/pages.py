"""Page addresses: index.php, article paths, special pages (wikibase.md 0.1, 1.5, 2.3, 2.4).

A page view is never ours. Ours are Special:EntityData and the forms that write: on an entity's page, or where the
request does not tell the page (`curid`, `oldid`, `diff` override a title).
"""

from collections.abc import Mapping

from rules.routes.api_writes import Pages, pages_route
from rules.routes.entitydata import entitydata_route
from rules.routes.parameters import Parameters, read_parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import NAMESPACE_SPECIAL, EntityWrite, NeedsBody, Request, Route, Site, Surface
from rules.routes.titles import Title, page_entities, page_of, read_title

_VIEWERS = frozenset({"GET", "HEAD"})
_TITLE_ONLY = frozenset({"action", "title"})
_FORM_ACTIONS = frozenset(
    {
        "edit", "submit", "delete", "protect", "unprotect", "rollback", "revert", "mcrundo", "mcrrestore",
        "revisiondelete", "editchangetags", "historysubmit", "changecontentmodel",
    }
)  # fmt: skip
_GET_ACTIONS = frozenset({"rollback"})
"""Carried out by a GET with a token, unless the user wants to be asked (RollbackAction of MediaWiki 1.39)."""
_TITLE_OVERRIDES = ("curid", "oldid", "diff")
_READ_ONLY_PAGES: Mapping[str, Reason] = {
    "export": Reason.EXPORT_XML,
    "entitypage": Reason.REDIRECT_ENTITY_PAGE,
}

# Wikibase's own forms: fields with ids; whether the subpage begins with one (`/Q5/en`) when the first field is absent.
_ENTITY_FORMS: Mapping[str, tuple[tuple[str, ...], bool]] = {
    "newitem": ((), False),
    "newproperty": ((), False),
    "newlexeme": ((), False),
    "newentityschema": ((), False),
    "setlabel": (("id",), True),
    "setdescription": (("id",), True),
    "setaliases": (("id",), True),
    "setlabeldescriptionaliases": (("id",), True),
    "setsitelink": (("id",), True),
    "setentityschemalabeldescriptionaliases": (("ID",), True),
    "mergeitems": (("fromid", "toid"), False),
    "mergelexemes": (("from-id", "to-id"), False),
    "redirectentity": (("fromid", "toid"), False),
}
# MediaWiki's own: fields with titles; the subpage is a title too.
_PAGE_FORMS: Mapping[str, Pages] = {
    "undelete": Pages(titles=("target",)),
    "movepage": Pages(titles=("wpOldTitle", "target", "wpNewTitle")),
    "protectpage": Pages(titles=("target",)),
    "deletepage": Pages(titles=("target",)),
    "mergehistory": Pages(titles=("target", "dest"), untold=("targetID", "destID")),
    "changecontentmodel": Pages(titles=("wppagetitle", "pagetitle", "target")),
    "pagelanguage": Pages(titles=("wppagename",)),
    "revisiondelete": Pages(titles=("target",), untold=("ids",)),
    "edittags": Pages(titles=("target",), untold=("ids",)),
    "import": Pages(always_untold=True),
    "nuke": Pages(always_untold=True),
    "block": Pages(always_untold=True, needs="wpHideUser"),
    "upload": Pages(files=True),
}


def page_route(request: Request, path_title: str | None, query: str, site: Site) -> Route | NeedsBody:
    """Return the route of a request to a page; `path_title` is the title in its path, which wins over parameters."""
    posted = request.method == "POST"
    if not posted and request.method not in _VIEWERS:
        return not_ours(Reason.METHOD)
    by_path = read_title(path_title, site) if path_title else None
    if posted and request.body is None and _is_plain_special(by_path, query, site):
        return not_ours(Reason.SPECIAL_OTHER)
    parameters = read_parameters(request, query)
    if not isinstance(parameters, Parameters):
        return parameters
    given = path_title or parameters.get("title") or ""
    title = by_path if path_title else read_title(given, site)
    if title is not None and title.namespace == NAMESPACE_SPECIAL and not parameters.integer("curid"):
        return _special_route(title, given, parameters, site, posted=posted)
    return _page_write(given, parameters, site, _FORM_ACTIONS if posted else _GET_ACTIONS)


def _page_write(given: str, parameters: Parameters, site: Site, writing: frozenset[str]) -> Route:
    """Return the route of a request to a page that is not special, where the actions `writing` write."""
    action = (parameters.get("action") or "view").lower()
    if action not in writing:
        return not_ours(Reason.PAGE_HTML)
    if any(parameters.integer(name) for name in _TITLE_OVERRIDES):
        return EntityWrite(surface=Surface.PAGE, module=action)
    entities = page_entities(given, site)
    if entities is None:
        return not_ours(Reason.PAGE_NOT_ENTITY)
    return EntityWrite(surface=Surface.PAGE, module=action, entities=entities)


def _is_plain_special(title: Title | None, query: str, site: Site) -> bool:
    """Tell whether the path names a special page that is none of ours, whatever the body says."""
    if title is None or title.namespace != NAMESPACE_SPECIAL or "curid" in query:
        return False
    name, _ = _special_name(title, site)
    return not (name == "entitydata" or name in _ENTITY_FORMS or name in _PAGE_FORMS or name in _READ_ONLY_PAGES)


def _special_name(title: Title, site: Site) -> tuple[str, str]:
    """Return the folded English name of a special page and its subpage (in database form)."""
    name, _, subpage = title.text.partition("/")
    folded = name.rstrip(" ").casefold()
    return site.special_pages.get(folded, folded), subpage.replace(" ", "_")


def _special_route(title: Title, given: str, parameters: Parameters, site: Site, *, posted: bool) -> Route:
    name, subpage = _special_name(title, site)
    if name == "entitydata":
        if not posted and _is_renamed(title, given, subpage, parameters, site):
            return not_ours(Reason.REDIRECT_NAME)
        return entitydata_route(subpage, parameters, site)
    if name in _READ_ONLY_PAGES:
        return not_ours(_READ_ONLY_PAGES[name])
    if posted and name in _ENTITY_FORMS:
        fields, by_subpage = _ENTITY_FORMS[name]
        texts = [parameters.get(field) for field in fields]
        if by_subpage and texts[0] is None:
            texts = [subpage.partition("/")[0]]
        entities = tuple(dict.fromkeys(entity for text in texts if (entity := page_of(text)) is not None))
        return EntityWrite(surface=Surface.SPECIAL, module=f"special_{name}", entities=entities)
    if posted and name in _PAGE_FORMS:
        write = EntityWrite(surface=Surface.SPECIAL, module=f"special_{name}")
        pages = _PAGE_FORMS[name]
        return pages_route(pages, parameters, site, write, elsewhere=Reason.SPECIAL_OTHER, subpage=subpage)
    return not_ours(Reason.SPECIAL_OTHER)


def _is_renamed(title: Title, given: str, subpage: str, parameters: Parameters, site: Site) -> bool:
    """Tell whether MediaWiki leads a GET to the wiki's own spelling of the page (wikibase.md 0.1, reads 907-924).

    Another spelling of the page's name always, of the namespace or with spaces only when there are no parameters.
    """
    page = site.entitydata_title.partition(":")[2]
    name = title.text.partition("/")[0].rstrip(" ").replace(" ", "_")
    if name[:1].upper() + name[1:] != page:
        return True
    slash = "/" if "/" in title.text else ""
    return given != f"{site.entitydata_title}{slash}{subpage}" and not parameters.has_other_than(_TITLE_ONLY)
