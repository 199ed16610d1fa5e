"""Action API requests (api.php): which module, which entities (wikibase.md 1.1, 2.1, 2.3).

What decides is the module, never the method: reads come by POST, and a write module asked by GET is a write that the
wiki refuses.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from rules.routes.api_writes import write_route
from rules.routes.parameters import Parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.revisions import query_route
from rules.routes.route import EntityRead, Projection, Route, Site, Surface
from rules.routes.titles import local_entity
from wikibase.ids import EntityId

VALUES_MAX = 500
"""The limit of accounts with apihighlimits; above it every account is refused."""
PAIRS_MAX = 2500
"""More pairs of site and title than 50 x 50 are not spelled out."""

_PROPS = frozenset({"info", "sitelinks", "aliases", "labels", "descriptions", "claims", "datatype", "sitelinks/urls"})
_CLAIMS_PROPS = frozenset({"references"})
_FORMAT_VERSIONS = {None: 1, "1": 1, "2": 2, "latest": 2}

_OTHER_ACTIONS: Mapping[str, Reason] = {
    "wbsearchentities": Reason.SEARCH,
    "wbformatentities": Reason.RENDERED_LABELS,
    "wbformatvalue": Reason.VALUE,
    "wbparsevalue": Reason.VALUE,
    "wbavailablebadges": Reason.ACTION_NOT_ENTITY,
    "wbgraphql": Reason.GRAPHQL,
    "wbcheckconstraints": Reason.CONSTRAINTS,
    "wbcheckconstraintparameters": Reason.CONSTRAINTS,
    "wbsgetsuggestions": Reason.SEARCH,
    "opensearch": Reason.SEARCH,
    "parse": Reason.PARSED,
    "compare": Reason.PARSED,
    "expandtemplates": Reason.PARSED,
    "visualeditor": Reason.PARSED,
    "templatedata": Reason.PARSED,
    **dict.fromkeys(
        ("purge", "watch", "patrol", "thank", "review", "managetags", "setnotificationtimestamp", "markasread"),
        Reason.NO_CONTENT_CHANGE,
    ),
}


def action_route(parameters: Parameters, site: Site) -> Route:
    """Return the route of an api.php request with these parameters."""
    action = parameters.get("action") or "help"
    read = _READ_MODULES.get(action)
    if read is not None:
        return read(parameters, site)
    write = write_route(action, parameters, site)
    if write is not None:
        return write
    unknown = Reason.UNDECIDABLE_MODULE if action.startswith("wb") and action.isalnum() else Reason.ACTION_NOT_ENTITY
    return not_ours(_OTHER_ACTIONS.get(action, unknown))


def dress(parameters: Parameters) -> tuple[str, int, str | None]:
    """Return format, format version (0: refused) and JSONP callback of an api.php request."""
    version = _FORMAT_VERSIONS.get(parameters.get("formatversion"), 0)
    return parameters.get("format") or "jsonfm", version, parameters.get("callback")


def _wbgetentities(parameters: Parameters, site: Site) -> Route:
    """wikibase.md 1.1.1. Also a request that Wikibase will refuse for its parameters is a read of what it names."""
    ids = parameters.values("ids") or ()
    sites = parameters.values("sites") or ()
    titles = parameters.values("titles") or ()
    asked = max(len(ids), len(sites), len(titles))
    pairs = _pairs(sites, titles)
    if asked > VALUES_MAX or pairs is None:
        return not_ours(Reason.TOO_MANY_VALUES)
    entities: dict[EntityId, None] = {}
    others: dict[str, None] = {}
    for value in ids:
        entity = local_entity(value, site)
        if entity is None:
            others[value] = None
        else:
            entities[entity] = None
    form, version, callback = dress(parameters)
    return EntityRead(
        surface=Surface.WBGETENTITIES,
        entities=tuple(entities),
        by_title=pairs,
        others=tuple(others),
        values_asked=asked,
        projection=Projection(
            props=_known_props(parameters.values("props"), _PROPS),
            languages=_unique(parameters.values("languages")),
            language_fallback=parameters.has("languagefallback"),
            site_filter=_unique(parameters.values("sitefilter")),
            format=form,
            format_version=version,
            follow_redirects=parameters.get("redirects") != "no",
            callback=callback,
        ),
    )


def _pairs(sites: tuple[str, ...], titles: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
    """Combine every site with every title, as the recorded reads 368 and 369 do; None when that is too much.

    Unless one of them is single or the numbers are equal, Wikibase refuses the request: then there are no pairs.
    """
    if not sites or not titles or (len(sites) > 1 < len(titles) and len(sites) != len(titles)):
        return ()
    if len(sites) * len(titles) > PAIRS_MAX:
        return None
    return tuple(dict.fromkeys((site, title) for site in sites for title in titles))


def _wbgetclaims(parameters: Parameters, site: Site) -> Route:
    """By entity, by statement id, or by both when they agree (recorded reads 679, 684)."""
    given, guid = parameters.get("entity"), parameters.get("claim")
    by_entity = local_entity(given, site) if given is not None else None
    by_guid = local_entity(guid.partition("$")[0], site) if guid is not None and "$" in guid else None
    if (given is not None and by_entity is None) or (guid is not None and by_guid is None):
        return not_ours(Reason.MALFORMED_ID)
    entities = {entity for entity in (by_entity, by_guid) if entity is not None}
    form, version, callback = dress(parameters)
    return EntityRead(
        surface=Surface.WBGETCLAIMS,
        # None or two: Wikibase refuses the request.
        entities=tuple(entities) if len(entities) == 1 else (),
        values_asked=len(entities),
        projection=Projection(
            props=_known_props(parameters.values("props"), _CLAIMS_PROPS),
            format=form,
            format_version=version,
            follow_redirects=False,
            callback=callback,
            statement=guid,
            property_id=parameters.get("property"),
            rank=parameters.get("rank"),
        ),
    )


def _known_props(values: tuple[str, ...] | None, known: frozenset[str]) -> frozenset[str] | None:
    if values is None:
        return None
    props = known.intersection(values)
    return props | {"sitelinks"} if "sitelinks/urls" in props else props


def _unique(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(values)) if values else None


def _query(parameters: Parameters, site: Site) -> Route:
    return query_route(parameters, site, dress(parameters))


_Read: TypeAlias = Callable[[Parameters, Site], Route]
_READ_MODULES: Mapping[str, _Read] = {
    "wbgetentities": _wbgetentities,
    "wbgetclaims": _wbgetclaims,
    "query": _query,
}
