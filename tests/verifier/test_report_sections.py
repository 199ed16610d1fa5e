"""Sections beside the proof: the wiki against itself, cases and their repair, how fast the verifier asks."""

from dataclasses import replace
from typing import Any

from backends.ledger.cases import KeptCase
from backends.ledger.evidence import NoiseCount
from backends.ledger.verdicts import Verdicts
from rules.case import Case
from rules.parity import bound
from rules.reproduce import Exchange
from rules.verdict import Outcome, Verdict
from verifier.report import as_json, gather
from verifier.report_forms import RENDERERS, render_text
from verifier.report_sections import cases_section, noise_section, pace_section

VERDICT = Verdict(sample_id="s", outcome=Outcome.MISMATCH, phase="p", surface="rest", key="k", entity_id="L1-F1",
                  revision=7, reason="content", judged_at=10.0)  # fmt: skip
CASE = Case(case_id="abcdef123456", verdict=VERDICT, exchange=Exchange(method="GET", target="/"))
KEPT = KeptCase(case=CASE, epoch=1, located="differs since revision 5 of 2013-05-01, 2 of 9 revisions", seen=3,
                first_at=1.0, last_at=10.0, checks=1, kept_bytes=0, closed_at=None, closed_by="")  # fmt: skip


def test_the_noise_floor_has_a_bound_for_each_surface() -> None:
    found = noise_section([("rest", bound(0, 100), 2), ("entitydata", bound(0, 0), 0)])
    assert found.rows == (("rest", "100", "0", "2.951%", "2"), ("entitydata", "0", "0", "unknown", "0"))
    assert (noise_section([]).lines, noise_section([]).rows) == ((), ())


def test_a_case_says_since_when_and_how_to_mend_it() -> None:
    (row,) = cases_section([KEPT]).rows
    assert row[0] == "abcdef123456"
    assert row[4] == "differs since revision 5 of 2013-05-01, 2 of 9 revisions"
    assert row[5] == "cutover export --entity L1 --repair"
    closed = cases_section([replace(KEPT, closed_at=20.0, closed_by="ann")]).rows[0]
    assert closed[4:] == ("closed 1970-01-01 00:00:20 UTC by ann", "")


def test_the_pace_is_told_where_it_is_known() -> None:
    assert pace_section({}).lines == ()
    (line,) = pace_section({"rate": 4.0, "rate_max": 50.0, "slowed": 3, "busy": 2, "slow": 1}).lines
    assert line.startswith("4.0 requests a second are allowed now, 50.0 at most; slowed down 3 times")


async def test_every_form_of_a_report_tells_them(verdicts: Verdicts) -> None:
    noise = [NoiseCount(surface="rest", compared=100, differed=1, unread=2)]
    await verdicts.add([VERDICT], now=10.0, cases=[CASE], noise=noise)
    report = await gather(verdicts, now=10.0, pace={"rate": 4.0, "rate_max": 50.0})
    for render in RENDERERS.values():
        assert "abcdef123456" in render(report)
    text = render_text(report)
    assert "The wiki against itself" in text
    assert "4.0 requests a second are allowed now" in text
    plain: dict[str, Any] = as_json(report)
    assert plain["noise"][0]["bound"]["failures"] == 1
    assert plain["cases"][0]["repair"] == "cutover export --entity L1 --repair"
    assert plain["pace"]["rate"] == 4.0
