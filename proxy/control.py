"""A worker's part in the agreed phase: signs of life, readiness, and acting by what is agreed (invariants 6, 7).

The worker looks at the ledger every moment. Its lease counts from before the last sign of life that was taken down;
when it is over, the worker acts as where the wiki answers all reads, until it has confirmed its phase again. A worker
in a phase without the store does not depend on the ledger at all.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from backends.errors import BackendError, ConflictError, UnavailableError
from backends.ledger.control import Control, ControlRow, Order
from backends.ledger.control_flips import Flipper
from backends.ledger.control_workers import Place, Standing, Workers, this_process
from rules.flips import Agreed, fallen_back
from rules.leases import ControlLimits, Lookout, holds
from rules.overrides import SliceFacts, effective_phase
from rules.phases import Phase, phase, without_lease

_log = logging.getLogger(__name__)
_HURRY_S = 0.02


def steady_s() -> float:
    """Return seconds of a clock that nobody sets, and that runs on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def nothing_under_way() -> float | None:
    """Stand for a worker that has no request under way."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the worker last confirmed, and when that was by its own clock."""

    row: ControlRow
    confirmed_at: float


class PhaseControl:
    """One worker's view of the agreed phase."""

    def __init__(
        self,
        control: Control,
        workers: Workers,
        *,
        worker: str,
        limits: ControlLimits,
        oldest_edit: Callable[[], float | None] = nothing_under_way,
        breaker: Callable[[], str] = str,
        place: Place | None = None,
        clock: Callable[[], float] = steady_s,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`oldest_edit`: when (by `clock`) the oldest request under way that may be an edit began."""
        self.worker = worker
        self._control = control
        self._workers = workers
        self._limits = limits
        self._oldest_edit = oldest_edit
        self._breaker = breaker
        self._place = place or this_process()
        self._clock = clock
        self._wall = wall
        self._known: Known | None = None
        self._ready_flip = 0
        self._fenced_since = float("-inf")
        self._lookout = Lookout(limits)
        self._pending_since = (0, 0.0)
        self._woken = asyncio.Event()
        self._lost = False
        self._term = 0
        self._late: Agreed | None = None

    @property
    def agreed(self) -> Agreed:
        """Return what this worker acts by."""
        assert self._known is not None, "start first"
        return self._known.row.state

    @property
    def row(self) -> ControlRow:
        """Return what the ledger said last."""
        assert self._known is not None, "start first"
        return self._known.row

    @property
    def has_lease(self) -> bool:
        """Tell whether the phase was confirmed recently enough to act by it."""
        known = self._known
        return known is not None and holds(known.confirmed_at, self._clock(), self._limits.lease_s)

    @property
    def term(self) -> int | None:
        """Return a number that is another one after each time without a lease; None: there is none now.

        Who found the same number before and after was never presumed gone in between.
        """
        return self._term if self.has_lease else None

    @property
    def phase(self) -> Phase:
        """Return the phase to act in, overrides aside."""
        agreed = phase(self.agreed.phase)
        return agreed if self.has_lease else without_lease(agreed)

    @property
    def fencing(self) -> bool:
        """Tell whether edits must be announced: some worker may answer from the store, or soon will."""
        return self.row.fenced

    def effective(self, facts: SliceFacts) -> Phase:
        """Return the phase in which one request is carried out."""
        agreed = self.agreed
        found = effective_phase(phase(agreed.phase), agreed.overrides, facts, self._wall())
        return found if self.has_lease else without_lease(found)

    def wake(self) -> None:
        """Look at the ledger now."""
        self._woken.set()

    async def start(self, first: Agreed) -> None:
        """Take part; `first` is agreed on if nothing ever was. Before it returns no request may be taken.

        Raises backends.errors: who does not know the phase cannot know whether edits must be announced.
        """
        await self._workers.register(self.worker, self._place)
        await self._control.begin(first)
        await self._confirm()

    def start_later(self, first: Agreed) -> None:
        """Act as where nothing is agreed yet, without a lease, until the ledger can be asked; `run` starts it then.

        Only for a phase in which the wiki answers everything: edits of this worker are not announced meanwhile.
        """
        row = ControlRow(
            version=0, state=first, previous=first, settled=True, pending=None, pending_flip=0, last_flip=0
        )
        self._known = Known(row=row, confirmed_at=float("-inf"))
        self._late = first

    async def _start_late(self, stop: asyncio.Event) -> None:
        while self._late is not None and not stop.is_set():
            try:
                async with asyncio.timeout(self._limits.statement_timeout_s):
                    await self.start(self._late)
            except (BackendError, TimeoutError):
                await self._pause(self._limits.lease_s)
            else:
                self._late = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the ledger until `stop`, then take leave."""
        await self._start_late(stop)
        while not stop.is_set():
            hurry = self._known is not None and self._known.row.pending_flip not in (0, self._ready_flip)
            await self._pause(_HURRY_S if hurry else self._limits.poll_s)
            try:
                async with asyncio.timeout(self._limits.statement_timeout_s):
                    await self._look()
            except (BackendError, TimeoutError) as error:
                self._say_lost(error)

    async def leave(self) -> None:
        """Take part no more: after the last request. Nobody waits for this worker from then on."""
        try:
            async with asyncio.timeout(self._limits.statement_timeout_s):
                await self._workers.remove(self.worker)
        except (BackendError, TimeoutError) as error:
            _log.warning("could not take leave: %s", error, extra={"action": "leave_failed"})

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def _look(self) -> None:
        known = self._known
        assert known is not None
        row = await self._control.row()
        if row is None:
            raise UnavailableError("the agreed phase is no longer in the ledger")
        changed = row.version != known.row.version or self._get_ready(row)
        if changed or self._clock() - known.confirmed_at >= self._limits.beat_s:
            await self._confirm(row)
            await self._look_after(row)
        else:
            self._known = replace(known, row=row)

    def _get_ready(self, row: ControlRow) -> bool:
        """Prepare for a pending flip; True when this worker has just become ready for it.

        It announces edits from now on, and is ready once no edit is under way that began before.
        """
        known = self._known
        if row.fenced and (known is None or not known.row.fenced):
            self._fenced_since = self._clock()
        if known is not None:
            self._known = replace(known, row=replace(row, version=known.row.version, state=known.row.state))
        if not row.pending_flip or row.pending_flip == self._ready_flip:
            return False
        oldest = self._oldest_edit()
        if row.fenced and oldest is not None and oldest <= self._fenced_since:
            return False
        self._ready_flip = row.pending_flip
        return True

    async def _confirm(self, row: ControlRow | None = None) -> None:
        """Act by a row, say so, and count the lease from before that."""
        began = self._clock()
        row = row or await self._control.begin(Agreed(phase=phase("prepare").name))
        known = self._known
        if known is not None and known.row.version != row.version:
            _log.warning("phase %s -> %s", known.row.state.phase, row.state.phase, extra={"action": "flip"})
        if known is None:
            self._get_ready(row)
        confirmed_at = known.confirmed_at if known is not None else float("-inf")
        self._known = Known(row=row, confirmed_at=confirmed_at)
        standing = Standing(
            applied_version=row.version,
            ready_flip=self._ready_flip,
            phase=row.state.phase,
            breaker=self._breaker(),
        )
        if not await self._workers.beat(self.worker, standing):
            await self._register_again()
            return
        if not holds(confirmed_at, self._clock(), self._limits.lease_s):
            self._term += 1  # others may have counted on it that the lease was over
        self._known = Known(row=row, confirmed_at=began)
        if self._lost:
            self._lost = False
            _log.warning("the phase %s is confirmed again", row.state.phase, extra={"action": "lease_regained"})

    async def _register_again(self) -> None:
        """Somebody took this worker for dead: it confirms its phase only after all know of it again."""
        assert self._known is not None
        self._known = replace(self._known, confirmed_at=float("-inf"))
        _log.error("this worker was taken for dead; it takes part again", extra={"action": "taken_for_dead"})
        await self._workers.register(self.worker, self._place)

    async def _look_after(self, row: ControlRow) -> None:
        """Do what any worker may: give up what nobody finishes, bury the dead, end what is over."""
        await self._workers.bury(self._place.host)
        if row.pending_flip:
            flip, since = self._pending_since
            if flip != row.pending_flip:
                self._pending_since = (row.pending_flip, self._clock())
            elif self._clock() - since > self._limits.prepare_timeout_s + self._limits.margin_s:
                await self._control.abort(row.pending_flip, "whoever prepared it did not finish it")
        elif not row.settled:
            await self._settle(row)
        if (back := fallen_back(row.state, self._wall())) is not None:
            await self._fall_back(back)

    async def _settle(self, row: ControlRow) -> None:
        rows = await self._workers.all()
        over = self._lookout.look({one.worker: one.beat for one in rows}, self._clock())
        late = [one.worker for one in rows if one.standing.applied_version < row.version and one.worker not in over]
        if not late:
            await self._control.settle(row.version)

    async def _fall_back(self, back: Agreed) -> None:
        flipper = Flipper(self._control, self._workers, self._limits, clock=self._clock)
        try:
            await flipper.flip(
                Order(wanted=back, actor=f"worker {self.worker}", reason="its time is over"), settle=False
            )
        except ConflictError:
            return  # another worker does it

    def _say_lost(self, error: BaseException) -> None:
        if not self._lost and not self.has_lease:
            self._lost = True
            _log.error(
                "the phase cannot be confirmed, the wiki answers all reads: %s",
                str(error) or "no answer in time",
                extra={"action": "lease_lost"},
            )


async def registered(workers: Workers) -> Sequence[str]:
    """Return the names of all workers that take part."""
    return [one.worker for one in await workers.all()]
