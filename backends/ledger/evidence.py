"""What parity is proven with: strata, different tuples, seeded mutants, ages of mismatches, the watermark.

Written together with the verdicts, in their transaction. Everything is bounded: the tables of counts by the classes
there are, the others by `Bounds`; beyond them what is left out makes the proof weaker, never stronger.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.sql.base import Database, Row, Statements
from rules.mutants import Trial
from rules.strata import Stratum, stratum_of_key
from rules.verdict import Standing, Verdict, standing

ROWS_MAX = 10_000
WATERMARK = "verifier"

_NO_REVISION = -1
_COMPARED = (Standing.PROVEN, Standing.FAILED)
_INT64 = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many rows of each kind the present epoch may have."""

    tuples_max: int = 2_000_000
    entities_max: int = 2_000_000
    ages_max: int = 10_000


BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Everything observed before `through_at` (Unix seconds) is settled; `revision`: the highest proven by then."""

    through_at: float
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumCount:
    """How often comparisons of a stratum came to a standing."""

    stratum: Stratum
    standing: Standing
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """How many different tuples of a stratum were compared, and how many of them ever failed."""

    stratum: Stratum
    tuples: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCount:
    """How one mutant operator fared in an epoch. Times to detection in seconds: the sum and the longest."""

    operator: str
    tried: int
    caught: int
    not_applicable: int
    unclear: int
    detect_s: float
    detect_s_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCount:
    """The wiki against itself by one surface: how often it was read again, differed, or could not be read again."""

    surface: str
    compared: int = 0
    differed: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """Something that differs: since when, how often it was seen, and when last. Not seen equal since."""

    entity_id: str
    revision: int | None
    surface: str
    reason: str
    seen: int
    first_at: float
    last_at: float

    @property
    def age_s(self) -> float:
        """Return how long it is known to have differed, in seconds."""
        return self.last_at - self.first_at


class Evidence:
    """The meaning of the tables of 0003_evidence.sql."""

    def __init__(self, database: Database, bounds: Bounds = BOUNDS) -> None:
        self._database = database
        self._bounds = bounds
        self._epoch = 0
        self._tuples = self._entities = self._ages = self._standing = 0  # at least so many rows there are

    async def room(self, epoch: int) -> None:
        """Learn how much of the bounds is used, where that is not known well enough. Call before a transaction."""
        bounds = self._bounds
        known = epoch == self._epoch
        if not known or self._tuples >= bounds.tuples_max:
            self._tuples = await self._size("compared_tuples_size", "tuples", epoch)
        if not known or self._entities >= bounds.entities_max:
            self._entities = await self._size("verdict_entities_size", "entities", epoch)
        if not known or self._ages >= bounds.ages_max:
            await self._database.execute("mismatch_ages_forget_cleared")
            row = (await self._database.rows("mismatch_ages_size", epoch=epoch))[0]
            self._ages, self._standing = int(row["ages"]), int(row["standing"])
        self._epoch = epoch

    def entities_with_room(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the rows of entities that may be written: all, or beyond the bound those that failed."""
        full = self._entities >= self._bounds.entities_max
        self._entities += len(rows)
        return [row for row in rows if row["failed"] or not full]

    async def add(
        self,
        work: Statements,
        epoch: int,
        verdicts: Sequence[Verdict],
        trials: Sequence[Trial],
        noise: Sequence[NoiseCount] = (),
    ) -> None:
        """Write what verdicts and trials prove, inside a transaction."""
        await _many(work, "noise_count_add", _noise_rows(epoch, verdicts, noise))
        await _many(work, "stratum_count_add", _stratum_rows(epoch, verdicts))
        await _many(work, "compared_tuple_put", self._tuple_rows(epoch, verdicts))
        await _many(work, "mutant_trial_add", _trial_rows(epoch, verdicts, trials))
        await self._add_ages(work, epoch, verdicts)

    async def mark(self, watermark: Watermark, now: float) -> None:
        """Note how far everything is settled. An earlier mark changes nothing."""
        await self._database.execute(
            "watermark_put",
            name=WATERMARK,
            through_ms=_ms(watermark.through_at),
            revision=_NO_REVISION if watermark.revision is None else watermark.revision,
            written_at_ms=_ms(now),
        )

    async def watermark(self) -> Watermark | None:
        """Return through when everything observed is settled, None when nobody ever said."""
        rows = await self._database.rows("watermark", name=WATERMARK)
        if not rows:
            return None
        revision = int(rows[0]["revision"])
        return Watermark(
            through_at=rows[0]["through_ms"] / 1000, revision=None if revision == _NO_REVISION else revision
        )

    async def strata(self, epoch: int) -> Sequence[StratumCount]:
        """Return the counts of every stratum of an epoch."""
        return [
            StratumCount(
                stratum=stratum_of_key(row["stratum"]), standing=Standing(row["standing"]), seen=int(row["seen"])
            )
            for row in await self._database.rows("stratum_counts", epoch=epoch, size=ROWS_MAX)
        ]

    async def distinct(self, epoch: int) -> Sequence[Distinct]:
        """Return how many different tuples each stratum has; walks all of the epoch's. Of the present epoch only."""
        return [
            Distinct(stratum=stratum_of_key(row["stratum"]), tuples=int(row["tuples"]), failed=int(row["failed"] or 0))
            for row in await self._database.rows("compared_tuple_totals", epoch=epoch)
        ]

    async def trials(self, epoch: int) -> Sequence[TrialCount]:
        """Return how each mutant operator fared."""
        return [_trial(row) for row in await self._database.rows("mutant_trials", epoch=epoch, size=ROWS_MAX)]

    async def noise(self, epoch: int) -> Sequence[NoiseCount]:
        """Return how the wiki fared against itself, by surface."""
        return [
            NoiseCount(
                surface=row["surface"],
                compared=int(row["compared"]),
                differed=int(row["differed"]),
                unread=int(row["unread"]),
            )
            for row in await self._database.rows("noise_counts", epoch=epoch, size=ROWS_MAX)
        ]

    async def clear_age(self, epoch: int, verdict: Verdict, now: float) -> None:
        """Note that something that differed was seen equal."""
        await self._database.execute("mismatch_age_clear", **_age_key(epoch, verdict), at_ms=_ms(now))

    async def ages(self, epoch: int, *, size: int = 50) -> Sequence[Age]:
        """Return what differs and was not seen equal since, the longest known first."""
        rows = await self._database.rows("mismatch_ages_oldest", epoch=epoch, size=min(size, ROWS_MAX))
        return [_age(row) for row in rows]

    async def ages_total(self, epoch: int) -> int:
        """Return how many things differ and were not seen equal since."""
        return int((await self._database.rows("mismatch_ages_size", epoch=epoch))[0]["standing"])

    async def findings(self, epoch: int) -> int:
        """Return how many findings were last seen in an epoch."""
        return int((await self._database.rows("findings_of_epoch", epoch=epoch))[0]["findings"])

    async def forget_before(self, epoch: int) -> None:
        """Delete what only the present epoch needs. Counts stay."""
        for name in ("compared_tuples_forget", "verdict_entities_forget", "mismatch_ages_forget"):
            await self._database.execute(name, epoch=epoch)

    async def _size(self, name: str, column: str, epoch: int) -> int:
        return int((await self._database.rows(name, epoch=epoch))[0][column])

    def _tuple_rows(self, epoch: int, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
        full = self._tuples >= self._bounds.tuples_max
        rows: dict[int, dict[str, Any]] = {}
        for verdict in verdicts:
            how = standing(verdict)
            if verdict.stratum is None or verdict.entity_id is None or how not in _COMPARED:
                continue
            failed = int(how is Standing.FAILED)
            key = tuple_key(verdict)
            row = rows.setdefault(key, {"epoch": epoch, "tuple_key": key, "stratum": "", "failed": 0})
            row["stratum"] = row["stratum"] or verdict.stratum.key()
            row["failed"] = max(row["failed"], failed)
        kept = [rows[key] for key in sorted(rows) if rows[key]["failed"] or not full]
        self._tuples += len(kept)
        return kept

    async def _add_ages(self, work: Statements, epoch: int, verdicts: Iterable[Verdict]) -> None:
        known = [one for one in verdicts if one.entity_id is not None]
        equal = [one for one in known if standing(one) is Standing.PROVEN] if self._standing else []
        differing = [one for one in known if standing(one) is Standing.FAILED]
        # In the order of time: what was equal and then differed stands, whichever is written first.
        await _many(work, "mismatch_age_clear", [_age_key(epoch, one) | {"at_ms": _ms(one.judged_at)} for one in equal])
        rows = [
            _age_key(epoch, one) | {"reason": one.reason[:100], "at_ms": _ms(one.judged_at)}
            for one in sorted(differing, key=lambda one: (str(one.entity_id), one.revision or 0, one.judged_at))
        ]
        full = self._ages >= self._bounds.ages_max
        await _many(work, "mismatch_age_touch" if full else "mismatch_age_add", rows)
        self._ages += len(rows)
        self._standing += len(rows)


def tuple_key(verdict: Verdict) -> int:
    """Return 64 bits that stand for the entity, the revision and the shape of a comparison."""
    told = f"{verdict.entity_id} {verdict.revision} {verdict.shape}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:_INT64], "big", signed=True)


def _stratum_rows(epoch: int, verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for verdict in verdicts:
        how = standing(verdict)
        if how is Standing.ASIDE:
            continue
        stratum = (verdict.stratum or Stratum(surface=verdict.surface)).key()
        at_ms = _ms(verdict.judged_at)
        fresh = {"epoch": epoch, "stratum": stratum, "standing": how.value, "seen": 0, "first_at_ms": at_ms}
        row = rows.setdefault((stratum, how.value), fresh)
        row["seen"] += 1
        row["last_at_ms"] = at_ms
    return [rows[key] for key in sorted(rows)]


def _trial_rows(epoch: int, verdicts: Sequence[Verdict], trials: Iterable[Trial]) -> list[dict[str, Any]]:
    at_ms = max((_ms(verdict.judged_at) for verdict in verdicts), default=0)
    return [
        {
            "epoch": epoch,
            "operator": trial.operator[:64],
            "tried": trial.tried,
            "caught": trial.caught,
            "not_applicable": trial.not_applicable,
            "unclear": trial.unclear,
            "detect_ms": _ms(trial.detect_s),
            "last_at_ms": at_ms,
        }
        for trial in sorted(trials, key=lambda one: one.operator)
    ]


def _noise_rows(epoch: int, verdicts: Iterable[Verdict], noise: Iterable[NoiseCount]) -> list[dict[str, Any]]:
    at_ms = max((_ms(verdict.judged_at) for verdict in verdicts), default=0)
    return [
        {
            "epoch": epoch,
            "surface": one.surface[:32],
            "compared": one.compared,
            "differed": one.differed,
            "unread": one.unread,
            "at_ms": at_ms,
        }
        for one in sorted(noise, key=lambda count: count.surface)
    ]


def _age_key(epoch: int, verdict: Verdict) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "entity_id": verdict.entity_id,
        "revision": _NO_REVISION if verdict.revision is None else verdict.revision,
        "surface": verdict.surface,
    }


def _trial(row: Row) -> TrialCount:
    return TrialCount(
        operator=row["operator"],
        tried=int(row["tried"]),
        caught=int(row["caught"]),
        not_applicable=int(row["not_applicable"]),
        unclear=int(row["unclear"]),
        detect_s=row["detect_ms"] / 1000,
        detect_s_max=row["detect_ms_max"] / 1000,
    )


def _age(row: Row) -> Age:
    revision = int(row["revision"])
    return Age(
        entity_id=row["entity_id"],
        revision=None if revision == _NO_REVISION else revision,
        surface=row["surface"],
        reason=row["reason"],
        seen=int(row["seen"]),
        first_at=row["first_at_ms"] / 1000,
        last_at=row["last_at_ms"] / 1000,
    )


async def _many(work: Statements, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await work.execute_many(name, rows)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
