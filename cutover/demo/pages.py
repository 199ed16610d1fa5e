"""Pages for people, small: entity views, history, raw, special pages by title. Enough for a proxy to pass through."""

import html
import re

from cutover.demo.answers import EPOCH, HTML, PRIVATE, Answer, Asked, error_page
from cutover.demo.entitydata import answer_entity_data, answer_entity_page, http_date, moved
from cutover.demo.records import Page, WikiRevision
from cutover.demo.titles import TitleError, normalise_title
from cutover.demo.world import EntityUnreadableError, World
from wikibase.ids import EntityId

_SPECIAL = re.compile(r"special:[ _]*([^/]*)(?:/(.*))?", re.IGNORECASE | re.DOTALL)
_SPECIAL_NAMES = {
    "entitydata": "EntityData",
    "entitypage": "EntityPage",
    "version": "Version",
    "recentchanges": "RecentChanges",
}
_FORMATS = ("json", "php", "rdf", "n3", "ttl", "nt", "jsonld")
_UNCACHED = (("Vary", "Accept-Encoding, Cookie"), ("Expires", EPOCH), ("Cache-Control", PRIVATE))


def answer_page(world: World, title: str, asked: Asked) -> Answer:
    """Answer a request for a page by its title, as it stands in the address or in `title=`."""
    special = _SPECIAL.fullmatch(title)
    if special:
        return _special(world, title, special, asked)
    values = asked.values
    revision = _by_number(world, values.get("oldid") or values.get("diff"))
    page = world.pages.get(revision.page_id) if revision else _by_page_id(world, values.get("curid"))
    if page is None:
        if revision is None and values.get("oldid"):
            return _html(world, title, "<p>The revision does not exist.</p>", status=404)
        try:
            ns, normal = normalise_title(title or "Main Page", world.facts.namespaces)
        except TitleError:
            return _html(world, "Bad title", "<p>The requested page title is not valid.</p>", status=400)
        if ns >= 0 and title and normal.replace(" ", "_") != title.replace(" ", "_"):
            return moved(301, f"{world.server}/wiki/{normal.replace(' ', '_')}")
        page = world.page(normal)
        if page is None:
            status = 200 if normal == "Main Page" else 404
            return _html(world, normal, "<p>There is currently no text in this page.</p>", status=status)
    return _view(world, page, revision or world.revisions[page.latest], values.get("action", "view"))


def _special(world: World, title: str, special: re.Match[str], asked: Asked) -> Answer:
    name, subpage = special[1], special[2]
    known = _SPECIAL_NAMES.get(name.lower())
    if known is None:
        cache = ("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
        return _html(
            world,
            "No such special page",
            "",
            status=404,
            headers=(("X-Frame-Options", "DENY"), *_UNCACHED[:2], cache, ("Pragma", "no-cache")),
        )
    canonical = f"Special:{known}" + (f"/{subpage}" if subpage is not None else "")
    canonical = canonical.replace(" ", "_")
    if title != canonical:
        return moved(301, f"{world.server}/wiki/{canonical}")
    if known == "EntityData":
        return answer_entity_data(world, subpage or "", asked)
    if known == "EntityPage":
        return answer_entity_page(world, subpage or "")
    rows = "".join(f"<li>{html.escape(one.title)} {one.rev_id}</li>" for one in world.changes[-50:])
    return _html(world, known, f"<ul>{rows}</ul>")


def _by_number(world: World, text: str | None) -> WikiRevision | None:
    return world.revisions.get(int(text)) if text and text.isdigit() else None


def _by_page_id(world: World, text: str | None) -> Page | None:
    return world.pages.get(int(text)) if text and text.isdigit() else None


def _view(world: World, page: Page, revision: WikiRevision, action: str) -> Answer:
    if action == "raw":
        return _raw(world, page, revision)
    if action == "history":
        rows = (
            f'<li data-mw-revid="{one.rev_id}">{one.timestamp} {html.escape(one.user or "(hidden)")} '
            f"({html.escape(one.comment or '')})</li>"
            for one in reversed(world.history(page.page_id))
        )
        return _html(world, f"{page.title}: Revision history", f"<ul>{''.join(rows)}</ul>")
    entity_id = world.entity_of(page)
    if entity_id is None:
        return _html(world, page.title, f"<pre>{html.escape(revision.text or '')}</pre>")
    try:
        entity = world.content(revision)
        if "redirect" in entity:  # shown in place, with status 200 (recording 470)
            entity_id = EntityId(entity["redirect"])
            entity = world.content(world.head(entity_id))
    except EntityUnreadableError:
        return _html(world, page.title, "<p>The content of this page cannot be shown.</p>", status=500)
    label = entity.get("labels", {}).get("en", {}).get("value", entity_id)
    links = ",".join(f'<{world.server}/wiki/Special:EntityData/{entity_id}.{one}>; rel="alternate"' for one in _FORMATS)
    terms = "".join(
        f"<li lang={language}>{html.escape(term['value'])}</li>" for language, term in entity.get("labels", {}).items()
    )
    script = f'<script>RLCONF={{"wbEntityId":"{entity_id}","wgRevisionId":{revision.rev_id}}}</script>'
    return _html(
        world, label, f"{script}<h1>{html.escape(label)}</h1><ul>{terms}</ul>", headers=(("Link", links), *_UNCACHED)
    )


def _raw(world: World, page: Page, revision: WikiRevision) -> Answer:
    if world.entity_of(page) is None:
        body = (revision.text or "").encode()
        return Answer(headers=(("Content-Type", "text/x-wiki; charset=UTF-8"), *_UNCACHED), body=body)
    text = f"The requested page uses the content model `{revision.model}` which is not supported via this interface."
    changed = ("Last-Modified", http_date(revision.timestamp))
    refused = error_page(415, "Unsupported Media Type", text, (*_UNCACHED, changed))
    return Answer(status=415, headers=refused.headers, body=refused.body, chunked=False)


def _html(
    world: World, title: str, body: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = _UNCACHED
) -> Answer:
    page = (
        '<!DOCTYPE html>\n<html class="client-nojs" lang="en" dir="ltr">\n<head>\n<meta charset="UTF-8"/>\n'
        f"<title>{html.escape(title)} - {world.facts.sitename}</title>\n</head>\n<body>{body}</body>\n</html>\n"
    )
    return Answer(
        status=status, headers=(("Content-Type", HTML), ("Content-language", "en"), *headers), body=page.encode()
    )
