"""What a check of the store found, as values that add up and survive in a checkpoint."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXAMPLES_MAX = 200
"""The most findings that are kept in detail; all are counted."""


class Kind(StrEnum):
    """Something is wrong with the store."""

    SNAPSHOT_MISSING = "snapshot_missing"
    SNAPSHOT_CORRUPT = "snapshot_corrupt"
    ROW_DIFFERS = "row_differs"  # the row says something else than its snapshot and what lies over it
    CHAIN_BROKEN = "chain_broken"  # a revision of the store does not follow its parent
    HEAD_UNKNOWN = "head_unknown"  # the head is no revision of the entity
    HEAD_DIFFERS = "head_differs"  # the head says something else than its revision's row
    HEAD_NOT_LAST = "head_not_last"  # a revision of the store lies beyond the head
    OUTBOX_AHEAD = "outbox_ahead"  # announced, but the head never got there
    LOOKUP_MISSING = "lookup_missing"
    PURGE_UNFINISHED = "purge_unfinished"
    PURGED_CONTENT = "purged_content"  # a content that was destroyed by order is there (again)
    PURGE_NOT_IN_INDEX = "purge_not_in_index"
    RESTRICTED_MISSING = "restricted_missing"
    SEGMENT_CORRUPT = "segment_corrupt"


REPAIRABLE = frozenset(
    {Kind.HEAD_DIFFERS, Kind.LOOKUP_MISSING, Kind.PURGE_UNFINISHED, Kind.PURGED_CONTENT, Kind.PURGE_NOT_IN_INDEX}
)
"""What the rest of the store suffices to mend."""


class Note(StrEnum):
    """Worth counting, harmless."""

    ORPHAN = "orphan"  # a snapshot without a row: a write that died or lost its race
    SUPERSEDED = "superseded"  # a snapshot of a revision that has another one by now
    PARENT_ELSEWHERE = "parent_elsewhere"  # the wiki's: in its archive, or of another page
    HEAD_BEFORE_LAST = "head_before_last"  # the wiki's: page_latest says so
    POSITION_SHARED = "position_shared"  # the wiki's: told differently over time
    NO_HEAD = "no_head"  # a history whose telling is not finished
    PURGED = "purged"
    RESTRICTED_ORPHAN = "restricted_orphan"
    JOURNAL_BEHIND = "journal_behind"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where. `rev_id` is None when it concerns the entity."""

    kind: Kind
    entity_id: str
    rev_id: int | None
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"kind": str(self.kind), "entity_id": self.entity_id, "rev_id": self.rev_id, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class FsckResult:
    """What was looked at, found, and mended. `examples` are the first findings; `found` counts all."""

    entities: int = 0
    revisions: int = 0
    objects: int = 0
    found: Mapping[Kind, int] = field(default_factory=dict)
    noted: Mapping[Note, int] = field(default_factory=dict)
    examples: Sequence[Finding] = ()
    mended: Mapping[Kind, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        findings: Sequence[Finding] = (),
        noted: Mapping[Note, int] | None = None,
        *,
        entities: int = 0,
        revisions: int = 0,
        objects: int = 0,
    ) -> "FsckResult":
        """Return the result that consists of these findings, all of them as examples until it is added to another."""
        found = Counter(one.kind for one in findings)
        return cls(entities, revisions, objects, found, dict(noted or {}), tuple(findings))

    def __add__(self, other: "FsckResult") -> "FsckResult":
        """Return both together."""
        return FsckResult(
            self.entities + other.entities,
            self.revisions + other.revisions,
            self.objects + other.objects,
            dict(Counter(self.found) + Counter(other.found)),
            dict(Counter(self.noted) + Counter(other.noted)),
            (*self.examples, *other.examples)[:EXAMPLES_MAX],
            dict(Counter(self.mended) + Counter(other.mended)),
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong (any more)."""
        return not Counter(self.found) - Counter(self.mended)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "entities": self.entities,
            "revisions": self.revisions,
            "objects": self.objects,
            "found": {str(kind): count for kind, count in self.found.items()},
            "noted": {str(note): count for note, count in self.noted.items()},
            "examples": [one.as_json() for one in self.examples],
            "mended": {str(kind): count for kind, count in self.mended.items()},
        }

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> "FsckResult":
        """Return what `as_json` gave."""
        return cls(
            plain["entities"],
            plain["revisions"],
            plain["objects"],
            {Kind(kind): count for kind, count in plain["found"].items()},
            {Note(note): count for note, count in plain["noted"].items()},
            tuple(Finding(**{**one, "kind": Kind(one["kind"])}) for one in plain["examples"]),
            {Kind(kind): count for kind, count in plain["mended"].items()},
        )
