"""What an export has done so far, as values that add up and survive in a checkpoint."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.ledger.unreadable import UnreadableRevision

UNREADABLE_MAX = 1000
"""How many revisions a result names; it counts all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What was exported. `skipped` and `missing_reasons` count by reason.

    Of the `entities`, `deleted` have no page any more. `revisions` were looked at, `changed` of them told to the
    store. Of the revisions, `missing` have no content because the wiki cannot read it, `hidden` because it may not be
    shown; `archived` are deleted. `unknown` are in the store and not in the wiki, `rogue` of that kind were taken out
    of sight. `sha1_differs` had a text whose SHA-1 is not the one that the wiki keeps (over the API legacy texts are
    converted on reading, and revisions with several slots have the SHA-1 of all). `wiki_bytes` were read as text,
    `packed_bytes` written as new snapshots. `unreadable` names the first `UNREADABLE_MAX` revisions whose content the
    wiki cannot read; it is not kept in a checkpoint.
    """

    entities: int = 0
    deleted: int = 0
    revisions: int = 0
    redirects: int = 0
    missing: int = 0
    hidden: int = 0
    archived: int = 0
    changed: int = 0
    unknown: int = 0
    rogue: int = 0
    sha1_differs: int = 0
    new_snapshots: int = 0
    wiki_bytes: int = 0
    packed_bytes: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    missing_reasons: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[UnreadableRevision, ...] = ()

    def __add__(self, other: "ExportResult") -> "ExportResult":
        """Return both together."""
        sums: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        for name in _COUNTS:
            sums[name] = dict(Counter(getattr(self, name)) + Counter(getattr(other, name)))
        unreadable = self.unreadable + other.unreadable if other.unreadable else self.unreadable
        return ExportResult(**sums, unreadable=unreadable[:UNREADABLE_MAX])

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {name: getattr(self, name) for name in NUMBERS} | {name: dict(getattr(self, name)) for name in _COUNTS}

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> "ExportResult":
        """Return what `as_json` gave; what is not there counts as nothing."""
        return cls(**{name: plain[name] for name in (*NUMBERS, *_COUNTS) if name in plain})


NUMBERS = (
    "entities",
    "deleted",
    "revisions",
    "redirects",
    "missing",
    "hidden",
    "archived",
    "changed",
    "unknown",
    "rogue",
    "sha1_differs",
    "new_snapshots",
    "wiki_bytes",
    "packed_bytes",
)
_COUNTS = ("skipped", "missing_reasons")
