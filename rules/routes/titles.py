"""Page titles as MediaWiki reads them, and which entity a page holds (wikibase.md 0.2, 0.3)."""

import html
import re
import unicodedata
from dataclasses import dataclass

from rules.routes.route import NAMESPACE_FILE, NAMESPACE_MEDIA, Site
from wikibase.ids import EntityId, EntityType, entity_type, page_entity, parse_entity_id

TITLE_CHARACTERS_MAX = 4096
"""A title has at most 255 bytes; what is longer is not looked at any further."""

_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e]")
_SPACES = re.compile("[ _\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z0-9]{2,31});")


@dataclass(frozen=True, slots=True)
class Title:
    """A title: namespace number (0 when no known prefix is there) and the text behind it, with spaces."""

    namespace: int
    text: str


def read_title(text: str, site: Site) -> Title | None:
    """Return the title that a text names, or None when it names none."""
    if len(text) > TITLE_CHARACTERS_MAX:
        return None
    if "&" in text:
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    text = _SPACES.sub(" ", text).strip(" ").partition("#")[0].rstrip(" ")
    namespace = 0
    if text.startswith(":"):
        text = text[1:].lstrip(" ")
    prefix, colon, rest = text.partition(":")
    if colon:
        found = site.namespaces.get(prefix.rstrip(" ").casefold())
        if found is not None:
            namespace, text = (NAMESPACE_FILE if found == NAMESPACE_MEDIA else found), rest.lstrip(" ")
    return Title(namespace, text) if text else None


def page_entities(text: str, site: Site) -> tuple[EntityId, ...] | None:
    """Return the entity whose page a title names; None when that page cannot hold one.

    Empty for a file where files have mediainfo: the id is the page's number, which the title does not tell.
    """
    title = read_title(text, site)
    types = site.types_by_namespace.get(title.namespace) if title else None
    if title is None or types is None:
        return None
    if EntityType.MEDIAINFO.value in types:
        return ()
    entity = parse_entity_id(title.text)
    return (entity,) if entity is not None and entity_type(entity).value in types else None


def local_entity(text: str, site: Site) -> EntityId | None:
    """Return the id of an entity that this wiki can have; None where the wiki calls the text malformed or foreign."""
    entity = parse_entity_id(text)
    return entity if entity is not None and entity[0] in site.entity_letters else None


def statement_entity(guid: str) -> EntityId | None:
    """Return the entity that a statement id begins with, or None when it does not look like `Q5$…`."""
    prefix, dollar, _ = guid.partition("$")
    return parse_entity_id(prefix) if dollar else None


def page_of(text: str | None) -> EntityId | None:
    """Return the entity whose page a write to that id changes: a form's or sense's lexeme (wikibase.md 0.3)."""
    entity = parse_entity_id(text) if text else None
    return None if entity is None else page_entity(entity)
