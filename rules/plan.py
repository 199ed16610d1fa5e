"""A plan: the steps that a phase prescribes for a route. A value; carrying it out is the proxy's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rules.overrides import Kind, SliceFacts
from rules.phases import Phase, Reads, Writes
from rules.routes.route import EntityRead, EntityWrite, Route


class Side(StrEnum):
    """Who answers."""

    WIKI = "wiki"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with one request: who answers, whether the exchange is compared, who else is written to."""

    answered_by: Side
    compared: bool = False
    also_written_to: Side | None = None


_PASS = Plan(Side.WIKI)
_ANSWERED_READS = {Reads.LEGACY: Side.WIKI, Reads.SHADOW: Side.WIKI, Reads.NEW: Side.STORE}
_WRITES = {
    Writes.LEGACY: _PASS,
    Writes.DUAL: Plan(Side.WIKI, compared=True, also_written_to=Side.STORE),
    Writes.NEW: Plan(Side.STORE),
}


def plan(phase: Phase, route: Route) -> Plan:
    """Return the plan for a route in a phase. What is not ours goes to the wiki in every phase."""
    if isinstance(route, EntityRead):
        return Plan(_ANSWERED_READS[phase.reads], compared=bool(phase.reads_compared_with))
    if isinstance(route, EntityWrite):
        mirrored = phase.writes is Writes.NEW and bool(phase.also_written_to)
        return Plan(Side.STORE, also_written_to=Side.WIKI) if mirrored else _WRITES[phase.writes]
    return _PASS


def must_recognise_first(phase: Phase) -> bool:
    """Tell whether a request may only be forwarded once its route is known."""
    return phase.reads is Reads.NEW or phase.writes is not Writes.LEGACY


def slice_of(route: EntityRead | EntityWrite, headers: Mapping[str, str]) -> SliceFacts:
    """Return what overrides look at of a route. `headers`: of the request, lower-case names."""
    is_read = isinstance(route, EntityRead)
    return SliceFacts(
        kind=Kind.READ if is_read else Kind.WRITE,
        entities=route.entities,
        known=bool(route.entities) and not route.by_title,
        headers=headers,
    )
