"""What `cutover phase` prints: the state, a gate, a flip, the log. For people, or as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from backends.ledger.control import ControlRow, FlipRow
from backends.ledger.control_flips import FlipResult
from backends.ledger.control_workers import WorkerRow
from rules.flips import CostFacts, as_value, cost_of_back
from rules.gates import Gate
from rules.parity_gate import Result
from rules.phases import phase

_DETAIL_LINES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is known of the present state."""

    row: ControlRow
    workers: Sequence[WorkerRow]
    flips: Sequence[FlipRow]

    def cost(self) -> str:
        """Return what going back now costs: as long as the last flip took, where that is recorded."""
        took = next((seconds for one in self.flips if (seconds := _took_s(one.detail)) is not None), None)
        return cost_of_back(self.row.state, CostFacts(workers=len(self.workers), confirm_s=took))


def show_state(shown: Shown, *, as_json: bool) -> str:
    """Return the agreed phase, the workers, and what going back costs."""
    row = shown.row
    if as_json:
        return _json(
            {
                "state": as_value(row.state),
                "version": row.version,
                "settled": row.settled,
                "pending": as_value(row.pending) if row.pending else None,
                "fenced": row.fenced,
                "back": shown.cost(),
                "workers": [
                    {
                        "worker": one.worker,
                        "applied": one.standing.applied_version == row.version,
                        "phase": one.standing.phase,
                        "breaker": one.standing.breaker,
                        "seen_at": one.seen_at,
                    }
                    for one in shown.workers
                ],
            }
        )
    now = phase(row.state.phase)
    lines = [
        f"phase {now.name} (version {row.version}{'' if row.settled else ', not all act by it yet'})",
        f"  entity reads are answered by the {now.reads_answered_by}, compared with {now.reads_compared_with or '-'}",
        f"  entity writes are answered by the {now.writes_answered_by}, also written to {now.also_written_to or '-'}",
        f"  {shown.cost()}",
    ]
    if row.state.fall_back is not None:
        lines.append(f"  ends by itself, falling back to {row.state.fall_back}")
    lines += [f"  override {one.name}: {one.move}" for one in row.state.overrides]
    if row.pending is not None:
        lines.append(f"  a flip to {row.pending.phase} is being prepared")
    for one in shown.workers:
        acts = "acts by it" if one.standing.applied_version == row.version else f"still acts in {one.standing.phase}"
        lines.append(f"  worker {one.worker}: {acts}, seen at {one.seen_at} by its clock")
    if not shown.workers:
        lines.append("  no worker takes part")
    return "\n".join(lines)


def show_gate(gate: Gate, *, as_json: bool) -> str:
    """Return what a gate says, and what is missing."""
    if as_json:
        return _json(
            {
                "to": gate.to,
                "result": gate.result,
                "criteria": [
                    {"fact": one.fact, "result": one.result, "reason": one.reason, "missing": list(one.missing)}
                    for one in gate.judged
                ],
            }
        )
    lines = [f"gate to {gate.to}: {gate.result}"]
    for one in gate.judged:
        lines.append(f"  {one.result:7} {one.reason}")
        lines += [f"            {each}" for each in one.missing[:_DETAIL_LINES]]
        if len(one.missing) > _DETAIL_LINES:
            lines.append(f"            and {len(one.missing) - _DETAIL_LINES} more")
    passed = sum(one.result is Result.PASS for one in gate.judged)
    return "\n".join([*lines, f"  {passed} of {len(gate.judged)} criteria are met"])


def flip_detail(result: FlipResult) -> str:
    """Return how a flip went, as it is kept with its record."""
    acted = {worker: round(seconds, 3) for worker, seconds in result.acted_s.items()}
    return orjson.dumps({"ready_s": round(result.ready_s, 3), "acted_s": acted, "late": list(result.late)}).decode()


def show_flip(result: FlipResult) -> str:
    """Return how a flip went."""
    lines = [
        f"the phase is {result.row.state.phase} now (flip {result.flip}); all were ready in {result.ready_s:.2f} s"
    ]
    lines += [f"  {worker} acts by it since {seconds:.2f} s" for worker, seconds in result.acted_s.items()]
    lines += [f"  {worker} does not yet: it is silent, and its lease is or will be over" for worker in result.late]
    return "\n".join(lines)


def shown_log(flips: Sequence[FlipRow], broken: int | None, *, as_json: bool) -> str:
    """Return the flips, the newest first, and whether their records are whole."""
    if as_json:
        return _json(
            {
                "broken_at": broken,
                "flips": [
                    {
                        "flip": one.flip,
                        "from": one.undo.phase,
                        "to": one.state.phase,
                        "outcome": one.outcome,
                        "actor": one.actor,
                        "reason": one.reason,
                        "forced": one.forced,
                        "began_at": one.began_at,
                        "ended_at": one.ended_at,
                        "evidence": one.digest,
                        "detail": one.detail,
                    }
                    for one in flips
                ],
            }
        )
    lines = [
        f"{one.flip} {one.began_at} {one.undo.phase} -> {one.state.phase}: {one.outcome or 'under way'}"
        f"{' FORCED' if one.forced else ''} by {one.actor}{f': {one.reason}' if one.reason else ''}"
        f" [evidence {one.digest[:12]}]"
        for one in flips
    ]
    whole = "the records are whole" if broken is None else f"THE RECORD OF FLIP {broken} WAS CHANGED"
    return "\n".join([*lines, whole])


def _took_s(detail: str) -> float | None:
    try:
        kept = orjson.loads(detail)
    except orjson.JSONDecodeError:
        return None
    acted = kept.get("acted_s") if isinstance(kept, dict) else None
    return max(acted.values()) if isinstance(acted, dict) and acted else None


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
