"""The proof in words: what it says first, what it cuts, and that every form of the report has it."""

from typing import Any

from backends.ledger.evidence import Watermark
from backends.ledger.verdicts import Verdicts
from rules.mutants import Trial
from rules.parity_gate import Requirement
from rules.strata import AGES, SIZES, Stratum
from rules.verdict import Outcome, Verdict
from verifier.proof import gather_proof
from verifier.proof_forms import LINES_SHOWN, STRATA_SHOWN, Section, sections
from verifier.report import gather
from verifier.report_forms import RENDERERS


def verdict(number: int, outcome: Outcome = Outcome.MATCH, **fields: Any) -> Verdict:
    stratum = Stratum("item", "entitydata", "<4K", ">=2022", "json")
    plain: dict[str, Any] = {"sample_id": f"s{number}", "phase": "shadow_reads", "surface": "entitydata",
                             "entity_type": "item", "revision": 7, "judged_at": 1000.0, "stratum": stratum}  # fmt: skip
    return Verdict(outcome=outcome, entity_id=f"Q{number + 1}", **{**plain, **fields})


async def made(verdicts: Verdicts) -> dict[str, Section]:
    proof = await gather_proof(verdicts, await verdicts.epoch(0.0), Requirement())
    return {one.title: one for one in sections(proof)}


async def test_an_empty_ledger_says_that_nothing_is_known(verdicts: Verdicts) -> None:
    found = await made(verdicts)
    assert set(found) == {"Parity: unknown", "Damage done on purpose"}
    assert any(line.startswith("missing: needs") for line in found["Parity: unknown"].lines)
    assert "anything by traffic" in found["Parity: unknown"].lines[1]


async def test_sections_tell_strata_damage_ages_and_what_was_shed(verdicts: Verdicts) -> None:
    trials = [Trial(operator="rank", tried=4, caught=3, detect_s=6.0)]
    differing = [verdict(1, Outcome.MISMATCH, reason="content", judged_at=at) for at in (1000.0, 8200.0)]
    await verdicts.add([verdict(0), *differing], shed={"queue_full:rest": 3}, now=0.0, trials=trials)
    await verdicts.evidence.mark(Watermark(through_at=900.0, revision=7), 901.0)
    found = await made(verdicts)
    assert list(found) == ["Parity: fail", "Strata", "Damage done on purpose", "Differs still: 1", "Shed, by surface"]
    assert any(line.startswith("FAILED: 2 of 3 comparisons differ") for line in found["Parity: fail"].lines)
    assert any("1970-01-01 00:15:00 UTC, revision 7" in line for line in found["Parity: fail"].lines)
    (stratum,) = found["Strata"].rows
    assert stratum[0] == "items of 2022 and later under 4 KB by entitydata as json"
    assert stratum[1:4] == ("3", "2", "1")
    assert found["Damage done on purpose"].rows == (("another rank", "4", "3", "24.9%", "2.00", "6.00"),)
    (age,) = found["Differs still: 1"].rows
    assert (age[0], age[2], age[-1]) == ("Q2 revision 7 by entitydata", "2", "2.0 h")
    assert found["Shed, by surface"].rows == (("rest", "3"),)


async def test_a_thousand_strata_are_cut_and_said_so(verdicts: Verdicts) -> None:
    strata = [Stratum("item", "rest", size, age, f"json {n}") for size in SIZES for age in AGES for n in range(10)]
    await verdicts.add([verdict(n, stratum=one) for n, one in enumerate(strata)], now=0.0)
    found = await made(verdicts)
    assert len(found["Strata"].rows) == STRATA_SHOWN
    assert found["Strata"].lines == (f"{160 - STRATA_SHOWN} more are in the JSON report.",)
    assert len(found["Parity: unknown"].lines) < LINES_SHOWN + 8


async def test_every_form_of_the_report_has_the_proof(verdicts: Verdicts) -> None:
    await verdicts.add([verdict(n) for n in range(5)], now=0.0, trials=[Trial(operator="rank", tried=1, caught=1)])
    report = await gather(verdicts, now=1000.0)
    for form, render in RENDERERS.items():
        text = render(report)
        assert "unknown" in text, form
        assert "items of 2022 and later" in text, form
        assert "another rank" in text, form
