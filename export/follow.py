"""The follower: keeps the store current from what the wiki commits, for as long as it runs.

Three loops beside one another: the streams of ids (`follow_stream`), the calls for entities that wait in the ledger
(`backends.ledger.wakes`), and the sweep of heads (`follow_sweep`), the net below both. All that matters is in the
ledger: a follower that is killed goes on where it was, and repeats at most one batch. Two followers at once do the
same work twice and no harm. Why nothing is lost: docs/follower.md.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from backends.errors import BackendError, RefusedError
from backends.journal import Journal
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFinding
from backends.ledger.wakes import POKE, Wake, Wakes
from backends.wiki.changes_shapes import LOG, REVISIONS, Moment
from export.changes import Changes
from export.follow_bring import Bringer
from export.follow_rounds import Rounds
from export.follow_rules import GapRules, Proof, numbers_of
from export.follow_stream import Stream, wall_ms
from export.follow_sweep import Sweep

log = logging.getLogger(__name__)

CHECKPOINT = "follower"
"""Where the follower says how far behind it is."""

SERVER_CHECKPOINT = "follower_server"
"""Which server of the wiki's database it has followed."""

CANNOT_BRING = "cannot_bring"
STARTED_TOLERANCE_S = 10
"""The start of a server is reckoned from its clock and its uptime, which may differ by so much from look to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowPace:
    """How the loops go.

    `poll_s`: between two looks when nothing new was there. `retry_s`: before an entity that could not be brought is
    tried again, then twice as long each time, at most `retry_max_s`; after `tries_finding` tries it is a finding.
    `say_s`: between two notes of the lag in the ledger. `failed_s`: after something outside failed.
    """

    poll_s: float = 0.5
    wakes: int = 500
    retry_s: float = 2.0
    retry_max_s: float = 300.0
    tries_finding: int = 5
    say_s: float = 2.0
    failed_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the store is behind the wiki. None: not known yet.

    `seconds`: since everything that had been committed was in the store. `revisions`: ids above the mark, of which
    some are none. `gap_ids`: ids below it that may still be committed. `calls`: entities that are due.
    """

    seconds: float | None = None
    revisions: int | None = None
    gaps: int = 0
    gap_ids: int = 0
    calls: int = 0
    at: str = ""


