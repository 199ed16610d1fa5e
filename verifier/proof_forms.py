"""The proof in a report's sections: plain words and tables, which `verifier.report_forms` dresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rules.parity import Bound
from rules.parity_gate import Parity, StratumParity
from verifier.proof import OperatorRecall, Proof

LINES_SHOWN = 20
STRATA_SHOWN = 60
NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: lines, then a table. Nothing in it is escaped yet."""

    title: str
    lines: tuple[str, ...] = ()
    heading: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(proof: Proof) -> list[Section]:
    """Return the sections of a proof, those with nothing to say left out."""
    found = [_result(proof), _strata(proof.parity), _recall(proof), _ages(proof), _shed(proof)]
    return [one for one in found if one.lines or one.rows]


def _result(proof: Proof) -> Section:
    found, required = proof.parity, proof.requirement
    lines = [
        (
            f"Required: at most {required.rate_max:.2g} of all comparisons differ, {required.stratum_rate_max:.2g} of"
            f" any stratum, with {required.confidence:.0%} confidence however often one looks."
        ),
        (
            f"Shown: {_at_most(found.traffic)} by traffic, {_at_most(found.distinct)} of {found.distinct.comparisons:,}"
            " different (entity, revision, route shape), both divided by the recall."
        ),
        (
            f"Epoch {'is the first' if proof.epochs == 1 else f'is number {proof.epochs}'};"
            f" all epochs together: {proof.cumulative.text()}."
        ),
        *_through(proof),
        *(f"FAILED: {why}" for why in _cut(found.failures)),
        *(f"missing: {what}" for what in _cut(found.missing)),
    ]
    return Section(title=f"Parity: {found.result.value}", lines=tuple(lines))


def _through(proof: Proof) -> list[str]:
    mark = proof.watermark
    if mark is None:
        return []
    revision = "" if mark.revision is None else f", revision {mark.revision}"
    return [f"Verified through {_time(mark.through_at)}{revision}: everything observed before is settled."]


def _strata(found: Parity) -> Section:
    shown = sorted(found.strata, key=lambda one: (one.result.value == "pass", -one.needs, one.stratum))[:STRATA_SHOWN]
    left = len(found.strata) - len(shown)
    return Section(
        title="Strata",
        lines=(f"{left} more are in the JSON report.",) if left else (),
        heading=("stratum", "compared", "different ones", "differ", "at most", "not proven", "missing", "result"),
        rows=tuple(_stratum_row(one) for one in shown),
    )


def _stratum_row(one: StratumParity) -> tuple[str, ...]:
    return (
        one.stratum.words(),
        f"{one.compared:,}",
        f"{one.bound.comparisons:,}",
        f"{one.bound.failures:,}",
        _at_most(one.bound),
        f"{one.unproven_share:.1%}",
        f"{one.needs:,}" if one.needs else "",
        one.result.value,
    )


def _recall(proof: Proof) -> Section:
    recall = proof.parity.recall
    lines = [f"{recall.caught:,} of {recall.tried:,} damaged copies were found out: surely {recall.lower:.1%}."]
    if proof.never_tried:
        some = ", ".join(proof.never_tried[:NAMES_SHOWN])
        more = ", ..." if len(proof.never_tried) > NAMES_SHOWN else ""
        lines.append(f"{len(proof.never_tried)} kinds of damage were never tried: {some}{more}")
    return Section(
        title="Damage done on purpose",
        lines=tuple(lines),
        heading=("damage", "tried", "found out", "surely", "mean s", "longest s"),
        rows=tuple(_recall_row(one) for one in proof.recall if one.tried),
    )


def _recall_row(one: OperatorRecall) -> tuple[str, ...]:
    return (
        one.what,
        f"{one.tried:,}",
        f"{one.caught:,}",
        f"{one.lower:.1%}",
        f"{one.detect_s_mean:.2f}",
        f"{one.detect_s_max:.2f}",
    )


def _ages(proof: Proof) -> Section:
    if not proof.ages:
        return Section(title="Differs still")
    return Section(
        title=f"Differs still: {proof.ages_total}",
        lines=("The longest known first. What was seen equal since is not listed.",),
        heading=("what", "why", "seen", "first", "last", "for"),
        rows=tuple(
            (
                f"{one.entity_id} revision {one.revision} by {one.surface}",
                one.reason,
                str(one.seen),
                _time(one.first_at),
                _time(one.last_at),
                _span(one.age_s),
            )
            for one in proof.ages
        ),
    )


def _shed(proof: Proof) -> Section:
    rows = tuple((surface or "not known", f"{count:,}") for surface, count in proof.shed.items())
    return Section(title="Shed, by surface", heading=("surface", "samples"), rows=rows)


def _cut(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES_SHOWN
    return [*lines[:LINES_SHOWN], *([f"... and {more} more, in the JSON report"] if more > 0 else [])]


def _at_most(one: Bound) -> str:
    if one.upper >= 1.0:
        return "anything"
    return f"{one.upper:.3%}" if one.upper >= 1e-4 else f"{one.upper:.2g}"  # noqa: PLR2004  below, percent say little


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
