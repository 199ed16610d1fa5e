"""Special:EntityData (wikibase.md 1.2): which of its requests are answered with an entity's JSON.

Only those are entity reads. Requests that are led elsewhere (301, 302, 303: no format, another spelling than the
canonical one, `.html`) are not: the answer holds no entity, names the wiki's own address (`$wgServer`), and the wiki
gives it without looking at the entity, so there is nothing to compare and nothing for a store to answer; the request
that follows is recognised by itself. The same goes for malformed ids (400) and unknown formats (415).
"""

from collections.abc import Mapping

from rules.routes.parameters import Parameters
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import EntityRead, Projection, Route, Site, Surface
from rules.routes.titles import local_entity

_JSON = None
_FORMATS: Mapping[str, Reason | None] = {
    "json": _JSON,
    "application/json": _JSON,
    "html": Reason.HTML,
    "htm": Reason.HTML,
    "text/html": Reason.HTML,
    "application/xhtml+xml": Reason.HTML,
    "php": Reason.SERIALIZED_PHP,
    "application/vnd.php.serialized": Reason.SERIALIZED_PHP,
    **dict.fromkeys(
        (
            "ttl", "turtle", "text/turtle", "application/x-turtle",
            "nt", "ntriples", "application/n-triples", "text/n-triples", "text/plain",
            "n3", "text/n3", "text/rdf+n3",
            "rdf", "rdfxml", "application/rdf+xml", "application/xml", "text/xml",
            "jsonld", "application/ld+json",
        ),
        Reason.RDF,
    ),
}  # fmt: skip


def entitydata_route(subpage: str, parameters: Parameters, site: Site) -> Route:
    """Return the route of a request to the page itself; `subpage` is `Q5.json` in the database form of the title."""
    doc, _, suffix = subpage.partition(".")
    if not suffix:
        doc = subpage  # "Q1." has no suffix: the dot belongs to the (malformed) id
    given_id, given_format = parameters.get("id"), parameters.get("format")
    if not subpage and not given_id:
        return not_ours(Reason.HELP)
    entity = local_entity(doc if given_id is None else given_id, site)
    if entity is None:
        return not_ours(Reason.MALFORMED_ID)
    reason = _other_answer(suffix if given_format is None else given_format)
    if reason is None and subpage and subpage != f"{entity}.json":
        reason = Reason.REDIRECT_CANONICAL
    if reason is None and parameters.get("action") == "purge":
        reason = Reason.PURGE
    if reason is not None:
        return not_ours(reason)
    revision = parameters.integer("revision")
    return EntityRead(
        surface=Surface.ENTITYDATA,
        entities=(entity,),
        revision=revision if revision > 0 else None,
        projection=Projection(follow_redirects=parameters.get("redirect") != "force"),
    )


def _other_answer(form: str) -> Reason | None:
    """Return what a format is answered with when it is not JSON. Without a format `Accept` decides where to lead to."""
    return _FORMATS.get(form.lower(), Reason.FORMAT_UNKNOWN) if form else Reason.REDIRECT_NEGOTIATED
