"""Pass, fail or unknown, and what is missing: by traffic, by entity, by stratum, with recall, fail closed."""

from dataclasses import replace
from math import ceil, log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.parity import comparisons_needed, upper_bound
from rules.parity_gate import (
    RECALL_SHARE,
    Facts,
    Minimum,
    Requirement,
    Result,
    StratumFacts,
    Tally,
    alpha_spent,
    lower_bound,
    parity,
)
from rules.strata import ANY, EVERYTHING, Stratum

ITEMS = Stratum("item", "wbgetentities", "<4K", ">=2022", "json 1")
LEXEMES = Stratum("lexeme", "wbgetentities", "<4K", "<2015", "json 1")
PERFECT = {"rank": Tally(tried=100_000, caught=100_000)}
LOOSE = Requirement(rate_max=0.01, stratum_rate_max=0.05)


def facts(*strata: StratumFacts, **fields: Any) -> Facts:
    return Facts(strata=strata, trials=fields.pop("trials", PERFECT), **fields)


def seen(stratum: Stratum = ITEMS, compared: int = 2000, failed: int = 0, **fields: Any) -> StratumFacts:
    plain = {"distinct": compared, "distinct_failed": failed}
    return StratumFacts(stratum=stratum, compared=compared, failed=failed, **{**plain, **fields})


def test_enough_of_everything_passes() -> None:
    found = parity(facts(seen()), LOOSE)
    assert (found.result, found.missing, found.failures) == (Result.PASS, (), ())
    assert found.traffic.upper <= 0.01
    assert [one.result for one in found.strata] == [Result.PASS]


def test_nothing_compared_is_unknown_and_says_so() -> None:
    found = parity(facts(), LOOSE)
    assert found.result is Result.UNKNOWN
    assert found.traffic.upper == 1.0
    assert any("more comparisons" in what for what in found.missing)


def test_a_stratum_that_is_thin_says_how_many_are_missing_in_words() -> None:
    found = parity(facts(seen(), seen(LEXEMES, 10)), LOOSE)
    assert found.result is Result.UNKNOWN
    (told,) = found.missing
    thin = next(one for one in found.strata if one.stratum == LEXEMES)
    assert (
        told == f"needs {thin.needs} more comparisons of lexemes older than 2015 under 4 KB by wbgetentities as json 1"
    )
    enough = parity(facts(seen(), seen(LEXEMES, 10 + thin.needs)), LOOSE)
    assert enough.result is Result.PASS
    assert parity(facts(seen(), seen(LEXEMES, 9 + thin.needs)), LOOSE).result is Result.UNKNOWN


def test_large_numbers_are_told_with_commas() -> None:
    found = parity(facts(seen(compared=5)), replace(LOOSE, rate_max=1e-4))
    assert found.missing[0] == "needs 46,048 more comparisons"


def test_one_failure_in_few_fails_and_one_in_many_needs_more() -> None:
    failed = parity(facts(seen(compared=100, failed=5)), LOOSE)
    assert failed.result is Result.FAIL
    assert "5 of 100 comparisons differ" in failed.failures[0]
    unsure = parity(facts(seen(compared=400, failed=1)), LOOSE)
    assert unsure.result is Result.UNKNOWN
    assert parity(facts(seen(compared=2000, failed=1)), LOOSE).result is Result.PASS


def test_a_stratum_that_fails_is_not_hidden_by_the_others() -> None:
    found = parity(facts(seen(compared=100_000), seen(LEXEMES, 100, 30)), LOOSE)
    assert found.result is Result.FAIL
    assert "lexemes" in found.failures[0]
    assert found.traffic.upper < 0.01


def test_traffic_that_repeats_itself_proves_little() -> None:
    repeated = seen(compared=1_000_000, distinct=20)
    found = parity(facts(repeated), LOOSE)
    assert found.result is Result.UNKNOWN
    assert found.traffic.upper < 1e-4
    assert any("different revisions" in what for what in found.missing)


def test_many_entities_and_one_popular_failure_fail_by_traffic() -> None:
    popular = seen(compared=10_000, failed=5_000, distinct=8_000, distinct_failed=1)
    assert parity(facts(popular), LOOSE).result is Result.FAIL


