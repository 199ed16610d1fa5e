"""Answers to recognised entity reads, made from the store; or Declined, with the reason why the wiki is to answer.

One table: surface -> how. A deadline, the fence and falling back on errors of the store are the caller's. What is
answered, what is not and why: docs/reads-from-the-store.md.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from proxy.reads.fragments import Fragments
from proxy.reads.request import ReadRequest, read_values, refuse_headers
from proxy.reads.sources import Sources
from rules.routes.parameters import read_integer
from rules.routes.route import EntityRead, Surface
from wikibase.ids import EntityId, EntityType, entity_type
from wikibase.render import entitydata, rest_v0, rest_v1, wbgetclaims, wbgetentities
from wikibase.render.api_answer import error_answer, result_answer
from wikibase.render.api_call import ApiError, Call, Dress, read_dress, warn_of_unused
from wikibase.render.entity import properties_of
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, Heads, content_of, is_redirect, redirect_target
from wikibase.render.outcome import Answer, Decline, Declined, DeclinedError
from wikibase.render.record import Renderer
from wikibase.revision import State

_REST_PATH = re.compile(r"^[^?]*/rest\.php/wikibase/(v[0-9]+)/")
_METHODS = frozenset({"GET", "HEAD", "POST"})
_RENDERED_TYPES = frozenset({EntityType.ITEM, EntityType.PROPERTY})
RENDERED = frozenset({Surface.WBGETENTITIES, Surface.WBGETCLAIMS, Surface.ENTITYDATA, Surface.REST})
"""The surfaces that can be answered."""

PAIRS_MAX = 100
"""More pairs of site and title than this are the wiki's to look up."""


class SiteLinkLookup(Protocol):
    """Finds items by site link. None: it is known that no item has the link."""

    async def item_of(self, site: str, title: str) -> EntityId | None:
        """Return the item; `title` has spaces, no underscores."""


