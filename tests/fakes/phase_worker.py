"""A worker that takes part in flips and does nothing else: in this process, or as one of its own (`python -m`).

As a process it prints a line of JSON for each change: {"phase", "fencing", "version", "lease"}.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from backends.ledger.control import Control
from backends.ledger.control_workers import Place, Workers
from backends.sql.base import Database
from backends.sql.mysql import MysqlAddress, MysqlDatabase
from backends.sql.sqlite import SqliteDatabase
from proxy.control import PhaseControl, nothing_under_way, steady_s
from rules.flips import Agreed
from rules.leases import ControlLimits
from rules.phases import PhaseName

QUICK = ControlLimits(
    poll_s=0.02, lease_s=0.6, margin_s=0.2, prepare_timeout_s=1.5, settle_timeout_s=3.0, statement_timeout_s=0.5
)
START = Agreed(phase=PhaseName.SHADOW_READS)


@asynccontextmanager
async def opened_ledger(folder: Path) -> AsyncIterator[Database]:
    """An embedded ledger."""
    database = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def opened_ledger_in(kind: str, folder: Path) -> AsyncIterator[Database]:
    """A ledger in "sqlite" or "mariadb", empty."""
    if kind == "sqlite":
        async with opened_ledger(folder) as database:
            yield database
        return
    from suites.pairs import made_mariadb  # noqa: PLC0415 - not needed by the processes

    async with made_mariadb(folder) as side:
        other = await MysqlDatabase.open(MysqlAddress(**side["address"]), "ledger", pool_max=8)
        try:
            await other.migrate()
            yield other
        finally:
            await other.close()


@asynccontextmanager
async def taking_part(
    database: Database,
    worker: str,
    *,
    limits: ControlLimits = QUICK,
    first: Agreed = START,
    oldest_edit: Callable[[], float | None] = nothing_under_way,
    place: Place | None = None,
    clock: Callable[[], float] = steady_s,
    wall: Callable[[], float] | None = None,
) -> AsyncIterator[PhaseControl]:
    """A worker that takes part while the context is open."""
    control = PhaseControl(
        Control(database),
        Workers(database),
        worker=worker,
        limits=limits,
        oldest_edit=oldest_edit,
        place=place,
        clock=clock,
        **({} if wall is None else {"wall": wall}),
    )
    await control.start(first)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(control.run(stop))
        try:
            yield control
        finally:
            stop.set()
            control.wake()
    await control.leave()


async def follow(folder: Path, worker: str) -> None:
    """Take part until killed, and say what is acted by."""
    async with opened_ledger(folder) as database, taking_part(database, worker) as control:
        said = None
        while True:
            now = {
                "phase": control.phase.name.value,
                "fencing": control.fencing,
                "version": control.row.version,
                "lease": control.has_lease,
            }
            if now != said:
                sys.stdout.write(json.dumps(now) + "\n")
                sys.stdout.flush()
                said = now
            await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(follow(Path(sys.argv[1]), sys.argv[2]))
