"""What the ledger's counts prove: parity by stratum, the recall it rests on, epochs, ages, how far it is settled.

Reads the ledger, decides nothing: that is `rules.parity_gate`. A gate can use `facts_of` and `parity` alike.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backends.ledger.evidence import Age, Distinct, StratumCount, TrialCount, Watermark
from backends.ledger.verdicts import Epoch, Verdicts
from rules.epochs import Basis
from rules.mutants_table import TRIED, WORDS
from rules.parity import Bound, bound
from rules.parity_gate import Facts, Parity, Requirement, StratumFacts, Tally, lower_bound, parity
from rules.sample import shed_parts
from rules.strata import Stratum
from rules.verdict import Standing

AGES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecall:
    """How one mutant operator fared. `lower`: the share found out, surely; times to detection in seconds."""

    operator: str
    what: str
    tried: int
    caught: int
    not_applicable: int
    unclear: int
    lower: float
    detect_s_mean: float
    detect_s_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Everything that is said about how sure the counts make us."""

    requirement: Requirement
    parity: Parity
    basis: Basis | None
    epochs: int
    epochs_why: tuple[str, ...]
    cumulative: Bound  # over all epochs, by traffic: for reading, never for passing
    recall: tuple[OperatorRecall, ...]
    never_tried: tuple[str, ...]
    ages: tuple[Age, ...]
    ages_total: int
    watermark: Watermark | None
    shed: Mapping[str, int]  # by surface


async def gather_proof(verdicts: Verdicts, epoch: Epoch, requirement: Requirement) -> Proof:
    """Read the ledger and return what it proves. Raises UnavailableError."""
    evidence = verdicts.evidence
    trials = await evidence.trials(epoch.number)
    facts = await facts_of(verdicts, epoch, trials)
    epochs = await verdicts.epochs()
    recall = tuple(_recall(one, requirement.confidence) for one in trials)
    tried = {one.operator for one in recall if one.tried}
    return Proof(
        requirement=requirement,
        parity=parity(facts, requirement),
        basis=await verdicts.basis(epoch.number),
        epochs=len(epochs),
        epochs_why=tuple(one.why for one in epochs[-5:]),
        cumulative=_cumulative(await verdicts.totals(), requirement.confidence),
        recall=recall,
        never_tried=tuple(name for name in TRIED if name not in tried),
        ages=tuple(await evidence.ages(epoch.number, size=AGES_SHOWN)),
        ages_total=await evidence.ages_total(epoch.number),
        watermark=await evidence.watermark(),
        shed=facts.shed,
    )


async def facts_of(verdicts: Verdicts, epoch: Epoch, trials: Sequence[TrialCount]) -> Facts:
    """Read what a requirement is held against. Raises UnavailableError."""
    evidence = verdicts.evidence
    shed: Counter[str] = Counter()
    for key, count in (await verdicts.shed(epoch.number)).items():
        shed[shed_parts(key)[1]] += count
    return Facts(
        strata=_strata(await evidence.strata(epoch.number), await evidence.distinct(epoch.number)),
        shed=dict(sorted(shed.items())),
        epoch=epoch.number,
        trials={one.operator: Tally(tried=one.tried, caught=one.caught) for one in trials},
        findings=await evidence.findings(epoch.number),
    )


def proof_json(proof: Proof) -> dict[str, Any]:
    """Return the proof as plain values."""
    found = proof.parity
    return {
        "result": found.result.value,
        "missing": list(found.missing),
        "failures": list(found.failures),
        "by_traffic": found.traffic.as_json(),
        "by_entity": found.distinct.as_json(),
        "unproven_share": found.unproven_share,
        "rate_max": proof.requirement.rate_max,
        "stratum_rate_max": proof.requirement.stratum_rate_max,
        "confidence": proof.requirement.confidence,
        "strata": [
            {
                "stratum": one.stratum.key(),
                "words": one.stratum.words(),
                "result": one.result.value,
                "compared": one.compared,
                "bound": one.bound.as_json(),
                "unproven_share": one.unproven_share,
                "needs": one.needs,
            }
            for one in found.strata
        ],
        "recall": {
            "tried": found.recall.tried,
            "caught": found.recall.caught,
            "lower": found.recall.lower,
            "blind": list(found.recall.blind),
            "never_tried": list(proof.never_tried),
            "operators": [asdict(one) for one in proof.recall],
        },
        "epochs": proof.epochs,
        "epochs_why": list(proof.epochs_why),
        "basis": proof.basis.as_json() if proof.basis else None,
        "cumulative": proof.cumulative.as_json(),
        "verified_through": proof.watermark.through_at if proof.watermark else None,
        "verified_revision": proof.watermark.revision if proof.watermark else None,
        "standing_mismatches": proof.ages_total,
        "ages": [_age_json(one) for one in proof.ages],
        "shed_by_surface": dict(proof.shed),
    }


def _strata(counts: Sequence[StratumCount], distinct: Sequence[Distinct]) -> list[StratumFacts]:
    seen: dict[Stratum, Counter[Standing]] = {}
    for one in counts:
        seen.setdefault(one.stratum, Counter())[one.standing] += one.seen
    tuples = {one.stratum: one for one in distinct}
    return [
        StratumFacts(
            stratum=stratum,
            compared=standings[Standing.PROVEN] + standings[Standing.FAILED],
            failed=standings[Standing.FAILED],
            unproven=standings[Standing.UNPROVEN],
            distinct=tuples[stratum].tuples if stratum in tuples else 0,
            distinct_failed=tuples[stratum].failed if stratum in tuples else 0,
        )
        for stratum, standings in sorted(seen.items())
    ]


def _cumulative(totals: Mapping[int, Mapping[Standing, int]], confidence: float) -> Bound:
    failed = sum(standings.get(Standing.FAILED, 0) for standings in totals.values())
    proven = sum(standings.get(Standing.PROVEN, 0) for standings in totals.values())
    return bound(failed, failed + proven, confidence=confidence)


def _recall(count: TrialCount, confidence: float) -> OperatorRecall:
    return OperatorRecall(
        operator=count.operator,
        what=WORDS.get(count.operator, count.operator),
        tried=count.tried,
        caught=count.caught,
        not_applicable=count.not_applicable,
        unclear=count.unclear,
        lower=lower_bound(count.caught, count.tried, confidence),
        detect_s_mean=count.detect_s / count.caught if count.caught else 0.0,
        detect_s_max=count.detect_s_max,
    )


def _age_json(one: Age) -> dict[str, Any]:
    plain = asdict(one)
    return {"entity": plain.pop("entity_id"), **plain, "age_s": one.age_s}
