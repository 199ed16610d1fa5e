"""Looks up the facts that gates judge: in the ledger, the store and the wiki. What cannot be had is not guessed.

Each fact is looked up by itself and in bounded time: what fails makes its own fact unknown and no other.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backends.config import Config
from backends.connect import checkpoints, opened_store, opened_wiki, verdicts
from backends.errors import BackendError, NotFoundError
from backends.ledger.control import Control, FlipRow
from backends.ledger.control_measures import Measures, SideMeasures
from backends.ledger.control_workers import WorkerRow, Workers
from backends.ledger.findings import AuditFindings
from backends.sql.base import Database
from cutover.report import requirement_of
from rules.gates import Fact
from rules.gates_measures import ratio
from rules.phases import distance
from verifier.proof import Proof, gather_proof

FACT_TIMEOUT_S = 120.0
MEASURED_S = 3600.0
ATTESTED_S = 86400.0
ATTESTATIONS = "gate.attested"
"""The checkpoint of what an operator said: {fact: {"at", "who", "why"}}."""

EXPORT, FSCK, FOLLOWER = "export.history", "fsck.full", "follower"

NOT_BUILT = "this version cannot know it"


@dataclass(slots=True)
class Sources:
    """Where facts come from. Shared answers are looked up once."""

    config: Config
    ledger: Database
    now: float
    _proof: Proof | None = None
    _measures: SideMeasures | None = None

    async def proof(self) -> Proof:
        """Return what the verifier's counts prove."""
        if self._proof is None:
            kept = verdicts(self.ledger, self.config)
            if not await kept.epochs(size=1):  # asking for the present one would open it
                raise NotFoundError("the verifier has not judged anything yet")
            self._proof = await gather_proof(kept, await kept.epoch(self.now), requirement_of(self.config))
        return self._proof

    async def measures(self) -> SideMeasures:
        """Return how both sides answered lately."""
        if self._measures is None:
            self._measures = await Measures(self.ledger).since(int((self.now - MEASURED_S) // 60))
        return self._measures

    async def checkpoint(self, name: str) -> Mapping[str, Any]:
        """Return a checkpoint, empty when there is none."""
        return await checkpoints(self.ledger).get(name) or {}

    async def workers(self) -> Sequence[WorkerRow]:
        """Return the workers that are registered."""
        return await Workers(self.ledger).all()

    async def flips(self) -> Sequence[FlipRow]:
        """Return the latest flips that were made, the newest first."""
        return [one for one in await Control(self.ledger).flips(size=200) if one.outcome == "committed"]


Finder = Callable[[Sources], Awaitable[Fact]]


async def gather_facts(
    config: Config, ledger: Database, names: Collection[str], *, timeout_s: float = FACT_TIMEOUT_S
) -> Mapping[str, Fact]:
    """Return these facts. Never raises for a fact that cannot be had."""
    sources = Sources(config, ledger, time.time())
    return {name: await _found(name, sources, timeout_s) for name in sorted(names)}


async def _found(name: str, sources: Sources, timeout_s: float) -> Fact:
    finder = FINDERS.get(name)
    if finder is None:
        return Fact(why="there is no such fact")
    try:
        async with asyncio.timeout(timeout_s):
            return await finder(sources)
    except TimeoutError:
        return Fact(why=f"not found out within {timeout_s:g} s")
    except BackendError as error:
        return Fact(why=str(error))


async def _store_opens(sources: Sources) -> Fact:
    async with opened_store(sources.config) as store:
        await store.index.heads(size=1)
    return Fact(value=True)


async def _wiki_answers(sources: Sources) -> Fact:
    async with opened_wiki(sources.config) as wiki:
        await wiki.site()
    return Fact(value=True)


async def _export_state(sources: Sources) -> Fact:
    state = (await sources.checkpoint(EXPORT)).get("state")
    return Fact(value=state, why="no export was begun: `cutover export`")


def _of_export(key: str) -> Finder:
    async def find(sources: Sources) -> Fact:
        result = (await sources.checkpoint(EXPORT)).get("result") or {}
        return Fact(value=result.get(key), why="no export has finished")

    return find


async def _revisions_lacking(sources: Sources) -> Fact:
    from export.opening import opened_source  # noqa: PLC0415 - a program is imported only when it is needed

    async with opened_source(sources.config) as source, opened_store(sources.config) as store:
        wiki = await source.counts()
        _, stored = await store.index.totals()
    if wiki.revisions is None:
        return Fact(why="the wiki does not tell how many revisions it has: its database does")
    return Fact(value=max(0, wiki.revisions - stored))


async def _fsck_state(sources: Sources) -> Fact:
    return Fact(value=(await sources.checkpoint(FSCK)).get("state"), why="never done: `cutover fsck`")


async def _fsck_findings(sources: Sources) -> Fact:
    kept = await sources.checkpoint(FSCK)
    if kept.get("state") != "finished":
        return Fact(why="`cutover fsck` has not finished")
    result = kept["result"]
    missing = tuple(f"{one['kind']}: {one['entity_id']} {one['rev_id']}" for one in result.get("examples", ())[:10])
    return Fact(value=sum(result.get("found", {}).values()), missing=missing)


def _of_follower(key: str) -> Finder:
    async def find(sources: Sources) -> Fact:
        lag = await sources.checkpoint(FOLLOWER)
        value = lag.get(key)
        if value is None:
            return Fact(why="the follower never said: is it running?")
        # Its time is the wiki's: a clock that is ahead of ours makes it look older, never younger.
        return Fact(value=value, age_s=abs(sources.now - _seconds(lag.get("at", ""))))

    return find


async def _parity(sources: Sources) -> Fact:
    found = (await sources.proof()).parity
    return Fact(value=found.result.value, missing=(*found.failures, *found.missing))


async def _verified_through(sources: Sources) -> Fact:
    mark = (await sources.proof()).watermark
    if mark is None:
        return Fact(why="the verifier has not settled anything yet")
    return Fact(value=max(0.0, sources.now - mark.through_at))


async def _mismatches_open(sources: Sources) -> Fact:
    proof = await sources.proof()
    missing = tuple(f"{one.entity_id} revision {one.revision}: {one.reason}" for one in proof.ages[:10])
    return Fact(value=proof.ages_total, missing=missing)


async def _audit_findings(sources: Sources) -> Fact:
    if not await sources.checkpoint("follower_sweep"):
        return Fact(why="the follower has not walked the wiki yet")
    counts = await AuditFindings(sources.ledger).open_counts()
    return Fact(value=sum(counts.values()), missing=tuple(f"{kind}: {count}" for kind, count in counts.items()))


async def _store_reads(sources: Sources) -> Fact:
    return Fact(value=(await sources.measures()).store.requests)


async def _store_error_share(sources: Sources) -> Fact:
    return Fact(value=(await sources.measures()).store.error_share, why="no reads of the store were measured")


def _latency_ratio(share: float) -> Finder:
    async def find(sources: Sources) -> Fact:
        sides = await sources.measures()
        return Fact(value=ratio(sides.store, sides.wiki, share), why="not both sides were measured in the last hour")

    return find


async def _breaker(sources: Sources) -> Fact:
    rows = await sources.workers()
    states = {row.standing.breaker for row in rows}
    if not rows or "" in states:
        return Fact(why="no worker says how its breaker stands")
    bad = tuple(f"{row.worker}: {row.standing.breaker}" for row in rows if row.standing.breaker != "closed")
    return Fact(value="closed" if states == {"closed"} else "open", missing=bad)


async def _workers_late(sources: Sources) -> Fact:
    row = await Control(sources.ledger).row()
    rows = await sources.workers()
    if row is None or not rows:
        return Fact(why="no worker takes part: `cutover serve`")
    late = tuple(one.worker for one in rows if one.standing.applied_version < row.version)
    return Fact(value=len(late), missing=late)


async def _way_back(sources: Sources) -> Fact:
    back = [one for one in await sources.flips() if distance(one.undo.phase, one.state.phase) < 0]
    return Fact(value=True) if back else Fact(why="no flip back was ever made: `cutover phase drill`")


async def _hours_in_phase(sources: Sources) -> Fact:
    flips = await sources.flips()
    entered = next((one for one in flips if one.undo.phase is not one.state.phase), None)
    if entered is None:
        return Fact(why="no flip into this phase is recorded")
    return Fact(value=max(0.0, (sources.now - _seconds(entered.ended_at)) / 3600))


async def _attested(sources: Sources) -> Fact:
    said = (await sources.checkpoint(ATTESTATIONS)).get("operator_confident")
    if not said or not 0 <= sources.now - said["at"] <= ATTESTED_S:
        return Fact(why="nobody said so in the last day")
    return Fact(value=True)


async def _not_built(sources: Sources) -> Fact:
    _ = sources
    return Fact(why=NOT_BUILT)


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


FINDERS: Mapping[str, Finder] = {
    "store_opens": _store_opens,
    "wiki_answers": _wiki_answers,
    "export_state": _export_state,
    "export_unknown": _of_export("unknown"),
    "export_digests_differ": _of_export("sha1_differs"),
    "revisions_lacking": _revisions_lacking,
    "fsck_state": _fsck_state,
    "fsck_findings": _fsck_findings,
    "follower_lag_s": _of_follower("seconds"),
    "follower_gaps": _of_follower("gaps"),
    "parity": _parity,
    "verified_through_s": _verified_through,
    "mismatches_open": _mismatches_open,
    "audit_findings": _audit_findings,
    "store_reads": _store_reads,
    "store_error_share": _store_error_share,
    "latency_ratio_p50": _latency_ratio(0.5),
    "latency_ratio_p99": _latency_ratio(0.99),
    "breaker": _breaker,
    "workers_late": _workers_late,
    "way_back": _way_back,
    "hours_in_phase": _hours_in_phase,
    "operator_confident": _attested,
    "owed_edits": _not_built,
    "rogue_edits": _not_built,
    "write_mismatches": _not_built,
    "reverse_path": _not_built,
    "legacy_reads": _not_built,
}
"""Every fact that can be asked for, by the name that gates use."""
