"""One proxy worker, put together from its parts. Wiring only: what each does is said where it is."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from backends.config import Config
from backends.connect import site_of, spool_writer
from backends.errors import BackendError
from backends.ledger.control import Control
from backends.ledger.control_flips import Flipper
from backends.ledger.control_measures import Measures
from backends.ledger.control_workers import Workers
from backends.ledger.floors import Floors
from backends.ledger.wakes import Wakes
from backends.sql.base import Database
from cutover.store_side import StoreSide
from cutover.version import VERSION
from export.follow_opening import bell_of
from proxy.answering import StoreReads
from proxy.breaker import WorkerBreaker
from proxy.control import PhaseControl, registered, steady_s
from proxy.deciding import Deciding
from proxy.fence import FenceLimits, ReadFence
from proxy.fence_edits import EditFence, keep_up
from proxy.forwarding import Forwarding, networks, own_addresses
from proxy.handler import WikiHandler
from proxy.measuring import ShadowReads
from proxy.metrics import Counters
from proxy.sampler import Sampler
from proxy.server import wiki_address
from proxy.wire.upstream import WikiPool
from rules.breaker import BreakerLimits
from rules.fence import EVERYTHING, Told
from rules.leases import ControlLimits
from rules.phases import Reads

Work = Coroutine[Any, Any, None]
Spawn = Callable[[Work], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The parts that `serve` runs."""

    config: Config
    name: str
    control: PhaseControl
    flipper: Flipper
    workers: Workers
    pool: WikiPool
    counters: Counters
    sampler: Sampler
    handler: WikiHandler
    store: StoreSide
    breaker: WorkerBreaker
    reads: ReadFence
    edits: EditFence
    measures: Measures

    @classmethod
    def wired(cls, config: Config, ledger: Database, name: str, spawn: Spawn) -> "Worker":
        """Return the parts of a worker of that name. Nothing is asked of anybody yet."""
        site = site_of(config.wiki)
        pool = WikiPool(wiki_address(config.wiki.url), config.proxy, spawn, asyncio.get_running_loop())
        counters = Counters(lambda: {f"wiki_connections_{what}": value for what, value in pool.counts().items()})
        limits = control_limits(config)
        workers, agreed = Workers(ledger), Control(ledger)
        breaker = WorkerBreaker(_breaker_limits(config))
        holder: list[WikiHandler] = []
        control = PhaseControl(
            agreed,
            workers,
            worker=name,
            limits=limits,
            oldest_edit=lambda: _since(holder[0].oldest_edit()),
            breaker=lambda: breaker.state.value,
        )
        sampler = _sampler(config, name, counters)
        handler = WikiHandler(
            config=config,
            site=site,
            forwarding=_forwarding(config),
            counters=counters,
            sampler=sampler,
            phase=lambda: control.phase,
            worker=name,
        )
        holder.append(handler)
        sampler.count_route = handler.watch.recognised
        store = StoreSide(config, lambda: control.phase.reads is not Reads.LEGACY or control.fencing)
        sampler.read_seen = ShadowReads(
            store,
            handler.meter,
            spawn,
            is_shadow=lambda: control.phase.reads is Reads.SHADOW,
            timeout_s=config.reads.answer_timeout_s,
            every_s=config.reads.shadow_every_s,
            size_bytes_max=config.reads.shadow_bytes_max,
        ).seen
        reads, edits = _fence(config, ledger, control, handler, store=store, spawn=spawn)
        handler.deciding = Deciding(
            site,
            StoreReads(store, reads, breaker, config.reads, spawn),
            edits,
            handler.watch,
            handler.forward,
            form_bytes_max=config.reads.form_bytes_max,
            fencing=lambda: control.fencing,
            effective=control.effective,
        )
        return cls(
            config=config,
            name=name,
            control=control,
            flipper=Flipper(agreed, workers, limits),
            workers=workers,
            pool=pool,
            counters=counters,
            sampler=sampler,
            handler=handler,
            store=store,
            breaker=breaker,
            reads=reads,
            edits=edits,
            measures=Measures(ledger),
        )

    def work(self, drained: asyncio.Event) -> Iterable[tuple[str, Work]]:
        """Yield what runs beside traffic, with its name, until everything is drained."""
        yield "the sampler", self.sampler.run(drained)
        yield "the agreed phase", self.control.run(drained)
        yield "the store", self.store.run(drained)
        yield "the measures", self.handler.meter.run(self.measures, drained)
        yield (
            "the fence's upkeep",
            keep_up(self.reads, self.edits, lambda: registered(self.workers), drained, self.config.fence.upkeep_s),
        )

    def status(self) -> dict[str, object]:
        """Return how it stands, for /status."""
        every = self.config.proxy.legacy_routes_every
        return {
            "phase": self.control.phase.name,
            "agreed_phase": self.control.agreed.phase,
            "worker": self.name,
            "wiki": self.config.wiki.url,
            "clients": len(self.handler.clients),
            "samples_waiting": self.sampler.waiting,
            "store": self.store.state,
            "breaker": self.breaker.state.value,
            "floors": self.reads.held,
            "edits_owed": self.edits.owed,
            "routes_counted_every": 1 if self.control.phase.reads is not Reads.LEGACY else every,
            **self.counters.as_json(),
        }