def test_strata_are_paid_for() -> None:
    alpha = 0.05 / 2 * (1 - RECALL_SHARE)
    many = [Stratum("item", "rest", "<4K", ">=2022", f"f{n}") for n in range(50)]
    requirement = replace(LOOSE, rate_max=0.5, stratum_rate_max=0.01)
    short = parity(facts(*(seen(one, 100) for one in many)), requirement)
    # Bonferroni: ln(k / alpha) in place of ln(1 / alpha), halved because one may look at any time.
    needed = ceil(log(50 / (alpha / 2)) / -log(1 - 0.01))
    assert short.strata[0].needs == pytest.approx(needed - 100, rel=0.01)
    assert parity(facts(*(seen(one, needed + 10) for one in many)), requirement).result is Result.PASS


def test_later_epochs_must_show_more() -> None:
    first = parity(facts(seen(compared=600), epoch=1), LOOSE)
    tenth = parity(facts(seen(compared=600), epoch=10), LOOSE)
    assert (first.result, tenth.result) == (Result.PASS, Result.UNKNOWN)
    assert parity(facts(seen(compared=1100), epoch=10), LOOSE).result is Result.PASS


def test_what_is_spent_on_looks_and_epochs_never_exceeds_alpha() -> None:
    assert sum(alpha_spent(0.05, failures) for failures in range(100_000)) <= 0.05
    assert sum(0.05 / (epoch * (epoch + 1)) for epoch in range(1, 100_000)) <= 0.05


# ---- Recall ----


def test_without_damaged_copies_nothing_passes() -> None:
    found = parity(facts(seen(), trials={}), LOOSE)
    assert found.result is Result.UNKNOWN
    assert found.traffic.upper == 1.0
    assert "no damaged copy" in found.missing[-1]


def test_recall_of_nothing_is_unknown_however_much_was_compared() -> None:
    blind = {"rank": Tally(tried=1000, caught=0)}
    found = parity(facts(seen(compared=10**9), trials=blind), LOOSE)
    assert (found.result, found.recall.blind) == (Result.UNKNOWN, ("rank",))


def test_a_judge_blind_in_one_eye_does_not_pass() -> None:
    trials = {f"o{n}": Tally(tried=1000, caught=1000) for n in range(30)} | {"badge": Tally(tried=10, caught=0)}
    found = parity(facts(seen(compared=10**6), trials=trials), LOOSE)
    assert found.result is Result.UNKNOWN
    assert found.missing == ("damage of these kinds was never found out: badge",)


def test_the_bound_is_divided_by_the_recall_that_is_sure() -> None:
    half = {"rank": Tally(tried=10_000, caught=6_000)}
    full, less = (parity(facts(seen(compared=3000), trials=trials), LOOSE) for trials in (PERFECT, half))
    assert 0.56 < less.recall.lower < 0.6
    assert less.traffic.upper == pytest.approx(full.traffic.upper * full.recall.lower / less.recall.lower)
    assert parity(facts(seen(compared=600), trials=half), LOOSE).result is Result.UNKNOWN


def test_a_recall_that_is_too_low_is_said() -> None:
    found = parity(facts(seen(compared=10**6), trials={"rank": Tally(tried=100, caught=40)}), LOOSE)
    assert found.result is Result.UNKNOWN
    assert "40 of 100 damaged copies" in found.missing[0]


# ---- What was not proven, and what must be there ----


def test_shed_and_inconclusive_samples_have_a_ceiling() -> None:
    assert parity(facts(seen(unproven=20)), LOOSE).result is Result.PASS
    found = parity(facts(seen(unproven=30)), LOOSE)
    assert found.result is Result.UNKNOWN
    assert "1.5% of everything was shed or stayed inconclusive; at most 1.0% may" in found.missing
    assert parity(facts(seen(), shed={"": 30}), LOOSE).result is Result.UNKNOWN


def test_a_stratum_that_is_never_settled_is_not_hidden_by_the_others() -> None:
    found = parity(facts(seen(compared=100_000), seen(LEXEMES, 1000, unproven=100)), LOOSE)
    assert found.result is Result.UNKNOWN
    assert found.missing == (f"9.1% of {LEXEMES.words()} was shed or stayed inconclusive; at most 5.0% may",)


