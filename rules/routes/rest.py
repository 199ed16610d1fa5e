"""Wikibase's REST API, v0 and v1 (wikibase.md 1.4, 2.2), as a table of paths. The path and the method tell all."""

from collections.abc import Mapping

from rules.routes.parameters import Parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import EntityRead, EntityWrite, Projection, Route, Site, Surface
from rules.routes.titles import local_entity, statement_entity
from wikibase.ids import EntityId, EntityType, entity_type, page_entity

VERSIONS = frozenset({"v0", "v1"})

_COLLECTIONS: Mapping[str, tuple[str, EntityType]] = {
    "items": ("item", EntityType.ITEM),
    "properties": ("property", EntityType.PROPERTY),
    "lexemes": ("lexeme", EntityType.LEXEME),
}
_OTHER_PATHS: Mapping[str, Reason] = {
    "openapi.json": Reason.REST_NO_ENTITY,
    "property-data-types": Reason.REST_NO_ENTITY,
    "search": Reason.SEARCH,
    "suggest": Reason.SEARCH,
}
_READ = "GET"
# What lies below an entity: (first segment, number of segments) -> resource and methods. No segment: the entity.
_PARTS: Mapping[tuple[str, int], tuple[str, frozenset[str]]] = {
    ("", 0): ("", frozenset({_READ, "PATCH"})),
    ("labels", 1): ("labels", frozenset({_READ, "PATCH"})),
    ("descriptions", 1): ("descriptions", frozenset({_READ, "PATCH"})),
    ("aliases", 1): ("aliases", frozenset({_READ, "PATCH"})),
    ("sitelinks", 1): ("sitelinks", frozenset({_READ, "PATCH"})),
    ("statements", 1): ("statements", frozenset({_READ, "POST"})),
    ("labels", 2): ("label", frozenset({_READ, "PUT", "DELETE"})),
    ("descriptions", 2): ("description", frozenset({_READ, "PUT", "DELETE"})),
    ("aliases", 2): ("language_aliases", frozenset({_READ, "POST"})),
    ("sitelinks", 2): ("sitelink", frozenset({_READ, "PUT", "DELETE"})),
    ("statements", 2): ("statement", frozenset({_READ, "PUT", "PATCH", "DELETE"})),
    ("labels_with_language_fallback", 2): ("label", frozenset({_READ})),
    ("descriptions_with_language_fallback", 2): ("description", frozenset({_READ})),
}


def rest_route(method: str, segments: tuple[str, ...], parameters: Parameters, site: Site) -> Route:
    """Return the route of a request below rest.php; `segments` are the decoded parts of the path after it.

    Modules are named `rest_METHOD_RESOURCE`, as `rest_patch_item`, `rest_put_label`, `rest_post_statements`.
    """
    if segments[:1] != ("wikibase",):
        return not_ours(Reason.REST_CORE)
    if len(segments) < 3 or segments[1] not in VERSIONS:  # noqa: PLR2004 - wikibase, version, and what is asked
        return not_ours(Reason.REST_NO_ROUTE)
    method = _READ if method == "HEAD" else method
    head, *rest = segments[2:]
    if head == "entities" and rest and rest[0] in _COLLECTIONS:
        return _entity(method, rest, parameters, site)
    if head == "statements" and len(rest) == 1:
        return _part(method, statement_entity(rest[0]), ("statements", rest[0]), parameters, site)
    return not_ours(_OTHER_PATHS.get(head, Reason.REST_NO_ROUTE))


def _entity(method: str, segments: list[str], parameters: Parameters, site: Site) -> Route:
    name, kind = _COLLECTIONS[segments[0]]
    if len(segments) == 1:
        if method == "POST":
            return EntityWrite(surface=Surface.REST, module=f"rest_post_{name}")
        return not_ours(Reason.REST_METHOD)
    entity = local_entity(segments[1], site)
    if entity is not None and entity_type(entity) is not kind:
        entity = None
    return _part(method, entity, tuple(segments[2:]), parameters, site)


def _part(method: str, entity: EntityId | None, part: tuple[str, ...], parameters: Parameters, site: Site) -> Route:
    found = _PARTS.get((part[0] if part else "", len(part)))
    if found is None or "" in part:
        return not_ours(Reason.REST_NO_ROUTE)
    resource, methods = found
    if method not in methods:
        return not_ours(Reason.REST_METHOD)
    if entity is None or local_entity(entity, site) is None:
        return not_ours(Reason.MALFORMED_ID)
    if method != _READ:
        resource = resource or entity_type(entity).value
        return EntityWrite(
            surface=Surface.REST, module=f"rest_{method.lower()}_{resource}", entities=(page_entity(entity),)
        )
    fields = parameters.get("_fields") if not part else None
    return EntityRead(
        surface=Surface.REST,
        entities=(entity,),
        projection=Projection(
            props=None if fields is None else frozenset(fields.split(",")),
            follow_redirects=False,
            property_id=parameters.get("property") if part == ("statements",) else None,
            part=part,
        ),
    )
