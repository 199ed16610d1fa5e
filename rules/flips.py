"""Flips as decisions: the agreed state, what a flip changes, whom it must wait for, what going back costs. Pure.

The hard part is the fence. Whoever answers reads from the store relies on every other worker announcing the edits it
forwards. So before the first worker answers from the store, all must announce; and after the last one stopped, they
may stop announcing. A worker in a phase where the wiki answers everything does not depend on the ledger (invariant 1),
so it cannot be presumed gone when its lease ends: a flip towards the store waits for every worker that is registered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rules.overrides import Override, as_plain, check_overrides, parse_overrides, reachable
from rules.phases import (
    Phase,
    PhaseName,
    check_flip,
    distance,
    is_free_to_go_back,
    needs_fence,
    neighbour,
    phase,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What all workers act by. `until` (seconds since 1970): then `fall_back` holds; None: no end."""

    phase: PhaseName
    overrides: tuple[Override, ...] = ()
    until: float | None = None
    fall_back: PhaseName | None = None


class Wait(StrEnum):
    """Whose readiness a flip needs before it is committed."""

    NOBODY = "nobody"
    LIVE = "live"  # all whose lease may still hold
    EVERYONE = "everyone"  # all that are registered, alive or not


class StateError(ValueError):
    """A state that cannot be agreed on. Nothing was changed."""


def as_value(agreed: Agreed) -> dict[str, Any]:
    """Return a state as plain values that `agreed_of` reads back."""
    value: dict[str, Any] = {"phase": agreed.phase.value}
    if agreed.overrides:
        value["overrides"] = as_plain(agreed.overrides)
    if agreed.until is not None:
        value |= {"until": agreed.until, "fall_back": agreed.fall_back}
    return value


def agreed_of(value: Mapping[str, Any]) -> Agreed:
    """Return the state that plain values mean. Raises StateError, IllegalFlipError, OverrideError."""
    if not isinstance(value.get("phase"), str):
        raise StateError(f"a state names its phase: {dict(value)!r}")
    fall_back = value.get("fall_back")
    return Agreed(
        phase=phase(value["phase"]).name,
        overrides=parse_overrides(value.get("overrides")),
        until=value.get("until"),
        fall_back=None if fall_back is None else phase(fall_back).name,
    )


def check(present: Agreed, wanted: Agreed) -> None:
    """Raise IllegalFlipError, OverrideError or StateError unless one may be flipped to the other."""
    check_flip(present.phase, wanted.phase)
    check_overrides(wanted.phase, wanted.overrides)
    if (wanted.until is None) != (wanted.fall_back is None):
        raise StateError("a phase that ends names the phase to fall back to, and the other way round")
    if wanted.fall_back is not None and distance(wanted.phase, wanted.fall_back) != -1:
        raise StateError(f"{wanted.phase} can fall back to the phase before it alone, not to {wanted.fall_back}")
    if wanted.phase is PhaseName.DUAL_WRITES and wanted.until is None:
        raise StateError("dual writes must be time-boxed: say for how long")


def is_fenced(states: Iterable[Agreed]) -> bool:
    """Tell whether edits must be announced while any worker may act by any of these states."""
    return any(needs_fence(each) for one in states for each in reachable(phase(one.phase), one.overrides))


def waits_for(present: Agreed, wanted: Agreed) -> Wait:
    """Return whose readiness a flip needs."""
    if is_fenced([wanted]) and not is_fenced([present]):
        return Wait.EVERYONE
    return Wait.NOBODY if distance(present.phase, wanted.phase) < 0 else Wait.LIVE


def begins_behind(present: Agreed, wanted: Agreed) -> bool:
    """Tell whether all reads are the wiki's until the follower has been through it once more.

    Until everybody announced, edits were answered whose revisions the store may lack.
    """
    return waits_for(present, wanted) is Wait.EVERYONE


def gone_back(present: Agreed) -> Agreed | None:
    """Return the state one phase back, None when there is none. Overrides end: they were made for that phase."""
    before = neighbour(present.phase, -1)
    return None if before is None else Agreed(phase=before)


def fallen_back(present: Agreed, now: float) -> Agreed | None:
    """Return the state to fall back to when the present one's time is over, else None."""
    if present.until is None or present.fall_back is None or now < present.until:
        return None
    return Agreed(phase=present.fall_back)


def changes(present: Agreed, wanted: Agreed) -> list[str]:
    """Return in words what a flip changes; empty: nothing."""
    before, after = phase(present.phase), phase(wanted.phase)
    told = [f"phase: {before.name} -> {after.name}"] if before is not after else []
    told += [
        f"{words}: {getattr(before, name) or 'nobody'} -> {getattr(after, name) or 'nobody'}"
        for name, words in _ROWS
        if getattr(before, name) != getattr(after, name)
    ]
    known = {one.name: one for one in present.overrides}
    for one in wanted.overrides:
        if known.pop(one.name, None) != one:
            told.append(f"override {one.name}: {_override(one)}")
    told += [f"override {name}: ends" for name in known]
    if (present.until, present.fall_back) != (wanted.until, wanted.fall_back):
        ends = "has no end" if wanted.until is None else f"ends by itself, falling back to {wanted.fall_back}"
        told.append(f"the phase {ends}")
    return told


_ROWS = (
    ("reads_answered_by", "entity reads answered by"),
    ("reads_compared_with", "reads compared with"),
    ("writes_answered_by", "entity writes answered by"),
    ("also_written_to", "writes also written to"),
    ("kept_current_by", "store kept current by"),
)


def _override(one: Override) -> str:
    (plain,) = as_plain([replace(one)])
    slices = ", ".join(f"{key} {value}" for key, value in plain.items() if key not in ("name", "move"))
    return f"{one.move} by one phase: {slices}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostFacts:
    """What going back would take. None: not known."""

    workers: int = 0
    confirm_s: float | None = None  # how long workers took to act in the last new phase
    to_replay: int | None = None  # edits that the wiki does not have
    lost: int | None = None


def cost_of_back(present: Agreed, facts: CostFacts) -> str:
    """Return in one line what going back now costs (invariant 12)."""
    wanted = gone_back(present)
    if wanted is None:
        return "there is no phase to go back to"
    lost, replay = (0, 0) if is_free_to_go_back(present.phase) else (facts.lost, facts.to_replay)
    seconds = "an unknown time" if facts.confirm_s is None else f"{facts.confirm_s:.1f} s"
    counted = ", ".join(
        f"{'an unknown number' if count is None else count} {words}"
        for count, words in ((lost, "lost"), (replay, "to replay"))
    )
    took = seconds if facts.workers else "at once, as no worker is running"
    return f"roll back now to {wanted.phase}: {counted}, {took}"


def phases_apart(acting: Sequence[Phase]) -> int:
    """Return how many flips lie between those who are furthest apart (invariant 7: at most one)."""
    places = [distance(PhaseName.PREPARE, one.name) for one in acting]
    return max(places) - min(places) if places else 0
