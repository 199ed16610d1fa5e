"""The fence behind edits: no client is told of a revision before every worker can know of it (invariant 6).

Before an edit is sent, its entities are announced, durably: from then on the wiki answers for them, on every worker.
When the answer is there, what it told is written down, and only then given: so that the store answers again as soon as
it has exactly that. Where an entity could not be announced (nobody knew it), the answer must not be given before; if
that cannot be done in time the client is told that its edit may have been saved, which is the truth.
"""

import asyncio
import itertools
import logging
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backends.errors import BackendError
from backends.ledger.floors import Floors
from proxy.fence import FenceLimits, ReadFence
from proxy.wire.chunks import join_chunks
from proxy.wire.exchange import Exchange
from proxy.wire.head import CHUNKED, ResponseHead
from rules.fence import NOTHING, Told, announced, named_revisions, unknown
from rules.routes.route import EntityWrite, Site
from wikibase.ids import EntityId

_log = logging.getLogger(__name__)
_INFLATED_MAX = 67_108_864
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS

Spawn = Callable[[Coroutine[Any, Any, None]], object]
StandIn = Callable[[Exchange, str, bool], None]
"""Answers an exchange in the wiki's stead: (exchange, reason, whether the wiki may have acted)."""


def _uncounted(what: str) -> None:
    _ = what


def _unheard(told: Told) -> None:
    _ = told


@dataclass(slots=True)
class _Edit:
    """One edit under way. `head` is the request's, by which its exchange is known again; `term` the lease's."""

    write: EntityWrite | None
    write_id: str
    entities: tuple[EntityId, ...]
    head: object
    term: int | None
    announced: bool = False
    forwarded: bool = False
    settling: bool = False


