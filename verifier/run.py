"""The verifier program: takes samples, has them judged, writes verdicts, tells of what is wrong.

A sample whose verdict is open is held and judged again, later and later, up to a limit; its verdicts are written
together when all of them are settled, and only then is the sample let go. So a verifier that dies loses nothing, and
judges again what it had not settled. What does not fit into the queue of open samples is settled as it stands. The
ledger learns with each round through when everything observed is settled.
"""

import asyncio
import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backends.errors import UnavailableError
from backends.ledger.verdicts import Verdicts
from rules.epochs import GRACE_S, Basis
from rules.mutants import Trial
from rules.sample import Sample
from rules.verdict import Finding, Outcome, Verdict
from verifier.alerts import Alerts
from verifier.epochs import Epochs
from verifier.judge import JudgeResult
from verifier.settled import Settled
from verifier.trials import Trials

log = logging.getLogger(__name__)


class Samples(Protocol):
    """Where samples come from. A sample is taken once, and kept there until it is done."""

    async def take(self, limit: int) -> Sequence[Sample]:
        """Return up to `limit` samples that were not taken yet, the oldest first."""

    async def done(self, samples: Sequence[Sample]) -> None:
        """Let go of samples that were judged."""

    async def waiting(self) -> int:
        """Return how many samples are there, those taken but not done included."""

    async def shed(self) -> Mapping[str, int]:
        """Return how many samples were given up before they got here, by reason, since the last call."""


class Judging(Protocol):
    """`verifier.judge.judge`, with its sides given."""

    def __call__(self, sample: Sample, *, attempt: int, only: frozenset[str] | None) -> Awaitable[JudgeResult]:
        """Judge a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at once, how long, how often."""

    parallel: int = 4
    batch: int = 64
    poll_s: float = 0.2  # between two looks at an empty spool
    judge_timeout_s: float = 60.0
    recheck_after_s: float = 2.0  # doubled with each attempt
    recheck_waiting_max: int = 10_000
    recheck_bytes_max: int = 256 * 1024 * 1024
    ledger_retry_s: float = 1.0
    mark_every_s: float = 1.0  # between two notes of how far everything is settled
    margin_s: float = 2.0  # from the end of an exchange until its sample is in the spool, at most
    drain_s: float = 0.0  # after `stop`: go on for so long, until nothing is left
    grace_s: float = GRACE_S  # after an epoch opened, another proxy version opens none for so long


@dataclass(slots=True)
class Progress:
    """How far the verifier is. Read by a status page; written here only."""

    judged: int = 0  # samples let go
    verdicts: Counter[str] = field(default_factory=Counter)  # by outcome
    open: int = 0  # samples held for another attempt
    overflowed: int = 0  # settled early, because the queue of open samples was full
    judged_through: float = 0.0  # started_at of the newest sample that was let go
    verified_through: float = 0.0  # everything observed before is settled
    verified_revision: int | None = None  # the highest revision proven by then
    epoch: int = 0
    mutants_tried: int = 0
    mutants_missed: int = 0
    last_written_at: float = 0.0
    trouble: str = ""  # why nothing can be written now


@dataclass(slots=True)
class _Case:
    """One sample on its way: the attempt that comes next, what is still open, what is settled."""

    sample: Sample
    attempt: int = 1
    only: frozenset[str] | None = None
    settled: list[Verdict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _OpenCases:
    """Cases that wait for another attempt, bounded in number and bytes."""

    def __init__(self, count_max: int, bytes_max: int) -> None:
        self._heap: list[tuple[float, int, _Case]] = []
        self._order = itertools.count()
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, case: _Case, at: float) -> bool:
        """Hold a case until `at`. False when there is no room."""
        if len(self._heap) >= self._count_max or self._bytes + len(case.sample.body) > self._bytes_max:
            return False
        heapq.heappush(self._heap, (at, next(self._order), case))
        self._bytes += len(case.sample.body)
        return True

    def due(self, now: float, limit: int) -> list[_Case]:
        """Take the cases whose time has come."""
        cases: list[_Case] = []
        while self._heap and self._heap[0][0] <= now and len(cases) < limit:
            case = heapq.heappop(self._heap)[2]
            self._bytes -= len(case.sample.body)
            cases.append(case)
        return cases

    def next_at(self) -> float | None:
        """Return when the next case is due."""
        return self._heap[0][0] if self._heap else None