class StoreAnswers:
    """Answers reads. `counts` has how many were answered ("answered") or declined, by reason."""

    def __init__(
        self,
        sources: Sources,
        facts: RenderingFacts,
        *,
        fragments_bytes: int,
        site_links: SiteLinkLookup | None = None,
        surfaces: Collection[Surface] = RENDERED,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`fragments_bytes`: bound of the remembered pieces of answers. `surfaces`: those that are answered at all.

        `now`: UTC, for Expires.
        """
        self._sources = sources
        self._facts = facts
        self._site_links = site_links
        self._now = now
        self.fragments = Fragments(fragments_bytes)
        self.counts: Counter[str] = Counter()
        renders: Mapping[Surface, Callable[[ReadRequest, EntityRead], Awaitable[Answer]]] = {
            Surface.WBGETENTITIES: self._wbgetentities,
            Surface.WBGETCLAIMS: self._wbgetclaims,
            Surface.ENTITYDATA: self._entitydata,
            Surface.REST: self._rest,
        }
        self._renders = {surface: render for surface, render in renders.items() if surface in surfaces}

    async def answer(self, request: ReadRequest, route: EntityRead) -> Answer | Declined:
        """Return the answer to a read, or why there is none. Raises what the store raises."""
        try:
            answer = await self._answer(request, route)
        except DeclinedError as error:
            self.counts[str(error.declined.reason)] += 1
            return error.declined
        self.counts["answered"] += 1
        if request.method == "HEAD" and answer.body:
            return Answer(answer.status, answer.headers, b"", answer.revisions)
        return answer

    async def _answer(self, request: ReadRequest, route: EntityRead) -> Answer:
        render = self._renders.get(route.surface)
        if render is None:
            raise DeclinedError(Decline.SURFACE, str(route.surface))
        if request.method not in _METHODS:
            raise DeclinedError(Decline.METHOD, request.method)
        refuse_headers(request)
        if any(entity_type(one) not in _RENDERED_TYPES for one in route.entities):
            raise DeclinedError(Decline.ENTITY_TYPE)
        return await render(request, route)

    async def _wbgetentities(self, request: ReadRequest, _route: EntityRead) -> Answer:
        call = Call(read_values(request), self._facts, request.is_anonymous)
        dress = read_dress(call, wbgetentities.PARAMETERS)
        try:
            asked = wbgetentities.read_call(call)
            titles = await self._titles(asked)
            ids = wbgetentities.asked_entities(asked, titles)
            heads = await self._sources.heads(ids, hops=1 if asked.follow_redirects else 0)
            shows_claims = "claims" in asked.selection.props
            renderer = await self._renderer(heads if shows_claims else {}, dress)
            if shows_claims:
                await _make_claims(heads, renderer)
            body, marks = wbgetentities.result_body(asked, titles, heads, renderer)
        except ApiError as error:
            return error_answer(call, dress, error)
        warn_of_unused(call, wbgetentities.PARAMETERS)
        return result_answer(call, dress, body, marks, self._now())

    async def _wbgetclaims(self, request: ReadRequest, _route: EntityRead) -> Answer:
        call = Call(read_values(request), self._facts, request.is_anonymous)
        dress = read_dress(call, wbgetclaims.PARAMETERS)
        heads: Heads = {}
        try:
            asked = wbgetclaims.read_call(call)
            heads = await self._sources.heads([asked.entity_id], hops=0)
            renderer = await self._renderer(heads, dress)
            body, marks = wbgetclaims.result_body(asked, heads, renderer, call)
        except ApiError as error:
            return error_answer(call, dress, error, [found.mark for found in heads.values() if found])
        warn_of_unused(call, wbgetclaims.PARAMETERS)
        return result_answer(call, dress, body, marks, self._now())

    async def _entitydata(self, request: ReadRequest, route: EntityRead) -> Answer:
        values = read_values(request)
        for name in values:
            if name not in entitydata.PARAMETERS:
                raise DeclinedError(Decline.PARAMETER, name[:40])
        if not route.projection.follow_redirects:
            raise DeclinedError(Decline.PARAMETER, "redirect")
        [entity_id] = route.entities
        asked = entitydata.DataCall(
            entity_id=entity_id,
            rev_id=route.revision,
            path=request.target,
            since=request.headers.get("if-modified-since"),
            flavor=values.get("flavor"),
            anonymous=request.is_anonymous,
            english=request.is_anonymous and self._facts.content_language == "en",
        )
        if asked.rev_id is not None:
            return await self._entitydata_of_revision(asked, asked.rev_id)
        heads = await self._sources.heads([entity_id], hops=entitydata.HOPS_MAX)
        passed: list[Found] = []
        while (found := heads.get(entity_id)) is not None and is_redirect(found):
            if found in passed or redirect_target(found) not in heads:
                raise DeclinedError(Decline.REDIRECT_CHAIN)
            if read_integer(values.get("revision", "")) < 0:
                raise DeclinedError(Decline.VALUE, "revision")  # the head, but its redirect is not followed
            passed.append(found)
            entity_id = redirect_target(found)
        if found is None:
            return entitydata.no_entity(asked, entity_id, self._facts)
        unchanged = entitydata.unchanged_answer(asked, found, self._facts, passed)
        if unchanged is not None:
            return unchanged
        renderer = await self._renderer({entity_id: found}, _OF_ENTITYDATA)
        return entitydata.data_answer(asked, found, renderer, passed)

    async def _entitydata_of_revision(self, asked: entitydata.DataCall, rev_id: int) -> Answer:
        found = await self._sources.revision(asked.entity_id, rev_id)
        if found is None:
            return entitydata.no_revision(asked, self._facts)
        renderer = await self._renderer({asked.entity_id: found}, _OF_ENTITYDATA)
        return entitydata.revision_answer(asked, found, renderer)

    async def _rest(self, request: ReadRequest, route: EntityRead) -> Answer:
        found = _REST_PATH.search(request.target)
        version = found[1] if found else ""
        if version not in self._facts.rest_versions or version not in ("v0", "v1"):
            raise DeclinedError(Decline.REST_VERSION)
        if not request.is_anonymous:
            raise DeclinedError(Decline.IDENTITY, "the wiki names the account in a header")
        answer = await (self._rest_v0 if version == "v0" else self._rest_v1)(request, route)
        return replace(answer, headers=(*answer.headers, *self._facts.rest_headers))

    async def _rest_v0(self, request: ReadRequest, route: EntityRead) -> Answer:
        [entity_id] = route.entities
        if entity_type(entity_id) is not EntityType.ITEM:
            raise DeclinedError(Decline.SURFACE, "REST v0 has items only")
        values = read_values(request)
        if values.keys() - {"_fields"}:
            raise DeclinedError(Decline.PARAMETER, "REST")
        segments = request.target.partition("?")[0].partition("/wikibase/v0/")[2].split("/")
        by_item = segments[0] == "entities"
        asked = rest_v0.read_call(
            entity_id,
            route.projection.part,
            request.headers,
            sent_id=segments[2] if by_item else str(entity_id),
            query=request.query,
            fields=values.get("_fields"),
            by_item=by_item,
        )
        early = rest_v0.early_answer(asked)
        if early is not None:
            return early
        heads = await self._sources.heads([entity_id], hops=0 if asked.statement is None else 1)
        found = heads[entity_id]
        target = None
        used: frozenset[str] = frozenset()
        if found is not None and is_redirect(found):
            target = heads.get(redirect_target(found))
        elif found is not None:
            used = rest_v0.used_properties(asked, content_of(found))
        known, _ = await self._sources.known(used)
        return rest_v0.item_answer(asked, found, known, self._facts, target)

    async def _rest_v1(self, request: ReadRequest, route: EntityRead) -> Answer:
        [entity_id] = route.entities
        if not _names(request.target, entity_id):
            raise DeclinedError(Decline.VALUE, "an id in another spelling")
        asked = rest_v1.read_call(entity_id, route.projection.part, request.headers, read_values(request))
        found = (await self._sources.heads([entity_id], hops=0))[entity_id]
        if found is None or is_redirect(found):
            raise DeclinedError(Decline.ERROR, "missing or a redirect")
        known, _ = await self._sources.known(rest_v1.used_properties(asked, content_of(found)))
        return rest_v1.data_answer(asked, found, known, self._facts)

    async def _titles(self, asked: wbgetentities.EntitiesCall) -> wbgetentities.Titles:
        """Return the items of a call's pairs. Raises DeclinedError where only the wiki or the site can tell."""
        if not asked.pairs:
            return {}
        if self._site_links is None:
            raise DeclinedError(Decline.SITE_LINKS, "no lookup")
        if len(asked.pairs) > PAIRS_MAX:
            raise DeclinedError(Decline.SITE_LINKS, "many pairs")
        titles: dict[tuple[str, str], EntityId | None] = {}
        for site, title in dict.fromkeys(asked.pairs):
            plain = title.strip(" ")
            if not plain or not (plain[0] + plain[-1]).isprintable() or not plain.isprintable():
                raise DeclinedError(Decline.SITE_LINKS, "an odd title")
            titles[site, title] = await self._site_links.item_of(site, plain.replace("_", " "))
            if titles[site, title] is None and asked.normalize:
                raise DeclinedError(Decline.SITE_LINKS, "normalize")
        return titles

    async def _renderer(self, shown: Heads, dress: Dress) -> Renderer:
        """Return what prints the entities shown, with the data types of all their properties."""
        used: set[str] = set()
        for found in shown.values():
            if found is not None and found.revision.state is State.VISIBLE:
                used.update(self._properties(found))
        known, version = await self._sources.known(used)
        return Renderer(self._facts, known, version, self.fragments, dress.ascii_only)

    def _properties(self, found: Found) -> list[str]:
        """Return the properties of an entity's snaks, remembered as it is of no use to look for them again."""
        revision = found.revision
        key = ("properties", revision.entity_id, revision.rev_id, revision.wiki_sha1, revision.timestamp)
        names = self.fragments(key, lambda: "|".join(sorted(properties_of(content_of(found)))).encode())
        return names.decode().split("|") if names else []


async def _make_claims(heads: Heads, renderer: Renderer) -> None:
    """Render the statements of many entities one by one, so that others have their turn in between."""
    if len(heads) > 1:
        for found in heads.values():
            if found is not None and found.revision.state is State.VISIBLE:
                renderer.claims(found, content_of(found))
                await asyncio.sleep(0)


def _names(target: str, entity_id: EntityId) -> bool:
    """Tell whether a path names an entity in its canonical spelling, by itself or in a statement's id."""
    path = target.partition("?")[0].replace("%24", "$")
    return re.search(rf"/{re.escape(entity_id)}(?:[/$]|$)", path) is not None


_OF_ENTITYDATA = Dress(version=1, ascii_only=True, callback=None, request_id=None, ages=(0, 0))
