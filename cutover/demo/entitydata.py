"""Special:EntityData in JSON (wikibase.md 1.2, wikibase-observed.md 6). Other formats are recorded answers only."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime

from cutover.demo.answers import EPOCH, HTML, PRIVATE, Answer, Asked, Refusal, error_page
from cutover.demo.entities_api import parse_local
from cutover.demo.php import api_json
from cutover.demo.records import TEXT_BIT, WikiRevision
from cutover.demo.render import page_info, render_entity
from cutover.demo.world import Entity, EntityMissingError, EntityUnreadableError, World
from wikibase.ids import EntityId

MIME_TYPES = {
    "json": ("application/json",),
    "php": ("application/vnd.php.serialized",),
    "rdf": ("application/rdf+xml", "application/xml", "text/xml"),
    "n3": ("text/n3", "text/rdf+n3"),
    "ttl": ("text/turtle", "application/x-turtle"),
    "nt": ("application/n-triples", "text/n-triples", "text/plain"),
    "jsonld": ("application/ld+json",),
    "html": ("text/html",),
}
_PREFERRED = ("json", "php", "n3", "ttl", "nt", "rdf", "jsonld", "html")
FLAVORS = ("simple", "dump", "long", "full")
HOPS_MAX = 5
REVISION_MAX = 2**63 - 1

_OPEN = (("Access-Control-Allow-Origin", "*"),)
_UNCACHED = (("Vary", "Accept-Encoding, Cookie"), ("Expires", EPOCH), ("Cache-Control", PRIVATE))
_ID_AND_SUFFIX = re.compile(r"([^.]*)\.(.+)", re.DOTALL)
_FOREIGN = re.compile(r"[A-Za-z_]\w*:[QP][1-9]\d{0,9}", re.IGNORECASE)
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+)")


def answer_entity_data(world: World, subpage: str, asked: Asked) -> Answer:
    """Answer a request for the special page. `subpage` is what follows its name."""
    if not subpage and not asked.values.get("id"):
        return _form()
    try:
        return _answer(world, subpage, asked)
    except Refusal as refusal:
        return refusal.answer


def _answer(world: World, subpage: str, asked: Asked) -> Answer:
    named = subpage or asked.values["id"]
    split = _ID_AND_SUFFIX.fullmatch(named) if subpage else None
    text, suffix = (split[1], split[2]) if split else (named, "")
    wanted = asked.values.get("format", suffix)
    entity_id = parse_local(text) or (EntityId(text.upper()) if _FOREIGN.fullmatch(text) else None)
    if entity_id is None:
        raise Refusal(error_page(400, "Bad Request", f"Invalid ID: {text}."))
    revision = _revision_number(asked.values.get("revision", ""))
    extension = _extension(wanted) if wanted else _accepted(asked.headers.get("accept"))
    location = _location(world, entity_id, extension, revision)
    if not wanted:
        return _moved(303, location)
    if subpage and (text != entity_id or suffix != extension):
        return _moved(301, location)
    if extension == "html":
        return _moved(303, location)
    flavor = asked.values.get("flavor", "")
    if extension not in ("json", "php") and flavor and flavor not in FLAVORS:
        text = f"Invalid flavor {flavor}: must be one of {', '.join(FLAVORS)}."
        raise Refusal(error_page(400, "Bad Request", text))
    return _data(world, entity_id, revision, extension, asked)


def answer_entity_page(world: World, subpage: str) -> Answer:
    """Answer Special:EntityPage/ID: a redirect to the page."""
    entity_id = parse_local(subpage)
    if entity_id is None:
        return error_page(400, "Bad Request", f"Invalid ID: {subpage}.", ())
    return moved(301, f"{world.server}/wiki/{world.title_of(entity_id)}")


def moved(status: int, location: str) -> Answer:
    """Return a redirect as MediaWiki sends it."""
    changed = ("Last-Modified", formatdate(usegmt=True))
    return Answer(status=status, headers=(("Content-Type", HTML), *_UNCACHED, changed, ("Location", location)))


def _moved(status: int, location: str) -> Answer:
    plain = moved(status, location)
    return Answer(status=status, headers=(plain.headers[0], *_OPEN, *plain.headers[1:]))


def _location(world: World, entity_id: EntityId, extension: str, revision: int) -> str:
    title = f"Special:EntityData/{entity_id}.{extension}"
    if extension == "html":
        title = world.title_of(entity_id)
    # A revision becomes `oldid`, which this page does not read: the revision is lost (recording 516).
    if revision > 0:
        return f"{world.server}/w/index.php?title={title}&oldid={revision}"
    return f"{world.server}/wiki/{title}"


def _revision_number(text: str) -> int:
    found = _LEADING_NUMBER.match(text)
    return max(0, min(int(found[1]), REVISION_MAX)) if found else 0


def _extension(wanted: str) -> str:
    lower = wanted.lower()
    known = next((name for name, types in MIME_TYPES.items() if lower == name or lower in types), None)
    if known is None:
        text = f"The data format {wanted} is not supported by this interface."
        raise Refusal(error_page(415, "Unsupported Media Type", text))
    return known


def _accepted(accept: str | None) -> str:
    """Return the format that an Accept header prefers."""
    best: tuple[float, str] | None = None
    for item in ("*/*" if accept is None else accept).split(","):
        mime, _, rest = item.strip().partition(";")
        quality = re.search(r"q=([\d.]+)", rest)
        weight = float(quality[1]) if quality else 1.0
        pattern = re.compile(re.escape(mime.strip()).replace(r"\*", "[^/]+"))
        matching = (name for name in _PREFERRED if any(pattern.fullmatch(one) for one in MIME_TYPES[name]))
        found = next(matching, None)
        if found and weight > 0 and (best is None or weight > best[0]):
            best = weight, found
    if best is None:
        listed = ", ".join(mime for name in _PREFERRED[:-1] for mime in MIME_TYPES[name])
        text = f"No matching format found. Supported MIME types: {listed}"
        raise Refusal(error_page(406, "Not Acceptable", text))
    return best[1]


def _data(world: World, entity_id: EntityId, rev_id: int, extension: str, asked: Asked) -> Answer:
    served, revision, entity = _read(world, entity_id, rev_id)
    if is_not_modified(revision, asked.headers.get("if-modified-since")):
        return Answer(status=304, headers=(*_OPEN, ("X-Frame-Options", "DENY"), ("Content-language", "en"), *_UNCACHED))
    if extension != "json":
        return error_page(501, "Not Implemented", f"This sample wiki has no {extension} of an entity that was edited.")
    page = world.entity_page(served)
    assert page is not None
    record = {**page_info(page, revision), **render_entity(world, entity, urls=True)}
    body = api_json({"entities": {entity["id"]: record}}, ascii_only=True)
    cacheable = rev_id > 0 and asked.target == f"/wiki/Special:EntityData/{served}.json?revision={rev_id}"
    cache = "public, s-maxage=18000, max-age=18000" if cacheable else "private, no-cache, s-maxage=0"
    changed = ("Last-Modified", http_date(revision.timestamp))
    shown = ("Content-Type", "application/json; charset=UTF-8"), *_OPEN, changed
    return Answer(headers=(*shown, ("X-Frame-Options", "DENY"), ("Cache-Control", cache)), body=body)


def _read(world: World, entity_id: EntityId, rev_id: int) -> tuple[EntityId, WikiRevision, Entity]:
    unshown = f"Can't show revision {rev_id} of entity {entity_id}."
    try:
        served, revision = _served(world, entity_id, rev_id)
        entity = world.content(revision)
    except EntityMissingError:
        text = unshown if rev_id else f"No entity with ID {entity_id} was found."
        raise Refusal(error_page(404, "Not Found", text)) from None
    except EntityUnreadableError:
        raise Refusal(error_page(500, "Internal Server Error", f"Failed to load entity {entity_id}.")) from None
    if "redirect" in entity:
        raise Refusal(error_page(400, "Bad Request", unshown))
    return served, revision, entity


def _served(world: World, entity_id: EntityId, rev_id: int) -> tuple[EntityId, WikiRevision]:
    if parse_local(entity_id) is None:
        raise EntityMissingError(entity_id)
    if rev_id:
        page = world.entity_page(entity_id)
        revision = world.revisions.get(rev_id)
        if page is None or revision is None or revision.page_id != page.page_id or revision.deleted_bits & TEXT_BIT:
            raise EntityMissingError(entity_id)
        return entity_id, revision
    for _ in range(HOPS_MAX):
        revision = world.head(entity_id)
        target = world.content(revision).get("redirect")
        if target is None:
            return entity_id, revision
        entity_id = EntityId(target)
    raise EntityMissingError(entity_id)


def http_date(timestamp: str) -> str:
    """Return a timestamp as HTTP headers write it."""
    return format_datetime(datetime.fromisoformat(timestamp), usegmt=True)


def is_not_modified(revision: WikiRevision, since: str | None) -> bool:
    """Whether If-Modified-Since is not older than the revision. What is no date is ignored."""
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since.partition(";")[0])
    except ValueError:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return datetime.fromisoformat(revision.timestamp) < moment + timedelta(seconds=1)


def _form() -> Answer:
    page = "<!DOCTYPE html>\n<html><head><title>Entity Data</title></head><body><form></form></body></html>\n"
    cache = ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
    return Answer(
        headers=(
            ("Content-Type", HTML),
            ("X-Frame-Options", "DENY"),
            ("Content-language", "en"),
            ("Vary", "Accept-Encoding, Cookie"),
            ("Expires", EPOCH),
            cache,
            ("Pragma", "no-cache"),
        ),
        body=page.encode(),
    )
