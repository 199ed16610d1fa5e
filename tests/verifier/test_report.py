"""The report: what it counts, and what it claims."""

import pytest

from backends.ledger.verdicts import Verdicts
from rules.parity import upper_bound
from verifier.report import Report, gather
from verifier.report_forms import RENDERERS


async def test_store_faults_are_failures_and_what_was_not_proven_is_said(report: Report, hostile: str) -> None:
    assert (report.overall.bound.failures, report.overall.bound.comparisons) == (2, 99)
    assert report.overall.bound.upper == pytest.approx(upper_bound(2, 99))
    assert report.overall.unproven == 2 + 3
    assert report.overall.aside == 1
    assert (report.entities.failures, report.entities.comparisons) == (1, 96)
    assert report.not_compared == {"answer_is_error": 1}
    assert report.unproven == {"judge_timeout": 1, "store_behind": 1}
    assert report.rules == {"language_fallback": 1}
    assert report.shed == {"queue_full": 3}
    assert [one.detail for one in report.mismatches] == [hostile]
    assert report.notes == ("5 (4.8%) should have been compared and were not; they prove nothing.",)


async def test_strata_are_by_surface_type_and_phase(report: Report) -> None:
    found = {(one.by, one.name): one.bound.comparisons for one in report.strata}
    assert found == {
        ("surface", "entitydata"): 98,
        ("surface", "rest"): 1,
        ("entity type", "item"): 98,
        ("entity type", "property"): 1,
        ("phase", "shadow_reads"): 99,
    }


async def test_an_empty_ledger_proves_nothing(verdicts: Verdicts) -> None:
    report = await gather(verdicts, now=5.0)
    assert report.overall.bound.upper == 1.0
    assert "proves nothing" in report.notes[0]
    for render in RENDERERS.values():
        assert "othing" in render(report)
