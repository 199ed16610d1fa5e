"""The phase on which all workers agree, the flip that is being prepared, and what became of each flip. In the ledger.

One row holds the state with its version. A flip is prepared (compare-and-set on the version), then committed or
aborted (compare-and-set on the flip): whoever comes late, or twice, changes nothing and is told so.
"""

import contextlib
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from backends.errors import ConflictError
from backends.ledger.floors import CLOCK
from backends.sql.base import Database, Row
from rules.fence import EVERYTHING, State
from rules.flips import Agreed, agreed_of, as_value, is_fenced

NAME = "phase"
FLIPS_MAX = 2**62
REASON_MAX, DETAIL_MAX = 1000, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRow:
    """What is agreed. `pending` is None, or what `pending_flip` prepares. `settled`: nobody acts in `previous`."""

    version: int
    state: Agreed
    previous: Agreed
    settled: bool
    pending: Agreed | None
    pending_flip: int
    last_flip: int

    def acting(self) -> tuple[Agreed, ...]:
        """Return every state that some worker may act by, now or in a moment."""
        return tuple(
            one for one in (self.state, None if self.settled else self.previous, self.pending) if one is not None
        )

    @property
    def fenced(self) -> bool:
        """Tell whether edits must be announced."""
        return is_fenced(self.acting())


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for, by whom, and why. `evidence`: canonical JSON of what the gate saw."""

    wanted: Agreed
    actor: str
    reason: str = ""
    forced: bool = False
    evidence: bytes = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRow:
    """A flip as it was recorded. `outcome`: "committed", "aborted", or empty while it is under way.

    `chain` is the SHA-256 of the chain value of the flip before, the digest of the evidence, and what was asked for.
    """

    flip: int
    state: Agreed
    undo: Agreed
    actor: str
    reason: str
    forced: bool
    digest: str
    chain: str
    began_at: str
    ended_at: str
    outcome: str
    detail: str


def utc_now() -> str:
    """Return the time now, for people: nothing is decided by it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Control:
    """The agreed state of a ledger."""

    def __init__(self, database: Database, *, now: Callable[[], str] = utc_now) -> None:
        self._database = database
        self._now = now

    async def row(self) -> ControlRow | None:
        """Return what is agreed, None when nobody ever said anything."""
        rows = await self._database.rows("control_state", name=NAME)
        return _row(rows[0]) if rows else None

    async def begin(self, first: Agreed) -> ControlRow:
        """Return what is agreed; `first`, if nobody ever said anything."""
        found = await self.row()
        if found is None:
            with contextlib.suppress(ConflictError):  # somebody else was first: what they said holds
                await self._database.execute("control_begin", name=NAME, state=_text(first))
            found = await self.row()
        assert found is not None
        return found

    async def prepare(self, seen: ControlRow, order: Order) -> int:
        """Announce a flip; return its number. Raises ConflictError when something else is going on."""
        async with self._database.transaction(NAME) as inside:
            changed = await inside.execute(
                "control_prepare", name=NAME, version=seen.version, pending=_text(order.wanted)
            )
            if changed != 1:
                raise ConflictError("another flip is under way, or has just been made: look, and try again")
            flip = int((await inside.rows("control_state", name=NAME))[0]["pending_flip"])
            before = await inside.rows("flip", flip=flip - 1)
            digest = hashlib.sha256(order.evidence).hexdigest()
            asked = _text(order.wanted)
            await inside.execute(
                "flip_insert",
                flip=flip,
                state=asked,
                undo_state=_text(seen.state),
                actor=order.actor[:190],
                reason=order.reason[:REASON_MAX],
                forced=int(order.forced),
                evidence=order.evidence,
                digest=digest,
                chain=chained(before[0]["chain"] if before else "", digest, asked),
                began_at=self._now(),
            )
        return flip

    async def commit(self, flip: int, *, hold_reads: bool) -> ControlRow:
        """Make a prepared flip the agreed state, all at once. Raises ConflictError when it was aborted meanwhile.

        `hold_reads`: from that moment the wiki answers all reads until the follower has been through it once more.
        """
        async with self._database.transaction(NAME) as inside:
            if await inside.execute("control_commit", name=NAME, pending_flip=flip) != 1:
                raise ConflictError(f"flip {flip} has been aborted: nothing was changed")
            if hold_reads:
                await inside.execute("floor_clock_tick", name=CLOCK, asked=1)
                clock = (await inside.rows("floor_clock", name=CLOCK))[0]
                await inside.execute(
                    "floor_put",
                    entity_id=EVERYTHING,
                    write_id=f"flip-{flip}",
                    seq=clock["seq"],
                    state=State.PASS.value,
                    number=clock["asked"],
                    worker_id="",
                )
            await inside.execute("flip_end", flip=flip, ended_at=self._now(), outcome="committed", detail="")
            return _row((await inside.rows("control_state", name=NAME))[0])

    async def abort(self, flip: int, why: str) -> bool:
        """Give up a prepared flip; False when it was committed or aborted already."""
        async with self._database.transaction(NAME) as inside:
            if await inside.execute("control_abort", name=NAME, pending_flip=flip) != 1:
                return False
            await inside.execute(
                "flip_end", flip=flip, ended_at=self._now(), outcome="aborted", detail=why[:DETAIL_MAX]
            )
        return True

    async def settle(self, version: int) -> None:
        """Say that nobody acts in the state before that version any more."""
        await self._database.execute("control_settle", name=NAME, version=version)

    async def describe(self, flip: int, detail: str) -> None:
        """Add to the record of a flip how it went."""
        await self._database.execute("flip_detail", flip=flip, detail=detail[:DETAIL_MAX])

    async def flips(self, *, before: int = FLIPS_MAX, size: int = 20) -> Sequence[FlipRow]:
        """Return flips, the newest first."""
        return [_flip(row) for row in await self._database.rows("flips_before", flip=before, size=size)]

    async def evidence(self, flip: int) -> bytes | None:
        """Return the evidence stored with a flip, None when there is no such flip."""
        rows = await self._database.rows("flip", flip=flip)
        return bytes(rows[0]["evidence"]) if rows else None


