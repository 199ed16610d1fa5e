"""What the verifier found, kept: counts for ever, the latest details with their difference, findings, epochs.

Counting belongs to an epoch. A batch of verdicts becomes visible as a whole. Counting twice is possible only where a
verifier died between writing a batch and saying that its samples are done. Unsharded, in the ledger.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from backends.errors import ConflictError
from backends.ledger.cases import CASE_BOUNDS, CaseBounds, Cases
from backends.ledger.evidence import BOUNDS, Bounds, Evidence, NoiseCount
from backends.sql.base import Database, Row, Statements
from rules.case import Case
from rules.epochs import Basis, basis_of, joined, why_new
from rules.mutants import Trial
from rules.verdict import Finding, Outcome, Standing, Verdict, standing, standing_of

ROWS_MAX = 1000
"""The most rows that one page has."""

DETAILS_MAX = 10_000
"""How many verdicts of each outcome are kept with their detail."""

SHARD = "verdicts"
FIRST_EPOCH_WHY = "the first comparison"
UNKNOWN_BASIS_WHY = "what the comparisons before rested on is not known"

_KEPT = frozenset({Outcome.MISMATCH, Outcome.ERROR, Outcome.NOT_YET})
_REASON_MAX = 100
_DETAIL_MAX = 8_000
_NO_REVISION = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A time in which counts add up. `opened_at` in Unix seconds."""

    number: int
    opened_at: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often one kind of verdict was seen. `entity_type` is "" where the verdict is on a whole answer."""

    phase: str
    surface: str
    entity_type: str
    outcome: Outcome
    reason: str
    seen: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityCount:
    """How many different entities of a type were compared, and for how many of them that ever failed."""

    entity_type: str
    entities: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFinding:
    """A finding, and when and how often it was seen. `revision` None: it names none."""

    entity_id: str
    kind: str
    revision: int | None
    detail: str
    seen: int
    first_at: float
    last_at: float
    closed_at: float | None = None  # looked at again, and no more
    closed_by: str = ""


class Verdicts:
    """The meaning of the tables of 0002_verdicts.sql; others are behind `evidence` and `cases`."""

    def __init__(
        self,
        database: Database,
        *,
        details_max: int = DETAILS_MAX,
        bounds: Bounds = BOUNDS,
        case_bounds: CaseBounds = CASE_BOUNDS,
    ) -> None:
        self._database = database
        self._details_max = details_max
        self.evidence = Evidence(database, bounds)
        self.cases = Cases(database, case_bounds)

    async def epoch(self, now: float) -> Epoch:
        """Return the present epoch; the first one is opened when there is none."""
        latest = await self._latest_epoch()
        return latest or await self.open_epoch(FIRST_EPOCH_WHY, now)

    async def open_epoch(self, why: str, now: float) -> Epoch:
        """Begin to count anew, because `why`. What was counted stays under its own epoch."""
        latest = await self._latest_epoch()
        opened = Epoch(number=latest.number + 1 if latest else 1, opened_at=now, why=why[:255])
        try:
            await self._database.execute("epoch_insert", epoch=opened.number, opened_at_ms=_ms(now), why=opened.why)
        except ConflictError:  # another verifier was first: its epoch is as good
            latest = await self._latest_epoch()
            assert latest is not None
            return latest
        await self.evidence.forget_before(opened.number)
        return opened

    async def declare(self, basis: Basis, now: float) -> Epoch:
        """Say what comparisons rest on from now on; another epoch opens when that has changed, and says why."""
        epoch = await self.epoch(now)
        present = await self.basis(epoch.number)
        why = why_new(present, basis) if present else ""
        if present is None and await self.counts(epoch.number):
            why = UNKNOWN_BASIS_WHY
        if why:
            epoch = await self.open_epoch(why, now)
        told = joined(present or Basis(), basis)
        if told != present:
            text = orjson.dumps(told.as_json()).decode()
            await self._database.execute("epoch_basis_put", epoch=epoch.number, basis=text)
        return epoch

    async def basis(self, epoch: int) -> Basis | None:
        """Return what the comparisons of an epoch rest on, None when nobody said."""
        rows = await self._database.rows("epoch_basis", epoch=epoch)
        return basis_of(orjson.loads(rows[0]["basis"])) if rows else None

    async def epochs(self, *, after: int = 0, size: int = ROWS_MAX) -> Sequence[Epoch]:
        """Return one page of all epochs, in their order."""
        rows = await self._database.rows("epochs", after=after, size=min(size, ROWS_MAX))
        return [_epoch(row) for row in rows]

    async def add(
        self,
        verdicts: Sequence[Verdict],
        findings: Sequence[Finding] = (),
        shed: Mapping[str, int] | None = None,
        *,
        now: float,
        trials: Sequence[Trial] = (),
        cases: Sequence[Case] = (),
        noise: Sequence[NoiseCount] = (),
    ) -> None:
        """Count verdicts, keep the details that somebody will look at, and note findings and what was shed.

        `trials` are of copies damaged on purpose, `noise` of the wiki against itself: never counted as verdicts.
        """
        epoch = (await self.epoch(now)).number
        await self.evidence.room(epoch)
        await self.cases.room()
        kept = [_detail_row(epoch, verdict) for verdict in verdicts if _is_kept(verdict)]
        async with self._database.transaction(SHARD) as work:
            await _many(work, "verdict_count_add", _count_rows(epoch, verdicts))
            entities = self.evidence.entities_with_room(_entity_rows(epoch, verdicts))
            await _many(work, "verdict_entity_add", entities)
            await self.evidence.add(work, epoch, verdicts, trials, noise)
            await self.cases.add(work, epoch, verdicts, cases)
            await _many(work, "verdict_detail_put", kept)
            await _many(work, "finding_add", [_finding_row(epoch, finding) for finding in findings])
            rows = [{"epoch": epoch, "reason": why[:_REASON_MAX], "seen": seen} for why, seen in (shed or {}).items()]
            await _many(work, "shed_add", sorted(rows, key=lambda row: str(row["reason"])))
        for outcome in sorted({row["outcome"] for row in kept}):
            await self._forget(outcome)
        await self.cases.tidy(verdicts, now, wrote=bool(cases))

    async def counts(self, epoch: int) -> Sequence[Count]:
        """Return every count of an epoch, sorted."""
        rows = await self._database.rows("verdict_counts", epoch=epoch, size=ROWS_MAX * 10)
        return [_count(row) for row in rows]

    async def totals(self) -> Mapping[int, Mapping[Standing, int]]:
        """Return how often each standing was come to, by epoch."""
        totals: dict[int, Counter[Standing]] = {}
        for row in await self._database.rows("epoch_totals", size=ROWS_MAX * 100):
            how = standing_of(Outcome(row["outcome"]), row["reason"].partition("+")[0])
            totals.setdefault(int(row["epoch"]), Counter())[how] += int(row["seen"])
        return totals

    async def entity_counts(self, epoch: int) -> Sequence[EntityCount]:
        """Return how many entities were compared, by type; walks all of the epoch's."""
        rows = await self._database.rows("verdict_entity_totals", epoch=epoch)
        return [
            EntityCount(entity_type=row["entity_type"], entities=int(row["entities"]), failed=int(row["failed"] or 0))
            for row in rows
        ]

    async def latest(self, outcome: Outcome, *, size: int = 50, before: str = "~") -> Sequence[Verdict]:
        """Return the newest kept verdicts of an outcome, newest first."""
        rows = await self._database.rows(
            "verdict_details", outcome=outcome.value, before=before, size=min(size, ROWS_MAX)
        )
        return [_verdict(row) for row in rows]

    async def findings(self, *, size: int = ROWS_MAX, after: KeptFinding | None = None) -> Sequence[KeptFinding]:
        """Return one page of all findings, sorted by entity, kind and revision."""
        rows = await self._database.rows(
            "findings",
            after_entity=after.entity_id if after else "",
            after_kind=after.kind if after else "",
            after_revision=_NO_REVISION if after is None or after.revision is None else after.revision,
            size=min(size, ROWS_MAX),
        )
        return [_finding(row) for row in rows]

    async def findings_total(self) -> int:
        """Return how many findings stand: were not closed since they were seen last."""
        return int((await self._database.rows("findings_total"))[0]["findings"])

    async def close_finding(self, finding: KeptFinding, by: str, now: float) -> None:
        """Note that a finding was looked at again and is no more: by whom. Seen later, it stands again."""
        await self._database.execute(
            "finding_close",
            entity_id=finding.entity_id,
            kind=finding.kind,
            revision=_NO_REVISION if finding.revision is None else finding.revision,
            at_ms=_ms(now),
            closed_by=by[:_REASON_MAX],
        )

    async def shed(self, epoch: int) -> Mapping[str, int]:
        """Return how many samples were given up before they were judged, by reason."""
        rows = await self._database.rows("shed_counts", epoch=epoch, size=ROWS_MAX)
        return {row["reason"]: int(row["seen"]) for row in rows}

    async def _latest_epoch(self) -> Epoch | None:
        rows = await self._database.rows("epoch_latest")
        if not rows:
            return None
        return _epoch(rows[0])

    async def _forget(self, outcome: str) -> None:
        """Delete the oldest details of an outcome beyond those that are kept."""
        rows = await self._database.rows("verdict_detail_nth", outcome=outcome, keep=self._details_max)
        if rows:
            await self._database.execute("verdict_details_forget", outcome=outcome, upto=rows[0]["detail_id"])


