"""The wiki against itself, all the time: a share of answers is held against a second reading of the same revision.

What comes of it is the noise floor of a surface: so often the wiki (or our way of reading it) differs where no store
is involved. It is counted beside the comparisons, never among them.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from backends.errors import BackendError
from backends.ledger.evidence import NoiseCount
from rules.routes.route import Site
from rules.sample import WIKI, Sample
from verifier.compare import differs_from_itself
from verifier.judge import AnswerRead, Limits, read_answer
from verifier.sides import WikiSide
from wikibase.answers import AnsweredEntity, Presence
from wikibase.errors import NotAnEntityError

log = logging.getLogger(__name__)

EVERY_SAMPLES = 200


@dataclass(slots=True, kw_only=True)
class NoiseFloor:
    """Reads the wiki a second time for one sample in `every_samples`; 0: never."""

    wiki: WikiSide
    site: Site
    limits: Limits = field(default_factory=Limits)
    every_samples: int = EVERY_SAMPLES
    timeout_s: float = 30.0
    compared: int = 0
    differed: int = 0
    _samples: int = 0
    _turn: int = 0

    def due(self) -> bool:
        """Count a sample; tell whether it is one to be read a second time."""
        if not self.every_samples:
            return False
        self._samples += 1
        return self._samples >= self.every_samples

    async def of(self, sample: Sample) -> list[NoiseCount]:
        """Hold one entity of the answer against a second reading. Raises nothing.

        Empty where it tells no revision, or was not given by the wiki.
        """
        answer = read_answer(sample, self.site, self.limits.body_bytes_max)
        if sample.answered_by != WIKI or not isinstance(answer, AnswerRead):
            return []
        told = [one for one in answer.entities if _is_pinned(one)]
        if not told:
            return []
        self._samples, self._turn = 0, self._turn + 1
        one = told[self._turn % len(told)]
        part = answer.part_of(one)
        try:
            async with asyncio.timeout(self.timeout_s):
                differs = await differs_from_itself(self.wiki, one, part)
        except (BackendError, NotAnEntityError, TimeoutError):
            return [NoiseCount(surface=answer.surface, unread=1)]
        except Exception:  # measuring noise must not end the program
            log.exception("the wiki could not be held against itself", extra={"action": "noise_failed"})
            return [NoiseCount(surface=answer.surface, unread=1)]
        if differs is None:
            return [NoiseCount(surface=answer.surface, unread=1)]
        self.compared += 1
        self.differed += differs
        return [NoiseCount(surface=answer.surface, compared=1, differed=int(differs))]


def _is_pinned(one: AnsweredEntity) -> bool:
    return one.presence is Presence.ENTITY and one.revision is not None and one.served is not None
