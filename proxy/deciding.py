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
from rules.phases import Phase
from rules.plan import Side, plan
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, NeedsBody, Request, Route, Site
from wikibase.render.outcome import Answer

MAY_CONCERN_ENTITIES = re.compile(rb"/api\.php|rest\.php|/entity/|title=|:|%3a|index\.php/", re.IGNORECASE)
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})

UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its body: `framed` as on the wire, `body` as meant."""

    head: RequestHead
    phase: Phase
    framed: bytes = b""
    body: bytes = b""


class Edits(Protocol):
    """Who stands at the fence when something is written."""

    def begin(self, exchange: Exchange, write: EntityWrite | None, forward: Callable[[], None]) -> None:
        """Announce an edit, `forward` it, and look at its answer. `write` None: nobody could read what is edited."""


class Watching(Protocol):
    """Who is told what became of a request."""

    def forwarded(self, exchange: Exchange, asked: Asked) -> None:
        """Learn that the wiki will answer a read."""

    def answered(self, exchange: Exchange, asked: Asked, answer: Answer, raw: bytes) -> None:
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
    ) -> None:
        """`forward` sends an exchange's request to the wiki."""
        self._site = site
        self._reads = reads
        self._edits = edits
        self._watching = watching
        self._forward = forward
        self._form_bytes_max = form_bytes_max

    def begin(self, exchange: Exchange, head: RequestHead, phase: Phase) -> None:
        """Decide what happens to a request, at once or when its form is there."""
        if not MAY_CONCERN_ENTITIES.search(head.target):
            self._forward(exchange)
            return
        route = self._recognise(head, None if head.body else b"")
        if not isinstance(route, NeedsBody):
            self._carry_out(exchange, Asked(head, phase), route)
        elif b"expect" in head.fields.found:
            self._undecided(exchange)  # the client waits for the wiki's leave before it sends anything
        else:
            exchange.hold(self._form_bytes_max, lambda framed: self._with_body(exchange, head, phase, framed))

    def _with_body(self, exchange: Exchange, head: RequestHead, phase: Phase, framed: bytes | None) -> None:
        if framed is None:
            self._undecided(exchange)
            return
        asked = Asked(head, phase, framed, join_chunks(framed) if head.body == CHUNKED else framed)
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
        if isinstance(route, EntityWrite) and asked.head.method not in _SAFE:
            self._edits.begin(exchange, route, lambda: self._forward(exchange))
        elif not isinstance(route, EntityRead):
            self._forward(exchange)
        elif plan(asked.phase, route).answered_by is Side.STORE:
            self._ask_store(exchange, asked, route)
        else:
            self._to_wiki(exchange, asked)

    def _ask_store(self, exchange: Exchange, asked: Asked, read: EntityRead) -> None:
        def answered(answer: Answer) -> None:
            self._watching.counted("answered")
            raw = framed(answer, asked.head)
            self._watching.answered(exchange, asked, answer, raw)
            exchange.answer(raw, answer.status)

        def otherwise(reason: str) -> None:
            self._watching.counted(reason)
            self._to_wiki(exchange, asked)

        self._reads.take(exchange, _request(asked), read, answered=answered, otherwise=otherwise)

    def _to_wiki(self, exchange: Exchange, asked: Asked) -> None:
        self._watching.forwarded(exchange, asked)
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
