"""The table and the diagram of phases for docs/phases.md, drawn from `rules.phases` so that picture and code agree."""

import itertools

from rules.phases import BUILT, PHASES

_HEADS = (
    "phase",
    "reads",
    "writes",
    "reads answered by",
    "compared with",
    "writes answered by",
    "also written to",
    "store kept current by",
    "built",
)


def table() -> str:
    """Return the table as Markdown."""
    rows = [_HEADS, tuple("---" for _ in _HEADS)]
    rows += [
        (
            row.name,
            row.reads,
            row.writes,
            row.reads_answered_by,
            row.reads_compared_with or "-",
            row.writes_answered_by,
            row.also_written_to or "-",
            row.kept_current_by or "-",
            "yes" if row.name in BUILT else "not yet",
        )
        for row in PHASES
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def diagram() -> str:
    """Return the flips that are legal as a Mermaid diagram; what is not built is dashed."""
    lines = ["flowchart LR"]
    lines += [
        f"  {row.name}[{row.name}<br/>reads: {row.reads_answered_by}<br/>writes: {row.writes_answered_by}]"
        for row in PHASES
    ]
    for before, after in itertools.pairwise(PHASES):
        arrow = "<-->" if {before.name, after.name} <= BUILT else "<-.->"
        lines.append(f"  {before.name} {arrow} {after.name}")
    return "\n".join(lines)
