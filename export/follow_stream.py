"""One stream of the wiki's ids, followed: read above the mark, gaps below it looked at again, nothing passed over.

Every step writes what it leaves behind in one transaction, after the entities were brought: a kill at any point
repeats at most one batch. See docs/follower.md for why nothing can be lost.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from backends.ledger.findings import AuditFinding
from backends.ledger.gaps import Gap, Gaps, Mark
from backends.ledger.wakes import LOOK, RETRY, Wake
from backends.wiki.changes_shapes import RANGES_MAX, REVISIONS, Change, Looked, Moment
from export.changes import Changes
from export.follow_bring import Bringer
from export.follow_rules import GapRules, Proof, holes, joined, next_look_ms, without
from wikibase.ids import EntityId

log = logging.getLogger(__name__)

NOT_BROUGHT = "not_brought"
"""The wiki shows a revision of the entity's page that bringing the entity does not bring."""

REWIND_IDS_MAX = 1_000_000
"""So far below a mark a row is looked for that is stamped later."""


def wall_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPace:
    """How a stream is read.

    `batch`: rows read at once. `look_again_s`: when an entity is looked at once more. `rewind_s`: how far a stream
    goes back when the wiki's server was started anew. It goes back `back_ids` more: ids below the first one with a
    late enough stamp may be of transactions that are under way, among imports with old stamps. `user_entities_max`:
    of a user who was renamed or hidden.
    """

    batch: int = 500
    look_again_s: float = 60.0
    rewind_s: float = 300.0
    back_ids: int = 2000
    user_entities_max: int = 100_000


