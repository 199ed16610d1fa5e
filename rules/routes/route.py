"""The three answers of recognition, as values: entity read, entity write, not ours. And what it looks at.

Recognition is `rules.routes.recognise.recognise`. The values here hold no text from a request beyond ids,
titles and projection parameters: no token, no user name, no content.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from wikibase.ids import EntityId


class Surface(StrEnum):
    """The surface through which a request reaches entities (wikibase.md section 1). Used as a metric label."""

    WBGETENTITIES = "wbgetentities"
    WBGETCLAIMS = "wbgetclaims"
    ENTITYDATA = "entitydata"
    REST = "rest"
    REVISIONS = "revisions"
    ACTION_API = "action_api"
    PAGE = "page"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Which part of an entity an answer holds, and in which dress.

    None means "not given": the surface's default applies. Values are as Wikibase understands them: names in `props`
    that it would ignore with a warning are left out (none left: an empty set); `languages` and `site_filter` are as
    asked, since which codes exist is the wiki's configuration (all unknown: no filter at all, wikibase.md 1.1.1).
    `format` is as sent (api.php's default is "jsonfm", an HTML page). `format_version` 0: one that the wiki refuses.
    `follow_redirects` False: wbgetentities says missing, EntityData 303, prop=revisions gives the redirect itself.
    """

    props: frozenset[str] | None = None
    languages: tuple[str, ...] | None = None
    language_fallback: bool = False
    site_filter: tuple[str, ...] | None = None
    format: str = "json"
    format_version: int = 1
    follow_redirects: bool = True
    callback: str | None = None  # JSONP: the body is wrapped, and the wiki answers as to an anonymous client
    statement: str | None = None  # wbgetclaims: the GUID asked for, as sent
    property_id: str | None = None  # wbgetclaims, REST statements: only this property, as sent
    rank: str | None = None  # wbgetclaims: only this rank, as sent
    part: tuple[str, ...] = ()  # REST: the path below the entity, as ("labels", "en") or ("statements", "Q5$…")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRead:
    """A request that reads entities.

    `entities` are canonical ids in the order of first appearance, each once; empty when only titles, or in REVISIONS
    only page ids, revision ids or a generator, name the pages. `by_title` holds the (site, title) pairs of
    wbgetentities as sent. `others` are the values given as ids that are none here, as sent: malformed (then the wiki
    refuses the whole request) or with a repository prefix (then missing). `values_asked` counts the ids, sites or
    titles with repeats: above 50 only accounts with higher limits get an answer.
    """

    surface: Surface
    entities: tuple[EntityId, ...]
    revision: int | None = None  # a pinned revision id; None: the head
    by_title: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()
    values_asked: int = 1
    projection: Projection = field(default_factory=Projection)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityWrite:
    """A request that writes entities, or is made to; whether the wiki takes it, its answer tells.

    `entities` are the ids of the pages that the module addresses (the lexeme, for forms and senses; both sides of a
    merge or redirect). It is empty for creations, for ids that are none, and where the request does not tell the
    page: by page id, by revision id, by the file imported. `by_title` holds the (site, title) pairs by which an item
    is addressed. `module` is from a fixed table, a metric label.
    """

    surface: Surface
    module: str
    entities: tuple[EntityId, ...] = ()
    by_title: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A request that cutover passes through without an opinion. `reason` is a short fixed word, counted."""

    reason: str


Route: TypeAlias = EntityRead | EntityWrite | NotOurs


@dataclass(frozen=True, slots=True)
class NeedsBody:
    """The answer depends on a body that was not given: call again with it, or treat the request as undecided."""


class Entry(StrEnum):
    """The scripts through which MediaWiki is reached (wikibase.md 0.1)."""

    API = "api.php"
    REST = "rest.php"
    INDEX = "index.php"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How the URLs of this wiki look (wikibase.md 0.1, 0.3).

    Entity types without a namespace here do not exist on the wiki: `L1` is then a malformed id, as it is for the wiki.
    `namespace_names` holds all names and aliases of the entity namespaces. Of the special and EntityData names one
    that is not English is the wiki's own, to which it redirects the others; the English ones always work.
    """

    script_paths: tuple[str, ...] = ("/w", "")  # without trailing slash; "" also matches /api.php at the root
    article_path: str = "/wiki/$1"
    entity_namespaces: Mapping[str, int] = field(default_factory=lambda: {"item": 120, "property": 122})
    namespace_names: Mapping[str, int] = field(default_factory=lambda: {"Item": 120, "Property": 122})
    special_names: tuple[str, ...] = ("Special",)  # the canonical name and the localised ones
    entitydata_names: tuple[str, ...] = ("EntityData",)  # the canonical name and the localised ones
    special_aliases: Mapping[str, str] = field(default_factory=dict)  # localised name of another special page: English

    # Derived, so that recognising one request computes nothing about the site.
    entries: Mapping[str, Entry] = field(init=False, repr=False, compare=False)
    article_prefix: str | None = field(init=False, repr=False, compare=False)
    article_suffix: str = field(init=False, repr=False, compare=False)
    namespaces: Mapping[str, int] = field(init=False, repr=False, compare=False)
    types_by_namespace: Mapping[int, frozenset[str]] = field(init=False, repr=False, compare=False)
    entity_letters: frozenset[str] = field(init=False, repr=False, compare=False)
    special_pages: Mapping[str, str] = field(init=False, repr=False, compare=False)
    entitydata_title: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        prefix, found, suffix = self.article_path.partition("$1")
        by_path = bool(found) and "?" not in prefix
        derived = {
            "entries": dict(_entries(self.script_paths)),
            "article_prefix": prefix if by_path else None,
            "article_suffix": suffix if by_path else "",
            "namespaces": _namespaces(self.namespace_names, self.special_names),
            "types_by_namespace": {
                number: frozenset(kind for kind, where in self.entity_namespaces.items() if where == number)
                for number in self.entity_namespaces.values()
            },
            "entity_letters": frozenset(letter for kind, letter in _LETTERS.items() if kind in self.entity_namespaces),
            "special_pages": {
                **{_fold(alias): name.casefold() for alias, name in self.special_aliases.items()},
                **{_fold(name): "entitydata" for name in ("EntityData", *self.entitydata_names)},
            },
            "entitydata_title": f"{_own(self.special_names, 'Special')}:{_own(self.entitydata_names, 'EntityData')}",
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)


