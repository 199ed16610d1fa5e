"""The verifier program: takes samples, has them judged, writes verdicts, tells of what is wrong.

A sample whose verdict is open is held and judged again, later and later, up to a limit; its verdicts are written
together when all of them are settled, and only then is the sample let go. So a verifier that dies loses nothing, and
judges again what it had not settled. What does not fit into the queue of open samples is settled as it stands. The
ledger learns with each round through when everything observed is settled.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backends.errors import UnavailableError
from backends.ledger.evidence import NoiseCount
from backends.ledger.verdicts import Verdicts
from rules.epochs import GRACE_S, Basis
from rules.mutants import Trial
from rules.rechecks import recheck_delay_s
from rules.sample import Sample
from rules.verdict import Finding, Outcome, Verdict
from verifier.alerts import Alerts
from verifier.cases import bounded
from verifier.epochs import Epochs
from verifier.held import Held, OpenSamples
from verifier.judge import JudgeResult
from verifier.noise_floor import NoiseFloor
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
    recheck_max_s: float = 300.0  # the longest wait for another attempt
    case_bytes_max: int = 32 * 1024 * 1024  # of bodies of mismatches that are written at once


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
    noise_compared: int = 0  # the wiki against itself
    noise_differed: int = 0
    lag_s: float | None = None  # how far the store is behind, as it was known last
    last_written_at: float = 0.0
    trouble: str = ""  # why nothing can be written now


Chore = Callable[[asyncio.Event], Awaitable[None]]
"""Something that is done beside the judging, until the event is set."""


def _unknown() -> float | None:
    return None


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
    noise: NoiseFloor | None = None,
    lag: Callable[[], float | None] = _unknown,
    chores: Sequence[Chore] = (),
) -> Progress:
    """Judge until `stop`. `clock` is in Unix seconds. Sends alerts meanwhile; returns how far it came.

    `basis` is what the comparisons rest on: a change opens another epoch. `trials` shows the judge damaged copies,
    `noise` holds the wiki against itself. `lag` says how many seconds the store is behind, None where nobody knows:
    nothing is looked at again sooner. `chores` run beside the judging; one that ends or fails is not begun again.
    """
    epochs = Epochs(verdicts, basis, pace.grace_s)
    program = _Program(samples, judging, verdicts, alerts, clock, pace, progress or Progress(), epochs, trials)
    program.noise, program.lag = noise, lag
    alerts_stop = asyncio.Event()
    async with alerts, asyncio.TaskGroup() as group:
        group.create_task(alerts.run(alerts_stop))
        doing = [group.create_task(_done(chore, stop)) for chore in chores]
        try:
            await program.work(stop)
        finally:
            for one in doing:
                one.cancel()
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
    noise: NoiseFloor | None = None
    lag: Callable[[], float | None] = _unknown
    settled: Settled = field(init=False)
    cases: OpenSamples = field(init=False)

    def __post_init__(self) -> None:
        self.settled = Settled(self.pace.margin_s)
        self.cases = OpenSamples(self.pace.recheck_waiting_max, self.pace.recheck_bytes_max)

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
                round_ += [Held(sample) for sample in taken]
            shed = await self.samples.shed()
            if round_ or shed:
                await self._round(round_, shed, stop)
            elif until is not None and not len(self.cases):
                await self._mark(at_once=True)
                return
            else:
                await self._mark()
                await self._pause(stop)

    async def _round(self, cases: Sequence[Held], shed: Mapping[str, int], stop: asyncio.Event) -> None:
        turns = asyncio.Semaphore(self.pace.parallel)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._attempt(case, turns)) for case in cases]
        settled = [case for case, task in zip(cases, tasks, strict=True) if task.result()]
        findings = [finding for case in cases for finding in case.findings]
        trials = await self._tried(settled)
        noise = await self._read_twice(settled)
        new_verdicts = await self._write(settled, findings, shed, (trials, noise), stop)
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

    async def _tried(self, settled: Sequence[Held]) -> list[Trial]:
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

    async def _read_twice(self, settled: Sequence[Held]) -> list[NoiseCount]:
        """Hold the answer of at most one of the samples that were just settled against a second reading."""
        if self.noise is None:
            return []
        found: list[NoiseCount] = []
        for case in settled:
            if self.noise.due() and not found:
                found = await self.noise.of(case.sample)
        self.progress.noise_compared, self.progress.noise_differed = self.noise.compared, self.noise.differed
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

    async def _attempt(self, case: Held, turns: asyncio.Semaphore) -> bool:
        """Judge a case once. True when it is settled; else it waits for its next attempt."""
        async with turns:
            result = await self._judge(case)
        case.findings += result.findings
        case.cases += result.cases
        still_open = {verdict.key: verdict for verdict in result.verdicts if verdict.key in result.again}
        case.settled += [verdict for verdict in result.verdicts if verdict.key not in still_open]
        if not still_open:
            return True
        self.progress.lag_s = self.lag()
        delay_s = recheck_delay_s(case.attempt, self.pace.recheck_after_s, self.pace.recheck_max_s, self.progress.lag_s)
        case.attempt += 1
        case.only = frozenset(still_open)
        if self.cases.put(case, self.clock() + delay_s):
            return False
        self.progress.overflowed += 1
        case.settled += still_open.values()
        return True

    async def _judge(self, case: Held) -> JudgeResult:
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
        settled: Sequence[Held],
        findings: Sequence[Finding],
        shed: Mapping[str, int],
        beside: tuple[Sequence[Trial], Sequence[NoiseCount]],
        stop: asyncio.Event,
    ) -> list[Verdict] | None:
        """Write a round; wait while the ledger is away. Returns what was counted; None: it was away until the end."""
        if not settled and not findings and not shed:
            return []
        trials, noise = beside
        cases = bounded((one for case in settled for one in case.cases), self.pace.case_bytes_max)
        while True:
            try:
                await self.epochs.follow([case.sample for case in settled], self.clock())
                verdicts = [one for case in settled for one in self.epochs.counted(case.sample, case.settled)]
                await self.verdicts.add(
                    verdicts, findings, shed, now=self.clock(), trials=trials, cases=cases, noise=noise
                )
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


async def _done(chore: Chore, stop: asyncio.Event) -> None:
    try:
        await chore(stop)
    except Exception:  # a chore must not end the judging
        log.exception("a chore of the verifier ended", extra={"action": "chore_failed"})


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
