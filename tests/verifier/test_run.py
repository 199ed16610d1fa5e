"""The program: takes, judges, holds what is open, writes, lets go; whatever is slow, broken or away."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes.samples import sample
from fakes.sides import MemoryWiki
from fakes.waiting import until

from backends.errors import UnavailableError
from backends.ledger.evidence import NoiseCount
from backends.ledger.verdicts import Verdicts
from rules.case import Case
from rules.epochs import Basis
from rules.mutants import Trial
from rules.reproduce import Exchange
from rules.routes.route import Site
from rules.sample import Sample
from rules.verdict import Finding, Outcome, Verdict
from verifier.alerts import Alerts
from verifier.judge import JudgeResult
from verifier.noise_floor import NoiseFloor
from verifier.run import Pace, Progress, run

QUICK = Pace(poll_s=0.001, recheck_after_s=0.001, ledger_retry_s=0.001, drain_s=10.0)


class ListedSamples:
    """Samples from a list."""

    def __init__(self, samples: Sequence[Sample], shed: Mapping[str, int] | None = None) -> None:
        self.left = list(samples)
        self.let_go: list[str] = []
        self._shed = dict(shed or {})

    async def take(self, limit: int) -> Sequence[Sample]:
        taken, self.left = self.left[:limit], self.left[limit:]
        return taken

    async def done(self, samples: Sequence[Sample]) -> None:
        self.let_go += [one.sample_id for one in samples]

    async def waiting(self) -> int:
        return len(self.left)

    async def shed(self) -> Mapping[str, int]:
        counts, self._shed = self._shed, {}
        return counts


class ScriptedJudge:
    """Answers each attempt at a sample with the next of the outcomes that were told."""

    def __init__(self, script: Mapping[str, Sequence[Any]]) -> None:
        self._script = {name: list(steps) for name, steps in script.items()}
        self.attempts: list[tuple[str, int, frozenset[str] | None]] = []
        self.running = 0
        self.running_max = 0

    async def __call__(self, one: Sample, *, attempt: int, only: frozenset[str] | None) -> JudgeResult:
        self.attempts.append((one.sample_id, attempt, only))
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        step = self._script[one.sample_id].pop(0)
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            await asyncio.Event().wait()
        verdicts = tuple(_verdict(one, key, outcome) for key, outcome in step.items())
        still_open = frozenset(key for key, outcome in step.items() if outcome is Outcome.NOT_YET)
        bad = [v for v in verdicts if v.outcome is Outcome.ERROR]
        findings = tuple(Finding(kind="broken", entity_id=v.key, revision=1, detail="d", found_at=1.0) for v in bad)
        return JudgeResult(verdicts, findings, still_open)


def _verdict(one: Sample, key: str, outcome: Outcome) -> Verdict:
    return Verdict(sample_id=one.sample_id, outcome=outcome, phase="p", surface="s", key=key, entity_id=key,
                   entity_type="item", judged_at=1.0)  # fmt: skip


def samples(*names: str) -> list[Sample]:
    return [sample("/x", sample_id=name, started_at=float(n)) for n, name in enumerate(names, 1)]


async def work(source: ListedSamples, judging: Any, verdicts: Any, pace: Pace = QUICK, **more: Any) -> Progress:
    """Run until everything is settled."""
    stop = asyncio.Event()
    stop.set()
    clock = asyncio.get_running_loop().time
    return await run(samples=source, judging=judging, verdicts=verdicts, alerts=Alerts(), stop=stop, clock=clock,
                     pace=pace, **more)  # fmt: skip


async def counted(verdicts: Verdicts) -> Counter[str]:
    seen: Counter[str] = Counter()
    for one in await verdicts.counts(1):
        seen[one.outcome.value] += one.seen
    return seen


async def test_every_sample_is_judged_once_written_and_let_go(verdicts: Verdicts) -> None:
    names = [f"s{n}" for n in range(50)]
    source = ListedSamples(samples(*names), shed={"queue_full": 7})
    judging = ScriptedJudge({name: [{"Q1": Outcome.MATCH, "Q2": Outcome.MISMATCH}] for name in names})
    progress = await work(source, judging, verdicts)
    assert await counted(verdicts) == {"match": 50, "mismatch": 50}
    assert sorted(source.let_go) == sorted(names)
    assert await verdicts.shed(1) == {"queue_full": 7}
    assert (progress.judged, progress.open, progress.judged_through) == (50, 0, 50.0)
    assert judging.running_max <= QUICK.parallel


async def test_what_is_open_is_judged_again_and_only_that(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge(
        {"a": [{"Q1": Outcome.MATCH, "Q2": Outcome.NOT_YET}, {"Q2": Outcome.NOT_YET}, {"Q2": Outcome.MATCH}]}
    )
    await work(source, judging, verdicts)
    assert judging.attempts == [("a", 1, None), ("a", 2, frozenset({"Q2"})), ("a", 3, frozenset({"Q2"}))]
    assert await counted(verdicts) == {"match": 2}
    assert source.let_go == ["a"]


async def test_a_sample_is_held_until_all_of_it_is_settled(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.MATCH, "Q2": Outcome.NOT_YET}]})
    pace = Pace(poll_s=0.001, recheck_after_s=1000.0, drain_s=0.05)
    progress = await work(source, judging, verdicts, pace)
    assert (progress.open, source.let_go) == (1, [])
    assert await counted(verdicts) == {}


async def test_what_has_no_room_to_wait_is_settled_as_it_stands(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a", "b"))
    judging = ScriptedJudge({name: [{"Q1": Outcome.NOT_YET}, {"Q1": Outcome.MATCH}] for name in "ab"})
    pace = Pace(poll_s=0.001, recheck_after_s=0.001, recheck_waiting_max=1, drain_s=10.0)
    progress = await work(source, judging, verdicts, pace)
    assert progress.overflowed == 1
    assert await counted(verdicts) == {"match": 1, "not_comparable_yet": 1}


async def test_a_sample_that_breaks_the_judge_is_an_error_and_no_end(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a", "b", "c"))
    judging = ScriptedJudge({"a": [RuntimeError("boom")], "b": ["hang"], "c": [{"Q1": Outcome.MATCH}]})
    pace = Pace(poll_s=0.001, judge_timeout_s=0.02, drain_s=10.0)
    await work(source, judging, verdicts, pace)
    assert await counted(verdicts) == {"match": 1, "error": 2}
    assert sorted(one.reason for one in await verdicts.latest(Outcome.ERROR)) == ["judge_failed", "judge_timeout"]
    assert sorted(source.let_go) == ["a", "b", "c"]


async def test_findings_are_kept_with_their_verdicts(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.ERROR}]})
    await work(source, judging, verdicts)
    assert [(one.kind, one.entity_id, one.seen) for one in await verdicts.findings()] == [("broken", "Q1", 1)]


class AwayAtFirst:
    """A ledger that is away for some calls."""

    def __init__(self, inner: Verdicts, away: int) -> None:
        self._inner = inner
        self.evidence = inner.evidence
        self._away = away

    async def add(self, *args: Any, **kwargs: Any) -> None:
        self._away -= 1
        if self._away >= 0:
            raise UnavailableError("the ledger is away")
        await self._inner.add(*args, **kwargs)


async def test_a_ledger_that_is_away_is_waited_for(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.MATCH}]})
    progress = Progress()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        clock = asyncio.get_running_loop().time
        group.create_task(
            run(samples=source, judging=judging, verdicts=AwayAtFirst(verdicts, 3), alerts=Alerts(),  # type: ignore[arg-type]
                stop=stop, clock=clock, pace=QUICK, progress=progress)
        )  # fmt: skip
        await until(lambda: progress.judged)
        stop.set()
    assert await counted(verdicts) == {"match": 1}
    assert (source.let_go, progress.trouble) == (["a"], "")


async def test_a_ledger_that_stays_away_until_the_end_leaves_the_samples(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.MATCH}]})
    pace = Pace(poll_s=0.001, drain_s=0.02)
    progress = await work(source, judging, AwayAtFirst(verdicts, 99), pace)
    assert source.let_go == []
    assert "away" in progress.trouble


# ---- How far, since what, and what was only pretended ----


async def test_the_ledger_learns_through_when_everything_is_settled(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a", "b"))
    judging = ScriptedJudge({name: [{"Q1": Outcome.MATCH}] for name in "ab"})
    now = [1000.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    stop = asyncio.Event()
    stop.set()
    progress = await run(samples=source, judging=judging, verdicts=verdicts, alerts=Alerts(), stop=stop, clock=clock,
                         pace=QUICK)  # fmt: skip
    mark = await verdicts.evidence.watermark()
    assert mark is not None
    assert 997.0 < mark.through_at < now[0]
    assert mark.through_at == pytest.approx(progress.verified_through, abs=0.001)


async def test_an_open_sample_holds_the_mark(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a", "b"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.NOT_YET}], "b": [{"Q1": Outcome.MATCH}]})
    pace = Pace(poll_s=0.001, recheck_after_s=1000.0, drain_s=0.05, mark_every_s=0.0)
    progress = await work(source, judging, verdicts, pace)
    assert progress.verified_through == pytest.approx(1.01)  # when "a" was observed


async def test_a_basis_is_declared_before_anything_is_counted(verdicts: Verdicts) -> None:
    await verdicts.declare(Basis(form=1), 1.0)
    await verdicts.add([_verdict(samples("x")[0], "Q1", Outcome.MATCH)], now=1.0)
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.MATCH}]})
    progress = await work(source, judging, verdicts, basis=Basis(form=2))
    assert progress.epoch == 2
    assert [sum(one.seen for one in await verdicts.counts(epoch)) for epoch in (1, 2)] == [1, 1]


class PretendedTrials:
    """Trials that are due for each sample and note which they got."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.missed = 0

    def due(self) -> bool:
        return True

    async def of(self, one: Sample, _verdicts: Sequence[Verdict]) -> list[Trial]:
        self.got.append(one.sample_id)
        return [Trial(operator="rank", tried=1, caught=1, detect_s=1.0)]


