"""`action=query`: which of it returns the stored JSON of entity pages (wikibase.md 1.1, 1.1.2).

Only a request for *content* is an entity read. Named by title, the entities are known and pages that can hold none
make it not ours. Named by page id, revision id or generator, or found by `list=allrevisions`, the pages are not told
by the request: `entities` is empty, a single revision id is the pinned revision, and the answer tells which entities
they were, if any.
"""

import re

from rules.routes.parameters import Parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import EntityRead, Projection, Route, Site, Surface
from rules.routes.titles import page_entities
from wikibase.ids import EntityId

VALUES_MAX = 500

_NAMESPACE_FILTER = re.compile(r"g[a-z]{1,5}namespace", re.ASCII)
_DELETED = frozenset({"deletedrevisions", "alldeletedrevisions"})
_TERMS = frozenset({"entityterms", "pageterms"})


def query_route(parameters: Parameters, site: Site, dress: tuple[str, int, str | None]) -> Route:
    """Return the route of an `action=query` request; `dress` is format, format version and callback."""
    props = frozenset(parameters.values("prop") or ())
    lists = frozenset(parameters.values("list") or ())
    if "revisions" in props and "content" in (parameters.values("rvprop") or ()):
        return _revisions(parameters, site, dress)
    if "allrevisions" in lists and "content" in (parameters.values("arvprop") or ()):
        if not _may_hold_entities(parameters.values("arvnamespace"), site):
            return not_ours(Reason.PAGE_NOT_ENTITY)
        return _read(parameters, dress, "arvprop")
    return not_ours(_other_query(parameters, props, lists))


def _other_query(parameters: Parameters, props: frozenset[str], lists: frozenset[str]) -> Reason:
    if not _DELETED.isdisjoint(props | lists):
        return Reason.DELETED_REVISIONS
    if parameters.has("export"):
        return Reason.EXPORT_XML
    if "revisions" in props or "allrevisions" in lists:
        return Reason.REVISION_METADATA
    if not _TERMS.isdisjoint(props):
        return Reason.ENTITY_TERMS
    return Reason.SEARCH if "wbsearch" in lists else Reason.QUERY_METADATA


def _revisions(parameters: Parameters, site: Site, dress: tuple[str, int, str | None]) -> Route:
    titles = parameters.values("titles") or ()
    revision_ids = parameters.values("revids") or ()
    page_ids = parameters.values("pageids") or ()
    asked = len(titles) + len(revision_ids) + len(page_ids)
    if asked > VALUES_MAX:
        return not_ours(Reason.TOO_MANY_VALUES)
    if parameters.get("generator"):
        return _generated(parameters, site, dress)
    sources = [source for source in (titles, revision_ids, page_ids) if source]
    if len(sources) != 1:
        # None names no page at all; several are refused (`multisource`, recorded read 1131).
        return not_ours(Reason.PAGE_NOT_ENTITY)
    if titles:
        found = [page_entities(title, site) for title in titles]
        entities = tuple(dict.fromkeys(entity for ids in found if ids is not None for entity in ids))
        if all(ids is None for ids in found):
            return not_ours(Reason.PAGE_NOT_ENTITY)
        return _read(parameters, dress, "rvprop", entities=entities, asked=asked)
    pinned = None
    if len(revision_ids) == 1 and re.fullmatch("[1-9][0-9]{0,17}", revision_ids[0]):
        pinned = int(revision_ids[0])
    return _read(parameters, dress, "rvprop", revision=pinned, asked=asked)


def _generated(parameters: Parameters, site: Site, dress: tuple[str, int, str | None]) -> Route:
    """Pages come from a generator: not ours only when it is held to namespaces without entities."""
    for name in (*parameters.encoded, *parameters.plain):
        if _NAMESPACE_FILTER.fullmatch(name) and not _may_hold_entities(parameters.values(name), site):
            return not_ours(Reason.PAGE_NOT_ENTITY)
    return _read(parameters, dress, "rvprop", asked=0)


def _may_hold_entities(namespaces: tuple[str, ...] | None, site: Site) -> bool:
    if not namespaces:
        return True
    entity_namespaces = {str(number) for number in site.entity_namespaces.values()}
    return not entity_namespaces.isdisjoint(namespaces) or not all(value.isdecimal() for value in namespaces)


def _read(
    parameters: Parameters,
    dress: tuple[str, int, str | None],
    props_name: str,
    *,
    entities: tuple[EntityId, ...] = (),
    revision: int | None = None,
    asked: int = 0,
) -> EntityRead:
    form, version, callback = dress
    return EntityRead(
        surface=Surface.REVISIONS,
        entities=entities,
        revision=revision,
        values_asked=asked,
        projection=Projection(
            props=frozenset(parameters.values(props_name) or ()),
            format=form,
            format_version=version,
            follow_redirects=parameters.has("redirects"),
            callback=callback,
        ),
    )
