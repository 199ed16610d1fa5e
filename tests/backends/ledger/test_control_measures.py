"""Measures of both sides, kept by minute and worker."""

from pathlib import Path

import pytest
from fakes.phase_worker import opened_ledger

from backends.errors import ConflictError
from backends.ledger.control_measures import STORE, WIKI, Measures
from rules.gates_measures import SideCounts


def counts(took_s: float, times: int, failed: int = 0) -> SideCounts:
    made = SideCounts()
    for number in range(times):
        made.add(took_s, failed=number < failed)
    return made


async def test_what_all_workers_counted_is_added_up_from_a_minute_on(tmp_path: Path) -> None:
    async with opened_ledger(tmp_path) as database:
        measures = Measures(database)
        for worker in range(300):
            await measures.put(10, f"w{worker}", {WIKI: counts(0.1, 2), STORE: counts(0.01, 3, failed=1)})
        await measures.put(9, "w1", {WIKI: counts(0.1, 50)})
        await measures.put(11, "w1", {WIKI: SideCounts()})
        sides = await measures.since(10)
        assert (sides.wiki.requests, sides.store.requests, sides.store.errors) == (600, 900, 300)
        assert sides.wiki.quantile_ms(0.5) == pytest.approx(100, rel=0.25)
        with pytest.raises(ConflictError):
            await measures.put(10, "w1", {WIKI: counts(0.1, 1)})
        await measures.forget_before(11)
        assert (await measures.since(0)).wiki.requests == 0
