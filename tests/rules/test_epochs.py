"""When a new epoch must open, and when it must not."""

from dataclasses import replace
from typing import Any

import pytest

from rules.epochs import Basis, basis_of, foreign, joined, opens_epoch, why_new

BASIS = Basis(form=1, rules="r1", export_run="e1", verifier="1.0", proxy="1.0")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"form": 2}, "canonical form 1 -> 2"),
        ({"rules": "r2"}, "rules r1 -> r2"),
        ({"export_run": "e2"}, "export e1 -> e2"),
        ({"verifier": "1.1"}, "verifier 1.0 -> 1.1"),
        ({"proxy": "1.1"}, "proxy 1.0 -> 1.1"),
        ({"form": 2, "rules": "r2"}, "canonical form 1 -> 2; rules r1 -> r2"),
    ],
)
def test_each_thing_that_comparisons_rest_on_opens_an_epoch(change: dict[str, Any], why: str) -> None:
    assert why_new(BASIS, replace(BASIS, **change)) == why


def test_what_stays_or_becomes_known_opens_none() -> None:
    assert why_new(BASIS, BASIS) == ""
    assert why_new(replace(BASIS, proxy=""), BASIS) == ""
    assert why_new(BASIS, replace(BASIS, proxy="")) == ""
    assert joined(BASIS, Basis(rules="r2")) == replace(BASIS, rules="r2")


def test_a_reason_fits_the_ledger() -> None:
    long = Basis(form=9, rules="x" * 500, export_run="y" * 500, verifier="z" * 500, proxy="p" * 500)
    assert len(why_new(BASIS, long)) <= 255


def test_a_basis_comes_back_from_plain_values_also_from_a_program_that_knew_more() -> None:
    assert basis_of(BASIS.as_json()) == BASIS
    assert basis_of({**BASIS.as_json(), "moon": "full"}) == BASIS
    assert basis_of({}) == Basis()


def test_a_proxy_of_another_version_opens_an_epoch_once_the_fleet_had_its_time() -> None:
    during = opens_epoch(BASIS, "1.1", observed_at=1200.0, opened_at=1000.0, grace_s=300.0)
    after = opens_epoch(BASIS, "1.1", observed_at=1300.0, opened_at=1000.0, grace_s=300.0)
    assert (during, after) == ("", "proxy 1.0 -> 1.1")
    assert foreign(BASIS, "1.1")
    assert not foreign(BASIS, "1.0")


def test_a_proxy_that_names_no_version_opens_none() -> None:
    assert opens_epoch(BASIS, "", observed_at=9e9, opened_at=0.0) == ""
    assert not foreign(BASIS, "")
    assert not foreign(replace(BASIS, proxy=""), "1.1")
