"""Which alerts are sent now, and which wait to be told together: the first of a group at once, then one in a while.

Pure: the state comes in and goes out, the time is an argument. Bounded in groups and in what a notice tells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from rules.normalise import Rule, expired
from rules.parity_gate import lower_bound
from rules.reproduce import repair_command
from rules.verdict import Finding, Outcome, Verdict

GROUPS_MAX = 100
"""Beyond so many groups everything is told under one name."""

LINES_MAX = 10
"""How many alerts a notice tells; the others are counted."""

LINE_CHARS_MAX = 500

_OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that somebody should know. `group` is what it is told together with."""

    group: str
    line: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent: how many alerts of a group since the last notice, and the first of them in words."""

    group: str
    count: int
    lines: tuple[str, ...]
    first_at: float
    last_at: float

    def text(self) -> str:
        """Return the notice in words."""
        more = f"\n... and {self.count - len(self.lines)} more" if self.count > len(self.lines) else ""
        return f"{self.group}: {self.count}\n" + "\n".join(self.lines) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What is known of a group: when it was last told, and what has come since."""

    told_at: float | None = None
    count: int = 0
    lines: tuple[str, ...] = ()
    first_at: float = 0.0
    last_at: float = 0.0


Groups = Mapping[str, Group]


class Standing(Protocol):
    """Something that differs, and was not seen equal since. `first_at` in Unix seconds."""

    @property
    def entity_id(self) -> str:
        """The entity."""

    @property
    def revision(self) -> int | None:
        """The revision, None where none is told."""

    @property
    def surface(self) -> str:
        """By which surface it was read."""

    @property
    def reason(self) -> str:
        """Why it differs, a fixed word."""

    @property
    def seen(self) -> int:
        """How often it was seen."""

    @property
    def first_at(self) -> float:
        """When it was seen first."""


class Noisy(Protocol):
    """How often the wiki was held against itself by a surface, and differed."""

    @property
    def surface(self) -> str:
        """The surface."""

    @property
    def compared(self) -> int:
        """How often it was read a second time."""

    @property
    def differed(self) -> int:
        """How often that gave something else."""


def alerts_of(verdicts: Iterable[Verdict], findings: Iterable[Finding]) -> list[Alert]:
    """Return what is worth an alert: mismatches, and findings."""
    out = []
    for verdict in verdicts:
        if verdict.outcome is Outcome.MISMATCH:
            where = f"{verdict.entity_id} revision {verdict.revision}"
            line = f"{where} by {verdict.surface} in {verdict.phase}: {' '.join(verdict.detail.split())}"
            out.append(Alert(group=f"mismatch on {verdict.surface}", line=_cut(line), at=verdict.judged_at))
    for finding in findings:
        line = f"{finding.entity_id} revision {finding.revision}: {' '.join(finding.detail.split())}"
        out.append(Alert(group=finding.kind, line=_cut(line), at=finding.found_at))
    return out


def age_alerts(ages: Iterable[Standing], now: float, after_s: float) -> list[Alert]:
    """Return an alert for each thing that has differed for longer than so many seconds, and not been equal since."""
    return [
        Alert(
            group=f"mismatch older than {after_s:g} s",
            line=_cut(
                f"{one.entity_id} revision {one.revision} by {one.surface}: {one.reason},"
                f" {now - one.first_at:.0f} s, seen {one.seen} times; to mend it: {repair_command(one.entity_id)}"
            ),
            at=now,
        )
        for one in ages
        if now - one.first_at > after_s
    ]


def noise_alerts(counts: Iterable[Noisy], now: float, rate_max: float, confidence: float) -> list[Alert]:
    """Return an alert for each surface by which the wiki surely differs from itself more often than that."""
    out = []
    for one in counts:
        surely = lower_bound(one.differed, one.compared, confidence)
        if surely > rate_max:
            line = (
                f"by {one.surface} the wiki differs from itself in {one.differed} of {one.compared} second readings:"
                f" surely in more than {surely:.2%}, {rate_max:.2%} are allowed"
            )
            out.append(Alert(group=f"noise on {one.surface}", line=line, at=now))
    return out


def expiry_alerts(rules: Iterable[Rule], today: date, now: float) -> list[Alert]:
    """Return an alert for each normalisation rule whose time is over: it is not applied any more."""
    return [
        Alert(
            group="normalisation rule expired",
            line=_cut(f"{rule.name} expired on {rule.expires} and is not applied any more; {rule.owner} decides"),
            at=now,
        )
        for rule in expired(rules, today)
    ]


def gather(groups: Groups, alerts: Iterable[Alert]) -> dict[str, Group]:
    """Return the groups with these alerts added."""
    out = dict(groups)
    for alert in alerts:
        name = alert.group if alert.group in out or len(out) < GROUPS_MAX else _OTHER
        group = out.get(name, Group())
        out[name] = replace(
            group,
            count=group.count + 1,
            lines=(*group.lines, alert.line) if len(group.lines) < LINES_MAX else group.lines,
            first_at=group.first_at if group.count else alert.at,
            last_at=alert.at,
        )
    return out


def due(
    groups: Groups, now: float, every_s: float, *, all_of_them: bool = False
) -> tuple[dict[str, Group], list[Notice]]:
    """Return the groups afterwards, and the notices to send now: of each group one in `every_s` seconds."""
    out, notices = {}, []
    for name, group in groups.items():
        rested = group.told_at is None or now - group.told_at >= every_s
        if not group.count:
            if not rested:  # a group that has been quiet for long is forgotten
                out[name] = group
        elif rested or all_of_them:
            notices.append(
                Notice(group=name, count=group.count, lines=group.lines, first_at=group.first_at, last_at=group.last_at)
            )
            out[name] = Group(told_at=now)
        else:
            out[name] = group
    return out, notices


def next_due(groups: Groups, every_s: float) -> float | None:
    """Return when the next notice is due, None when nothing waits."""
    times = [(group.told_at or 0.0) + every_s for group in groups.values() if group.count]
    return min(times, default=None)


def _cut(line: str) -> str:
    return line if len(line) <= LINE_CHARS_MAX else f"{line[:LINE_CHARS_MAX]}..."
