"""Through when everything is settled: never beyond what is open, never back."""

from fakes.samples import sample
from hypothesis import given
from hypothesis import strategies as st

from backends.ledger.evidence import Watermark
from rules.sample import Sample
from rules.verdict import Outcome, Verdict
from verifier.settled import Settled, observed_at


def one(name: str, at: float) -> Sample:
    return sample("/x", {}, sample_id=name, started_at=at - 0.5, duration_s=0.5)


def proven(name: str, revision: int) -> Verdict:
    return Verdict(sample_id=name, outcome=Outcome.MATCH, phase="p", surface="s", revision=revision)


def test_nothing_is_settled_before_anything_was_looked_for() -> None:
    assert Settled(2.0).watermark() is None


def test_an_empty_spool_settles_everything_but_the_last_moment() -> None:
    settled = Settled(2.0)
    settled.taken([], all_of_them=True, now=100.0)
    assert settled.watermark() == Watermark(through_at=98.0)


def test_an_open_sample_holds_the_mark_until_it_is_let_go() -> None:
    settled = Settled(2.0)
    early, late = one("a", 50.0), one("b", 60.0)
    settled.taken([early, late], all_of_them=True, now=100.0)
    assert settled.watermark() == Watermark(through_at=50.0)
    settled.let_go([late], [proven("b", 7)])
    assert settled.watermark() == Watermark(through_at=50.0)
    settled.let_go([early], [proven("a", 9)])
    assert settled.watermark() == Watermark(through_at=98.0, revision=9)


def test_what_was_not_read_yet_holds_the_mark() -> None:
    settled = Settled(2.0)
    last = one("a", 50.0)
    settled.taken([last], all_of_them=False, now=100.0)
    settled.let_go([last], [])
    assert settled.watermark() == Watermark(through_at=48.0)


def test_a_revision_counts_once_everything_observed_before_it_is_settled() -> None:
    settled = Settled(2.0)
    early, late = one("a", 50.0), one("b", 60.0)
    settled.taken([early, late], all_of_them=True, now=100.0)
    settled.let_go([late], [proven("b", 1_000)])
    assert settled.watermark() == Watermark(through_at=50.0, revision=None)


@given(st.lists(st.tuples(st.floats(10, 90), st.booleans()), max_size=30))
def test_the_mark_never_passes_an_open_sample_and_never_goes_back(script: list[tuple[float, bool]]) -> None:
    settled = Settled(2.0)
    open_ones: dict[str, Sample] = {}
    before, now = 0.0, 100.0
    for number, (at, let_go) in enumerate(script):
        now += 1.0
        fresh = one(f"s{number}", now - 2.0 + at / 100)
        settled.taken([fresh], all_of_them=True, now=now)
        open_ones[fresh.sample_id] = fresh
        if let_go:
            gone = open_ones.pop(min(open_ones))
            settled.let_go([gone], [proven(gone.sample_id, number)])
        mark = settled.watermark()
        assert mark is not None
        assert mark.through_at >= before
        assert all(mark.through_at <= observed_at(held) for held in open_ones.values())
        before = mark.through_at


def test_what_is_remembered_of_revisions_is_bounded() -> None:
    settled = Settled(2.0)
    held = one("held", 1.0)
    settled.taken([held], all_of_them=True, now=100.0)
    for number in range(6000):
        settled.let_go([one(f"s{number}", 50.0)], [proven(f"s{number}", number)])
    assert len(settled._revisions) <= 4096
    settled.let_go([held], [])
    assert settled.watermark() == Watermark(through_at=98.0, revision=5999)


def test_a_revision_that_is_rightly_missing_is_not_proven() -> None:
    settled = Settled(2.0)
    missing = Verdict(sample_id="a", outcome=Outcome.MATCH, reason="missing", phase="p", surface="s", revision=2**62)
    asked = one("a", 50.0)
    settled.taken([asked], all_of_them=True, now=100.0)
    settled.let_go([asked], [missing])
    assert settled.watermark() == Watermark(through_at=98.0, revision=None)
