"""The phases of a migration: one table, and the flips that it allows.

A phase is two modes in the operator's own words, `reads` and `writes`; what is compared, mirrored and kept
current follows from the row. Only neighbours may be flipped between; a refused flip changes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reads(StrEnum):
    """Who answers entity reads."""

    LEGACY = "legacy"  # the wiki
    SHADOW = "shadow"  # the wiki; the store is compared
    NEW = "new"  # the store


class Writes(StrEnum):
    """Who answers entity writes."""

    LEGACY = "legacy"  # the wiki
    DUAL = "dual"  # the wiki, and the store gets the same at once
    NEW = "new"  # the store


class PhaseName(StrEnum):
    """The names of the phases, as written in the config."""

    PREPARE = "prepare"
    EXPORT = "export"
    SHADOW_READS = "shadow_reads"
    READ_CUTOVER = "read_cutover"
    DUAL_WRITES = "dual_writes"
    WRITE_CUTOVER = "write_cutover"
    DECOMMISSION = "decommission"


@dataclass(frozen=True, slots=True)
class Phase:
    """One row of the table. Empty strings: nobody, nothing."""

    name: PhaseName
    reads: Reads
    writes: Writes
    reads_answered_by: str
    reads_compared_with: str
    writes_answered_by: str
    also_written_to: str
    kept_current_by: str


_P, _R, _W = PhaseName, Reads, Writes
PHASES: tuple[Phase, ...] = (
    Phase(_P.PREPARE, _R.LEGACY, _W.LEGACY, "wiki", "", "wiki", "", ""),
    Phase(_P.EXPORT, _R.LEGACY, _W.LEGACY, "wiki", "", "wiki", "", "export, then follower"),
    Phase(_P.SHADOW_READS, _R.SHADOW, _W.LEGACY, "wiki", "store", "wiki", "", "follower"),
    Phase(_P.READ_CUTOVER, _R.NEW, _W.LEGACY, "store", "wiki", "wiki", "", "follower + fence"),
    Phase(_P.DUAL_WRITES, _R.NEW, _W.DUAL, "store", "wiki", "wiki", "store, at once", "dual write + follower"),
    Phase(
        _P.WRITE_CUTOVER, _R.NEW, _W.NEW, "store", "wiki, through the mirror", "store", "wiki, by the mirror", "itself"
    ),
    Phase(_P.DECOMMISSION, _R.NEW, _W.NEW, "store", "", "store", "", "itself"),
)

BUILT = frozenset({PhaseName.PREPARE, PhaseName.EXPORT, PhaseName.SHADOW_READS, PhaseName.READ_CUTOVER})
"""The phases that this version can carry out. The others are refused, never pretended."""

_ORDER = {phase.name: place for place, phase in enumerate(PHASES)}


class IllegalFlipError(ValueError):
    """A flip that the table does not allow. The operator's choice; nothing was changed."""


class IllegalModesError(IllegalFlipError):
    """A pair of modes that no phase has. A config cannot express one: it names a phase."""


def phase(name: str) -> Phase:
    """Return the phase of that name. Raises IllegalFlipError for a name that is none."""
    for row in PHASES:
        if row.name == name:
            return row
    raise IllegalFlipError(f"no phase is called {name!r}; the phases are {', '.join(_ORDER)}")


def phases_of(reads: Reads, writes: Writes) -> tuple[Phase, ...]:
    """Return the phases with that pair of modes. Raises IllegalModesError when there is none, saying why."""
    found = tuple(row for row in PHASES if row.reads is reads and row.writes is writes)
    if not found:
        why = "writes move after reads" if writes is not Writes.LEGACY else "no phase has these modes"
        raise IllegalModesError(f"reads {reads} with writes {writes}: {why}")
    return found


def neighbour(name: PhaseName, steps: int) -> PhaseName | None:
    """Return the phase so many steps forward (back: negative); None beyond the ends of the table."""
    place = _at(name) + steps
    return PHASES[place].name if 0 <= place < len(PHASES) else None


def distance(present: PhaseName, wanted: PhaseName) -> int:
    """Return how many flips forward `wanted` is; negative: back."""
    return _at(wanted) - _at(present)


def is_free_to_go_back(name: PhaseName) -> bool:
    """Tell whether going back from there loses and replays nothing: the wiki has every edit."""
    return phase(name).writes is not Writes.NEW


def needs_fence(present: Phase) -> bool:
    """Tell whether the store answers reads of what the wiki takes edits of (invariant 6)."""
    return present.reads is Reads.NEW and present.writes is not Writes.NEW


def without_lease(present: Phase) -> Phase:
    """Return the phase that a worker acts in who cannot confirm the present one: the wiki answers all reads."""
    return phase(PhaseName.SHADOW_READS) if present.reads is Reads.NEW else present


def check_flip(present: PhaseName, wanted: PhaseName) -> None:
    """Raise IllegalFlipError unless `wanted` is `present`, its neighbour, and built."""
    if wanted not in BUILT:
        raise IllegalFlipError(f"this version cannot carry out phase {wanted}; it can up to {max(BUILT, key=_at)}")
    if abs(_at(wanted) - _at(present)) > 1:
        raise IllegalFlipError(f"{present} and {wanted} are not neighbours: flip to {_towards(present, wanted)} first")


def _at(name: PhaseName) -> int:
    return _ORDER[name]


def _towards(present: PhaseName, wanted: PhaseName) -> PhaseName:
    return PHASES[_at(present) + (1 if _at(wanted) > _at(present) else -1)].name
