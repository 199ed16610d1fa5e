"""The seam between the wire and what decides: one exchange, who handles it, who watches it."""

from typing import Protocol

from proxy.wire.head import RequestHead, ResponseHead


class Exchange(Protocol):
    """A request under way, as its handler sees it. `head` is None before and after."""

    head: RequestHead | None
    response: ResponseHead | None
    status: int
    tap: "Tap | None"
    peer: str

    def forward(self, request: bytes) -> None:
        """Send it to the wiki; `request` is its whole head with the empty line."""

    def answer(self, response: bytes, status: int, *, close: bool = False) -> None:
        """Answer it without the wiki. `response` is whole, head and body."""

    def elapsed_s(self) -> float:
        """Return the seconds since it began."""

    def tick(self, now: float) -> None:
        """Enforce its connection's deadline."""

    def drain(self) -> None:
        """Close the connection when idle; else after what is under way."""

    def cut(self) -> None:
        """Close the connection now."""


class Tap(Protocol):
    """Watches one exchange. Must return at once and never raise (invariant 1)."""

    def request_body(self, piece: bytes) -> None:
        """See a piece of the request's body as framed on the wire."""

    def response_body(self, piece: bytes) -> None:
        """See a piece of the answer's body as framed on the wire."""


class Handler(Protocol):
    """Decides what happens to requests."""

    def begin(self, exchange: "Exchange", head: RequestHead) -> None:
        """Start an exchange: must call `exchange.forward` or `exchange.answer`, now or later."""

    def response_fields(self, exchange: "Exchange", head: ResponseHead) -> bytes:
        """Return the field lines with which the wiki's answer goes to the client."""

    def end(self, exchange: "Exchange", outcome: str) -> None:
        """Learn that the exchange is over: "ok", "answered", "client_gone", "wiki_failed"."""

    def failure(self, exchange: "Exchange", reason: str, *, sent: bool) -> tuple[int, bytes]:
        """Return (status, whole response) for a wiki that failed before answering. `sent`: it may have acted."""

    def refusal(self, exchange: "Exchange", status: int, reason: str) -> bytes:
        """Return the whole response for a request that is refused."""

    def opened(self, client: "Exchange") -> bool:
        """Register a client; False: there are too many."""

    def closed(self, client: "Exchange") -> None:
        """Forget a client."""
