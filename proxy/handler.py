"""The handler: recognise, plan, carry out. Every request of every client begins and ends here.

Where the wiki answers everything nothing waits for recognition: a request is forwarded from its head alone, and what
the plan compares is tapped while it passes. Where it does not, `proxy.deciding` has the word.
"""

from collections.abc import Callable

from backends.config import Config
from proxy.deciding import MAY_CONCERN_ENTITIES, Deciding
from proxy.forwarding import Forwarding
from proxy.measuring import SideMeter
from proxy.metrics import Counters
from proxy.sampler import Sampler
from proxy.stand_in import failure, refusal
from proxy.tap import Budget, Observation
from proxy.watching import Watch
from proxy.wire.exchange import Exchange
from proxy.wire.head import RequestHead, ResponseHead
from rules.phases import Phase, Reads
from rules.plan import must_recognise_first
from rules.routes.recognise import recognise
from rules.routes.route import NeedsBody, Request, Site

_REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
_SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_READ_METHODS = frozenset({b"GET", b"POST"})


class WikiHandler:
    """Decides what happens to requests (`proxy.wire.exchange.Handler`)."""

    def __init__(
        self,
        *,
        config: Config,
        site: Site,
        forwarding: Forwarding,
        counters: Counters,
        sampler: Sampler,
        phase: Callable[[], Phase],
        worker: str = "",
    ) -> None:
        """`deciding` is set by the wiring where a store is at hand; without it the wiki answers in every phase."""
        self._limits = config.proxy
        self._site = site
        self._forwarding = forwarding
        self._counters = counters
        self._sampler = sampler
        self._phase = phase
        self._seen = 0
        self.budget = Budget(config.shadow.tap_bytes_max)
        self.meter = SideMeter(worker)
        self.watch = Watch(config.shadow, counters, sampler, self.budget, self.meter)
        self.deciding: Deciding | None = None
        self.clients: set[Exchange] = set()
        self._api = tuple(f"{path}/api.php".encode() for path in site.script_paths)

    def begin(self, exchange: Exchange, head: RequestHead) -> None:
        """Plan one request and forward it."""
        if head.method in _REFUSED_METHODS:
            exchange.answer(refusal(501, f"{head.method.decode()} is not relayed"), 501, close=True)
            return
        if b"upgrade" in head.fields.found and b"websocket" in head.fields.listed(b"upgrade"):
            exchange.answer(refusal(501, "websockets and other upgrades are not relayed"), 501, close=True)
            return
        phase = self._phase()
        if self.deciding is not None and (must_recognise_first(phase) or self.deciding.fencing()):
            self.deciding.begin(exchange, head)
            return
        if phase.reads is not Reads.LEGACY:
            self._watch(exchange, head, phase)
        else:
            self._seen += 1
            if self._seen % self._limits.legacy_routes_every == 0:
                self._count_head(head)
        self.forward(exchange)

    def forward(self, exchange: Exchange) -> None:
        """Send an exchange's request to the wiki."""
        assert exchange.head is not None
        exchange.forward(self._forwarding.request(exchange.head, exchange.peer))

    def response_fields(self, exchange: Exchange, head: ResponseHead) -> bytes:
        """Return the field lines with which the wiki's answer goes to the client."""
        assert exchange.head is not None
        return self._forwarding.response(exchange.head, head, exchange.peer)

    def end(self, exchange: Exchange, outcome: str) -> None:
        """Count the exchange, and hand what was tapped to the sampler."""
        seconds = exchange.elapsed_s()
        self._counters.exchange(exchange.status, outcome, seconds)
        if self.deciding is not None:
            self.deciding.ended(exchange)
        tap = exchange.tap
        if not isinstance(tap, Observation):
            return
        if outcome != "ok":
            tap.let_go(outcome)
        tap.response, tap.duration_s = exchange.response, seconds
        self._sampler.offer(tap)

    def failure(self, exchange: Exchange, reason: str, *, sent: bool) -> tuple[int, bytes]:
        """Return the answer in the wiki's stead."""
        head = exchange.head
        assert head is not None
        self._counters.errors += 1
        return failure(
            head,
            reason,
            sent=sent,
            timed_out="within" in reason or "in time" in reason,
            is_api=head.target.partition(b"?")[0] in self._api,
            retry_after_s=self._limits.retry_after_s,
        )

    def refusal(self, exchange: Exchange, status: int, reason: str) -> bytes:
        """Return the answer to a request that is refused."""
        _ = exchange
        self._counters.outcomes[f"refused_{status}"] += 1
        return refusal(status, reason)

    def opened(self, client: Exchange) -> bool:
        """Register a client; False when there are too many."""
        self.clients.add(client)
        return len(self.clients) <= self._limits.clients_max

    def closed(self, client: Exchange) -> None:
        """Forget a client."""
        self.clients.discard(client)

    def oldest_edit(self) -> float | None:
        """Return the seconds since the oldest request under way that may be an edit began; None: there is none."""
        return max(
            (client.elapsed_s() for client in self.clients if client.head and client.head.method not in _SAFE_METHODS),
            default=None,
        )

    def stand_in(self, exchange: Exchange, reason: str, sent: bool) -> None:  # noqa: FBT001 - a seam of the fence
        """Answer an exchange in the wiki's stead. `sent`: the wiki may have acted."""
        status, response = self.failure(exchange, reason, sent=sent)
        exchange.answer(response, status, close=True)

    def _watch(self, exchange: Exchange, head: RequestHead, phase: Phase) -> None:
        if head.method not in _READ_METHODS or not MAY_CONCERN_ENTITIES.search(head.target):
            self._count_head(head)
        else:
            self.watch.tap(exchange, head, phase)

    def _count_head(self, head: RequestHead) -> None:
        route = recognise(
            Request(
                method=head.method.decode("ascii"),
                target=head.target.decode("latin-1"),
                content_type=_text(head, b"content-type"),
                accept=_text(head, b"accept"),
                body=None if head.body else b"",
            ),
            self._site,
        )
        if isinstance(route, NeedsBody):
            self._counters.routes["NeedsBody", "body_not_read"] += 1
        else:
            self.watch.recognised(route)


def _text(head: RequestHead, name: bytes) -> str | None:
    value = head.fields.first(name)
    return None if value is None else value.decode("latin-1")
