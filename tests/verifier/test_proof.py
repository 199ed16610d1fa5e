"""What the ledger's counts prove, gathered: strata, recall, epochs, ages, what was shed."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from backends.ledger.evidence import Watermark
from backends.ledger.verdicts import Verdicts
from rules.epochs import Basis
from rules.mutants import Trial
from rules.mutants_table import TRIED
from rules.parity import upper_bound
from rules.parity_gate import Requirement, Result
from rules.strata import Stratum
from rules.verdict import Outcome, Verdict
from verifier.proof import Proof, gather_proof, proof_json

ITEMS = Stratum("item", "entitydata", "<4K", ">=2022", "json")
OLD = Stratum("lexeme", "wbgetentities", "<4K", "<2015", "json 1")
LOOSE = Requirement(rate_max=0.05, stratum_rate_max=0.2)


def verdict(number: int, outcome: Outcome = Outcome.MATCH, **fields: Any) -> Verdict:
    plain: dict[str, Any] = {"sample_id": f"s{number}", "phase": "shadow_reads", "surface": "entitydata",
                             "entity_type": "item", "revision": 7, "judged_at": 1000.0, "stratum": ITEMS}  # fmt: skip
    return Verdict(outcome=outcome, entity_id=f"Q{number + 1}", **{**plain, **fields})


def caught(count: int) -> list[Trial]:
    return [Trial(operator=name, tried=count, caught=count, detect_s=3.0 * count) for name in TRIED]


async def proof(verdicts: Verdicts, requirement: Requirement = LOOSE) -> Proof:
    return await gather_proof(verdicts, await verdicts.epoch(0.0), requirement)


async def test_enough_comparisons_with_proven_recall_pass(verdicts: Verdicts) -> None:
    await verdicts.declare(Basis(form=1), 0.0)
    await verdicts.add([verdict(n) for n in range(300)], now=0.0, trials=caught(10))
    found = await proof(verdicts)
    assert (found.parity.result, found.parity.missing) == (Result.PASS, ())
    assert found.never_tried == ()
    assert found.recall[0].lower == pytest.approx(0.05**0.1, rel=1e-3)
    assert found.recall[0].detect_s_mean == pytest.approx(3.0)


async def test_without_trials_nothing_passes(verdicts: Verdicts) -> None:
    await verdicts.add([verdict(n) for n in range(300)], now=0.0)
    assert (await proof(verdicts)).parity.result is Result.UNKNOWN


async def test_a_thin_stratum_is_named_with_what_it_needs(verdicts: Verdicts) -> None:
    thin = verdict(0, surface="wbgetentities", stratum=OLD)
    await verdicts.add([*[verdict(n) for n in range(300)], thin], now=0.0, trials=caught(10))
    (missing,) = (await proof(verdicts)).parity.missing
    assert missing.endswith("more comparisons of lexemes older than 2015 under 4 KB by wbgetentities as json 1")


async def test_the_same_entity_a_thousand_times_is_one_by_entity(verdicts: Verdicts) -> None:
    await verdicts.add([verdict(1, sample_id=f"s{n}") for n in range(1000)], now=0.0, trials=caught(10))
    found = await proof(verdicts)
    assert (found.parity.traffic.comparisons, found.parity.distinct.comparisons) == (1000, 1)
    assert found.parity.result is Result.UNKNOWN


async def test_shed_samples_count_by_surface_as_not_proven(verdicts: Verdicts) -> None:
    shed = {"queue_full:rest": 30, "spool_full:rest": 5, "memory": 2}
    await verdicts.add([verdict(n) for n in range(300)], shed=shed, now=0.0, trials=caught(10))
    found = await proof(verdicts)
    assert found.shed == {"": 2, "rest": 35}
    assert any("by rest" in what for what in found.parity.missing)
    assert any("of everything" in what for what in found.parity.missing)


async def test_epochs_are_counted_and_all_of_them_told_together(verdicts: Verdicts) -> None:
    await verdicts.declare(Basis(form=1, rules="a"), 0.0)
    await verdicts.add([verdict(n) for n in range(100)], now=0.0)
    await verdicts.add([verdict(5, Outcome.MISMATCH, reason="content")], now=0.0)
    await verdicts.declare(Basis(form=1, rules="b"), 1.0)
    await verdicts.add([verdict(n) for n in range(50)], now=0.0)
    found = await proof(verdicts)
    assert found.epochs == 2
    assert found.epochs_why[-1] == "rules a -> b"
    assert (found.parity.traffic.failures, found.parity.traffic.comparisons) == (0, 50)
    assert (found.cumulative.failures, found.cumulative.comparisons) == (1, 151)
    assert found.cumulative.upper == pytest.approx(upper_bound(1, 151))
    assert found.basis == Basis(form=1, rules="b")


async def test_everything_is_in_the_json(verdicts: Verdicts) -> None:
    await verdicts.add([verdict(1), verdict(2, Outcome.MISMATCH, reason="content")], now=0.0, trials=caught(1))
    await verdicts.evidence.mark(Watermark(through_at=900.0, revision=7), 901.0)
    told = orjson.loads(orjson.dumps(proof_json(await proof(verdicts, replace(LOOSE, rate_max=0.9)))))
    assert told["result"] == "unknown"
    assert (told["verified_through"], told["verified_revision"]) == (900.0, 7)
    assert [one["entity"] for one in told["ages"]] == ["Q3"]
    assert told["strata"][0]["stratum"] == "item|entitydata|<4K|>=2022|json"
    assert len(told["recall"]["operators"]) == len(TRIED)
    assert told["by_entity"]["failures"] == 1
