"""The agreed state: one winner, nothing half done, and a record that nobody can change unnoticed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.phase_worker import opened_ledger_in

from backends.errors import ConflictError
from backends.ledger.control import Control, Order, broken_link
from backends.ledger.floors import Floors
from backends.sql.base import Database
from rules.flips import Agreed
from rules.phases import PhaseName as P

SHADOW, CUTOVER, EXPORT = Agreed(phase=P.SHADOW_READS), Agreed(phase=P.READ_CUTOVER), Agreed(phase=P.EXPORT)


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("mariadb", marks=pytest.mark.services)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger_in(request.param, tmp_path) as one:
        yield one


def order(wanted: Agreed, **more: object) -> Order:
    return Order(wanted=wanted, actor="me", **more)  # type: ignore[arg-type]


async def test_the_first_word_holds_and_later_firsts_change_nothing(database: Database) -> None:
    control = Control(database)
    assert await control.row() is None
    rows = await asyncio.gather(*(control.begin(one) for one in (SHADOW, EXPORT, CUTOVER)))
    assert len({row.state for row in rows}) == 1
    assert rows[0].version == 1
    assert rows[0].settled


async def test_a_flip_is_prepared_committed_and_settled(database: Database) -> None:
    control = Control(database)
    seen = await control.begin(SHADOW)
    flip = await control.prepare(seen, order(CUTOVER, reason="why", evidence=b'{"a":1}'))
    row = await control.row()
    assert row is not None
    assert (row.state, row.pending, row.pending_flip, row.fenced) == (SHADOW, CUTOVER, flip, True)
    row = await control.commit(flip, hold_reads=True)
    assert (row.state, row.previous, row.version, row.settled, row.pending) == (CUTOVER, SHADOW, 2, False, None)
    assert row.acting() == (CUTOVER, SHADOW)
    await control.settle(2)
    row = await control.row()
    assert row is not None
    assert row.acting() == (CUTOVER,)
    (record,) = await control.flips()
    assert (record.outcome, record.actor, record.reason, record.undo) == ("committed", "me", "why", SHADOW)
    assert await control.evidence(flip) == b'{"a":1}'
    held = (await Floors(database, worker="w").changes(-1)).floors
    assert [(one.entity_id, one.state.value) for one in held] == [("*", "pass")]


async def test_going_back_the_fence_stays_until_it_is_settled(database: Database) -> None:
    control = Control(database)
    seen = await control.begin(CUTOVER)
    row = await control.commit(await control.prepare(seen, order(SHADOW)), hold_reads=False)
    assert row.fenced, "somebody may still answer from the store"
    await control.settle(row.version)
    row = await control.row()
    assert row is not None
    assert not row.fenced


async def test_of_two_who_flip_at_once_one_is_refused(database: Database) -> None:
    control = Control(database)
    seen = await control.begin(SHADOW)
    found = await asyncio.gather(
        *(control.prepare(seen, order(one)) for one in (CUTOVER, EXPORT)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in found) == ["ConflictError", "int"]


async def test_what_is_aborted_changed_nothing_and_cannot_be_committed(database: Database) -> None:
    control = Control(database)
    seen = await control.begin(SHADOW)
    flip = await control.prepare(seen, order(CUTOVER))
    assert await control.abort(flip, "somebody was not ready")
    assert not await control.abort(flip, "again")
    with pytest.raises(ConflictError, match="aborted"):
        await control.commit(flip, hold_reads=True)
    assert await control.row() == replace(seen, last_flip=flip)
    assert (await Floors(database, worker="w").changes(-1)).floors == []
    (record,) = await control.flips()
    assert (record.outcome, record.detail) == ("aborted", "somebody was not ready")


async def test_before_a_flip_is_settled_only_the_way_back_is_open(database: Database) -> None:
    control = Control(database)
    row = await control.commit(await control.prepare(await control.begin(SHADOW), order(CUTOVER)), hold_reads=True)
    with pytest.raises(ConflictError):
        await control.prepare(row, order(CUTOVER))
    assert await control.prepare(row, order(SHADOW)) == 2


async def test_the_records_are_chained(database: Database) -> None:
    control = Control(database)
    row = await control.begin(SHADOW)
    for wanted in (EXPORT, SHADOW, CUTOVER):
        row = await control.commit(await control.prepare(row, order(wanted)), hold_reads=False)
        await control.settle(row.version)
        row = await control.begin(SHADOW)
    records = list(reversed(await control.flips()))
    assert broken_link(records) is None
    forged = [records[0], replace(records[1], digest="0" * 64), records[2]]
    assert broken_link(forged) == 2
