"""A ledger that comes later: what is said meanwhile, and that a worker takes part once it is there."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.config import Config, StoreConfig
from backends.errors import UnavailableError
from backends.ledger.control import Control
from backends.ledger.control_workers import Workers
from cutover.late_ledger import LateLedger
from proxy.control import PhaseControl
from rules.flips import Agreed
from rules.leases import ControlLimits
from rules.phases import PhaseName


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - another task brings it about
            await asyncio.sleep(0.02)


async def test_a_worker_serves_without_it_and_takes_part_once_it_is_there(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.write_text("not a directory")
    ledger = LateLedger(Config(store=StoreConfig(path=str(place))))
    control = PhaseControl(
        Control(ledger.database),
        Workers(ledger.database),
        worker="w1",
        limits=ControlLimits(poll_s=0.02, lease_s=0.5, margin_s=0.1),
    )
    closed, stop = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ledger.run(closed))
        await until(lambda: "cannot hold a database" in ledger.error)
        with pytest.raises(UnavailableError, match="cannot hold a database"):
            await Control(ledger.database).row()
        control.start_later(Agreed(phase=PhaseName.SHADOW_READS))
        following = tasks.create_task(control.run(stop))
        assert (control.phase.name, control.fencing, control.has_lease) == ("shadow_reads", False, False)
        place.unlink()
        await until(lambda: control.has_lease)
        row = await Control(ledger.database).row()
        assert row is not None
        assert row.state.phase == "shadow_reads"
        assert [one.worker for one in await Workers(ledger.database).all()] == ["w1"]
        stop.set()
        await following
        closed.set()
    with pytest.raises(UnavailableError):
        await Control(ledger.database).row()
