"""Puts a follower together from opened parts. Wiring only."""

from dataclasses import dataclass, field

from backends.journal import Journal
from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFindings
from backends.ledger.floors import Floors
from backends.ledger.gaps import Gaps
from backends.ledger.wakes import Wakes
from backends.sql.base import Database
from backends.store import Store
from backends.wiki.changes_shapes import STREAMS
from export.changes import Changes
from export.follow import Follower, FollowPace
from export.follow_bring import Bringer
from export.follow_rounds import Rounds
from export.follow_rules import GapRules
from export.follow_stream import Stream, StreamPace
from export.follow_sweep import Sweep, SweepPace
from export.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowSettings:
    """All limits of a follower."""

    entities_at_once: int = 4
    rules: GapRules = field(default_factory=GapRules)
    stream: StreamPace = field(default_factory=StreamPace)
    pace: FollowPace = field(default_factory=FollowPace)
    sweep: SweepPace = field(default_factory=SweepPace)


def wired(
    changes: Changes, source: Source, store: Store, ledger: Database, settings: FollowSettings
) -> tuple[Follower, Sweep]:
    """Return a follower and its sweep. Nothing is asked of anybody yet."""
    findings = AuditFindings(ledger)
    wakes = Wakes(ledger)
    marks = Checkpoints(ledger)
    bringer = Bringer(source, changes, store, findings, wakes, at_once=settings.entities_at_once)
    streams = [
        Stream(name, changes, Gaps(ledger), bringer, rules=settings.rules, pace=settings.stream) for name in STREAMS
    ]
    follower = Follower(
        changes=changes,
        streams=streams,
        bringer=bringer,
        wakes=wakes,
        checkpoints=marks,
        journal=Journal(store.snapshots, store.index),
        rules=settings.rules,
        pace=settings.pace,
        rounds=Rounds(Floors(ledger, worker="follower"), wakes),
    )
    return follower, Sweep(changes, store, wakes, findings, marks, pace=settings.sweep)
