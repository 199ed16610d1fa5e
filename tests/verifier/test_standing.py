"""What stands is told once: old mismatches, noise, rules whose time is over; how fast the verifier asks is noted."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from fakes.waiting import until

from backends.errors import UnavailableError
from backends.ledger.evidence import NoiseCount
from backends.ledger.verdicts import Verdicts
from rules.alerting import Alert
from rules.normalise import Examples, Rule
from rules.normalise_actions import action_of
from rules.verdict import Outcome, Verdict
from verifier.alerts import Alerts
from verifier.standing import PACE, Thresholds, Watch


class HeardAlerts(Alerts):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Alert] = []

    def say(self, alerts: Any) -> None:
        self.heard += alerts


NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def watch(verdicts: Verdicts, **fields: Any) -> Watch:
    plain: dict[str, Any] = {"thresholds": Thresholds(age_s=60.0, noise_rate_max=0.01, every_s=0.001)}
    plain |= {"clock": lambda: NOW}
    return Watch(verdicts=verdicts, alerts=HeardAlerts(), **{**plain, **fields})


def lines(made: Watch) -> list[str]:
    return [one.line for one in made.alerts.heard]  # type: ignore[attr-defined]


async def differ(verdicts: Verdicts, entity_id: str, at: float, outcome: Outcome = Outcome.MISMATCH) -> None:
    one = Verdict(sample_id="s", outcome=outcome, phase="p", surface="rest", key="k", entity_id=entity_id,
                  revision=7, reason="content", judged_at=at)  # fmt: skip
    await verdicts.add([one], now=at)


async def test_a_mismatch_is_told_when_it_is_old_and_only_once(verdicts: Verdicts) -> None:
    await differ(verdicts, "Q1", NOW - 61)
    await differ(verdicts, "Q2", NOW - 59)
    await differ(verdicts, "Q3", NOW - 90)
    await differ(verdicts, "Q3", NOW - 80, Outcome.MATCH)
    made = watch(verdicts)
    assert (await made.look(), await made.look()) == (1, 0)
    assert [line.split()[0] for line in lines(made)] == ["Q1"]
    never = watch(verdicts, thresholds=Thresholds(age_s=0.0))
    assert await never.look() == 0


async def test_noise_beyond_its_limit_is_told_by_surface(verdicts: Verdicts) -> None:
    await verdicts.add([], now=NOW, noise=[NoiseCount(surface="rest", compared=100, differed=20)])
    await verdicts.add([], now=NOW, noise=[NoiseCount(surface="entitydata", compared=100)])
    made = watch(verdicts)
    assert (await made.look(), await made.look()) == (1, 0)
    assert lines(made)[0].startswith("by rest the wiki differs from itself in 20 of 100 second readings")


async def test_a_rule_that_expires_while_the_verifier_runs_is_told_once(verdicts: Verdicts) -> None:
    rule = Rule(
        name="rounded",
        path=("labels",),
        action=action_of("strip"),
        reason="r",
        owner="Ann",
        expires=date(2026, 6, 1),
        examples=Examples(({}, {}), ({}, {})),
    )
    now = NOW
    made = watch(verdicts, rules=[rule], clock=lambda: now)
    assert await made.look() == 0
    now = NOW + 86_400
    assert (await made.look(), await made.look()) == (1, 0)
    assert "rounded expired on 2026-06-01 and is not applied any more" in lines(made)[0]


async def test_how_fast_the_verifier_asks_is_noted(verdicts: Verdicts) -> None:
    noted = []

    async def note(name: str, told: dict[str, Any]) -> None:
        noted.append((name, told))

    await watch(verdicts, pace=lambda: {"rate": 4.0}, note=note).look()
    assert noted == [(PACE, {"rate": 4.0})]


async def test_a_ledger_that_is_away_ends_nothing(verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, looked, ages = asyncio.Event(), [], verdicts.evidence.ages

    async def away(*args: Any, **more: Any) -> Any:
        looked.append(1)
        if len(looked) < 3:
            raise UnavailableError("the ledger is away")
        return await ages(*args, **more)

    monkeypatch.setattr(verdicts.evidence, "ages", away)
    await differ(verdicts, "Q1", NOW - 100)
    made = watch(verdicts)
    async with asyncio.TaskGroup() as group:
        group.create_task(made.run(stop))
        await until(lambda: bool(lines(made)))
        stop.set()
    assert len(looked) >= 3
