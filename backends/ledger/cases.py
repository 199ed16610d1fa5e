"""Cases in the ledger: one row for each thing that differs, with what it takes to look into it. Bounded.

Bounded in their number, in the bytes of their bodies and in age: closed ones go first, then those seen longest ago.
Written in the transaction of the verdicts that they belong to. Lists come without bodies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from backends.errors import CorruptError
from backends.sql.base import Database, Row, Statements
from rules.case import WITHHELD, Case, Kept, case_id_of, facts_of
from rules.reproduce import Exchange
from rules.verdict import Outcome, Standing, Verdict, standing

ROWS_MAX = 1000
BY_TRAFFIC = "seen equal in traffic"
DETAIL_CHARS_MAX = 8_000
LOCATED_CHARS_MAX = 1_000

_NO_REVISION = -1
_UNPACKED_MAX = 64 * 1024 * 1024
_HIDDEN_REASONS = frozenset({"hidden", "visibility"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseBounds:
    """How much is kept. `recheck_s`: after so long a case is looked at again, the time grows with each look."""

    cases_max: int = 1_000
    bytes_max: int = 64 * 1024 * 1024
    age_max_s: float = 30 * 86_400.0
    recheck_s: float = 300.0
    recheck_max_s: float = 86_400.0


CASE_BOUNDS = CaseBounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCase:
    """A case as it is kept. `located`: since when in its history it differs, "" until that is known.

    Lists have `case` without bodies; `kept_bytes` says how much of them there is. Times are Unix seconds.
    """

    case: Case
    epoch: int
    located: str
    seen: int
    first_at: float
    last_at: float
    checks: int
    kept_bytes: int
    closed_at: float | None
    closed_by: str

    @property
    def case_id(self) -> str:
        """The id of the case."""
        return self.case.case_id

    @property
    def is_open(self) -> bool:
        """Tell whether it still differs, as far as anybody knows."""
        return self.closed_at is None


class Cases:
    """The meaning of the table cases."""

    def __init__(self, database: Database, bounds: CaseBounds = CASE_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds
        self._standing: int | None = None  # None: not counted yet

    async def room(self) -> None:
        """Learn whether any case stands. Call before a transaction."""
        if self._standing is None:
            self._standing = (await self.size())[1]

    async def add(self, work: Statements, epoch: int, verdicts: Iterable[Verdict], cases: Iterable[Case]) -> None:
        """Write cases, and close those whose thing was seen equal, inside a transaction."""
        if self._standing:
            equal = {
                case_id_of(one.entity_id, one.revision, one.surface): one.judged_at
                for one in verdicts
                if one.entity_id is not None and standing(one) is Standing.PROVEN
            }
            closed = [
                {"case_id": case_id, "at_ms": _ms(at), "closed_by": BY_TRAFFIC} for case_id, at in sorted(equal.items())
            ]
            if closed:
                await work.execute_many("case_close", closed)
        rows = {case.case_id: self._row(epoch, case) for case in cases}
        if rows:
            await work.execute_many("case_put", [rows[case_id] for case_id in sorted(rows)])
            self._standing = (self._standing or 0) + len(rows)

    async def tidy(self, verdicts: Iterable[Verdict], now: float, *, wrote: bool) -> None:
        """Drop what is not public any more and, where cases were written, keep the bounds. After the transaction."""
        for verdict in verdicts:
            if verdict.reason in _HIDDEN_REASONS and verdict.revision is not None:
                await self.withhold(verdict.revision)
        if not wrote:
            return
        await self._database.execute("cases_forget_before", before_ms=_ms(now - self._bounds.age_max_s))
        count, _, held = await self.size()
        while count > self._bounds.cases_max or held > self._bounds.bytes_max:
            oldest = await self._database.rows("cases_oldest", size=100)
            for row in oldest:
                if count <= self._bounds.cases_max and held <= self._bounds.bytes_max:
                    break
                await self._database.execute("case_forget", case_id=row["case_id"])
                count, held = count - 1, held - int(row["kept_bytes"])
            if not oldest:
                break

    async def size(self) -> tuple[int, int, int]:
        """Return how many cases there are, how many of them stand, and how many bytes their bodies take."""
        row = (await self._database.rows("cases_size"))[0]
        return int(row["cases"]), int(row["standing"]), int(row["kept_bytes"])

    async def get(self, case_id: str) -> KeptCase | None:
        """Return a case with its bodies, None when there is none of that id. Raises CorruptError."""
        rows = await self._database.rows("case_by_id", case_id=case_id)
        return _kept(rows[0], with_bodies=True) if rows else None

    async def latest(self, *, size: int = 50) -> Sequence[KeptCase]:
        """Return the cases seen last, without bodies, the newest first."""
        return [_kept(row) for row in await self._database.rows("cases_latest", size=min(size, ROWS_MAX))]

    async def due(self, now: float, *, size: int = 10) -> Sequence[KeptCase]:
        """Return standing cases whose time to be looked at again has come, without bodies."""
        return [_kept(row) for row in await self._database.rows("cases_due", now_ms=_ms(now), size=min(size, ROWS_MAX))]

    async def looked_at(self, one: KeptCase, located: str, now: float) -> None:
        """Note that a case was looked at and still stands; it is due again later, and later each time."""
        wait_s = min(self._bounds.recheck_s * 2 ** min(one.checks, 30), self._bounds.recheck_max_s)
        await self._database.execute(
            "case_looked_at",
            case_id=one.case_id,
            located=located[:LOCATED_CHARS_MAX],
            due_at_ms=_ms(now + wait_s),
        )

    async def close(self, case_id: str, by: str, now: float) -> bool:
        """Close a case that was seen equal: by whom. False when it was closed already, or differed later."""
        done = await self._database.execute("case_close", case_id=case_id, at_ms=_ms(now), closed_by=by[:100])
        self._standing = None
        return bool(done)

    async def withhold(self, revision: int) -> int:
        """Drop words and bodies of a revision that the public may not see, here and with the verdicts.

        Returns of how many cases. Repeating it is harmless.
        """
        for outcome in (Outcome.MISMATCH, Outcome.RULE):
            await self._database.execute(
                "verdict_details_withhold", outcome=outcome.value, revision=revision, detail=WITHHELD
            )
        rows = await self._database.rows("case_ids_of_revision", revision=revision, size=ROWS_MAX)
        for row in rows:
            facts = orjson.loads(row["facts"]) | {"wiki_why": WITHHELD, "store_why": WITHHELD}
            await self._database.execute(
                "case_withhold",
                case_id=row["case_id"],
                detail=WITHHELD,
                facts=orjson.dumps(facts).decode(),
                nothing=b"",
            )
        return len(rows)

    def _row(self, epoch: int, case: Case) -> dict[str, Any]:
        verdict = case.verdict
        bodies = {name: _packed(kept) for name, kept in (("wiki_body", case.wiki), ("store_body", case.store))}
        return {
            "case_id": case.case_id,
            "epoch": epoch,
            "entity_id": verdict.entity_id,
            "revision": _number(verdict.revision),
            "surface": verdict.surface,
            "reason": verdict.reason[:100],
            "detail": verdict.detail[:DETAIL_CHARS_MAX],
            "facts": orjson.dumps(facts_of(case)).decode(),
            **bodies,
            "kept_bytes": sum(map(len, bodies.values())),
            "at_ms": _ms(verdict.judged_at),
            "due_at_ms": _ms(verdict.judged_at),
        }


def _kept(row: Row, *, with_bodies: bool = False) -> KeptCase:
    facts: Mapping[str, Any] = orjson.loads(row["facts"])
    revision = int(row["revision"])
    verdict = Verdict(
        sample_id=facts["sample"],
        outcome=Outcome.MISMATCH,
        phase=facts["phase"],
        surface=row["surface"],
        key=facts["key"],
        entity_id=row["entity_id"],
        entity_type=facts["entity_type"],
        revision=None if revision == _NO_REVISION else revision,
        reason=row["reason"],
        detail=row["detail"],
        rules=tuple(facts["rules"]),
        target=facts["target"],
        judged_at=facts["judged_at"],
        observed_at=facts["observed_at"],
    )
    sides = {
        side: Kept(
            _unpacked(row[f"{side}_body"], row["case_id"]) if with_bodies else b"",
            facts[f"{side}_size"],
            facts[f"{side}_why"],
        )
        for side in ("wiki", "store")
    }
    case = Case(
        case_id=row["case_id"],
        verdict=verdict,
        exchange=_exchange(facts),
        wiki_digest=facts["wiki_digest"],
        store_digest=facts["store_digest"],
        reread=facts["reread"],
        rules_version=facts["rules_version"],
        form=facts["canonical_form"],
        **sides,
    )
    return KeptCase(
        case=case,
        epoch=int(row["epoch"]),
        located=row["located"],
        seen=int(row["seen"]),
        first_at=row["first_at_ms"] / 1000,
        last_at=row["last_at_ms"] / 1000,
        checks=int(row["checks"]),
        kept_bytes=int(row["kept_bytes"]),
        closed_at=row["closed_at_ms"] / 1000 if row["closed_at_ms"] else None,
        closed_by=row["closed_by"],
    )


def _exchange(facts: Mapping[str, Any]) -> Exchange:
    form = facts["form"]
    return Exchange(
        method=facts["method"],
        target=facts["target"],
        form=None if form is None else form.encode("ascii"),
        headers=tuple((name, value) for name, value in facts["headers"]),
        status=facts["status"],
        body_sha256=facts["body_sha256"],
        request_id=facts["request_id"],
    )


def _packed(kept: Kept) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(kept.text) if kept.text else b""


def _unpacked(packed: bytes, case_id: str) -> bytes:
    if not packed:
        return b""
    try:
        return zstandard.ZstdDecompressor().decompress(bytes(packed), max_output_size=_UNPACKED_MAX)
    except zstandard.ZstdError as error:
        raise CorruptError(f"the body of case {case_id} cannot be unpacked: {error}") from error


def _number(revision: int | None) -> int:
    return _NO_REVISION if revision is None else revision


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
