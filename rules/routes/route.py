"""The three answers of recognition, as values: entity read, entity write, not ours."""

from collections.abc import Mapping
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

    None means "not given": the surface's default applies. Values are as Wikibase understands them.
    """

    props: frozenset[str] | None = None
    languages: tuple[str, ...] | None = None
    language_fallback: bool = False
    site_filter: tuple[str, ...] | None = None
    format: str = "json"
    format_version: int = 1
    follow_redirects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRead:
    """A request that reads entities. `by_title` holds (site, title) pairs when ids are not given."""

    surface: Surface
    entities: tuple[EntityId, ...]
    revision: int | None = None  # a pinned revision id; None: the head
    by_title: tuple[tuple[str, str], ...] = ()
    projection: Projection = field(default_factory=Projection)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityWrite:
    """A request that writes entities. `entities` is empty for creations and where only the body of a page tells."""

    surface: Surface
    module: str
    entities: tuple[EntityId, ...] = ()


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A request that cutover passes through without an opinion. `reason` is a short fixed word, counted."""

    reason: str


Route: TypeAlias = EntityRead | EntityWrite | NotOurs


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How the URLs of this wiki look (wikibase.md 0.1, 0.3)."""

    script_paths: tuple[str, ...] = ("/w", "")  # without trailing slash; "" also matches /api.php at the root
    article_path: str = "/wiki/$1"
    entity_namespaces: Mapping[str, int] = field(default_factory=lambda: {"item": 120, "property": 122})
    namespace_names: Mapping[str, int] = field(default_factory=lambda: {"Item": 120, "Property": 122})
    special_names: tuple[str, ...] = ("Special",)  # the canonical name and the localised ones
    entitydata_names: tuple[str, ...] = ("EntityData",)  # the canonical name and the localised ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """As much of an HTTP request as recognition looks at. `target` is the request target as sent, with the query."""

    method: str
    target: str
    content_type: str | None = None
    accept: str | None = None
    body: bytes | None = None  # None: not read (yet)
