"""What happens to a request in the phases where the wiki does not answer everything: recognise, plan, carry out.

Only what may concern entities is recognised before it goes on; a form is waited for (bounded) where it can change the
answer. What cannot be told apart in time is left to the wiki, as an edit that nobody could read: the fence is told.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from proxy.answering import StoreReads, framed
from proxy.reads.request import ReadRequest
from proxy.wire.chunks import join_chunks
from proxy.wire.exchange import Exchange
from proxy.wire.head import CHUNKED, RequestHead
from rules.overrides import SliceFacts
from rules.phases import Phase, Reads
from rules.plan import Side, plan, slice_of
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, NeedsBody, Request, Route, Site
from wikibase.render.outcome import Answer

MAY_CONCERN_ENTITIES = re.compile(rb"/api\.php|rest\.php|/entity/|title=|:|%3a|index\.php/", re.IGNORECASE)

UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its body: `framed` as on the wire, `body` as meant."""

    head: RequestHead
    framed: bytes = b""
    body: bytes = b""


class Edits(Protocol):
    """Who stands at the fence when something is written."""

    def begin(self, exchange: Exchange, write: EntityWrite | None, forward: Callable[[], None]) -> None:
        """Announce an edit, `forward` it, and look at its answer. `write` None: nobody could read what is edited."""

    def ended(self, exchange: Exchange) -> None:
        """Learn that an exchange is over, however. Told of every one."""


class Watching(Protocol):
    """Who is told what became of a request."""

    def forwarded(self, exchange: Exchange, asked: Asked, phase: Phase) -> None:
        """Learn that the wiki will answer a read."""

    def answered(self, exchange: Exchange, asked: Asked, phase: Phase, answer: Answer, raw: bytes) -> None:
        """Learn that the store answers a read; `raw` is what the client gets."""

    def counted(self, what: str) -> None:
        """Count why the store did not answer a read, or that it did."""

    def recognised(self, route: Route) -> None:
        """Count a route."""


class Deciding:
    """Decides request by request. One per worker."""

    def __init__(
        self,
        site: Site,
        reads: StoreReads,
        edits: Edits,
        watching: Watching,
        forward: Callable[[Exchange], None],
        *,
        form_bytes_max: int,
        fencing: Callable[[], bool],
        effective: Callable[[SliceFacts], Phase],
    ) -> None:
        """`forward` sends an exchange's request to the wiki.

        `fencing`: whether edits must be announced. `effective`: the phase of one request, overrides and lease included.
        """
        self._site = site
        self._reads = reads
        self._edits = edits
        self._watching = watching
        self._forward = forward
        self._form_bytes_max = form_bytes_max
        self._effective = effective
        self.fencing = fencing

    def ended(self, exchange: Exchange) -> None:
        """Learn that an exchange is over."""
        self._edits.ended(exchange)

    def begin(self, exchange: Exchange, head: RequestHead) -> None:
        """Decide what happens to a request, at once or when its form is there."""
        if not MAY_CONCERN_ENTITIES.search(head.target):
            self._forward(exchange)
            return
        route = self._recognise(head, None if head.body else b"")
        if not isinstance(route, NeedsBody):
            self._carry_out(exchange, Asked(head), route)
        elif b"expect" in head.fields.found:
            self._undecided(exchange)  # the client waits for the wiki's leave before it sends anything
        else:
            exchange.hold(self._form_bytes_max, lambda framed: self._with_body(exchange, head, framed))

    def _with_body(self, exchange: Exchange, head: RequestHead, framed: bytes | None) -> None:
        if framed is None:
            self._undecided(exchange)
            return
        asked = Asked(head, framed, join_chunks(framed) if head.body == CHUNKED else framed)
        route = self._recognise(head, asked.body)
        if isinstance(route, NeedsBody):
            self._undecided(exchange)
        else:
            self._carry_out(exchange, asked, route)

    def _undecided(self, exchange: Exchange) -> None:
        self._watching.counted(UNDECIDED)
        self._edits.begin(exchange, None, lambda: self._forward(exchange))

    def _carry_out(self, exchange: Exchange, asked: Asked, route: Route) -> None:
        self._watching.recognised(route)
        if isinstance(route, EntityWrite):
            self._edits.begin(exchange, route, lambda: self._forward(exchange))
        elif not isinstance(route, EntityRead):
            self._forward(exchange)
        else:
            headers = dict(asked.head.fields.pairs())
            phase = self._effective(slice_of(route, headers))
            if plan(phase, route).answered_by is Side.STORE:
                self._ask_store(exchange, asked, route, phase)
            else:
                self._to_wiki(exchange, asked, phase)

    def _ask_store(self, exchange: Exchange, asked: Asked, read: EntityRead, phase: Phase) -> None:
        def answered(answer: Answer) -> None:
            self._watching.counted("answered")
            raw = framed(answer, asked.head)
            self._watching.answered(exchange, asked, phase, answer, raw)
            exchange.answer(raw, answer.status)

        def otherwise(reason: str) -> None:
            self._watching.counted(reason)
            self._to_wiki(exchange, asked, phase)

        self._reads.take(exchange, _request(asked), read, answered=answered, otherwise=otherwise)

    def _to_wiki(self, exchange: Exchange, asked: Asked, phase: Phase) -> None:
        if phase.reads is not Reads.LEGACY:
            self._watching.forwarded(exchange, asked, phase)
        self._forward(exchange)

    def _recognise(self, head: RequestHead, body: bytes | None) -> Route | NeedsBody:
        return recognise(
            Request(
                method=head.method.decode("ascii"),
                target=head.target.decode("latin-1"),
                content_type=_text(head, b"content-type"),
                accept=_text(head, b"accept"),
                body=body,
            ),
            self._site,
        )


def _request(asked: Asked) -> ReadRequest:
    headers: dict[str, str] = {}
    for name, value in asked.head.fields.pairs():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ReadRequest(
        method=asked.head.method.decode("ascii"),
        target=asked.head.target.decode("latin-1"),
        headers=headers,
        body=asked.body,
    )


def _text(head: RequestHead, name: bytes) -> str | None:
    value = head.fields.first(name)
    return None if value is None else value.decode("latin-1")
