"""The workers that take part: who they are, their signs of life, and which of them are dead for certain.

A worker whose lease is over may be paused or cut off from the ledger, and may come back. Dead for certain is only one
whose process is gone, which anybody on the same machine (and in the same process namespace) can see.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.errors import ConflictError
from backends.ledger.control import utc_now
from backends.sql.base import Database, Row

PAGE_SIZE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process is: the same three words name the same process, for as long as the machine is up."""

    host: str
    pid: int
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a worker stands: what it acts by and is ready for."""

    applied_version: int = 0
    ready_flip: int = 0
    phase: str = ""
    breaker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A registered worker. `seen_at` is its own clock, for people."""

    worker: str
    place: Place
    beat: int
    standing: Standing
    seen_at: str


class Workers:
    """The registered workers of a ledger."""

    def __init__(self, database: Database, *, now: Callable[[], str] = utc_now) -> None:
        self._database = database
        self._now = now

    async def register(self, worker: str, place: Place) -> None:
        """Take part. Doing so again is harmless."""
        try:
            await self._database.execute(
                "worker_insert",
                worker_id=worker,
                host=place.host,
                pid=place.pid,
                started=place.started,
                seen_at=self._now(),
            )
        except ConflictError:
            return

    async def beat(self, worker: str, standing: Standing) -> bool:
        """Give a sign of life; False when the worker is registered no more."""
        changed = await self._database.execute(
            "worker_beat",
            worker_id=worker,
            applied_version=standing.applied_version,
            ready_flip=standing.ready_flip,
            phase=standing.phase,
            breaker=standing.breaker,
            seen_at=self._now(),
        )
        return changed == 1

    async def all(self) -> Sequence[WorkerRow]:
        """Return all workers that are registered."""
        found: list[WorkerRow] = []
        after = ""
        while rows := await self._database.rows("workers", worker_id=after, size=PAGE_SIZE):
            found += [_worker(row) for row in rows]
            after = found[-1].worker
            if len(rows) < PAGE_SIZE:
                break
        return found

    async def remove(self, worker: str) -> None:
        """Take part no more; also said of one that is dead for certain."""
        await self._database.execute("worker_remove", worker_id=worker)

    async def bury(self, here: str) -> Sequence[str]:
        """Remove the workers of this machine whose process is gone; return their names."""
        dead = [one.worker for one in await self.all() if one.place.host == here and is_gone(one.place)]
        for worker in dead:
            await self.remove(worker)
        return dead


def this_process() -> Place:
    """Return where this process is."""
    pid = os.getpid()
    return Place(host=this_host(), pid=pid, started=started(pid) or "")


def this_host() -> str:
    """Return what processes share that see one another: the machine since it was switched on, and the namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""  # nobody can testify: then only a word of the operator buries


def started(pid: int) -> str | None:
    """Return when a process began, in ticks of the machine; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def is_gone(place: Place) -> bool:
    """Tell whether a process of this machine is gone. Never true of what cannot be known."""
    return bool(place.host) and bool(place.started) and started(place.pid) != place.started


def _worker(row: Row) -> WorkerRow:
    return WorkerRow(
        worker=row["worker_id"],
        place=Place(host=row["host"], pid=int(row["pid"]), started=row["started"]),
        beat=int(row["beat"]),
        standing=Standing(
            applied_version=int(row["applied_version"]),
            ready_flip=int(row["ready_flip"]),
            phase=row["phase"],
            breaker=row["breaker"],
        ),
        seen_at=row["seen_at"],
    )