# The types that the wb* modules know; an EntitySchema is none of them (wikibase.md 0.3). Forms and senses begin with L.
_LETTERS = {"item": "Q", "property": "P", "lexeme": "L", "mediainfo": "M"}


def _entries(script_paths: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    """Give each path that reaches a script. A script directory itself answers as index.php."""
    for script_path in script_paths:
        base = script_path.rstrip("/")
        yield f"{base}/", Entry.INDEX
        for entry in Entry:
            yield f"{base}/{entry.value}", entry


NAMESPACE_MEDIA = -2
NAMESPACE_SPECIAL = -1
NAMESPACE_FILE = 6


def _namespaces(names: Mapping[str, int], special_names: tuple[str, ...]) -> dict[str, int]:
    """Return namespace numbers by folded name; MediaWiki's own names that matter here are always there."""
    always = {"Special": NAMESPACE_SPECIAL, "File": NAMESPACE_FILE, "Image": NAMESPACE_FILE, "Media": NAMESPACE_MEDIA}
    localised = dict.fromkeys(special_names, NAMESPACE_SPECIAL)
    return {_fold(name): number for name, number in {**always, **names, **localised}.items()}


def _fold(name: str) -> str:
    return name.replace("_", " ").casefold()


def _own(names: tuple[str, ...], english: str) -> str:
    """Return the name that the wiki itself uses: the first one that is not the English one."""
    return next((name.replace(" ", "_") for name in names if name.casefold() != english.casefold()), english)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """As much of an HTTP request as recognition looks at. `target` is the request target as sent, with the query."""

    method: str
    target: str
    content_type: str | None = None
    accept: str | None = None
    body: bytes | None = None  # None: not read (yet)