@dataclass(slots=True)
class Follower:
    """One follower of one wiki."""

    changes: Changes
    streams: Sequence[Stream]
    bringer: Bringer
    wakes: Wakes
    checkpoints: Checkpoints
    journal: Journal
    rules: GapRules = field(default_factory=GapRules)
    pace: FollowPace = field(default_factory=FollowPace)
    clock_ms: Callable[[], int] = wall_ms
    lag: Lag = field(default_factory=Lag)
    rounds: Rounds | None = None
    _proof: Proof = field(init=False)
    _server: Mapping[str, Any] | None = None
    _current_at: str = ""
    _said_at: float = float("-inf")

    def __post_init__(self) -> None:
        """Begin with nothing known about transactions."""
        self._proof = Proof(self.rules)

    async def begin(self, export_run: Mapping[str, Any] | None) -> None:
        """Find where to begin: where it stopped, else where the export began. Raises RefusedError without either."""
        for stream in self.streams:
            if await stream.load():
                continue
            began = (export_run or {}).get("time") or (export_run or {}).get("began_at")
            if not began:
                raise RefusedError("nothing was exported yet: `cutover export` says from where to follow")
            last = (export_run or {}).get({REVISIONS: "max_rev_id", LOG: "max_log_id"}[stream.name])
            await stream.begin(str(began), None if last is None else int(last))
        self._server = await self.checkpoints.get(SERVER_CHECKPOINT)
        self._current_at = min(stream.mark.seen_at for stream in self.streams)

    async def run(self, stop: asyncio.Event, *, bell: asyncio.Event | None = None, sweep: Sweep | None = None) -> None:
        """Follow until told to stop. `bell`: set by whoever has called for an entity."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(stop, self._tick, bell=None))
            group.create_task(self._repeat(stop, self._answer_calls, bell=bell))
            if sweep is not None:
                group.create_task(sweep.run(stop))

    async def catch_up(self) -> Lag:
        """Follow until everything that was committed before is in the store, and all calls that are due are answered.

        Gaps stay open: what may still be committed was not committed before.
        """
        while True:
            busy = await self._tick()
            busy += await self._answer_calls()
            if not busy and all(stream.is_dry for stream in self.streams):
                return self.lag

    async def _tick(self) -> int:
        """Read one batch of each stream, and look at gaps; return how much was there."""
        asked = await self.rounds.asked() if self.rounds else 0
        moment = await self._look_at_wiki()
        if self.rounds:
            self.rounds.begin(asked, moment, self.streams)
        seen = 0
        for stream in self.streams:
            seen += await stream.read(moment)
            seen += await stream.look(self._proof)
        if self.rounds:
            await self.rounds.look(self.streams)
        await self._say(moment)
        return seen

    async def _look_at_wiki(self) -> Moment:
        now = self.clock_ms()
        moment = await self.changes.moment(with_transactions=any(stream.open for stream in self.streams))
        behind = [stream.name for stream in self.streams if moment.last[stream.name] < stream.mark.number]
        if _is_another(self._server, moment) or (behind and moment.server is not None):
            log.warning(
                "The wiki's database was started anew, or is another one: going back a little",
                extra={"action": "follow_rewind"},
            )
            self._proof.forget()
            for stream in self.streams:
                await stream.rewind(moment)
        if moment.server is not None and _is_another(self._server, moment, unknown=True):
            self._server = {"server": moment.server, "started_s": moment.started_s}
            await self.checkpoints.put(SERVER_CHECKPOINT, self._server)
        self._proof.look(moment.transactions, now)
        return moment

    async def _answer_calls(self) -> int:
        """Bring the entities that are called for; return how many there were."""
        due = await self.wakes.due(size=self.pace.wakes)
        if not due:
            return 0
        failed = await self.bringer.bring(wake.entity_id for wake in due)
        brought = [wake for wake in due if wake.entity_id not in failed]
        # Whatever is brought is looked at a second time: then it is written into the journal.
        if looked := [wake.entity_id for wake in brought if wake.kind != POKE]:
            await self.journal.append(list(dict.fromkeys(looked)))
        tried = [wake for wake in brought if wake.tries >= self.pace.tries_finding]
        for wake in tried:
            await self.bringer.findings.looked_at(wake.entity_id, (), (CANNOT_BRING,))
        await self.wakes.done(brought)
        for wake in due:
            if (error := failed.get(wake.entity_id)) is not None:
                await self._try_later(wake, error)
        return len(brought)

    async def _try_later(self, wake: Wake, error: BackendError) -> None:
        wait_s = min(self.pace.retry_s * 2 ** min(wake.tries, 30), self.pace.retry_max_s)
        if wake.tries + 1 == self.pace.tries_finding:
            found = AuditFinding(entity_id=wake.entity_id, kind=CANNOT_BRING, detail=str(error))
            await self.bringer.findings.put([found])
        await self.wakes.later(wake, self.clock_ms() + int(wait_s * 1000))

    async def _say(self, moment: Moment) -> None:
        """Reckon the lag; note it in the ledger now and then."""
        ahead = {
            stream.name: 0 if stream.is_dry else max(1, moment.last[stream.name] - stream.mark.number)
            for stream in self.streams
        }
        if not any(ahead.values()):
            self._current_at = max(self._current_at, moment.now)
        gaps = [gap for stream in self.streams for gap in stream.open.values()]
        self.lag = Lag(
            seconds=_seconds_between(self._current_at, moment.now),
            revisions=ahead.get(REVISIONS),
            gaps=len(gaps),
            gap_ids=sum(numbers_of(stream.open.values()) for stream in self.streams),
            calls=self.lag.calls,
            at=moment.now,
        )
        if time.monotonic() - self._said_at >= self.pace.say_s:
            self._said_at = time.monotonic()
            self.lag = Lag(**{**asdict(self.lag), "calls": await self.wakes.overdue(by_ms=1000)})
            await self.checkpoints.put(CHECKPOINT, asdict(self.lag))

    async def _repeat(
        self, stop: asyncio.Event, work: Callable[[], Awaitable[int]], *, bell: asyncio.Event | None
    ) -> None:
        while not stop.is_set():
            if bell is not None:
                bell.clear()  # before the look: a ring during it counts for the next one
            try:
                wait_s = 0.0 if await work() else self.pace.poll_s
            except BackendError as error:
                log.warning("The follower goes on in a moment: %s", error, extra={"action": "follow_failed"})
                wait_s = self.pace.failed_s
            if wait_s:
                await _first_of(wait_s, stop, bell)


def metrics(lag: Lag) -> Mapping[str, float]:
    """Return the lag as figures by the names that monitoring knows; what is not known is left out."""
    said = {
        "follower_lag_seconds": lag.seconds,
        "follower_lag_revisions": lag.revisions,
        "follower_gaps": lag.gaps,
        "follower_gap_ids": lag.gap_ids,
        "follower_calls_due": lag.calls,
    }
    return {name: float(value) for name, value in said.items() if value is not None}


def _is_another(known: Mapping[str, Any] | None, moment: Moment, *, unknown: bool = False) -> bool:
    """Tell whether the server is not the one that is known. `unknown`: what to say when none is known yet."""
    if known is None or moment.server is None:
        return unknown
    if known["server"] != moment.server:
        return True
    if known["started_s"] is None or moment.started_s is None:
        return False
    return abs(int(known["started_s"]) - moment.started_s) > STARTED_TOLERANCE_S


def _seconds_between(earlier_at: str, later_at: str) -> float:
    then, now = (datetime.fromisoformat(at) for at in (earlier_at, later_at))
    return max(0.0, (now - then).total_seconds())


async def _first_of(wait_s: float, *events: asyncio.Event | None) -> None:
    """Wait so long, or until one of the events."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s), asyncio.TaskGroup() as group:
            waiting = [group.create_task(event.wait()) for event in events if event is not None]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in waiting:
                one.cancel()
