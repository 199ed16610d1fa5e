"""Keeps the epoch while the verifier runs: declares what comparisons rest on, and sees when the proxies change.

A sample of a proxy that is not of the epoch proves nothing for it: what it shows equal counts as not proven. What it
shows different counts as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backends.ledger.verdicts import Epoch, Verdicts
from rules.epochs import GRACE_S, Basis, foreign, joined, opens_epoch
from rules.sample import Sample
from rules.verdict import Outcome, Standing, Verdict, standing

FOREIGN_REASON = "other_proxy_version"


@dataclass(slots=True)
class Epochs:
    """The present epoch and its basis. Without a basis every sample is taken as it comes."""

    verdicts: Verdicts
    basis: Basis | None = None
    grace_s: float = GRACE_S
    epoch: Epoch | None = field(default=None, init=False)

    async def declare(self, now: float) -> None:
        """Say what comparisons rest on, once. Raises UnavailableError."""
        if self.basis is None or self.epoch is not None:
            return
        self.epoch = await self.verdicts.declare(self.basis, now)
        self.basis = joined(await self.verdicts.basis(self.epoch.number) or Basis(), self.basis)

    async def follow(self, samples: Sequence[Sample], now: float) -> None:
        """Open another epoch where the samples say that another version observes. Raises UnavailableError."""
        await self.declare(now)
        if self.basis is None or self.epoch is None:
            return
        for sample in sorted(samples, key=lambda one: one.started_at):
            version = sample.proxy_version
            why = opens_epoch(
                self.basis,
                version,
                observed_at=sample.started_at,
                opened_at=self.epoch.opened_at,
                grace_s=self.grace_s,
            )
            if why or (version and not self.basis.proxy):
                self.basis = replace(self.basis, proxy=version)
                self.epoch = await self.verdicts.declare(self.basis, now)

    def counted(self, sample: Sample, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts as they count in this epoch."""
        if self.basis is None or not foreign(self.basis, sample.proxy_version):
            return list(verdicts)
        return [
            replace(one, outcome=Outcome.SHED, reason=FOREIGN_REASON) if standing(one) is Standing.PROVEN else one
            for one in verdicts
        ]