def control_limits(config: Config) -> ControlLimits:
    """Return how workers agree, as configured."""
    limits = config.control
    return ControlLimits(
        poll_s=limits.poll_s,
        lease_s=limits.lease_s,
        margin_s=limits.margin_s,
        prepare_timeout_s=limits.prepare_timeout_s,
        settle_timeout_s=limits.settle_timeout_s,
        statement_timeout_s=limits.statement_timeout_s,
    )


def _fence_limits(config: Config) -> FenceLimits:
    limits = config.fence
    return FenceLimits(
        look_timeout_s=limits.look_timeout_s,
        announce_timeout_s=limits.announce_timeout_s,
        settle_wait_s=limits.settle_wait_s,
        release_timeout_s=limits.release_timeout_s,
        answer_bytes_max=limits.answer_bytes_max,
        owed_max=limits.owed_max,
        upkeep_s=limits.upkeep_s,
        without_ledger=limits.without_ledger,
    )


def _fence(
    config: Config, ledger: Database, control: PhaseControl, handler: WikiHandler, *, store: StoreSide, spawn: Spawn
) -> tuple[ReadFence, EditFence]:
    """Return both sides of the fence: before reads, and behind edits."""
    floors, limits = Floors(ledger, worker=control.worker), _fence_limits(config)
    reads = ReadFence(
        floors,
        worker=control.worker,
        has=store.has,
        redirect_of=store.redirect_of,
        has_lease=lambda: control.has_lease,
        limits=limits,
    )
    wakes = Wakes(ledger, bell_of(config))
    edits = EditFence(
        floors,
        worker=control.worker,
        site=site_of(config.wiki),
        fencing=lambda: control.fencing,
        term=lambda: control.term,
        spawn=spawn,
        stand_in=handler.stand_in,
        limits=limits,
        count=handler.watch.counted,
        told=lambda told: spawn(_poke(wakes, told, handler.watch.counted)),
    )
    return reads, edits


def _sampler(config: Config, name: str, counters: Counters) -> Sampler:
    return Sampler(
        spool_writer(config, name),
        site_of(config.wiki),
        name,
        queue_max=config.shadow.queue_max,
        flush_s=config.shadow.flush_s,
        events=counters.samples,
        version=VERSION,
    )


def _breaker_limits(config: Config) -> BreakerLimits:
    limits = config.reads
    return BreakerLimits(
        in_a_row_max=limits.breaker_failures, failed_max=limits.breaker_share, open_s=limits.breaker_open_s
    )


def _forwarding(config: Config) -> Forwarding:
    wiki = config.wiki
    return Forwarding(
        trusted=networks(config.proxy.trusted_proxies),
        wiki_host=wiki_address(wiki.url).authority() if wiki.host_header == "wiki" else None,
        wiki_servers=own_addresses(wiki.server or wiki.url) if config.proxy.rewrite_location else (),
    )


def _since(seconds: float | None) -> float | None:
    return None if seconds is None else steady_s() - seconds


async def _poke(wakes: Wakes, told: Told, count: Callable[[str], None]) -> None:
    """Have the follower bring at once what was edited. It would find it by itself, a moment later."""
    try:
        for entity_id in dict.fromkeys(told.entities):
            if entity_id != EVERYTHING:
                await wakes.poke(entity_id)
    except BackendError:
        count("follower_not_woken")
