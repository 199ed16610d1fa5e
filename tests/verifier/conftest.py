"""A ledger, and a report with something of everything in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.ledger.verdicts import Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.verdict import Finding, Outcome, Verdict
from verifier.report import Report, gather

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e| `x` <img src=x onerror=y>"


def verdict(outcome: Outcome, reason: str = "", **fields: Any) -> Verdict:
    usual: dict[str, Any] = {"sample_id": "s", "phase": "shadow_reads", "surface": "entitydata", "key": "Q1"}
    usual |= {"entity_id": "Q1", "entity_type": "item", "revision": 7, "judged_at": 1e9}
    return Verdict(outcome=outcome, reason=reason, **{**usual, **fields})


@pytest.fixture
async def verdicts(tmp_path: Path) -> AsyncIterator[Verdicts]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Verdicts(database)
    await database.close()


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
async def report(verdicts: Verdicts) -> Report:
    await verdicts.add(
        [
            *[verdict(Outcome.MATCH, entity_id=f"Q{n}") for n in range(95)],
            verdict(Outcome.RULE, rules=("language_fallback",)),
            verdict(Outcome.MATCH, surface="rest", entity_type="property", entity_id="P1"),
            verdict(Outcome.MISMATCH, "content", detail=HOSTILE, target=HOSTILE),
            verdict(Outcome.ERROR, "snapshot_corrupt", detail="digest differs"),
            verdict(Outcome.ERROR, "judge_timeout"),
            verdict(Outcome.NOT_YET, "store_behind"),
            verdict(Outcome.NOT_COMPARED, "answer_is_error", entity_id=None, entity_type=None),
        ],
        [Finding(kind="snapshot_corrupt", entity_id="Q1", revision=7, detail=HOSTILE, found_at=1e9)],
        {"queue_full": 3},
        now=1e9,
    )
    return await gather(verdicts, now=1e9)
