"""The record of one entity, as wbgetentities and EntityData print it, in one formatversion's escaping.

What does not depend on the request but for the choice of parts is made once per revision and remembered by the
caller's `Memo`: statements with hashes are the dear part. Keys of the memory hold the revision, so nothing in it
ever goes stale; data types of properties and the escaping are part of the key.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wikibase.ids import entity_type
from wikibase.render.entity import TERMS, Content, Known, claims_json, sitelinks_json, terms_json
from wikibase.render.facts import RenderingFacts
from wikibase.render.fallback import Link, with_fallback
from wikibase.render.found import Found, content_of, page_info
from wikibase.render.php_json import print_result

Json = Any


class Memo(Protocol):
    """Remembers what was made for a key, within bounds."""

    def __call__(self, key: Hashable, make: Callable[[], bytes], /) -> bytes:
        """Return what was made for the key, or make it."""


def make_each_time(_key: Hashable, make: Callable[[], bytes], /) -> bytes:
    """Remember nothing: the simplest Memo."""
    return make()


ALL_PROPS = frozenset({"info", "sitelinks", "aliases", "labels", "descriptions", "claims", "datatype"})
_PARTS = ("labels", "descriptions", "aliases", "claims", "sitelinks")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which parts of entities are shown. None: all languages, all sites. `chains`: fallback by language asked."""

    props: frozenset[str] = ALL_PROPS
    urls: bool = False
    languages: tuple[str, ...] | None = None
    sites: frozenset[str] | None = None
    chains: Mapping[str, tuple[Link, ...]] | None = None

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing but the choice of parts depends on the request."""
        return self.languages is None and self.sites is None


@dataclass(frozen=True, slots=True)
class Renderer:
    """Prints records. `version_of_types` changes whenever `known` says something else of a property."""

    facts: RenderingFacts
    known: Known
    version_of_types: Hashable
    memo: Memo
    ascii_only: bool

    def record(self, found: Found, selection: Selection, redirected: tuple[str, str] | None = None) -> bytes:
        """Return the JSON object of one entity. `redirected`: the id asked for and the one that is shown."""
        content = content_of(found)
        kind = entity_type(found.revision.entity_id).value
        if not selection.props:
            return self._print({"id": content["id"], "type": kind})
        first: dict[str, Json] = page_info(found, self.facts) if "info" in selection.props else {}
        if redirected:
            first["redirects"] = {"from": redirected[0], "to": redirected[1]}
        first["type"] = kind
        if "datatype" in content:
            first["datatype"] = content["datatype"]
        first["id"] = content["id"]
        opening = self._print(first)[:-1]
        if selection.is_plain:
            shown = tuple(part for part in _PARTS if part in selection.props)
            key = (*self._key(found), "parts", shown, selection.urls, self.version_of_types)
            return opening + self.memo(key, lambda: self._parts(found, content, selection)) + b"}"
        return opening + self._parts(found, content, selection) + b"}"

    def claims(self, found: Found, content: Content) -> bytes:
        """Return the statements of an entity as a JSON object."""
        key = (*self._key(found), "claims", self.version_of_types)
        return self.memo(key, lambda: self._print(claims_json(content, self.known)))

    def _key(self, found: Found) -> tuple[Hashable, ...]:
        revision = found.revision
        return (revision.entity_id, revision.rev_id, revision.wiki_sha1, revision.timestamp, self.ascii_only)

    def _parts(self, found: Found, content: Content, selection: Selection) -> bytes:
        pieces = []
        for part in _PARTS:
            if part not in selection.props or (part not in content and part != "claims"):
                continue
            if part == "claims":
                shown = self.claims(found, content)
            elif part in TERMS:
                shown = self._print(self._terms(part, content[part], selection))
            else:
                links = sitelinks_json(content[part], self.facts, urls=selection.urls, sites=selection.sites)
                shown = self._print(links)
            pieces.append(b',"' + part.encode() + b'":' + shown)
        return b"".join(pieces)

    def _terms(self, part: str, terms: Content, selection: Selection) -> dict[str, Json]:
        if selection.chains is not None and part != "aliases":
            return with_fallback(terms, selection.chains)
        return terms_json(terms, selection.languages)

    def _print(self, value: Json) -> bytes:
        return print_result(value, ascii_only=self.ascii_only)
