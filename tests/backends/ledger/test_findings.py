"""Findings of audits: opened, seen again, closed when an audit no longer sees them, opened again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.findings import DETAIL_MAX, AuditFinding, AuditFindings
from backends.sql.sqlite import SqliteDatabase
from wikibase.ids import EntityId

Q1 = EntityId("Q1")


@pytest.fixture
async def findings(tmp_path: Path) -> AsyncIterator[AuditFindings]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    times = iter(f"2026-11-22T15:24:{second:02}Z" for second in range(60))
    yield AuditFindings(database, now=lambda: next(times))
    await database.close()


def found(kind: str, rev_id: int = 0, entity_id: EntityId = Q1) -> AuditFinding:
    return AuditFinding(entity_id=entity_id, kind=kind, rev_id=rev_id, detail="x")


async def test_a_finding_names_its_repair_and_remembers_when_it_was_seen(findings: AuditFindings) -> None:
    await findings.put([found("rogue", 7)])
    await findings.put([found("rogue", 7)])
    (kept,) = await findings.of(Q1)
    assert kept.repair == "cutover export --entity Q1 --repair"
    assert (kept.seen, kept.first_at, kept.last_at) == (2, "2026-11-22T15:24:00Z", "2026-11-22T15:24:01Z")
    assert kept.closed_at is None


async def test_what_is_not_seen_any_more_is_closed_among_the_kinds_that_were_looked_for(
    findings: AuditFindings,
) -> None:
    await findings.looked_at(Q1, [found("rogue", 7), found("rogue", 8), found("head_differs")])
    await findings.looked_at(Q1, [found("rogue", 8)], ("rogue",))
    assert [(one.found.kind, one.found.rev_id) async for one in findings.open()] == [("head_differs", 0), ("rogue", 8)]
    await findings.looked_at(Q1, [])
    assert [one async for one in findings.open()] == []
    await findings.put([found("rogue", 7)])
    assert await findings.open_counts() == {"rogue": 1}


async def test_all_open_findings_are_listed_however_many(findings: AuditFindings) -> None:
    await findings.put(found("rogue", number, EntityId("Q2")) for number in range(1, 601))
    await findings.put([found("rogue", 1), found("rogue", 1, EntityId("Q3"))])
    listed = [(one.found.entity_id, one.found.rev_id) async for one in findings.open()]
    assert len(listed) == len(set(listed)) == 602


async def test_a_long_detail_is_cut(findings: AuditFindings) -> None:
    await findings.put([AuditFinding(entity_id=Q1, kind="rogue", detail="y" * 1000)])
    (kept,) = await findings.of(Q1)
    assert len(kept.found.detail) == DETAIL_MAX
