"""Sections of a report beside the proof: the wiki against itself, cases to look into, how fast the verifier asks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from backends.ledger.cases import KeptCase
from rules.parity import Bound
from rules.reproduce import repair_command
from verifier.proof_forms import Section

CASES_SHOWN = 20


def noise_section(noise: Sequence[tuple[str, Bound, int]]) -> Section:
    """Return the noise floor: (surface, bound, how many could not be read a second time) each."""
    return Section(
        title="The wiki against itself",
        lines=("A share of answers is held against a second reading of the same revision. No store is involved.",)
        if noise
        else (),
        heading=("surface", "read twice", "differ", "at most", "not read"),
        rows=tuple(
            (surface, f"{one.comparisons:,}", f"{one.failures:,}", _at_most(one), f"{unread:,}")
            for surface, one, unread in noise
        ),
    )


def cases_section(cases: Sequence[KeptCase]) -> Section:
    """Return the latest cases, each with how to look into it and how to mend it."""
    shown = cases[:CASES_SHOWN]
    return Section(
        title="Cases",
        lines=("Everything about one: cutover mismatch ID. After a repair: cutover mismatch ID --recheck.",)
        if shown
        else (),
        heading=("id", "what", "why", "seen", "in its history", "to mend it"),
        rows=tuple(_case_row(one) for one in shown),
    )


def pace_section(pace: Mapping[str, float]) -> Section:
    """Return how the verifier's own requests go, as it noted last."""
    if not pace:
        return Section(title="Our own requests")
    told = (
        f"{pace.get('rate', 0):.1f} requests a second are allowed now, {pace.get('rate_max', 0):.1f} at most;"
        f" slowed down {pace.get('slowed', 0):,.0f} times ({pace.get('busy', 0):,.0f} busy answers,"
        f" {pace.get('slow', 0):,.0f} slow ones); {pace.get('given_up', 0):,.0f} given up."
    )
    return Section(title="Our own requests", lines=(told,))


def _case_row(one: KeptCase) -> tuple[str, ...]:
    verdict = one.case.verdict
    where = one.located or "not looked at yet"
    if one.closed_at is not None:
        when = datetime.fromtimestamp(one.closed_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        where = f"closed {when} by {one.closed_by}"
    return (
        one.case_id,
        f"{verdict.entity_id} revision {verdict.revision} by {verdict.surface}",
        verdict.reason,
        str(one.seen),
        where,
        "" if one.closed_at is not None else repair_command(verdict.entity_id or ""),
    )


def _at_most(one: Bound) -> str:
    return "unknown" if not one.comparisons else f"{one.upper:.3%}"