class EditFence:
    """Stands at the edits of one worker (`proxy.deciding.Edits`)."""

    def __init__(
        self,
        floors: Floors,
        *,
        worker: str,
        site: Site,
        fencing: Callable[[], bool],
        term: Callable[[], int | None],
        spawn: Spawn,
        stand_in: StandIn,
        limits: FenceLimits,
        count: Callable[[str], None] = _uncounted,
        told: Callable[[Told], None] = _unheard,
    ) -> None:
        """`term`: the number of the lease that holds now (`proxy.control.PhaseControl.term`).

        `told` is called with what an answer told, before it is written down: the follower may begin at once.
        """
        self._floors = floors
        self._worker = worker
        self._site = site
        self._fencing = fencing
        self._term = term
        self._spawn = spawn
        self._stand_in = stand_in
        self._limits = limits
        self._count = count
        self._tell = told
        self._numbers = itertools.count(1)
        self._under_way: dict[Exchange, _Edit] = {}
        self._owed: dict[str, tuple[_Edit, Told]] = {}

    @property
    def owed(self) -> int:
        """Return how many edits' ends could not be written down yet. Their entities are left to the wiki."""
        return len(self._owed)

    def begin(self, exchange: Exchange, write: EntityWrite | None, forward: Callable[[], None]) -> None:
        """Announce an edit, `forward` it, and look at its answer. `write` None: nobody could read what is edited."""
        if not self._fencing():
            forward()
            return
        number = f"{self._worker}-{next(self._numbers)}"
        edit = _Edit(write, number[-64:], announced(write), exchange.head, self._term())
        self._under_way[exchange] = edit
        exchange.delay_answer(self._limits.answer_bytes_max, lambda framed: self._answered(exchange, edit, framed))
        if edit.entities:
            self._spawn(self._announce(exchange, edit, forward))
        else:
            edit.forwarded = True
            forward()

    def ended(self, exchange: Exchange) -> None:
        """Learn that an exchange is over, however. Must be told of every one."""
        edit = self._under_way.pop(exchange, None)
        if edit is None or edit.settling or not (edit.announced or edit.forwarded):
            return
        # Nobody was told anything; but what was announced must not stay open, and the wiki may still save it.
        if edit.entities:
            self._owe(edit, unknown(edit.write) if edit.forwarded else NOTHING)

    def is_open(self, write_id: str) -> bool:
        """Tell whether an edit is under way here, or its end still has to be written down."""
        return write_id in self._owed or any(edit.write_id == write_id for edit in self._under_way.values())

    async def upkeep(self) -> None:
        """Write down what could not be written before. Raises backends.errors."""
        for write_id, (edit, told) in list(self._owed.items()):
            await self._floors.settle(write_id, edit.entities, told)
            self._owed.pop(write_id, None)

    async def _announce(self, exchange: Exchange, edit: _Edit, forward: Callable[[], None]) -> None:
        edit.announced = True  # perhaps: whoever hears nothing of it must take it back
        try:
            async with asyncio.timeout(self._limits.announce_timeout_s):
                await self._floors.announce(edit.write_id, edit.entities)
        except (BackendError, TimeoutError) as error:
            self._not_announced(exchange, edit, forward, str(error) or "no answer in time")
            return
        if exchange.head is edit.head:
            edit.forwarded = True
            forward()
        else:
            self._owe(edit, NOTHING)  # the client left before anything was sent

    def _not_announced(self, exchange: Exchange, edit: _Edit, forward: Callable[[], None], why: str) -> None:
        _log.error("an edit could not be announced: %s", why, extra={"action": "announce_failed"})
        here = exchange.head is edit.head
        if here and self._limits.without_ledger == "pass":
            self._count("edit_passed_unfenced")
            edit.forwarded = True
            forward()
            return
        edit.settling = True
        self._owe(edit, NOTHING)
        if here:
            self._count("edit_refused")
            self._stand_in(exchange, "edits wait for a moment, please try again", False)  # noqa: FBT003

    def _answered(self, exchange: Exchange, edit: _Edit, framed: bytes | None) -> None:
        if edit.settling:
            return
        edit.settling = True
        told = self._told(edit, exchange.response, framed)
        if not told.entities and not edit.entities:
            exchange.release_answer()
            return
        if not told.entities:  # refused, or nothing changed: whoever is told of no revision need not wait
            exchange.release_answer()
        if told.entities:
            self._tell(told)
        self._spawn(self._settle(exchange, edit, told))

    def _told(self, edit: _Edit, response: ResponseHead | None, framed: bytes | None) -> Told:
        if response is None:
            return unknown(edit.write)
        headers = {name.lower(): value for name, value in response.fields.pairs()}
        body = None if framed is None else _content(framed, response, headers)
        return named_revisions(edit.write, response.status, headers, body, self._site)

    async def _settle(self, exchange: Exchange, edit: _Edit, told: Told) -> None:
        unheard = [entity for entity in told.entities if entity not in edit.entities]
        passing = self._limits.without_ledger == "pass"
        # Without a lease for a moment, others may have taken the announcement over, and lifted it.
        unbroken = edit.term is not None and edit.term == self._term()
        must = bool(told.entities) and not passing and (bool(unheard) or not unbroken)
        try:
            async with asyncio.timeout(self._limits.release_timeout_s if must else self._limits.settle_wait_s):
                await self._floors.settle(edit.write_id, edit.entities, told)
        except (BackendError, TimeoutError) as error:
            self._owe(edit, told)
            _log.warning("what an edit made is not written down yet: %s", str(error) or "no answer in time")
            if must and exchange.head is edit.head:
                self._count("edit_withheld")
                self._stand_in(exchange, "the wiki's answer could not be given in time", True)  # noqa: FBT003
                return
        if exchange.head is edit.head:
            exchange.release_answer()

    def _owe(self, edit: _Edit, told: Told) -> None:
        if not edit.entities and not told.entities:
            return
        if len(self._owed) >= self._limits.owed_max:
            # Too many: what was announced stays with the wiki until this worker is gone and others take over.
            self._count("edit_end_lost")
            return
        self._owed[edit.write_id] = (edit, told)


async def keep_up(
    reads: ReadFence,
    edits: EditFence,
    alive: Callable[[], Awaitable[Iterable[str]]],
    stop: asyncio.Event,
    every_s: float,
) -> None:
    """Keep the floors in order until `stop`. `alive`: the names of the workers that take part."""
    while not stop.is_set():
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            try:
                await edits.upkeep()
                await reads.upkeep(await alive(), edits.is_open)
            except BackendError as error:
                _log.warning("the floors could not be looked after: %s", error, extra={"action": "fence_upkeep_failed"})


def _content(framed: bytes, response: ResponseHead, headers: Mapping[str, str]) -> bytes | None:
    """Return an answer's content, None where it cannot be read."""
    body = join_chunks(framed) if response.body == CHUNKED else framed
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    if coding not in ("gzip", "deflate", "x-gzip"):
        return None
    inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        return inflating.decompress(body, _INFLATED_MAX)
    except zlib.error:
        return None
