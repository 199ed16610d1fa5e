"""What would have been answered differently: the last recorded requests, planned under another state. Sends nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backends.ledger.verdicts import Verdicts
from rules.flips import Agreed
from rules.overrides import effective_phase
from rules.phases import phase
from rules.plan import Plan, plan, slice_of
from rules.routes.recognise import recognise
from rules.routes.route import EntityRead, EntityWrite, Request, Site
from rules.verdict import Outcome

_DIFFERENT = frozenset({Outcome.MISMATCH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recorded request: its address, and whether the two sides were seen to differ on it."""

    target: str
    differed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What another state would change. `moved`: in words, how many requests. `differing`: of those, seen to differ."""

    requests: int
    moved: dict[str, int]
    differing: int


async def recorded(verdicts: Verdicts, size: int) -> Sequence[Recorded]:
    """Return the latest requests that the verifier keeps, at most so many of each outcome."""
    found = [one for outcome in Outcome for one in await verdicts.latest(outcome, size=size)]
    return [Recorded(target=one.target, differed=one.outcome in _DIFFERENT) for one in found if one.target]


def replay(requests: Sequence[Recorded], present: Agreed, wanted: Agreed, site: Site, now: float) -> Replay:
    """Plan each request under both states and count what changes."""
    moved: Counter[str] = Counter()
    differing = 0
    for one in requests:
        route = recognise(Request(method="GET", target=one.target, content_type=None, accept=None, body=b""), site)
        if not isinstance(route, EntityRead | EntityWrite):
            continue
        before, after = _planned(present, route, now), _planned(wanted, route, now)
        if before != after:
            moved[_words(before, after)] += 1
            differing += one.differed and before.answered_by is not after.answered_by
    return Replay(requests=len(requests), moved=dict(moved), differing=differing)


def _planned(agreed: Agreed, route: EntityRead | EntityWrite, now: float) -> Plan:
    return plan(effective_phase(phase(agreed.phase), agreed.overrides, slice_of(route, {}), now), route)


def _words(before: Plan, after: Plan) -> str:
    if before.answered_by is not after.answered_by:
        return f"answered by the {after.answered_by} instead of the {before.answered_by}"
    if before.compared is not after.compared:
        return "compared" if after.compared else "no longer compared"
    return f"also written to the {after.also_written_to}" if after.also_written_to else "written to one side only"
