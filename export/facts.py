"""What is certain of the export, for a gate that decides on the next phase. Whatever is not known is not passed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from backends.errors import BackendError
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.leases import Leases
from backends.ledger.unreadable import UnreadableRevision, UnreadableRevisions
from backends.store import Store
from export.history import CHECKPOINT, FAILED_MAX
from export.outcome import ExportResult
from export.source import Source
from wikibase.revision import State

UNREADABLE_SHOWN_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """The exit criteria of the export as far as the export itself can tell.

    `entities_total` and `revisions_total`: live ones, as the wiki counts them now; None where it cannot be counted
    exactly. `entities_exported`, `revisions_exported`: live ones, as the run found them. `unreadable`: the first of
    those that have no content because the wiki cannot read them; that is no fault of the export. `missing` says what
    keeps the criteria from being met; empty: nothing.
    """

    finished: bool
    spans: int
    spans_open: int
    entities_total: int | None
    entities_exported: int
    entities_deleted: int
    revisions_total: int | None
    revisions_exported: int
    revisions_archived: int
    counts_equal: bool | None
    unreadable_total: int
    unreadable: Sequence[UnreadableRevision]
    left_out: Sequence[Sequence[str]]
    missing: Sequence[str]

    @property
    def met(self) -> bool:
        """Whether every entity is in the store and the counts are equal."""
        return not self.missing

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {**asdict(self), "met": self.met}


async def export_facts(
    source: Source | None,
    store: Store,
    checkpoints: Checkpoints,
    leases: Leases,
    unreadable: UnreadableRevisions,
) -> ExportFacts:
    """Return the facts. `source` None, or one that does not answer: the wiki's numbers are not known."""
    kept = await checkpoints.get(CHECKPOINT) or {}
    spans = spans_open = 0
    result, left_out = ExportResult(), []
    if "job" in kept:
        async for part in leases.parts(kept["job"]):
            spans += 1
            spans_open += not part.done
            result += ExportResult.of_json((part.progress or {}).get("result", {}))
            left_out += (part.progress or {}).get("failed", [])
    listed, total = await _still_unreadable(store, unreadable)
    entities, revisions = await _counted(source)
    exported = (result.entities - result.deleted, result.revisions - result.archived)
    equal = None if entities is None or revisions is None else (entities, revisions) == exported
    left = [one for one in left_out if await store.head(one[0]) is None][:FAILED_MAX]
    finished = kept.get("state") == "finished"
    return ExportFacts(
        finished=finished,
        spans=spans,
        spans_open=spans_open,
        entities_total=entities,
        entities_exported=exported[0],
        entities_deleted=result.deleted,
        revisions_total=revisions,
        revisions_exported=exported[1],
        revisions_archived=result.archived,
        counts_equal=equal,
        unreadable_total=total,
        unreadable=listed,
        left_out=left,
        missing=_missing(finished=finished, spans_open=spans_open, equal=equal, left_out=len(left)),
    )


def _missing(*, finished: bool, spans_open: int, equal: bool | None, left_out: int) -> Sequence[str]:
    said = {
        f"the export is not finished: {spans_open} spans are open": not finished,
        f"{left_out} entities could not be brought": bool(left_out),
        "the wiki could not be counted exactly": equal is None,
        "the wiki counts other numbers than the export found: follow, then ask again": equal is False,
    }
    return [words for words, holds in said.items() if holds]


async def _counted(source: Source | None) -> tuple[int | None, int | None]:
    if source is None:
        return None, None
    try:
        counts = await source.counts()
    except BackendError:
        return None, None
    return (counts.entities, counts.revisions) if counts.exact else (None, None)


async def _still_unreadable(store: Store, unreadable: UnreadableRevisions) -> tuple[Sequence[UnreadableRevision], int]:
    """Return the first of the list that the store still has without content, and how many there are."""
    shown: list[UnreadableRevision] = []
    total = 0
    async for one in unreadable.all():
        entry = await store.index.entry(one.entity_id, one.rev_id)
        if entry is None or entry.state not in (State.MISSING, State.ARCHIVED):
            continue
        total += 1
        if len(shown) < UNREADABLE_SHOWN_MAX:
            shown.append(one)
    return shown, total
