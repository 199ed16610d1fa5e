"""Alerts: the first at once, the next together, all of it bounded."""

from dataclasses import dataclass
from datetime import date

from rules.alerting import (
    GROUPS_MAX,
    LINES_MAX,
    Alert,
    age_alerts,
    alerts_of,
    due,
    expiry_alerts,
    gather,
    next_due,
    noise_alerts,
)
from rules.normalise import Examples, Rule
from rules.normalise_actions import action_of
from rules.verdict import Finding, Outcome, Verdict


def alert(group: str = "g", at: float = 0.0) -> Alert:
    return Alert(group=group, line=f"{group} at {at}", at=at)


def test_the_first_of_a_group_is_told_at_once_and_the_next_ones_together() -> None:
    groups, notices = due(gather({}, [alert(at=1.0)]), 1.0, 60.0)
    assert [notice.count for notice in notices] == [1]
    groups, notices = due(gather(groups, [alert(at=2.0), alert(at=3.0)]), 3.0, 60.0)
    assert notices == []
    assert next_due(groups, 60.0) == 61.0
    groups, notices = due(groups, 61.0, 60.0)
    assert [(notice.count, notice.first_at, notice.last_at) for notice in notices] == [(2, 2.0, 3.0)]
    assert next_due(groups, 60.0) is None


def test_groups_do_not_wait_for_one_another() -> None:
    groups, _ = due(gather({}, [alert("a")]), 0.0, 60.0)
    _, notices = due(gather(groups, [alert("a"), alert("b")]), 1.0, 60.0)
    assert [notice.group for notice in notices] == ["b"]


def test_at_the_end_everything_is_told() -> None:
    groups, _ = due(gather({}, [alert()]), 0.0, 60.0)
    _, notices = due(gather(groups, [alert()]), 1.0, 60.0, all_of_them=True)
    assert len(notices) == 1


def test_a_group_that_was_quiet_is_forgotten() -> None:
    groups, _ = due(gather({}, [alert()]), 0.0, 60.0)
    assert due(groups, 59.0, 60.0)[0] != {}
    assert due(groups, 60.0, 60.0)[0] == {}


def test_lines_and_groups_are_bounded() -> None:
    groups = gather({}, [alert() for _ in range(100)])
    (notice,) = due(groups, 0.0, 60.0)[1]
    assert len(notice.lines) == LINES_MAX
    assert "... and 90 more" in notice.text()
    assert len(gather({}, [alert(str(n)) for n in range(1000)])) == GROUPS_MAX + 1


def test_mismatches_and_findings_alert_and_matches_do_not() -> None:
    plain = {"sample_id": "s", "phase": "shadow_reads", "surface": "entitydata"}
    verdicts = [
        Verdict(outcome=Outcome.MATCH, **plain),
        Verdict(outcome=Outcome.MISMATCH, entity_id="Q1", revision=7, detail="a\nb" + "x" * 9999, **plain),
    ]
    finding = Finding(kind="head_behind", entity_id="Q2", revision=3, detail="late", found_at=1.0)
    first, second = alerts_of(verdicts, [finding])
    assert first.group == "mismatch on entitydata"
    assert first.line.startswith("Q1 revision 7 by entitydata in shadow_reads: a b")
    assert len(first.line) < 600
    assert (second.group, second.line) == ("head_behind", "Q2 revision 3: late")


@dataclass(frozen=True)
class Stands:
    first_at: float
    entity_id: str = "Q1"
    revision: int | None = 7
    surface: str = "rest"
    reason: str = "content"
    seen: int = 3


def test_what_differs_for_long_is_told_with_the_way_to_mend_it() -> None:
    assert age_alerts([Stands(90.0), Stands(40.1)], 100.0, 60.0) == []
    (told,) = age_alerts([Stands(90.0), Stands(39.0)], 100.0, 60.0)
    assert told.group == "mismatch older than 60 s"
    assert told.line.startswith("Q1 revision 7 by rest: content, 61 s, seen 3 times")
    assert told.line.endswith("cutover export --entity Q1 --repair")


@dataclass(frozen=True)
class Noisy:
    compared: int
    differed: int
    surface: str = "rest"


def test_noise_is_told_only_when_it_surely_exceeds_the_limit() -> None:
    assert noise_alerts([Noisy(0, 0), Noisy(10, 0), Noisy(3, 1)], 1.0, 0.02, 0.95) == []
    (told,) = noise_alerts([Noisy(100, 20)], 1.0, 0.02, 0.95)
    assert told.group == "noise on rest"
    assert "20 of 100 second readings" in told.line


def test_a_rule_whose_time_is_over_is_told() -> None:
    made = Rule(
        name="rounded",
        path=("labels",),
        action=action_of("strip"),
        reason="r",
        owner="Ann",
        expires=date(2026, 1, 31),
        examples=Examples(({}, {}), ({}, {})),
    )
    assert expiry_alerts([made], date(2026, 1, 31), 5.0) == []
    (told,) = expiry_alerts([made], date(2026, 2, 1), 5.0)
    assert told.line == "rounded expired on 2026-01-31 and is not applied any more; Ann decides"
