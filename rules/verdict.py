"""A verdict: the result of one comparison. A value, never an exception."""

from dataclasses import dataclass
from enum import StrEnum

from rules.strata import Stratum


class Outcome(StrEnum):
    """What a comparison came to."""

    MATCH = "match"
    RULE = "match_under_rule"  # equal once a named normalisation rule was applied
    MISMATCH = "mismatch"
    NOT_YET = "not_comparable_yet"  # the two sides do not hold the same revision (invariant 8)
    NOT_COMPARED = "not_compared"  # an answer with nothing to compare (an error, a 304, a redirect ...)
    ERROR = "error"  # comparing failed: ours or the store's fault, `reason` says
    SHED = "shed"  # observed, but dropped for lack of room


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One comparison of one entity in one sampled answer (or of one whole answer, `entity_id` None)."""

    sample_id: str
    outcome: Outcome
    phase: str
    surface: str
    key: str = ""  # which entity of the answer; unique in a sample
    entity_id: str | None = None
    entity_type: str | None = None
    revision: int | None = None
    reason: str = ""  # a short fixed word for counting
    detail: str = ""  # readable difference or message, bounded
    rules: tuple[str, ...] = ()
    target: str = ""  # the request, secrets out
    judged_at: float = 0.0
    observed_at: float = 0.0
    stratum: Stratum | None = None  # None: of whole answers that could not be read
    shape: str = ""  # what of an entity was asked for, and how (rules.strata.route_shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with a side itself, found while judging: a corrupt snapshot, a head that lies behind."""

    kind: str  # "snapshot_corrupt", "head_behind", "head_unknown" ...
    entity_id: str
    revision: int | None
    detail: str
    found_at: float = 0.0


class Standing(StrEnum):
    """What a verdict says about parity."""

    PROVEN = "proven"  # compared, and equal
    FAILED = "failed"  # the store would have answered something else, or nothing
    UNPROVEN = "unproven"  # should have been compared, and was not
    ASIDE = "aside"  # there was nothing to compare


STORE_FAULTS = frozenset(
    {
        "snapshot_corrupt",
        "head_behind",
        "head_unknown",
        "head_dangling",
        "head_state_wrong",
        "redirect_differs",
    }
)
"""Reasons of errors that are the store's own: the read would have failed there, so they count as failures."""

_STANDING_OF_OUTCOME = {
    Outcome.MATCH: Standing.PROVEN,
    Outcome.RULE: Standing.PROVEN,
    Outcome.MISMATCH: Standing.FAILED,
    Outcome.NOT_YET: Standing.UNPROVEN,
    Outcome.SHED: Standing.UNPROVEN,
    Outcome.NOT_COMPARED: Standing.ASIDE,
}


def standing(verdict: Verdict) -> Standing:
    """Return what a verdict says about parity."""
    return standing_of(verdict.outcome, verdict.reason)


def standing_of(outcome: Outcome, reason: str) -> Standing:
    """Return what verdicts of an outcome, counted under a reason, say about parity."""
    if outcome is Outcome.ERROR:
        return Standing.FAILED if reason in STORE_FAULTS else Standing.UNPROVEN
    return _STANDING_OF_OUTCOME[outcome]