async def run(
    *,
    samples: Samples,
    judging: Judging,
    verdicts: Verdicts,
    alerts: Alerts,
    stop: asyncio.Event,
    clock: Callable[[], float],
    pace: Pace = Pace(),
    progress: Progress | None = None,
    basis: Basis | None = None,
    trials: Trials | None = None,
) -> Progress:
    """Judge until `stop`. `clock` is in Unix seconds. Sends alerts meanwhile; returns how far it came.

    `basis` is what the comparisons rest on: a change opens another epoch. `trials` shows the judge damaged copies.
    """
    epochs = Epochs(verdicts, basis, pace.grace_s)
    program = _Program(samples, judging, verdicts, alerts, clock, pace, progress or Progress(), epochs, trials)
    alerts_stop = asyncio.Event()
    async with alerts, asyncio.TaskGroup() as group:
        group.create_task(alerts.run(alerts_stop))
        try:
            await program.work(stop)
        finally:
            alerts_stop.set()
    return program.progress


@dataclass(slots=True)
class _Program:
    samples: Samples
    judging: Judging
    verdicts: Verdicts
    alerts: Alerts
    clock: Callable[[], float]
    pace: Pace
    progress: Progress
    epochs: Epochs
    trials: Trials | None
    marked_at: float = 0.0
    settled: Settled = field(init=False)
    cases: _OpenCases = field(init=False)

    def __post_init__(self) -> None:
        self.settled = Settled(self.pace.margin_s)
        self.cases = _OpenCases(self.pace.recheck_waiting_max, self.pace.recheck_bytes_max)

    async def work(self, stop: asyncio.Event) -> None:
        """Work in rounds until `stop`, or until there is nothing left within the time for draining."""
        until: float | None = None
        while True:
            if stop.is_set():
                until = self.clock() + self.pace.drain_s if until is None else until
                if self.clock() >= until:
                    return
            round_ = self.cases.due(self.clock(), self.pace.batch)
            if room := self.pace.batch - len(round_):
                looked_at = self.clock()
                taken = await self.samples.take(room)
                self.settled.taken(taken, all_of_them=len(taken) < room, now=looked_at)
                round_ += [_Case(sample) for sample in taken]
            shed = await self.samples.shed()
            if round_ or shed:
                await self._round(round_, shed, stop)
            elif until is not None and not len(self.cases):
                await self._mark(at_once=True)
                return
            else:
                await self._mark()
                await self._pause(stop)

    async def _round(self, cases: Sequence[_Case], shed: Mapping[str, int], stop: asyncio.Event) -> None:
        turns = asyncio.Semaphore(self.pace.parallel)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._attempt(case, turns)) for case in cases]
        settled = [case for case, task in zip(cases, tasks, strict=True) if task.result()]
        findings = [finding for case in cases for finding in case.findings]
        trials = await self._tried(settled)
        new_verdicts = await self._write(settled, findings, shed, trials, stop)
        if new_verdicts is not None:
            for case in cases:
                case.findings.clear()
            self.alerts.tell(new_verdicts, findings)
            await self.samples.done([case.sample for case in settled])
            self.settled.let_go([case.sample for case in settled], new_verdicts)
            await self._mark()
            self.progress.judged += len(settled)
            self.progress.verdicts.update(verdict.outcome.value for verdict in new_verdicts)
            through = (case.sample.started_at for case in settled)
            self.progress.judged_through = max(through, default=self.progress.judged_through)
        self.progress.open = len(self.cases)

    async def _tried(self, settled: Sequence[_Case]) -> list[Trial]:
        """Show the judge a damaged copy of at most one of the samples that were just settled."""
        if self.trials is None:
            return []
        found: list[Trial] = []
        for case in settled:
            if self.trials.due() and not found:
                found = await self.trials.of(case.sample, case.settled)
        self.progress.mutants_tried += sum(one.tried for one in found)
        self.progress.mutants_missed = self.trials.missed
        return found

    async def _mark(self, *, at_once: bool = False) -> None:
        """Note through when everything is settled, now and then."""
        watermark = self.settled.watermark()
        if watermark is None:
            return
        self.progress.verified_through, self.progress.verified_revision = watermark.through_at, watermark.revision
        if not at_once and self.clock() < self.marked_at + self.pace.mark_every_s:
            return
        try:
            await self.verdicts.evidence.mark(watermark, self.clock())
        except UnavailableError as error:  # the next mark says more anyway
            log.warning("the ledger took no mark: %s", error, extra={"action": "ledger_unavailable"})
        else:
            self.marked_at = self.clock()

    async def _attempt(self, case: _Case, turns: asyncio.Semaphore) -> bool:
        """Judge a case once. True when it is settled; else it waits for its next attempt."""
        async with turns:
            result = await self._judge(case)
        case.findings += result.findings
        still_open = {verdict.key: verdict for verdict in result.verdicts if verdict.key in result.again}
        case.settled += [verdict for verdict in result.verdicts if verdict.key not in still_open]
        if not still_open:
            return True
        delay_s = self.pace.recheck_after_s * 2 ** (case.attempt - 1)
        case.attempt += 1
        case.only = frozenset(still_open)
        if self.cases.put(case, self.clock() + delay_s):
            return False
        self.progress.overflowed += 1
        case.settled += still_open.values()
        return True

    async def _judge(self, case: _Case) -> JudgeResult:
        try:
            async with asyncio.timeout(self.pace.judge_timeout_s):
                return await self.judging(case.sample, attempt=case.attempt, only=case.only)
        except TimeoutError:
            return self._failed(case.sample, "judge_timeout", f"not judged in {self.pace.judge_timeout_s} s")
        except Exception as error:  # one sample must not end the program
            log.exception("a sample could not be judged", extra={"action": "judge_failed"})
            return self._failed(case.sample, "judge_failed", f"{type(error).__name__}: {error}"[:500])

    def _failed(self, sample: Sample, reason: str, detail: str) -> JudgeResult:
        verdict = Verdict(
            sample_id=sample.sample_id,
            outcome=Outcome.ERROR,
            phase=sample.phase,
            surface="",
            reason=reason,
            detail=detail,
            target=sample.target[:2000],
            judged_at=self.clock(),
            observed_at=sample.started_at,
        )
        return JudgeResult((verdict,))

    async def _write(
        self,
        settled: Sequence[_Case],
        findings: Sequence[Finding],
        shed: Mapping[str, int],
        trials: Sequence[Trial],
        stop: asyncio.Event,
    ) -> list[Verdict] | None:
        """Write a round; wait while the ledger is away. Returns what was counted; None: it was away until the end."""
        if not settled and not findings and not shed:
            return []
        while True:
            try:
                await self.epochs.follow([case.sample for case in settled], self.clock())
                verdicts = [one for case in settled for one in self.epochs.counted(case.sample, case.settled)]
                await self.verdicts.add(verdicts, findings, shed, now=self.clock(), trials=trials)
            except UnavailableError as error:
                self.progress.trouble = str(error)
                log.warning("the ledger cannot be written: %s", error, extra={"action": "ledger_unavailable"})
                if stop.is_set():
                    return None
                await _wait(stop, self.pace.ledger_retry_s)
            else:
                self.progress.trouble = ""
                self.progress.last_written_at = self.clock()
                self.progress.epoch = self.epochs.epoch.number if self.epochs.epoch else 0
                return verdicts

    async def _pause(self, stop: asyncio.Event) -> None:
        at = self.cases.next_at()
        wait_s = self.pace.poll_s if at is None else min(self.pace.poll_s, max(0.0, at - self.clock()))
        if stop.is_set():  # draining: the event says nothing any more
            await asyncio.sleep(wait_s)
        else:
            await _wait(stop, wait_s)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
