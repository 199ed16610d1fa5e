"""What is observed of requests: which are sampled for the verifier, and what is counted. Never in anybody's way."""

import random
import time
from dataclasses import dataclass

from backends.config import ShadowConfig
from backends.ledger.control_measures import STORE
from proxy.answering import FAILURES
from proxy.deciding import Asked
from proxy.measuring import SideMeter
from proxy.metrics import Counters
from proxy.sampler import Sampler
from proxy.tap import Budget, Observation
from proxy.wire.exchange import Exchange
from proxy.wire.head import RequestHead, read_response_head
from rules.phases import Phase
from rules.routes.route import Route
from rules.sampling import chosen
from wikibase.render.outcome import Answer


@dataclass(frozen=True, slots=True)
class Watch:
    """The observing side of one worker. Implements `proxy.deciding.Watching`."""

    limits: ShadowConfig
    counters: Counters
    sampler: Sampler
    budget: Budget
    meter: SideMeter

    def tap(self, exchange: Exchange, head: RequestHead, phase: Phase) -> Observation | None:
        """Tap an exchange that the wiki will answer, when chance chooses it."""
        seen = self._chosen(head, phase)
        exchange.tap = seen
        return seen

    def forwarded(self, exchange: Exchange, asked: Asked, phase: Phase) -> None:
        """Tap a read whose form, if any, was here before it went to the wiki."""
        seen = self.tap(exchange, asked.head, phase)
        if seen is not None:
            seen.is_counted = True
            if asked.framed:
                seen.request_body(asked.framed)

    def answered(self, exchange: Exchange, asked: Asked, phase: Phase, answer: Answer, raw: bytes) -> None:
        """Sample what the store answered."""
        seconds = exchange.elapsed_s()
        self.counters.store_seconds.add(seconds)
        self.meter.add(STORE, seconds)
        seen = self._chosen(asked.head, phase)
        if seen is None:
            return
        seen.answered_by, seen.is_counted = "store", True
        seen.started_at -= seconds
        seen.response = read_response_head(raw.partition(b"\r\n\r\n")[0], asked.head.method)
        seen.duration_s = seconds
        if asked.framed:
            seen.request_body(asked.framed)
        if answer.body:
            seen.response_body(answer.body)
        self.sampler.offer(seen)

    def counted(self, what: str) -> None:
        """Count why the store did not answer a read, or that it did."""
        self.counters.reads[what] += 1
        if what in FAILURES:
            self.meter.add(STORE, 0.0, failed=True)

    def recognised(self, route: Route) -> None:
        """Count one recognised request by its kind and its surface or reason."""
        kind = type(route).__name__
        name = getattr(route, "reason", None) or getattr(route, "module", None) or str(getattr(route, "surface", ""))
        self.counters.routes[(kind, name)] += 1

    def _chosen(self, head: RequestHead, phase: Phase) -> Observation | None:
        if not chosen(self.limits.sample_rate, random.random()):  # noqa: S311 - sampling, not secrecy
            return None
        return Observation(
            head, time.time(), phase.name, self.budget, self.limits.form_bytes_max, self.limits.body_bytes_max
        )
