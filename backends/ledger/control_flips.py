"""Carrying a flip out: prepare, wait until those who must be ready are, commit or abort, wait until it is settled.

Whatever goes wrong before the commit, nothing is changed: the flip is aborted by whoever prepared it, or, where that
one died, by the workers and by the next flip.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from backends.errors import BackendError, ConflictError, RefusedError, UnavailableError
from backends.ledger.control import Control, ControlRow, Order
from backends.ledger.control_workers import WorkerRow, Workers, this_host
from rules.flips import Wait, begins_behind, check, waits_for
from rules.leases import ControlLimits, Lookout

_POLL_S = 0.02
_ABORT_TRIES = 3


class NotReadyError(RefusedError):
    """The flip was aborted because somebody was not ready in time. Nothing was changed."""


class VetoError(RefusedError):
    """The flip was aborted because somebody forbids it. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipResult:
    """How a flip went. `acted_s`: seconds from the commit until each worker acted by it; `late`: who does not yet."""

    flip: int
    row: ControlRow
    ready_s: float
    acted_s: Mapping[str, float] = field(default_factory=dict)
    late: tuple[str, ...] = ()


def no_step(step: str) -> None:
    """Stand for what tests do between steps."""
    _ = step


async def no_veto() -> str:
    """Forbid nothing."""
    return ""


class Flipper:
    """Carries out flips on a ledger. `veto` returns why a flip is forbidden, or nothing; asked first and last."""

    def __init__(
        self,
        control: Control,
        workers: Workers,
        limits: ControlLimits,
        *,
        veto: Callable[[], Awaitable[str]] = no_veto,
        clock: Callable[[], float] = time.monotonic,
        step: Callable[[str], None] = no_step,
    ) -> None:
        self._control = control
        self._workers = workers
        self._limits = limits
        self._veto = veto
        self._clock = clock
        self._step = step
        self._lookout = Lookout(limits)

    async def flip(self, order: Order, *, settle: bool = True) -> FlipResult:
        """Flip. `settle`: also wait until all act by it.

        Raises IllegalFlipError, OverrideError, StateError, NotReadyError, VetoError, ConflictError: nothing was
        changed. UnavailableError: as the ledger says, look.
        """
        seen = await self._at_rest(order)
        check(seen.state, order.wanted)
        await self._ask_veto()
        self._step("checked")
        flip = await self._control.prepare(seen, order)
        began = self._clock()
        try:
            self._step("prepared")
            await self._ready(flip, waits_for(seen.state, order.wanted))
            self._step("ready")
            await self._ask_veto()
            ready_s = self._clock() - began
            row = await self._control.commit(flip, hold_reads=begins_behind(seen.state, order.wanted))
        except BaseException as error:
            await asyncio.shield(self._abort(flip, error))
            raise
        self._step("committed")
        if not settle:
            return FlipResult(flip=flip, row=row, ready_s=ready_s)
        acted, late = await self.settled(row.version)
        return FlipResult(flip=flip, row=row, ready_s=ready_s, acted_s=acted, late=late)

    async def settled(self, version: int) -> tuple[Mapping[str, float], tuple[str, ...]]:
        """Wait until all act by that version; return when each did (seconds), and who does not within the limit."""
        began = self._clock()
        acted: dict[str, float] = {}
        while True:
            rows, over = await self._look()
            waited = self._clock() - began
            acted |= {
                row.worker: waited
                for row in rows
                if row.standing.applied_version >= version and row.worker not in acted
            }
            late = tuple(row.worker for row in rows if row.worker not in acted)
            if not [worker for worker in late if worker not in over]:
                await self._control.settle(version)
                return acted, late
            if waited >= self._limits.settle_timeout_s:
                return acted, late
            await asyncio.sleep(_POLL_S)

    async def _at_rest(self, order: Order) -> ControlRow:
        """Return the agreed state once nothing else is under way."""
        row = await self._control.row()
        if row is None:
            raise RefusedError("no phase was ever agreed on in this ledger: begin with `cutover serve`")
        if row.pending_flip:
            row = await self._outwait(row)
        if not row.settled and row.previous != order.wanted:
            _, late = await self.settled(row.version)
            row = await self._control.row() or row
            if not row.settled:
                raise NotReadyError(f"the flip before is not settled: {_names(late)} may act in {row.previous.phase}")
        return row

    async def _outwait(self, row: ControlRow) -> ControlRow:
        """Give up a flip that somebody prepared and never finished."""
        deadline = self._clock() + self._limits.prepare_timeout_s + self._limits.margin_s
        flip = row.pending_flip
        while self._clock() < deadline:
            row = await self._control.row() or row
            if row.pending_flip != flip:
                break
            await asyncio.sleep(_POLL_S)
        if row.pending_flip == flip:
            await self._control.abort(flip, "whoever prepared it did not finish it")
        row = await self._control.row() or row
        if row.pending_flip:
            raise ConflictError("another flip is under way")
        return row

    async def _ask_veto(self) -> None:
        if why := await self._veto():
            raise VetoError(f"the flip is forbidden: {why}")

    async def _ready(self, flip: int, wait: Wait) -> None:
        if wait is Wait.NOBODY:
            return
        deadline = self._clock() + self._limits.prepare_timeout_s
        while True:
            rows, over = await self._look()
            waiting = [row.worker for row in rows if row.standing.ready_flip != flip]
            if wait is Wait.LIVE:
                waiting = [worker for worker in waiting if worker not in over]
            if not waiting:
                return
            if self._clock() >= deadline:
                hint = "" if wait is Wait.LIVE else "; one that is dead for certain: `cutover phase bury WORKER`"
                raise NotReadyError(f"not ready in {self._limits.prepare_timeout_s:g} s: {_names(waiting)}{hint}")
            await asyncio.sleep(_POLL_S)

    async def _look(self) -> tuple[Sequence[WorkerRow], frozenset[str]]:
        await self._workers.bury(this_host())
        rows = await self._workers.all()
        return rows, self._lookout.look({row.worker: row.beat for row in rows}, self._clock())

    async def _abort(self, flip: int, why: BaseException) -> None:
        """Try to abort; where the ledger does not answer, workers and the next flip will, after a while."""
        for attempt in range(_ABORT_TRIES):
            try:
                await self._control.abort(flip, f"{type(why).__name__}: {why}")
            except UnavailableError:
                await asyncio.sleep(_POLL_S * (attempt + 1))
            except BackendError:
                return
            else:
                return


def _names(workers: Sequence[str]) -> str:
    return ", ".join(workers[:5]) + (f" and {len(workers) - 5} more" if len(workers) > 5 else "")  # noqa: PLR2004