async def _many(work: Statements, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await work.execute_many(name, rows)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _is_kept(verdict: Verdict) -> bool:
    return verdict.outcome in _KEPT or (verdict.outcome is Outcome.RULE and bool(verdict.detail))


def _reason(verdict: Verdict) -> str:
    """Return the word that a verdict is counted under: its reason, and the rules that it rests on."""
    words = dict.fromkeys(word for word in (verdict.reason, *verdict.rules) if word)
    return "+".join(words)[:_REASON_MAX]


def _count_rows(epoch: int, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    seen: Counter[tuple[str, ...]] = Counter()
    times: dict[tuple[str, ...], list[int]] = {}
    for verdict in verdicts:
        key = (verdict.phase, verdict.surface, verdict.entity_type or "", verdict.outcome.value, _reason(verdict))
        seen[key] += 1
        times.setdefault(key, []).append(_ms(verdict.judged_at))
    # Sorted, so that two verifiers take the rows in the same order and cannot lock each other out.
    return [
        {
            "epoch": epoch,
            "phase": key[0],
            "surface": key[1],
            "entity_type": key[2],
            "outcome": key[3],
            "reason": key[4],
            "seen": seen[key],
            "first_at_ms": min(times[key]),
            "last_at_ms": max(times[key]),
        }
        for key in sorted(seen)
    ]


def _entity_rows(epoch: int, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for verdict in verdicts:
        how = standing(verdict)
        if verdict.entity_id is None or how not in (Standing.PROVEN, Standing.FAILED):
            continue
        plain = {"epoch": epoch, "entity_id": verdict.entity_id, "compared": 0, "failed": 0}
        row = rows.setdefault(verdict.entity_id, {**plain, "entity_type": verdict.entity_type or ""})
        row["compared"] += 1
        row["failed"] += how is Standing.FAILED
    return [rows[entity_id] for entity_id in sorted(rows)]


def _detail_row(epoch: int, verdict: Verdict) -> dict[str, Any]:
    key = hashlib.sha256(f"{verdict.sample_id} {verdict.key}".encode()).hexdigest()[:24]
    return {
        "outcome": verdict.outcome.value,
        "detail_id": f"{_ms(verdict.judged_at):015d}-{key}",
        "epoch": epoch,
        "sample_id": verdict.sample_id[:64],
        "phase": verdict.phase,
        "surface": verdict.surface,
        "entity_id": verdict.entity_id,
        "entity_type": verdict.entity_type,
        "revision": verdict.revision,
        "reason": _reason(verdict),
        "detail": verdict.detail[:_DETAIL_MAX],
        "rules": orjson.dumps(verdict.rules).decode(),
        "target": verdict.target,
        "judged_at_ms": _ms(verdict.judged_at),
        "observed_at_ms": _ms(verdict.observed_at),
    }


def _finding_row(epoch: int, finding: Finding) -> dict[str, Any]:
    return {
        "entity_id": finding.entity_id,
        "kind": finding.kind,
        "revision": _NO_REVISION if finding.revision is None else finding.revision,
        "epoch": epoch,
        "detail": finding.detail[:_DETAIL_MAX],
        "at_ms": _ms(finding.found_at),
    }


def _epoch(row: Row) -> Epoch:
    return Epoch(number=int(row["epoch"]), opened_at=row["opened_at_ms"] / 1000, why=row["why"])


def _count(row: Row) -> Count:
    return Count(
        phase=row["phase"],
        surface=row["surface"],
        entity_type=row["entity_type"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        seen=int(row["seen"]),
        first_at=row["first_at_ms"] / 1000,
        last_at=row["last_at_ms"] / 1000,
    )


def _verdict(row: Row) -> Verdict:
    return Verdict(
        sample_id=row["sample_id"],
        outcome=Outcome(row["outcome"]),
        phase=row["phase"],
        surface=row["surface"],
        entity_id=row["entity_id"],
        entity_type=row["entity_type"],
        revision=row["revision"],
        reason=row["reason"],
        detail=row["detail"],
        rules=tuple(orjson.loads(row["rules"])),
        target=row["target"],
        judged_at=row["judged_at_ms"] / 1000,
        observed_at=row["observed_at_ms"] / 1000,
    )


def _finding(row: Row) -> KeptFinding:
    revision = int(row["revision"])
    return KeptFinding(
        entity_id=row["entity_id"],
        kind=row["kind"],
        revision=None if revision == _NO_REVISION else revision,
        detail=row["detail"],
        seen=int(row["seen"]),
        first_at=row["first_at_ms"] / 1000,
        last_at=row["last_at_ms"] / 1000,
        closed_at=row["closed_at_ms"] / 1000 if row["closed_at_ms"] else None,
        closed_by=row["closed_by"] or "",
    )
