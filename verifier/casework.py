"""What the verifier does with mismatches and findings besides telling of them: it looks at each again, later and later.

At the first look a mismatch is localised in its entity's history; at each, a mismatch or finding that is no more is
closed, with the time and by whom. Everything is in the ledger, so a verifier that dies goes on where it was.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from backends.errors import BackendError
from backends.ledger.cases import KeptCase
from backends.ledger.verdicts import KeptFinding, Verdicts
from verifier.history_check import HistoryOfStore, locate
from verifier.rejudge import Again, Now, content_now, finding_now
from wikibase.ids import EntityId

log = logging.getLogger(__name__)

BY_VERIFIER = "the verifier, looking again"
BY_HIDING = "the wiki, which hides the revision now"
AGREES = "the stored contents agree at this revision: what differs is how it is answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseworkPace:
    """How often, how long, how much at once."""

    poll_s: float = 5.0
    at_once: int = 5
    timeout_s: float = 60.0
    findings_every_s: float = 300.0
    findings_at_once: int = 100
    read_whole_max: int = 200


@dataclass(slots=True, kw_only=True)
class Casework:
    """Looks again at what was found, while `run` runs."""

    verdicts: Verdicts
    again: Callable[[], Again]  # made anew for each round: rules expire
    history: HistoryOfStore
    clock: Callable[[], float]
    pace: CaseworkPace = field(default_factory=CaseworkPace)
    closed: int = 0
    located: int = 0
    _findings_at: float = 0.0
    _after: KeptFinding | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`. What fails is logged, and tried again."""
        while not stop.is_set():
            try:
                worked = await self.round()
            except BackendError as error:
                worked = 0
                log.warning("no casework now: %s", error, extra={"action": "casework_unavailable"})
            if not worked:
                await _pause(stop, self.pace.poll_s)

    async def round(self) -> int:
        """Look at what is due; return at how many. Raises BackendError where the ledger is away."""
        due = await self.verdicts.cases.due(self.clock(), size=self.pace.at_once)
        for one in due:
            await self._case(one)
        return len(due) + await self._findings()

    async def recheck(self, one: KeptCase, by: str) -> Now:
        """Look at a case now, and close it where it is no more. Raises BackendError where the ledger is away."""
        verdict = one.case.verdict
        if verdict.entity_id is None or verdict.revision is None:
            return Now.UNKNOWN
        try:
            async with asyncio.timeout(self.pace.timeout_s):
                now = await content_now(self.again(), EntityId(verdict.entity_id), verdict.revision, verdict.surface)
        except TimeoutError:
            return Now.UNKNOWN
        # Equal at our very first look: then it was never the content that differed, and only traffic can tell.
        looked = bool(one.located) or by != BY_VERIFIER
        if now is Now.EQUAL and looked and not one.located.startswith(AGREES):
            at = self.clock()
            if await self.verdicts.cases.close(one.case_id, by, at):
                self.closed += 1
            await self.verdicts.evidence.clear_age(one.epoch, verdict, at)
        elif now is Now.HIDDEN:
            await self.verdicts.cases.withhold(verdict.revision)
            await self.verdicts.cases.close(one.case_id, BY_HIDING, self.clock())
        return now

    async def _case(self, one: KeptCase) -> None:
        now = await self.recheck(one, BY_VERIFIER)
        located = one.located
        if now is Now.EQUAL and not located:
            located = AGREES
        elif now is Now.DIFFERS and (not located or located.startswith(AGREES)):
            located = await self._locate(one) or located
        await self.verdicts.cases.looked_at(one, located, self.clock())

    async def _locate(self, one: KeptCase) -> str:
        verdict = one.case.verdict
        assert verdict.entity_id is not None
        try:
            async with asyncio.timeout(self.pace.timeout_s):
                found = await locate(
                    EntityId(verdict.entity_id),
                    store=self.history,
                    wiki=self.again().wiki,
                    near=verdict.revision,
                    read_whole_max=self.pace.read_whole_max,
                )
        except (BackendError, TimeoutError) as error:
            log.info("case %s is not localised: %s", one.case_id, error or "no time", extra={"action": "not_located"})
            return ""
        self.located += 1
        return found.words()

    async def _findings(self) -> int:
        """Look at one page of findings, now and then; the next page comes next."""
        now = self.clock()
        if self._after is None and now < self._findings_at + self.pace.findings_every_s:
            return 0
        self._findings_at = now
        page = await self.verdicts.findings(size=self.pace.findings_at_once, after=self._after)
        for finding in page:
            if finding.closed_at is None:
                await self.recheck_finding(finding, BY_VERIFIER)
        self._after = page[-1] if len(page) == self.pace.findings_at_once else None
        return len(page) if self._after is not None else 0

    async def recheck_finding(self, finding: KeptFinding, by: str) -> Now:
        """Look at a finding now, and close it where it is no more. Raises BackendError where the ledger is away."""
        try:
            async with asyncio.timeout(self.pace.timeout_s):
                now = await finding_now(self.again(), finding.kind, EntityId(finding.entity_id), finding.revision)
        except TimeoutError:
            return Now.UNKNOWN
        if now is Now.EQUAL:
            await self.verdicts.close_finding(finding, by, self.clock())
            self.closed += 1
        return now


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
