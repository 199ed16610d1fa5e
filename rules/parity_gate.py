"""Is parity proven? Facts and a requirement in; pass, fail or unknown out, with what is missing in words. Pure.

The stated error holds whatever is looked at, and however often: the probability of ever passing although the true
rate is above the limit is at most 1 - confidence. Three things could raise it, and each is paid for in advance:

- looking again and again: a count with f failures is judged at alpha / ((f + 1) (f + 2)), which add up to alpha;
- beginning anew: the e-th epoch gets alpha / (e (e + 1)), which add up to alpha;
- many strata: each of k gets alpha / k.

A fifth of alpha goes to the recall of seeded mutants, by which every bound is divided (docs/parity.md).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rules.parity import Bound, bound, comparisons_needed, upper_bound
from rules.strata import ANY, DIMENSIONS, EVERYTHING, Stratum, collapsed

RECALL_SHARE = 0.2
"""The share of alpha that is spent on the recall."""


class Result(StrEnum):
    """What the facts say about a requirement."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"  # the true rate is above the limit, as surely as the requirement asks
    UNKNOWN = "unknown"  # not proven either way: not passed


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumFacts:
    """Counts of one stratum. `distinct`: different (entity, revision, route shape) tuples among those compared.

    `population`: how many different ones there are at all, where somebody counted them; None: not known.
    """

    stratum: Stratum
    compared: int = 0
    failed: int = 0
    unproven: int = 0
    distinct: int = 0
    distinct_failed: int = 0
    population: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How one mutant operator fared: damaged copies that were judged, and those that were found out."""

    tried: int
    caught: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is looked at. Counts are those of one epoch; `shed` is by surface, "" where it is not known."""

    strata: Sequence[StratumFacts]
    shed: Mapping[str, int] = field(default_factory=dict)
    epoch: int = 1
    trials: Mapping[str, Tally] = field(default_factory=dict)
    findings: int = 0  # things wrong with the store itself that were seen in this epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """So many different comparisons are needed of whatever the pattern covers (`strata.ANY` covers every class)."""

    of: Stratum
    comparisons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What must be proven. Rates and ceilings are shares, 0 to 1."""

    rate_max: float = 1e-4  # of all comparisons, by traffic and by entity
    stratum_rate_max: float = 1e-2  # of the comparisons of any one stratum
    confidence: float = 0.95  # 1 - this is the probability of ever passing wrongly
    unproven_max: float = 0.01  # share of what should have been compared that was shed or stayed inconclusive
    stratum_unproven_max: float = 0.05  # the same, in any stratum and on any surface
    by: tuple[str, ...] = DIMENSIONS  # what strata are told apart by
    minimums: tuple[Minimum, ...] = ()  # beyond what the rate itself needs; also of strata never seen
    recall_min: float = 0.5  # the least proven share of seeded damage that is found out
    blind_after: int = 10  # an operator tried so often and never found out makes the result unknown
    findings_max: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How much of the seeded damage is found out: counted, and surely (`lower`). `blind`: operators never found out."""

    tried: int
    caught: int
    lower: float
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumParity:
    """What is known of one stratum. `bound` is over different tuples; `needs` more of them are missing."""

    stratum: Stratum
    result: Result
    compared: int
    bound: Bound
    unproven_share: float
    needs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """The answer. `missing` says what an unknown waits for, `failures` why it failed; both in words."""

    result: Result
    traffic: Bound
    distinct: Bound
    strata: tuple[StratumParity, ...]
    recall: Recall
    unproven_share: float
    missing: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def parity(facts: Facts, requirement: Requirement) -> Parity:
    """Return what the facts prove. Nothing compared, nothing proven: unknown."""
    alpha = (1 - requirement.confidence) / (facts.epoch * (facts.epoch + 1))
    recall = _recall(facts.trials, requirement, alpha * RECALL_SHARE)
    case = _Case(requirement, alpha * (1 - RECALL_SHARE), recall.lower)
    groups = _grouped(facts.strata, requirement)
    whole = _sum(EVERYTHING, facts.strata)
    traffic, _ = case.overall("", whole.failed, whole.compared)
    distinct, _ = case.overall(" of different revisions or in different shapes", whole.distinct_failed, whole.distinct)
    strata = tuple(case.stratum(one, _of_all_ages(one, groups), len(groups)) for one in groups)
    shed = sum(facts.shed.values())
    share = _share(whole.unproven + shed, whole.compared)
    if share > requirement.unproven_max:
        case.missing.append(_too_many("of everything", share, requirement.unproven_max))
    case.surfaces(facts)
    case.recall(recall)
    if facts.findings > requirement.findings_max:
        case.missing.append(f"{_n(facts.findings, 'finding')} about the store itself must be explained or mended")
    result = Result.FAIL if case.failures else Result.UNKNOWN if case.missing else Result.PASS
    return Parity(
        result=result,
        traffic=traffic,
        distinct=distinct,
        strata=strata,
        recall=recall,
        unproven_share=share,
        missing=tuple(case.missing),
        failures=tuple(case.failures),
    )