@dataclass(slots=True)
class Stream:
    """A stream with its mark and gaps, both as the ledger has them but for when a gap is looked at next.

    `is_dry`: the last read found nothing above the mark: what had been committed before it began was read.
    """

    name: str
    changes: Changes
    gaps: Gaps
    bringer: Bringer
    rules: GapRules = field(default_factory=GapRules)
    pace: StreamPace = field(default_factory=StreamPace)
    clock_ms: Callable[[], int] = wall_ms
    mark: Mark = field(default_factory=lambda: Mark(number=0, seen_at=""))
    open: dict[int, Gap] = field(default_factory=dict)
    is_dry: bool = False

    async def load(self) -> bool:
        """Read mark and gaps from the ledger; False when the stream was never followed."""
        mark = await self.gaps.mark(self.name)
        if mark is None:
            return False
        self.mark = mark
        self.open = {gap.low: gap for gap in await self.gaps.all(self.name)}
        return True

    async def begin(self, since: str, last: int | None) -> None:
        """Begin where an export began: with what was stamped then, or so long before that its commit came later.

        `last`: the highest id at that time, None when nobody looked.
        """
        moment = await self.changes.moment(with_transactions=False)
        floor = max(0, last - REWIND_IDS_MAX) if last is not None else 0
        first = await self.changes.first(self.name, earlier(since, self.rules.bound_s), above=floor)
        ends = [one for one in (last, moment.last[self.name], first) if one is not None]
        number = max(0, min(ends) - 1 - self.pace.back_ids)
        self.mark = Mark(number=number, seen_at=since)
        await self.gaps.change(self.name, mark=self.mark)

    async def rewind(self, moment: Moment) -> None:
        """Go back a little: the wiki's server is another one, or was started anew, and may have given ids twice."""
        since = earlier(min(self.mark.seen_at, moment.now), self.pace.rewind_s)
        floor = max(0, min(self.mark.number, moment.last[self.name]) - REWIND_IDS_MAX)
        first = await self.changes.first(self.name, since, above=floor)
        ends = [one for one in (self.mark.number, moment.last[self.name], first) if one is not None]
        number = max(0, min(ends) - 1 - self.pace.back_ids)
        wakes: list[Wake] = []
        if self.name == REVISIONS:
            # What the wiki lost is asked about too: the store may hold a revision whose id is another's now.
            held = await self.bringer.entities_of(range(number + 1, self.mark.number + 1))
            wakes = [Wake(entity_id=one, kind=LOOK, due_ms=self.clock_ms()) for one in sorted(held)]
        self.mark = Mark(number=number, seen_at=since)
        await self.gaps.change(self.name, mark=self.mark, wakes=wakes)

    async def read(self, moment: Moment) -> int:
        """Read one batch above the mark and bring what it concerns; return how many rows there were."""
        since = earlier(self.mark.seen_at, self.rules.bound_s)
        found = await self.changes.after(self.name, self.mark.number, since=since, size=self.pace.batch)
        self.is_dry = not found
        if not found:
            return 0
        now = self.clock_ms()
        missing = [*holes(self.mark.number, (one.number for one in found))]
        absent, wakes = await self._bring(found)
        missing += [(number, number) for number in sorted(absent)]
        first_look = now + int(self.rules.first_look_s * 1000)
        opened = [
            Gap(low=low, high=high, noticed_ms=now, noticed_at=moment.now, due_ms=first_look) for low, high in missing
        ]
        mark = Mark(number=found[-1].number, seen_at=moment.now)
        await self._change(mark=mark, opened=opened, wakes=wakes)
        return len(found)

    async def look(self, proof: Proof) -> int:
        """Look at gaps that are due; return how many ids showed up."""
        now = self.clock_ms()
        due = sorted((gap for gap in self.open.values() if gap.due_ms <= now), key=lambda gap: gap.due_ms)[:RANGES_MAX]
        if not due:
            return 0
        settled = {gap.low for gap in due if proof.settles(gap, now)}  # before the look, or it proves nothing
        since = earlier(min(gap.noticed_at for gap in due), self.rules.bound_s)
        ranges = [(gap.low, gap.high) for gap in due]
        looked = await self.changes.among(self.name, ranges, since=since, size=self.pace.batch)
        found = [one for part in looked for one in part.changes]
        fresh = await self._fresh(found)
        absent, wakes = await self._bring(fresh)
        if lost := [one for one in fresh if one.number in absent and _gap_of(due, one).low in settled]:
            await self._say_not_brought(lost)
        closed: list[Gap] = []
        opened: list[Gap] = []
        for gap, part in zip(due, looked, strict=True):
            rest = self._rest(gap, part, absent, is_settled=gap.low in settled, now=now)
            if [(one.low, one.high) for one in rest] == [(gap.low, gap.high)]:
                self.open[gap.low] = rest[0]  # only when it is looked at next: not worth a write
            else:
                closed.append(gap)
                opened += rest
        if closed or opened or wakes:
            await self._change(closed=closed, opened=opened, wakes=wakes)
        return len(fresh)

    def next_due_ms(self) -> int | None:
        """Return when the next gap is due."""
        return min((gap.due_ms for gap in self.open.values()), default=None)

    def _rest(self, gap: Gap, part: Looked, absent: set[int], *, is_settled: bool, now: int) -> list[Gap]:
        """Return what is left of a gap that was looked at."""
        again = replace(gap, looks=gap.looks + 1, due_ms=next_look_ms(gap, now, self.rules))
        rest: list[Gap] = []
        if not is_settled:
            seen = [one.number for one in part.changes if one.number not in absent]
            rest += [replace(again, low=low, high=high) for low, high in without(part.covered, seen)]
        if part.covered[1] < gap.high:
            rest.append(replace(gap, low=part.covered[1] + 1, due_ms=now))
        return rest

    async def _fresh(self, found: Sequence[Change]) -> list[Change]:
        """Leave out revisions that the store has: a joined gap holds many that were seen."""
        if self.name != REVISIONS:
            return list(found)
        absent = await self.bringer.absent(one.number for one in found if one.rev_id is not None)
        return [one for one in found if one.rev_id is None or one.number in absent]

    async def _bring(self, found: Sequence[Change]) -> tuple[set[int], list[Wake]]:
        """Bring what changes concern; return the revisions that the store lacks for all that, and what is left to do.

        What could not be brought now stays as a call, so its revisions are none of the gaps.
        """
        wanted = dict.fromkeys(entity_id for one in found for entity_id in one.entity_ids)
        failed = await self.bringer.bring(wanted)
        now = self.clock_ms()
        again = now + int(self.pace.look_again_s * 1000)
        wakes = [Wake(entity_id=one, kind=LOOK, due_ms=again) for one in wanted]
        wakes += [Wake(entity_id=one, kind=RETRY, due_ms=now) for one in failed]
        for user in dict.fromkeys(user for one in found for user in one.users):
            wakes += [Wake(entity_id=one, kind=LOOK, due_ms=now) for one in await self._of_user(user)]
        expected = [one.rev_id for one in found if one.rev_id is not None and not set(one.entity_ids) & failed.keys()]
        return await self.bringer.absent(expected), wakes

    async def _of_user(self, user: str) -> Iterable[EntityId]:
        found: dict[EntityId, None] = {}
        after: str | None = None
        while True:
            some, after = await self.changes.entities_of_user(user, after=after, size=self.pace.batch)
            found |= dict.fromkeys(some)
            if after is None:
                return found
            if len(found) >= self.pace.user_entities_max:
                log.error(
                    "A user with more than %d entities was renamed or hidden: export anew to see it everywhere",
                    self.pace.user_entities_max,
                    extra={"action": "follow_user"},
                )
                return found

    async def _say_not_brought(self, lost: Sequence[Change]) -> None:
        detail = "the wiki has this revision on the entity's page; bringing the entity did not bring it"
        await self.bringer.findings.put(
            AuditFinding(entity_id=entity_id, kind=NOT_BROUGHT, rev_id=one.number, detail=detail)
            for one in lost
            for entity_id in one.entity_ids
        )

    async def _change(
        self,
        *,
        mark: Mark | None = None,
        closed: Sequence[Gap] = (),
        opened: Sequence[Gap] = (),
        wakes: Sequence[Wake] = (),
    ) -> None:
        left = {gap.low: gap for gap in self.open.values() if gap.low not in {one.low for one in closed}}
        left |= {gap.low: gap for gap in opened}
        join_closed, join_opened = joined(list(left.values()), self.rules.gaps_max)
        left = {low: gap for low, gap in left.items() if low not in {one.low for one in join_closed}}
        left |= {gap.low: gap for gap in join_opened}
        opened = [gap for gap in (*opened, *join_opened) if left.get(gap.low) == gap]
        closed = [gap for gap in (*closed, *join_closed) if gap.low not in left]
        await self.gaps.change(self.name, mark=mark, closed=closed, opened=opened, wakes=wakes)
        self.open = left
        self.mark = mark or self.mark


def earlier(at: str, by_s: float) -> str:
    """Return an ISO 8601 time so much earlier. Raises ValueError for what is no time."""
    then = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - timedelta(seconds=by_s)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def _gap_of(due: Sequence[Gap], change: Change) -> Gap:
    return next(gap for gap in due if gap.low <= change.number <= gap.high)
