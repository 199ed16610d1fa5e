from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.ledger.checkpoints import Checkpoints
from backends.sql.sqlite import SqliteDatabase
from export.control import Control, set_control
from export.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def checkpoints(tmp_path: Path) -> AsyncIterator[Checkpoints]:
    database = await SqliteDatabase.open(tmp_path / "ledger.sqlite", "ledger")
    await database.migrate()
    yield Checkpoints(database)
    await database.close()


async def test_where_nobody_said_anything_nobody_waits(checkpoints: Checkpoints) -> None:
    await Control(checkpoints).wait()


async def test_a_pause_lasts_until_it_is_taken_back(checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds
        if len(slept) == 3:
            await set_control(checkpoints, paused=False)

    caplog.set_level("INFO")
    control = Control(checkpoints, every_s=2.0, clock=clock, sleep=sleep)
    await set_control(checkpoints, paused=True)
    await control.wait()
    assert slept == [2.0, 2.0, 2.0]
    assert [one.message for one in caplog.records] == ["The export pauses", "The export goes on"]


async def test_it_is_looked_at_every_few_seconds_only(checkpoints: Checkpoints) -> None:
    clock = Clock()
    control = Control(checkpoints, every_s=2.0, clock=clock)
    await control.wait()
    await set_control(checkpoints, paused=True)
    clock.now += 1.0
    await control.wait()  # returns: not looked at yet


async def test_the_pace_of_all_exports_can_be_changed(checkpoints: Checkpoints) -> None:
    throttle = Throttle()
    assert await set_control(checkpoints, rows_per_s=50) == {"paused": False, "rows_per_s": 50}
    await Control(checkpoints, throttle=throttle).wait()
    assert throttle._rows_per_s == 50
    assert await set_control(checkpoints, paused=True) == {"paused": True, "rows_per_s": 50}