def test_what_tells_no_revision_may_be_of_any_age() -> None:
    ageless = replace(ITEMS, age="")
    unknown = seen(ageless, compared=1000, unproven=60)  # 5.7 % of it alone
    assert parity(facts(seen(compared=5000), unknown), LOOSE).result is Result.PASS
    never = seen(replace(ageless, surface="wbgetclaims"), 0, unproven=5)
    assert [what for what in parity(facts(seen(compared=5000), never), LOOSE).missing if "needs" in what] == []
    found = parity(facts(seen(compared=5000), seen(ageless, 1000, unproven=400)), LOOSE)
    assert any(what.startswith("6.2% of items of unknown age") for what in found.missing)


def test_shedding_one_surface_is_not_hidden_by_the_others() -> None:
    rest = replace(ITEMS, surface="rest")
    found = parity(facts(seen(compared=1_000_000), seen(rest, 1000), shed={"rest": 200}), LOOSE)
    assert found.missing == ("16.7% by rest was shed or stayed inconclusive; at most 5.0% may",)


def test_a_minimum_asks_for_what_was_never_seen() -> None:
    lexemes = replace(EVERYTHING, entity_type="lexeme", age="<2015")
    requirement = replace(LOOSE, minimums=(Minimum(of=lexemes, comparisons=12_431),))
    found = parity(facts(seen()), requirement)
    assert found.missing == ("needs 12,431 more comparisons of lexemes older than 2015",)
    assert parity(facts(seen(), seen(LEXEMES, 12_431)), requirement).result is Result.PASS


def test_who_has_seen_all_there_are_needs_no_statistics() -> None:
    assert parity(facts(seen(), seen(LEXEMES, 3, population=3)), LOOSE).result is Result.PASS
    some = parity(facts(seen(), seen(LEXEMES, 1, population=3)), LOOSE)
    assert some.missing == (f"needs 2 more comparisons of {LEXEMES.words()}",)
    assert parity(facts(seen(), seen(LEXEMES, 50, 3, population=50)), LOOSE).result is Result.FAIL


def test_strata_may_be_told_apart_by_less() -> None:
    strata = [seen(replace(ITEMS, age=age, size=size), 30) for age in ("<2015", ">=2022") for size in ("<4K", "<64K")]
    requirement = replace(LOOSE, rate_max=0.1, stratum_rate_max=0.05)
    assert parity(facts(*strata), requirement).result is Result.UNKNOWN
    merged = parity(facts(*strata), replace(requirement, by=("entity_type",)))
    assert merged.result is Result.PASS
    assert [(one.stratum, one.compared) for one in merged.strata] == [(Stratum("item", ANY, ANY, ANY, ANY), 120)]


def test_findings_about_the_store_must_be_explained() -> None:
    found = parity(facts(seen(), findings=2), LOOSE)
    assert found.missing == ("2 findings about the store itself must be explained or mended",)


# ---- Properties ----


@given(st.integers(0, 30), st.integers(1, 3000))
def test_the_lower_bound_lies_below_the_rate_and_the_upper_above(failures: int, comparisons: int) -> None:
    failures = min(failures, comparisons)
    low, high = lower_bound(failures, comparisons, 0.95), upper_bound(failures, comparisons)
    assert low <= failures / comparisons <= high


@given(st.integers(0, 5), st.integers(0, 20_000), st.integers(0, 500))
def test_more_clean_comparisons_never_turn_a_pass_into_something_else(failed: int, compared: int, more: int) -> None:
    compared += failed
    before = parity(facts(seen(compared=compared, failed=failed)), LOOSE)
    after = parity(facts(seen(compared=compared + more, failed=failed)), LOOSE)
    assert not (before.result is Result.PASS and after.result is not Result.PASS)
    assert after.traffic.upper <= before.traffic.upper


@given(st.integers(0, 6))
def test_the_number_that_is_missing_is_exactly_what_is_missing(failed: int) -> None:
    stated = parity(facts(seen(compared=failed + 1, failed=failed)), LOOSE)
    confidence = stated.traffic.confidence
    needed = comparisons_needed(LOOSE.rate_max * stated.recall.lower, failed, confidence)
    one = replace(LOOSE, stratum_rate_max=0.9)
    assert parity(facts(seen(compared=needed, failed=failed)), one).result is Result.PASS
    assert parity(facts(seen(compared=needed - 1, failed=failed)), one).result is not Result.PASS
