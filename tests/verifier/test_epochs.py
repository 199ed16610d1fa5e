"""The epoch while the verifier runs: declared once, and anew when the proxies change."""

from fakes.samples import sample

from backends.ledger.verdicts import Verdicts
from rules.epochs import Basis
from rules.sample import Sample
from rules.verdict import Outcome, Verdict
from verifier.epochs import FOREIGN_REASON, Epochs

BASIS = Basis(form=1, rules="r", verifier="1.0")


def seen_by(version: str, at: float) -> Sample:
    return sample("/x", {}, proxy_version=version, started_at=at)


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(sample_id="s", outcome=outcome, phase="p", surface="s", reason="why")


async def test_the_first_proxy_belongs_to_the_epoch_and_opens_none(verdicts: Verdicts) -> None:
    epochs = Epochs(verdicts, BASIS, grace_s=10.0)
    await epochs.follow([seen_by("1.0", 100.0)], 101.0)
    assert epochs.epoch is not None
    assert epochs.epoch.number == 1
    assert await verdicts.basis(1) == Basis(form=1, rules="r", verifier="1.0", proxy="1.0")


async def test_another_proxy_opens_an_epoch_and_stragglers_prove_nothing(verdicts: Verdicts) -> None:
    epochs = Epochs(verdicts, BASIS, grace_s=10.0)
    await epochs.follow([seen_by("1.0", 100.0)], 101.0)
    await epochs.follow([seen_by("1.0", 120.0), seen_by("1.1", 121.0)], 122.0)
    assert epochs.epoch is not None
    assert (epochs.epoch.number, epochs.epoch.why) == (2, "proxy 1.0 -> 1.1")
    straggler = seen_by("1.0", 125.0)
    await epochs.follow([straggler], 126.0)
    assert (await verdicts.epoch(0.0)).number == 2
    equal, different = epochs.counted(straggler, [verdict(Outcome.MATCH), verdict(Outcome.MISMATCH)])
    assert (equal.outcome, equal.reason) == (Outcome.SHED, FOREIGN_REASON)
    assert different == verdict(Outcome.MISMATCH)
    assert epochs.counted(seen_by("1.1", 126.0), [verdict(Outcome.MATCH)]) == [verdict(Outcome.MATCH)]


async def test_a_proxy_that_is_rolled_back_opens_an_epoch_too(verdicts: Verdicts) -> None:
    epochs = Epochs(verdicts, BASIS, grace_s=10.0)
    for version, at in (("1.0", 100.0), ("1.1", 200.0), ("1.0", 300.0)):
        await epochs.follow([seen_by(version, at)], at)
    assert [one.why for one in await verdicts.epochs()][1:] == ["proxy 1.0 -> 1.1", "proxy 1.1 -> 1.0"]


async def test_a_verifier_that_starts_again_goes_on_in_its_epoch(verdicts: Verdicts) -> None:
    await Epochs(verdicts, BASIS).follow([seen_by("1.0", 100.0)], 101.0)
    again = Epochs(verdicts, BASIS)
    await again.follow([seen_by("1.0", 200.0)], 201.0)
    assert again.epoch is not None
    assert again.epoch.number == 1
    assert again.basis is not None
    assert again.basis.proxy == "1.0"


async def test_without_a_basis_everything_is_taken_as_it_comes(verdicts: Verdicts) -> None:
    epochs = Epochs(verdicts)
    await epochs.follow([seen_by("1.0", 100.0), seen_by("1.1", 9e9)], 101.0)
    assert await verdicts.epochs() == []
    assert epochs.counted(seen_by("1.1", 1.0), [verdict(Outcome.MATCH)]) == [verdict(Outcome.MATCH)]