def alpha_spent(alpha: float, failures: int) -> float:
    """Return the part of alpha at which a count with so many failures is judged, so that one may look at any time.

    The bound of f failures falls with the number of comparisons alone, so passing with f failures at any time means
    at most f failures among a number n(f) fixed beforehand: probability alpha / ((f + 1) (f + 2)), summing to alpha.
    """
    return alpha / ((failures + 1) * (failures + 2))


def lower_bound(failures: int, comparisons: int, confidence: float) -> float:
    """Return the one-sided exact lower bound of the rate. Nothing compared: 0.0."""
    return 1.0 - upper_bound(comparisons - failures, comparisons, confidence) if comparisons else 0.0


class _Case:
    """One requirement on its way through the facts; collects what is missing and what failed."""

    def __init__(self, requirement: Requirement, alpha: float, recall: float) -> None:
        self._requirement = requirement
        self._alpha = alpha
        self._recall_lower = recall
        self.missing: list[str] = []
        self.failures: list[str] = []

    def overall(self, what: str, failed: int, compared: int) -> tuple[Bound, int]:
        """Judge all comparisons together; return the bound and how many more are needed."""
        limit = self._requirement.rate_max
        confidence = 1 - alpha_spent(self._alpha, failed)
        found = bound(failed, compared, confidence=confidence, recall=self._recall_lower)
        if lower_bound(failed, compared, self._requirement.confidence) > limit:
            self.failures.append(f"{failed:,} of {compared:,} comparisons{what} differ: more than {limit:.2g}, surely")
            return found, 0
        needs = self._needs(limit, failed, confidence) - compared
        if needs > 0:
            self.missing.append(f"needs {_n(needs, 'more comparison')}{what}")
        return found, max(0, needs)

    def stratum(self, facts: StratumFacts, of_all_ages: StratumFacts, strata: int) -> StratumParity:
        """Judge one of so many strata. `of_all_ages`: the same, whatever the age."""
        limit = self._requirement.stratum_rate_max
        confidence = 1 - alpha_spent(self._alpha / strata, facts.distinct_failed)
        found = bound(facts.distinct_failed, facts.distinct, confidence=confidence, recall=self._recall_lower)
        # What could not be compared often tells no revision, so no age: it may be of any.
        ceiling_of = facts if facts.stratum.age else of_all_ages
        share = _share(ceiling_of.unproven, ceiling_of.compared)
        result, needs = Result.PASS, 0
        if self._is_above(facts, limit):
            result = Result.FAIL
            told = f"{facts.distinct_failed:,} of {facts.distinct:,}"
            self.failures.append(f"{told} different {facts.stratum.words()} differ: more than {limit:.2g}, surely")
        else:
            needs = self._missing_in(facts, limit, confidence)
            if needs > 0:
                result = Result.UNKNOWN
                self.missing.append(f"needs {_n(needs, 'more comparison')} of {facts.stratum.words()}")
        if share > self._requirement.stratum_unproven_max:
            result = Result.FAIL if result is Result.FAIL else Result.UNKNOWN
            ceiling = self._requirement.stratum_unproven_max
            self.missing.append(_too_many(f"of {facts.stratum.words()}", share, ceiling))
        return StratumParity(
            stratum=facts.stratum,
            result=result,
            compared=facts.compared,
            bound=found,
            unproven_share=share,
            needs=needs,
        )

    def surfaces(self, facts: Facts) -> None:
        """Hold each surface to the ceiling: what is shed is known by its surface alone."""
        ceiling = self._requirement.stratum_unproven_max
        compared, unproven = Counter[str](), Counter[str](facts.shed)
        for one in facts.strata:
            compared[one.stratum.surface] += one.compared
            unproven[one.stratum.surface] += one.unproven
        for surface in sorted(name for name, shed in facts.shed.items() if name and shed):
            share = _share(unproven[surface], compared[surface])
            if share > ceiling:
                self.missing.append(_too_many(f"by {surface}", share, ceiling))

    def recall(self, recall: Recall) -> None:
        """Hold the recall of seeded damage to its minimum."""
        least = self._requirement.recall_min
        if not recall.tried:
            self.missing.append("no damaged copy was judged: that differences are found at all is not proven")
        elif recall.lower < least:
            told = f"{recall.caught:,} of {recall.tried:,} damaged copies were found out"
            self.missing.append(f"{told}: surely {recall.lower:.0%}, at least {least:.0%} are needed")
        if recall.blind:
            self.missing.append(f"damage of these kinds was never found out: {', '.join(recall.blind)}")

    def _is_above(self, facts: StratumFacts, limit: float) -> bool:
        if facts.population and facts.distinct >= facts.population:  # all were seen: the rate itself is known
            return facts.distinct_failed / facts.distinct > limit
        return lower_bound(facts.distinct_failed, facts.distinct, self._requirement.confidence) > limit

    def _needs(self, limit: float, failed: int, confidence: float) -> int:
        # Where the recall is not proven, say what is needed once it is.
        return comparisons_needed(limit * (self._recall_lower or 1.0), failed, confidence)

    def _missing_in(self, facts: StratumFacts, limit: float, confidence: float) -> int:
        least = max((one.comparisons for one in self._requirement.minimums if one.of.covers(facts.stratum)), default=0)
        needed = max(self._needs(limit, facts.distinct_failed, confidence), least)
        if not facts.stratum.age and not facts.compared:  # only ever inconclusive: the ceilings speak for that
            needed = least
        if facts.population is not None:  # there are no more than that: who has seen all needs no statistics
            needed = min(needed, facts.population)
        return max(0, needed - facts.distinct)


