"""The seam between the wire and what decides: one exchange, who handles it, who watches it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from proxy.wire.head import RequestHead, ResponseHead


@dataclass(slots=True)
class Holding:
    """A request's body that waits for the handler's decision. `left`: bytes that it may still grow by."""

    left: int
    then: Callable[[bytes | None], None]

    def takes(self, size: int) -> bool:
        """Count a piece; False when the body is now larger than it may be."""
        self.left -= size
        return self.left >= 0


@dataclass(slots=True)
class Delay:
    """An answer that waits for the handler's leave: head and pieces. `left`: bytes that it may still grow by."""

    left: int
    then: Callable[[bytes | None], None]
    kept: list[bytes] = field(default_factory=list)
    ended: bool = False

    def takes(self, size: int) -> bool:
        """Count a piece; False when the answer has just become larger than it may be."""
        before = self.left
        self.left -= size
        return before < 0 or self.left >= 0


class Exchange(Protocol):
    """A request under way, as its handler sees it. `head` is None before and after."""

    head: RequestHead | None
    response: ResponseHead | None
    status: int
    tap: "Tap | None"
    peer: str

    def forward(self, request: bytes) -> None:
        """Send it to the wiki; `request` is its whole head with the empty line."""

    def hold(self, bytes_max: int, then: Callable[[bytes | None], None]) -> None:
        """Keep the body until it is whole, then call `then` with it as framed on the wire; None: it is larger.

        Not called when the exchange ends before. `forward` sends what was kept, and the rest as it comes.
        """

    def delay_answer(self, bytes_max: int, then: Callable[[bytes | None], None]) -> None:
        """Keep the wiki's answer from the client; call `then` with its body as framed on the wire when it is whole.

        None: it is larger than that, and goes on growing until `release_answer`. Not called when the exchange ends
        before: the wiki may have acted and nobody was told.
        """

    def release_answer(self) -> None:
        """Let the client have the answer. Harmless when there is nothing kept."""

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
