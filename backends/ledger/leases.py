"""Parts of a long job, leased to workers: many processes and machines share one job, and each part has one worker.

A lease ends by itself: whoever finds it expired takes the part over, where its last progress was kept. A worker that
comes late with progress of a part that is somebody else's by now is told so (LeaseLostError), and what it did in
between must be harmless to do twice. Clocks of the machines must agree to within a fraction of the lease. Unsharded,
in the ledger.
"""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from backends.errors import ConflictError
from backends.sql.base import Database

PAGE_SIZE = 500
CANDIDATES = 16
"""How many free parts are looked at for one that nobody takes first."""


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class LeaseLostError(ConflictError):
    """The lease had expired and the part is somebody else's now, or is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part as it was taken. `progress` None: nobody has begun."""

    job: str
    number: int
    spec: Mapping[str, Any]
    progress: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """A part as anybody sees it."""

    number: int
    done: bool
    owner: str
    leased: bool
    progress: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Shard:
    """The parts whose number leaves `index` when divided by `count`: all of them by default."""

    index: int = 0
    count: int = 1


ALL = Shard()


class Lease:
    """A part that is ours until the lease ends. Not for two tasks at the same time."""

    def __init__(self, leases: "Leases", part: Part, version: int) -> None:
        self._leases = leases
        self._version = version
        self.part = part

    async def keep(self) -> None:
        """Hold on to the part. Raises LeaseLostError."""
        await self._change("job_part_keep", lease_until_ms=self._leases.until_ms())

    async def advance(self, progress: Mapping[str, Any]) -> None:
        """Remember how far the part is, and hold on to it; durable on return. Raises LeaseLostError."""
        await self._progress(progress, "open", self._leases.until_ms())

    async def finish(self, progress: Mapping[str, Any]) -> None:
        """Say that the part is done. Raises LeaseLostError."""
        await self._progress(progress, "done", 0)

    async def give_back(self) -> None:
        """Let somebody else have it at once. Raises LeaseLostError."""
        await self._change("job_part_keep", lease_until_ms=0)

    async def _progress(self, progress: Mapping[str, Any], state: str, until_ms: int) -> None:
        told = orjson.dumps(dict(progress)).decode()
        await self._change("job_part_progress", progress=told, state=state, lease_until_ms=until_ms)

    async def _change(self, statement: str, **params: Any) -> None:
        part = self.part
        version = self._version
        if await self._leases.change(statement, job=part.job, number=part.number, version=version, **params) != 1:
            raise LeaseLostError(f"part {part.number} of {part.job} is somebody else's now")
        self._version = version + 1  # only now: a lost lease must not grow into somebody else's version


class Leases:
    """The parts of jobs. `owner` names this worker to operators."""

    def __init__(
        self, database: Database, *, owner: str, lease_s: float = 60.0, now_ms: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._owner = owner
        self._lease_ms = int(lease_s * 1000)
        self._now_ms = now_ms

    async def plan(self, job: str, specs: Sequence[Mapping[str, Any]]) -> bool:
        """Divide a job into parts, all at once; False when somebody has done so before.

        Raises ValueError when there is nothing to be divided.
        """
        if not specs:
            raise ValueError(f"the job {job} has no parts")
        rows = [
            {"job": job, "number": number, "spec": orjson.dumps(dict(spec)).decode()}
            for number, spec in enumerate(specs)
        ]
        try:
            await self._database.execute_many("job_part_insert", rows)
        except ConflictError:
            return False
        return True

    async def take(self, job: str, *, shard: Shard = ALL) -> Lease | None:
        """Take a part that is free or whose lease has expired; None when there is none now."""
        while True:
            free = await self._database.rows(
                "job_parts_free",
                job=job,
                now_ms=self._now_ms(),
                shards=shard.count,
                shard=shard.index,
                size=CANDIDATES,
            )
            for row in free:
                taken = await self.change(
                    "job_part_take",
                    job=job,
                    number=row["number"],
                    version=row["version"],
                    owner=self._owner,
                    lease_until_ms=self.until_ms(),
                )
                if taken == 1:
                    part = Part(
                        job=job, number=row["number"], spec=orjson.loads(row["spec"]), progress=_json(row["progress"])
                    )
                    return Lease(self, part, row["version"] + 1)
            if len(free) < CANDIDATES:
                return None

    async def open_parts(self, job: str, *, shard: Shard = ALL) -> int:
        """Return how many parts are not done."""
        rows = await self._database.rows("job_parts_open", job=job, shards=shard.count, shard=shard.index)
        return int(rows[0]["parts"])

    async def parts(self, job: str) -> AsyncIterator[PartState]:
        """Yield all parts of a job."""
        after = -1
        while rows := await self._database.rows("job_parts", job=job, after=after, size=PAGE_SIZE):
            for row in rows:
                yield PartState(
                    number=row["number"],
                    done=row["state"] == "done",
                    owner=row["owner"],
                    leased=row["lease_until_ms"] > self._now_ms(),
                    progress=_json(row["progress"]),
                )
            after = rows[-1]["number"]

    async def forget(self, job: str) -> None:
        """Forget a job with all its parts."""
        await self._database.execute("job_parts_forget", job=job)

    def until_ms(self) -> int:
        """Return when a lease that is taken now ends."""
        return self._now_ms() + self._lease_ms

    async def change(self, statement: str, **params: Any) -> int:
        """Run a statement that changes a part if nobody else did; return how many it changed."""
        return await self._database.execute(statement, **params)


def _json(text: str | None) -> Mapping[str, Any] | None:
    return orjson.loads(text) if text else None
