"""Does the judge see what it should? Now and then it is shown a copy of a real sample's store side, damaged on purpose.

Only what was just judged equal is damaged, one thing at a time, and only where the answer shows it. The outcome is a
`Trial`, never a verdict. The operators that were tried least come first, so that the rare ones get their turn.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rules.mutants import Trial
from rules.mutants_table import TRIED
from rules.routes.route import Site
from rules.sample import Sample
from rules.verdict import Standing, Verdict, standing
from verifier.damaged import Target, damaged_store
from verifier.judge import AnswerRead, JudgeResult, Limits, read_answer
from verifier.sides import StoreSide

log = logging.getLogger(__name__)

_MISSED = "a damaged copy was not noticed"


class JudgingAgainst(Protocol):
    """`verifier.judge.judge` with the wiki given: judges a sample against the store that is handed over."""

    async def __call__(
        self, sample: Sample, *, store: StoreSide, attempt: int, only: frozenset[str] | None
    ) -> JudgeResult:
        """Judge a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often. A trial is due after so many samples or so many seconds, whichever comes first; 0: never for that."""

    every_samples: int = 100
    every_s: float = 60.0


@dataclass(slots=True, kw_only=True)
class Trials:
    """Tries operators on samples that were judged. `seed` decides all that is left to chance."""

    store: StoreSide
    judging: JudgingAgainst
    site: Site
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    rate: Rate = field(default_factory=Rate)
    timeout_s: float = 60.0
    seed: int = 0
    operators: Sequence[str] = TRIED
    tried: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    _samples: int = 0
    _number: int = 0
    _last_at: float = 0.0

    def due(self) -> bool:
        """Count a sample; tell whether one of the samples now at hand is to be tried."""
        self._samples += 1
        by_samples = bool(self.rate.every_samples) and self._samples >= self.rate.every_samples
        by_time = bool(self.rate.every_s) and self.clock() - self._last_at >= self.rate.every_s
        return by_samples or by_time

    async def of(self, sample: Sample, verdicts: Sequence[Verdict]) -> list[Trial]:
        """Try one operator on a sample that was judged. Empty where nothing of it was proven equal.

        Raises nothing: what goes wrong is logged, and proves nothing.
        """
        proven = [one for one in verdicts if standing(one) is Standing.PROVEN]
        if not proven:
            return []
        self._samples, self._last_at = 0, self.clock()
        self._number += 1
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._try(sample, proven[self._number % len(proven)])
        except TimeoutError:
            log.warning("a damaged copy was not judged in %g s", self.timeout_s, extra={"action": "trial_timeout"})
        except Exception:  # a trial must not end the program
            log.exception("a damaged copy could not be judged", extra={"action": "trial_failed"})
        return []

    async def _try(self, sample: Sample, verdict: Verdict) -> list[Trial]:
        answer = read_answer(sample, self.site, self.limits.body_bytes_max)
        if not isinstance(answer, AnswerRead):
            return []
        answered = next((one for one in answer.entities if one.key == verdict.key), None)
        if answered is None:
            return []
        target = Target(verdict=verdict, answered=answered, read=answer.read)
        trials: list[Trial] = []
        for operator in self._in_turn():
            store = await damaged_store(operator, self.store, target, self.seed + self._number)
            if store is None:
                trials.append(Trial(operator=operator, not_applicable=1))
                continue
            # The last attempt: a copy is judged once, as something that had every chance to settle.
            result = await self.judging(
                sample, store=store, attempt=self.limits.attempts_max, only=frozenset({verdict.key})
            )
            trials.append(self._outcome(operator, sample, verdict, result))
            break
        return trials

    def _in_turn(self) -> list[str]:
        """Return the operators, those tried least first; among equals another one begins each time."""
        count = len(self.operators)
        turned = [self.operators[(place + self._number * 31 + self.seed) % count] for place in range(count)]
        return sorted(turned, key=lambda name: self.tried[name])

    def _outcome(self, operator: str, sample: Sample, verdict: Verdict, result: JudgeResult) -> Trial:
        standings = {standing(one) for one in result.verdicts}
        caught = Standing.FAILED in standings or bool(result.findings)
        if not caught and Standing.PROVEN not in standings:
            return Trial(operator=operator, unclear=1)
        self.tried[operator] += 1
        if not caught:
            self.missed += 1
            where = f"{operator} on {verdict.entity_id} revision {verdict.revision} by {verdict.surface}"
            log.error("%s: %s, seed %d", _MISSED, where, self.seed + self._number, extra={"action": "mutant_missed"})
            return Trial(operator=operator, tried=1)
        took_s = max(0.0, self.clock() - sample.started_at - sample.duration_s)
        return Trial(operator=operator, tried=1, caught=1, detect_s=took_s)