def chained(before: str, digest: str, asked: str) -> str:
    """Return the chain value of a flip: whoever changes an old record breaks all later ones."""
    return hashlib.sha256(f"{before}\n{digest}\n{asked}".encode()).hexdigest()


def broken_link(rows: Sequence[FlipRow]) -> int | None:
    """Return the first flip of consecutive ones, oldest first, whose chain value is not what it must be."""
    before = ""
    for place, row in enumerate(rows):
        if (row.flip == 1 or place) and row.chain != chained(before, row.digest, _text(row.state)):
            return row.flip
        before = row.chain
    return None


def _text(agreed: Agreed) -> str:
    return orjson.dumps(as_value(agreed), option=orjson.OPT_SORT_KEYS).decode()


def _agreed(text: str) -> Agreed:
    value: Mapping[str, Any] = orjson.loads(text)
    return agreed_of(value)


def _row(row: Row) -> ControlRow:
    return ControlRow(
        version=int(row["version"]),
        state=_agreed(row["state"]),
        previous=_agreed(row["previous"]),
        settled=bool(row["settled"]),
        pending=_agreed(row["pending"]) if row["pending"] else None,
        pending_flip=int(row["pending_flip"]),
        last_flip=int(row["last_flip"]),
    )


def _flip(row: Row) -> FlipRow:
    return FlipRow(
        flip=int(row["flip"]),
        state=_agreed(row["state"]),
        undo=_agreed(row["undo_state"]),
        actor=row["actor"],
        reason=row["reason"],
        forced=bool(row["forced"]),
        digest=row["digest"],
        chain=row["chain"],
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        outcome=row["outcome"],
        detail=row["detail"],
    )