async def test_trials_are_kept_apart_from_verdicts_and_one_a_round_is_enough(verdicts: Verdicts) -> None:
    names = [f"s{n}" for n in range(6)]
    source = ListedSamples(samples(*names))
    judging = ScriptedJudge({name: [{"Q1": Outcome.MATCH}] for name in names})
    trials = PretendedTrials()
    pace = Pace(poll_s=0.001, batch=3, drain_s=10.0)
    progress = await work(source, judging, verdicts, pace, trials=trials)
    assert len(trials.got) == 2  # two rounds of three samples
    assert await counted(verdicts) == {"match": 6}
    assert [(one.operator, one.tried, one.caught) for one in await verdicts.evidence.trials(1)] == [("rank", 2, 2)]
    assert (progress.mutants_tried, progress.mutants_missed) == (2, 0)
    assert (await verdicts.latest(Outcome.MISMATCH), await verdicts.findings()) == ([], [])


# ---- What runs beside the judging ----


async def test_nothing_is_looked_at_again_sooner_than_the_store_is_behind(verdicts: Verdicts) -> None:
    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.NOT_YET}, {"Q1": Outcome.MATCH}]})
    pace = Pace(poll_s=0.001, recheck_after_s=0.001, recheck_max_s=0.002, drain_s=0.05)
    progress = await work(source, judging, verdicts, pace, lag=lambda: 1000.0)
    assert (progress.open, progress.lag_s, len(judging.attempts)) == (1, 1000.0, 1)


