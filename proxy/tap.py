"""The tap: a copy of one exchange, taken while it passes. Bounded; when it would be too much, it lets go.

Nothing is decoded here: that happens after the exchange, off the event loop (`proxy.sampler`).
"""

from dataclasses import dataclass, field

from proxy.wire.head import RequestHead, ResponseHead


@dataclass(slots=True)
class Budget:
    """Bytes that all taps of a worker hold at the moment."""

    bytes_max: int
    held: int = 0


@dataclass(slots=True)
class Observation:
    """What the tap saw of one exchange. `too_much` says why it was given up."""

    head: RequestHead
    started_at: float  # Unix seconds
    phase: str
    budget: Budget
    form_bytes_max: int
    body_bytes_max: int
    form: list[bytes] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    form_bytes: int = 0
    body_bytes: int = 0
    too_much: str = ""
    response: ResponseHead | None = None
    duration_s: float = 0.0
    answered_by: str = "wiki"
    is_counted: bool = False  # its route was counted when it was recognised

    def request_body(self, piece: bytes) -> None:
        """Keep a piece of the request's body."""
        if self.too_much:
            return
        self.form_bytes += len(piece)
        if self.form_bytes > self.form_bytes_max:
            self.let_go("form_too_large")
            return
        self._keep(self.form, piece)

    def response_body(self, piece: bytes) -> None:
        """Keep a piece of the answer's body."""
        if self.too_much:
            return
        self.body_bytes += len(piece)
        if self.body_bytes > self.body_bytes_max:
            self.let_go("body_too_large")
            return
        self._keep(self.body, piece)

    def _keep(self, pieces: list[bytes], piece: bytes) -> None:
        if self.budget.held + len(piece) > self.budget.bytes_max:
            self.let_go("memory")
            return
        self.budget.held += len(piece)
        pieces.append(piece)

    def let_go(self, why: str) -> None:
        """Give up what is held."""
        self.budget.held -= sum(map(len, self.form)) + sum(map(len, self.body))
        self.form, self.body = [], []
        self.too_much = self.too_much or why
