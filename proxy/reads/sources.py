"""What answers are made of, read from the store: heads with the targets of redirects, revisions, data types.

- Absence. The store may not have what the wiki has already (a follower lags). So an entity of which nothing is known
  is declined, unless `absence_is_known`: when the store is the one that is written to, or is known to be complete. A
  head that lies in the archive is a deletion that is known.
- Data types of properties come from the store's own property entities. They do not change, so they are remembered
  for `data_types_s`, and that a property is gone for `absent_s`. `version` changes whenever one of them is found to
  be another one than before: what was rendered with it is then made anew.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from backends.errors import CorruptError
from backends.reads import BATCH_MAX
from wikibase.ids import EntityId, parse_entity_id
from wikibase.render.entity import Known, known
from wikibase.render.facts import RenderingFacts
from wikibase.render.found import Found, Heads, is_redirect, redirect_target
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.revision import Revision, State


class Head(Protocol):
    """As much of a head as is looked at."""

    @property
    def page_id(self) -> int | None:
        """Return the number of the page that the entity is on now."""


class Reads(Protocol):
    """As much of `backends.reads.CachedReads` as is used."""

    async def head(self, entity_id: EntityId) -> Head | None:
        """Return the head, None when the store does not have the entity."""

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        """Return a revision, None when the store does not have it."""

    async def head_revisions(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, Revision | CorruptError]:
        """Return the heads' revisions of those that are there."""


class Sources:
    """Reads of the store for answers. Errors of the store go through: the caller falls back to the wiki."""

    def __init__(
        self,
        reads: Reads,
        facts: RenderingFacts,
        *,
        absence_is_known: bool = False,
        data_types_s: float = 300.0,
        absent_s: float = 5.0,
        remembered_max: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`remembered_max`: how many properties are remembered at most; beyond it they are forgotten at once."""
        self._reads = reads
        self._facts = facts
        self._absence_is_known = absence_is_known
        self._data_types_s, self._absent_s, self._remembered_max = data_types_s, absent_s, remembered_max
        self._clock = clock
        self._types: dict[str, tuple[str | None, float]] = {}  # property: data type, good until
        self.version = 0

    async def heads(self, entity_ids: Iterable[EntityId], *, hops: int) -> Heads:
        """Return the heads of entities and, as far as `hops`, of what they redirect to."""
        found: dict[EntityId, Found | None] = {}
        wanted = list(dict.fromkeys(entity_ids))
        for _ in range(hops + 1):
            found |= await self._heads(wanted)
            targets = [redirect_target(one) for key in wanted if (one := found[key]) and is_redirect(one)]
            wanted = [target for target in dict.fromkeys(targets) if target not in found]
            if not wanted:
                break
        return found

    async def revision(self, entity_id: EntityId, rev_id: int) -> Found | None:
        """Return a revision of an entity, None when it is known that the entity has no such revision to show."""
        head = await self._reads.head(entity_id)
        if head is None:
            self._check_absence("entity")
            return None
        try:
            revision = await self._reads.revision(entity_id, rev_id)
        except CorruptError as error:
            raise DeclinedError(Decline.UNREADABLE, "damaged") from error
        if revision is None:
            self._check_absence("revision")
            return None
        if head.page_id is None:
            raise DeclinedError(Decline.UNREADABLE, "no page")
        return Found(revision, head.page_id)

    async def known(self, properties: Iterable[str]) -> tuple[Known, int]:
        """Return what statements with these properties are rendered with, and the version of that knowledge."""
        now, version = self._clock(), self.version
        types: dict[str, str | None] = {}
        missing: list[EntityId] = []
        for prop in properties:
            kept = self._types.get(prop)
            if kept is not None and now < kept[1]:
                types[prop] = kept[0]
            elif (named := parse_entity_id(prop)) is not None and named[0] == "P":
                missing.append(named)
            else:
                raise DeclinedError(Decline.VALUE_UNDECODED, "a property that is none")
        if missing:
            types |= await self._data_types(missing, now)
        return known(types, self._facts), version

    async def _data_types(self, properties: Sequence[EntityId], now: float) -> dict[str, str | None]:
        heads = await self._heads(properties)
        if len(self._types) + len(properties) > self._remembered_max:
            self._types.clear()
            self.version += 1
        types: dict[str, str | None] = {}
        for prop, found in heads.items():
            content = found.revision.content if found else None
            data_type = content.get("datatype") if content else None
            if found and not isinstance(data_type, str):
                raise DeclinedError(Decline.UNREADABLE, "a property without a data type")
            known_before = self._types.get(prop)
            if known_before is not None and known_before[0] != data_type:
                self.version += 1
            types[prop] = data_type
            self._types[prop] = (data_type, now + (self._absent_s if data_type is None else self._data_types_s))
        return types

    async def _heads(self, entity_ids: Sequence[EntityId]) -> dict[EntityId, Found | None]:
        revisions: dict[EntityId, Revision | CorruptError] = {}
        for start in range(0, len(entity_ids), BATCH_MAX):
            revisions |= await self._reads.head_revisions(entity_ids[start : start + BATCH_MAX])
        return {entity_id: await self._found(entity_id, revisions.get(entity_id)) for entity_id in entity_ids}

    async def _found(self, entity_id: EntityId, revision: Revision | CorruptError | None) -> Found | None:
        if revision is None:
            self._check_absence("entity")
            return None
        if isinstance(revision, CorruptError):
            raise DeclinedError(Decline.UNREADABLE, "damaged")
        if revision.state is State.ARCHIVED:
            return None
        if revision.state not in (State.VISIBLE, State.REDIRECT):
            raise DeclinedError(Decline.UNREADABLE, str(revision.state))
        page_id = revision.page_id
        if page_id is None:
            head = await self._reads.head(entity_id)
            page_id = head.page_id if head else None
            if page_id is None:
                raise DeclinedError(Decline.UNREADABLE, "no page")
        return Found(revision, page_id)

    def _check_absence(self, what: str) -> None:
        if not self._absence_is_known:
            raise DeclinedError(Decline.NOT_IN_STORE, what)
