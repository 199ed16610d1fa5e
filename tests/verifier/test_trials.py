"""Trials: how often, which operator, what is recorded; and the whole of what was recorded, damaged and judged."""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from fakes.lexeme import ITEM
from fakes.samples import LONG_AFTER, reads_of_wiki_a, sample
from fakes.sides import MemoryStore, MemoryWiki, revision, wiki_a
from shared_truth import SHARED, needs_shared

from backends.wiki.shapes import WikiHead
from rules.mutants import Trial
from rules.routes.route import Site
from rules.sample import Sample
from rules.verdict import Outcome, Verdict
from verifier.judge import JudgeResult, Limits, judge
from verifier.trials import Rate, Trials

SITE = Site()
READ = sample(
    "/w/api.php?action=wbgetentities&ids=Q5&format=json",
    {"entities": {"Q5": {**ITEM, "lastrevid": 11, "modified": "2020-01-01T00:00:00Z"}}, "success": 1},
    started_at=LONG_AFTER,
    duration_s=0.5,
)


def sides() -> tuple[MemoryStore, MemoryWiki]:
    store, wiki = MemoryStore(), MemoryWiki()
    store.put(revision("Q5", 11, ITEM))
    wiki.revisions["Q5", 11] = ITEM
    wiki.known_heads["Q5"] = WikiHead(rev_id=11, modified="2020-01-01T00:00:00Z")
    return store, wiki


class Clock:
    def __init__(self) -> None:
        self.now = LONG_AFTER

    def __call__(self) -> float:
        return self.now


def trials(store: Any, wiki: Any, clock: Callable[[], float], **fields: Any) -> Trials:
    judging = functools.partial(judge, wiki=wiki, site=SITE, now=clock)
    return Trials(**{"store": store, "judging": judging, "site": SITE, "clock": clock, **fields})


async def verdicts_on(one: Sample, store: Any, wiki: Any) -> tuple[Verdict, ...]:
    result = await judge(one, store=store, wiki=wiki, site=SITE, now=lambda: LONG_AFTER, attempt=6)
    return result.verdicts


def test_trials_are_due_by_samples_or_by_time() -> None:
    clock = Clock()
    by_samples = trials(*sides(), clock, rate=Rate(every_samples=3, every_s=0))
    assert [by_samples.due() for _ in range(4)] == [False, False, True, True]
    by_time = trials(*sides(), clock, rate=Rate(every_samples=0, every_s=10))
    by_time._last_at = clock.now
    assert not by_time.due()
    clock.now += 10
    assert by_time.due()
    assert not trials(*sides(), clock, rate=Rate(every_samples=0, every_s=0)).due()


async def test_a_trial_says_what_was_found_out_and_how_long_it_took() -> None:
    store, wiki = sides()
    clock = Clock()
    one = trials(store, wiki, clock, operators=("gloss_byte", "rank"))
    clock.now += 4.0
    made = await one.of(READ, await verdicts_on(READ, store, wiki))
    assert made[-1] == Trial(operator="rank", tried=1, caught=1, detect_s=3.5)
    assert set(made[:-1]) <= {Trial(operator="gloss_byte", not_applicable=1)}
    assert not one.due()  # it begins to count anew


async def test_every_operator_gets_its_turn_and_the_rare_ones_first() -> None:
    store, wiki = sides()
    one = trials(store, wiki, Clock())
    verdicts = await verdicts_on(READ, store, wiki)
    caught: Counter[str] = Counter()
    for _ in range(120):
        for trial in await one.of(READ, verdicts):
            caught[trial.operator] += trial.caught
    assert one.missed == 0
    assert len(+caught) > 50
    assert max(caught.values()) <= 4


async def test_what_was_not_equal_is_not_damaged() -> None:
    store, wiki = sides()
    store.revisions.clear()
    assert await trials(store, wiki, Clock()).of(READ, await verdicts_on(READ, store, wiki)) == []


async def test_a_judge_that_sees_nothing_is_found_out() -> None:
    store, wiki = sides()
    verdicts = await verdicts_on(READ, store, wiki)

    async def blind(one: Sample, **_: Any) -> JudgeResult:
        return JudgeResult(tuple(verdicts))

    one = trials(store, wiki, Clock(), judging=blind, operators=("rank",))
    assert await one.of(READ, verdicts) == [Trial(operator="rank", tried=1)]
    assert one.missed == 1


async def test_a_judge_that_says_neither_proves_nothing() -> None:
    store, wiki = sides()
    verdicts = await verdicts_on(READ, store, wiki)

    async def unsure(one: Sample, **_: Any) -> JudgeResult:
        return JudgeResult((Verdict(sample_id="s", outcome=Outcome.NOT_YET, phase="p", surface="s"),))

    one = trials(store, wiki, Clock(), judging=unsure, operators=("rank",))
    assert await one.of(READ, verdicts) == [Trial(operator="rank", unclear=1)]


async def test_a_trial_that_breaks_or_hangs_is_no_trial() -> None:
    store, wiki = sides()
    verdicts = await verdicts_on(READ, store, wiki)

    async def broken(one: Sample, **_: Any) -> JudgeResult:
        raise RuntimeError("boom")

    assert await trials(store, wiki, Clock(), judging=broken, operators=("rank",)).of(READ, verdicts) == []
    store.down = True
    assert await trials(store, wiki, Clock()).of(READ, verdicts) == []


@needs_shared
async def test_over_everything_recorded_all_damage_is_found_out() -> None:
    folder = SHARED / "datasets" / "wiki-a"
    store, wiki = wiki_a(folder)
    one = trials(store, wiki, Clock(), limits=Limits())
    tried: Counter[str] = Counter()
    missed = []
    for kind, read in reads_of_wiki_a(folder):
        if len(read.body) > 300_000:
            continue
        for trial in await one.of(read, await verdicts_on(read, store, wiki)):
            tried[trial.operator] += trial.tried
            if trial.tried > trial.caught or trial.unclear:
                missed.append(f"{trial} {kind} {read.target}")
    assert missed == []
    assert sum(tried.values()) > 600
    assert len(+tried) > 50