async def test_a_case_is_written_with_its_verdict_or_neither_is(
    verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def judged(one: Sample, *, attempt: int, only: frozenset[str] | None) -> JudgeResult:
        told = replace(_verdict(one, "Q1", Outcome.MISMATCH), revision=7)
        exchange = Exchange(method="GET", target="/")
        return JudgeResult((told,), cases=(Case(case_id="c1", verdict=told, exchange=exchange),))

    put, died = verdicts.cases.add, []

    async def dies_at_first(*args: Any) -> None:
        await put(*args)
        if not died:
            died.append(await counted(verdicts))
            raise UnavailableError("the ledger went away in the middle")

    monkeypatch.setattr(verdicts.cases, "add", dies_at_first)
    source = ListedSamples(samples("a"))
    await work(source, judged, verdicts)
    assert (died, source.let_go) == ([Counter()], [])
    assert (await counted(verdicts), await verdicts.cases.latest()) == (Counter(), [])
    await work(ListedSamples(samples("a")), judged, verdicts)  # the next verifier finds the sample where it was
    assert await counted(verdicts) == {"mismatch": 1}
    (case,) = await verdicts.cases.latest()
    assert (case.case_id, case.seen) == ("c1", 1)


async def test_the_wiki_is_held_against_itself_beside_the_comparisons(verdicts: Verdicts) -> None:
    wiki = MemoryWiki(revisions={("Q1", 7): {"type": "item", "id": "Q1"}})
    body = {"entities": {"Q1": {"type": "item", "id": "Q1", "lastrevid": 7}}}
    names = ["a", "b", "c", "d"]
    shown = [sample("/w/api.php?action=wbgetentities&ids=Q1&format=json", body, sample_id=name) for name in names]
    judging = ScriptedJudge({name: [{"Q1": Outcome.MATCH}] for name in names})
    noise = NoiseFloor(wiki=wiki, site=Site(), every_samples=2)
    progress = await work(ListedSamples(shown), judging, verdicts, Pace(poll_s=0.001, batch=1, drain_s=10.0),
                          noise=noise)  # fmt: skip
    assert await verdicts.evidence.noise(1) == [NoiseCount(surface="wbgetentities", compared=2)]
    assert (progress.noise_compared, progress.noise_differed) == (2, 0)
    assert await counted(verdicts) == {"match": 4}


async def test_a_chore_that_fails_or_never_ends_is_in_nobodys_way(verdicts: Verdicts) -> None:
    ended = []

    async def fails(_stop: asyncio.Event) -> None:
        raise RuntimeError("a chore broke")

    async def hangs(_stop: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    source = ListedSamples(samples("a"))
    judging = ScriptedJudge({"a": [{"Q1": Outcome.NOT_YET}, {"Q1": Outcome.MATCH}]})
    await work(source, judging, verdicts, chores=(fails, hangs))
    assert await counted(verdicts) == {"match": 1}
    assert ended == [1]