def _recall(trials: Mapping[str, Tally], requirement: Requirement, alpha: float) -> Recall:
    tried = sum(one.tried for one in trials.values())
    caught = sum(one.caught for one in trials.values())
    if not tried:
        return Recall(tried=0, caught=0, lower=0.0)
    missed = tried - caught
    blind = sorted(name for name, one in trials.items() if one.tried >= requirement.blind_after and not one.caught)
    lower = 1.0 - upper_bound(missed, tried, 1 - alpha_spent(alpha, missed))
    return Recall(tried=tried, caught=caught, lower=lower, blind=tuple(blind))


def _grouped(strata: Iterable[StratumFacts], requirement: Requirement) -> list[StratumFacts]:
    """Return the facts by what the requirement tells apart, and those it asks for that were never seen."""
    groups: dict[Stratum, list[StratumFacts]] = {}
    for one in strata:
        groups.setdefault(collapsed(one.stratum, requirement.by), []).append(one)
    for minimum in requirement.minimums:
        if not any(minimum.of.covers(stratum) for stratum in groups):
            groups[minimum.of] = []
    return [_sum(stratum, members) for stratum, members in sorted(groups.items())]


def _of_all_ages(one: StratumFacts, groups: Sequence[StratumFacts]) -> StratumFacts:
    stratum = replace(one.stratum, age=ANY)
    return _sum(stratum, [other for other in groups if stratum.covers(other.stratum)])


def _sum(stratum: Stratum, members: Sequence[StratumFacts]) -> StratumFacts:
    def total(of: Callable[[StratumFacts], int]) -> int:
        return sum(map(of, members))

    populations = [one.population for one in members]
    known = [one for one in populations if one is not None]
    return StratumFacts(
        stratum=stratum,
        compared=total(lambda one: one.compared),
        failed=total(lambda one: one.failed),
        unproven=total(lambda one: one.unproven),
        distinct=total(lambda one: one.distinct),
        distinct_failed=total(lambda one: one.distinct_failed),
        population=sum(known) if known and len(known) == len(populations) else None,
    )


def _share(unproven: int, compared: int) -> float:
    return unproven / (unproven + compared) if unproven else 0.0


def _too_many(of_what: str, share: float, ceiling: float) -> str:
    return f"{share:.1%} {of_what} was shed or stayed inconclusive; at most {ceiling:.1%} may"


def _n(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
