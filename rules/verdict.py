"""A verdict: the result of one comparison. A value, never an exception."""

from dataclasses import dataclass
from enum import StrEnum


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
    entity_id: str | None = None
    entity_type: str | None = None
    revision: int | None = None
    reason: str = ""  # a short fixed word for counting
    detail: str = ""  # readable difference or message, bounded
    rules: tuple[str, ...] = ()
    target: str = ""  # the request, secrets out
    judged_at: float = 0.0
    observed_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with a side itself, found while judging: a corrupt snapshot, a head that lies behind."""

    kind: str  # "snapshot_corrupt", "head_behind", "head_unknown" ...
    entity_id: str
    revision: int | None
    detail: str
    found_at: float
