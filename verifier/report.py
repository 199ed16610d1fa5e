"""The report: what was compared, what came of it, how sure that makes us, and what was not compared and why.

`gather` reads the ledger; `verifier.report_forms` renders. Counts are those of one epoch.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.ledger.cases import KeptCase
from backends.ledger.verdicts import Count, EntityCount, Epoch, KeptFinding, Verdicts
from rules.parity import CONFIDENCE, Bound, bound
from rules.parity_gate import Requirement
from rules.reproduce import repair_command
from rules.sample import shed_parts
from rules.verdict import Outcome, Standing, Verdict, standing_of
from verifier.proof import Proof, gather_proof, proof_json

MISMATCHES_SHOWN = 20
FINDINGS_SHOWN = 100
PAGES_MAX = 100
REQUIREMENT = Requirement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Counts of one part of the comparisons, and what they prove. `by` names the division, `name` the part."""

    by: str
    name: str
    outcomes: Mapping[str, int]
    bound: Bound
    unproven: int
    aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """How often the wiki differed from itself by a surface, and what that says at most."""

    surface: str
    bound: Bound
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a report says. Times are Unix seconds."""

    made_at: float
    epoch: Epoch
    overall: Stratum
    entities: Bound  # weighted by entity: each counts once, whatever its traffic
    strata: tuple[Stratum, ...]
    not_compared: Mapping[str, int]  # reason: how many
    unproven: Mapping[str, int]
    rules: Mapping[str, int]
    shed: Mapping[str, int]
    mismatches: tuple[Verdict, ...]
    errors: tuple[Verdict, ...]
    findings: tuple[KeptFinding, ...]
    findings_total: int
    proof: Proof
    first_at: float | None = None
    last_at: float | None = None
    confidence: float = CONFIDENCE
    notes: tuple[str, ...] = field(default=())
    cases: tuple[KeptCase, ...] = ()
    noise: tuple[NoiseFloor, ...] = ()
    pace: Mapping[str, float] = field(default_factory=dict)  # of the verifier's own requests, as it noted last


async def gather(
    verdicts: Verdicts,
    *,
    now: float,
    mismatches: int = MISMATCHES_SHOWN,
    confidence: float = CONFIDENCE,
    requirement: Requirement = REQUIREMENT,
    pace: Mapping[str, float] | None = None,
) -> Report:
    """Read the ledger and return the report of the present epoch. Raises UnavailableError."""
    epoch = await verdicts.epoch(now)
    counts = await verdicts.counts(epoch.number)
    shed = _shed_by_reason(await verdicts.shed(epoch.number))
    entities = await verdicts.entity_counts(epoch.number)
    strata = [
        stratum
        for by, key in _DIVISIONS.items()
        for stratum in _strata(by, [count for count in counts if key(count)], key, confidence)
    ]
    overall = _stratum("all", "all", counts, confidence, shed=sum(shed.values()))
    return Report(
        made_at=now,
        epoch=epoch,
        overall=overall,
        entities=_entity_bound(entities, confidence),
        strata=tuple(strata),
        not_compared=_reasons(counts, Standing.ASIDE),
        unproven=_reasons(counts, Standing.UNPROVEN),
        rules=_tally(count for count in counts if count.outcome is Outcome.RULE),
        shed=shed,
        mismatches=tuple(await verdicts.latest(Outcome.MISMATCH, size=mismatches)),
        errors=tuple(await verdicts.latest(Outcome.ERROR, size=mismatches)),
        findings=await _standing(verdicts),
        findings_total=await verdicts.findings_total(),
        proof=await gather_proof(verdicts, epoch, requirement),
        first_at=min((count.first_at for count in counts), default=None),
        last_at=max((count.last_at for count in counts), default=None),
        confidence=confidence,
        notes=_notes(overall),
        cases=tuple(await verdicts.cases.latest(size=mismatches)),
        noise=tuple(
            NoiseFloor(
                surface=one.surface,
                bound=bound(one.differed, one.compared, confidence=confidence),
                unread=one.unread,
            )
            for one in await verdicts.evidence.noise(epoch.number)
        ),
        pace=dict(pace or {}),
    )


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "made_at": report.made_at,
        "epoch": {"number": report.epoch.number, "opened_at": report.epoch.opened_at, "why": report.epoch.why},
        "first_at": report.first_at,
        "last_at": report.last_at,
        "parity": proof_json(report.proof),
        "overall": _stratum_json(report.overall),
        "entities": report.entities.as_json(),
        "strata": [_stratum_json(stratum) for stratum in report.strata],
        "not_compared": dict(report.not_compared),
        "unproven": dict(report.unproven),
        "rules": dict(report.rules),
        "shed": dict(report.shed),
        "mismatches": [_verdict_json(verdict) for verdict in report.mismatches],
        "errors": [_verdict_json(verdict) for verdict in report.errors],
        "findings_total": report.findings_total,
        "findings": [
            {
                "kind": finding.kind,
                "entity": finding.entity_id,
                "revision": finding.revision,
                "detail": finding.detail,
                "seen": finding.seen,
                "first_at": finding.first_at,
                "last_at": finding.last_at,
                "repair": repair_command(finding.entity_id),
            }
            for finding in report.findings
        ],
        "notes": list(report.notes),
        "cases": [_case_json(one) for one in report.cases],
        "noise": [{"surface": one.surface, "bound": one.bound.as_json(), "unread": one.unread} for one in report.noise],
        "pace": dict(report.pace),
    }


def _case_json(one: KeptCase) -> dict[str, Any]:
    verdict = one.case.verdict
    return {
        "id": one.case_id,
        "entity": verdict.entity_id,
        "revision": verdict.revision,
        "surface": verdict.surface,
        "reason": verdict.reason,
        "seen": one.seen,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "closed_at": one.closed_at,
        "closed_by": one.closed_by,
        "located": one.located,
        "repair": repair_command(verdict.entity_id or ""),
    }


async def _standing(verdicts: Verdicts) -> tuple[KeptFinding, ...]:
    """Return the first findings that stand. Closed ones are passed over."""
    found: list[KeptFinding] = []
    after: KeptFinding | None = None
    for _ in range(PAGES_MAX):
        page = await verdicts.findings(size=FINDINGS_SHOWN, after=after)
        found += [one for one in page if one.closed_at is None]
        if len(page) < FINDINGS_SHOWN or len(found) >= FINDINGS_SHOWN:
            break
        after = page[-1]
    return tuple(found[:FINDINGS_SHOWN])


def _stratum(by: str, name: str, counts: Sequence[Count], confidence: float, *, shed: int = 0) -> Stratum:
    standings: Counter[Standing] = Counter()
    outcomes: Counter[str] = Counter()
    for count in counts:
        standings[standing_of(count.outcome, count.reason)] += count.seen
        outcomes[count.outcome.value] += count.seen
    if shed:
        outcomes[Outcome.SHED.value] += shed
    failed = standings[Standing.FAILED]
    return Stratum(
        by=by,
        name=name,
        outcomes=dict(sorted(outcomes.items())),
        bound=bound(failed, failed + standings[Standing.PROVEN], confidence=confidence),
        unproven=standings[Standing.UNPROVEN] + shed,
        aside=standings[Standing.ASIDE],
    )


def _strata(by: str, counts: Sequence[Count], key: Callable[[Count], str], confidence: float) -> Iterable[Stratum]:
    for name in sorted({key(count) for count in counts}):
        yield _stratum(by, name, [count for count in counts if key(count) == name], confidence)


_DIVISIONS: Mapping[str, Callable[[Count], str]] = {
    "surface": lambda count: count.surface,
    "entity type": lambda count: count.entity_type,
    "phase": lambda count: count.phase,
}


def _entity_bound(entities: Sequence[EntityCount], confidence: float) -> Bound:
    failed, compared = sum(one.failed for one in entities), sum(one.entities for one in entities)
    return bound(failed, compared, confidence=confidence)


def _shed_by_reason(shed: Mapping[str, int]) -> dict[str, int]:
    by_reason: Counter[str] = Counter()
    for key, count in shed.items():
        by_reason[shed_parts(key)[0]] += count
    return dict(sorted(by_reason.items()))


def _reasons(counts: Iterable[Count], how: Standing) -> dict[str, int]:
    return _tally(count for count in counts if standing_of(count.outcome, count.reason) is how)


def _tally(counts: Iterable[Count]) -> dict[str, int]:
    seen: Counter[str] = Counter()
    for count in counts:
        seen[count.reason or count.outcome.value] += count.seen
    return dict(seen.most_common())


def _notes(overall: Stratum) -> tuple[str, ...]:
    compared, notes = overall.bound.comparisons, []
    if not compared:
        notes.append("Nothing was compared: this report proves nothing.")
    if overall.unproven:
        share = overall.unproven / (compared + overall.unproven)
        notes.append(f"{overall.unproven} ({share:.1%}) should have been compared and were not; they prove nothing.")
    return tuple(notes)


def _stratum_json(stratum: Stratum) -> dict[str, Any]:
    return {
        "by": stratum.by,
        "name": stratum.name,
        "outcomes": dict(stratum.outcomes),
        "bound": stratum.bound.as_json(),
        "unproven": stratum.unproven,
        "not_compared": stratum.aside,
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "entity": verdict.entity_id,
        "revision": verdict.revision,
        "surface": verdict.surface,
        "phase": verdict.phase,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "rules": list(verdict.rules),
        "target": verdict.target,
        "sample": verdict.sample_id,
        "judged_at": verdict.judged_at,
        "observed_at": verdict.observed_at,
    }
