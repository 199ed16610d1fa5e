"""Watches what stands: mismatches that get old, a wiki that differs from itself, rules whose time is over. Alerts once.

Each thing is told once by a running verifier (and again by the next one); the ledger's report shows it all the time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backends.errors import BackendError
from backends.ledger.verdicts import Verdicts
from rules.alerting import Alert, age_alerts, expiry_alerts, noise_alerts
from rules.normalise import Rule
from rules.parity import CONFIDENCE
from verifier.alerts import Alerts

log = logging.getLogger(__name__)

PACE = "verifier_pace"
"""Under which name how fast the verifier asks is noted, for the report."""

TOLD_MAX = 10_000
"""How many things are remembered as told; beyond it, all are told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is worth an alert. 0 seconds: never by age. `noise_rate_max`: 1 is never."""

    age_s: float = 3600.0
    noise_rate_max: float = 0.001
    confidence: float = CONFIDENCE
    every_s: float = 60.0
    ages_max: int = 100


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at the ledger now and then, while `run` runs. `note` takes a name and how fast the verifier asks."""

    verdicts: Verdicts
    alerts: Alerts
    clock: Callable[[], float]
    rules: Sequence[Rule] = ()
    pace: Callable[[], Mapping[str, float]] | None = None
    note: Callable[[str, dict[str, Any]], Awaitable[None]] | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    _told: set[str] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`."""
        while not stop.is_set():
            try:
                await self.look()
            except BackendError as error:
                log.warning("the ledger cannot be watched: %s", error, extra={"action": "ledger_unavailable"})
            try:
                async with asyncio.timeout(self.thresholds.every_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def look(self) -> int:
        """Look once; return how many alerts are new. Raises BackendError."""
        now, limits = self.clock(), self.thresholds
        if self.pace is not None and self.note is not None:
            await self.note(PACE, dict(self.pace()))
        epoch = (await self.verdicts.epoch(now)).number
        evidence = self.verdicts.evidence
        found: list[tuple[str, Alert]] = []
        if limits.age_s:
            for age in await evidence.ages(epoch, size=limits.ages_max):
                key = f"age {age.entity_id} {age.revision} {age.surface} {age.first_at}"
                found += [(key, one) for one in age_alerts([age], now, limits.age_s)]
        for count in await evidence.noise(epoch):
            told = noise_alerts([count], now, limits.noise_rate_max, limits.confidence)
            found += [(f"noise {epoch} {count.surface}", one) for one in told]
        today = datetime.fromtimestamp(now, UTC).date()
        for rule in self.rules:
            found += [(f"rule {rule.name} {rule.expires}", one) for one in expiry_alerts([rule], today, now)]
        fresh = {key: one for key, one in found if key not in self._told}
        if len(self._told) > TOLD_MAX:
            self._told.clear()
        self._told.update(fresh)
        self.alerts.say(fresh.values())
        return len(fresh)
