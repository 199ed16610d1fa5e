"""What the wiki says, as values: site facts, pages, revisions' metadata, contents, heads. Pure.

Reads the Action API's formatversion 2 (wikibase.md 1.1). Whatever hidden means to the public stays hidden here: a
privileged answer that carries hidden text, user or comment is read as if it did not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.errors import RefusedError
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id

TYPE_OF_MODEL: Mapping[str, EntityType] = {
    "wikibase-item": EntityType.ITEM,
    "wikibase-property": EntityType.PROPERTY,
    "wikibase-lexeme": EntityType.LEXEME,
}
"""Content models whose pages hold one entity each (wikibase.md 4.6)."""

# The request's own id and the class's full name: they differ from request to request, and say nothing.
_REQUEST_ID = re.compile(r"\[[0-9a-zA-Z@_-]{16,40}\] ?")


class WikiApiError(RefusedError):
    """The Action API answered with an error. `code` is its code, the message has code and info."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(words(code, info))
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What siteinfo says. `entity_namespaces`: entity type to namespace number; `time`: the wiki's clock."""

    server: str
    script_path: str
    article_path: str
    generator: str
    time: str
    language: str
    namespace_names: Mapping[int, str]
    namespace_aliases: Mapping[str, int]
    entity_namespaces: Mapping[EntityType, int]


@dataclass(frozen=True, slots=True)
class WikiPage:
    """A page as allpages lists it."""

    page_id: int
    namespace: int
    title: str


@dataclass(frozen=True, slots=True)
class PageBatch:
    """Some pages of a namespace in title order. `after`: where the next batch begins, None at the end."""

    pages: tuple[WikiPage, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiRevision:
    """A revision's metadata. `size` is MediaWiki's rev_len (wikibase.md 4.5), only near the size of the JSON."""

    rev_id: int
    parent_id: int
    timestamp: str
    user: str | None
    comment: str | None
    tags: tuple[str, ...]
    minor: bool
    size: int
    sha1: str | None
    content_model: str | None
    hidden: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All revisions of a page, oldest first. `head_rev_id`: page_latest; None: the wiki did not say."""

    page_id: int
    title: str
    content_model: str | None
    head_rev_id: int | None
    revisions: tuple[WikiRevision, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A revision's text, or the reason why there is none, in the wiki's words ("texthidden", "textmissing" ...)."""

    text: str | None
    reason: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiHead:
    """What wbgetentities says of an entity. `rev_id` None: `reason` says why.

    A redirect is answered with its target's revision (wikibase.md 1.1.1): then `redirected_to` names the target.
    """

    rev_id: int | None
    modified: str | None = None
    redirected_to: EntityId | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiMarks:
    """How much there is, and up to where the logs reach; None: the wiki does not say."""

    pages: int | None
    edits: int | None
    max_rev_id: int | None
    max_log_id: int | None


def words(code: str, info: str) -> str:
    """Return an error in the wiki's words, without what differs from request to request."""
    return f"{code}: {_REQUEST_ID.sub('', info)}".strip()


def site_facts(query: Mapping[str, Any]) -> SiteFacts:
    """Read siprop=general|namespaces|namespacealiases."""
    general, spaces = query["general"], query["namespaces"].values()
    return SiteFacts(
        server=general["server"],
        script_path=general.get("scriptpath", ""),
        article_path=general.get("articlepath", "/wiki/$1"),
        generator=general.get("generator", ""),
        time=general.get("time", ""),
        language=general.get("lang", ""),
        namespace_names={one["id"]: one.get("name", one.get("*", "")) for one in spaces},
        namespace_aliases={
            str(one.get("alias", one.get("*", ""))): one["id"] for one in query.get("namespacealiases", ())
        },
        entity_namespaces={
            TYPE_OF_MODEL[one["defaultcontentmodel"]]: one["id"]
            for one in spaces
            if one.get("defaultcontentmodel") in TYPE_OF_MODEL
        },
    )


def page_revision(raw: Mapping[str, Any]) -> WikiRevision:
    """Read one revision of prop=revisions. A flag is there or not, whatever its value (fv1 "", fv2 true)."""
    hidden = {name for name in ("user", "comment") if _flag(raw, f"{name}hidden")}
    main = raw.get("slots", {}).get("main", {})
    if _flag(raw, "texthidden") or _flag(main, "texthidden") or _flag(raw, "sha1hidden"):
        hidden.add("text")  # the bit that hides the text hides its sha1 with it
    if _flag(raw, "suppressed"):
        hidden.add("suppressed")
    return WikiRevision(
        rev_id=raw["revid"],
        parent_id=raw["parentid"],
        timestamp=raw["timestamp"],
        user=None if "user" in hidden else raw.get("user"),
        comment=None if "comment" in hidden else raw.get("comment"),
        tags=tuple(raw.get("tags", ())),
        minor=_flag(raw, "minor"),
        size=raw.get("size", 0),
        sha1=None if "text" in hidden else raw.get("sha1"),
        content_model=main.get("contentmodel"),
        hidden=frozenset(hidden),
    )


def content(raw: Mapping[str, Any]) -> Content:
    """Read the main slot's content of one revision of prop=revisions."""
    if _flag(raw, "texthidden"):
        return Content(None, "texthidden")
    if _flag(raw, "slotsmissing") or "main" not in raw.get("slots", {}):
        return Content(None, "slotsmissing")
    main = raw["slots"]["main"]
    model = main.get("contentmodel")
    for reason in ("texthidden", "textmissing", "badcontentformat"):
        if _flag(main, reason):
            return Content(None, reason, model)
    text = main.get("content", main.get("*"))
    return Content(text, None, model) if isinstance(text, str) else Content(None, "textmissing", model)


def revisions_of(query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the raw revisions of all pages of an answer."""
    for page in query.get("pages", ()):
        yield from page.get("revisions", ())


def entity_head(raw: Mapping[str, Any]) -> WikiHead:
    """Read one entity of wbgetentities with props=info."""
    if "missing" in raw:
        return WikiHead(rev_id=None, reason="missing")
    redirect = raw.get("redirects")
    return WikiHead(
        rev_id=raw["lastrevid"],
        modified=raw.get("modified"),
        redirected_to=EntityId(redirect["to"]) if redirect else None,
    )


def titled_entity(title: str, of_type: EntityType) -> EntityId | None:
    """Return the entity whose page has that title in the namespace of that type, None when the title is no id."""
    name = title.rpartition(":")[2]
    entity_id = parse_entity_id(name)
    if entity_id is None or entity_id != name or entity_type(entity_id) is not of_type:
        return None
    return entity_id


def halves(items: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Split a batch that failed as a whole."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    return raw.get(name, False) is not False
