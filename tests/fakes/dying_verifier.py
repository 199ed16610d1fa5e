"""A verifier in a process of its own, to be killed: judges everything in a spool as a mismatch, and says how far it is.

`python dying_verifier.py SPOOL LEDGER`: prints the number of the samples that were let go, a line each time.
"""

import asyncio
import sys
from pathlib import Path

from backends.ledger.spool import SpoolReader
from backends.ledger.verdicts import Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.case import Case, Kept, case_id_of
from rules.reproduce import Exchange
from rules.sample import Sample
from rules.verdict import Outcome, Verdict
from verifier.alerts import Alerts
from verifier.judge import JudgeResult
from verifier.run import Pace, Progress, run
from verifier.spooled import SpooledSamples


async def mismatch(one: Sample, *, attempt: int, only: frozenset[str] | None) -> JudgeResult:
    assert (attempt, only) == (1, None)
    verdict = Verdict(sample_id=one.sample_id, outcome=Outcome.MISMATCH, phase="p", surface="rest", key=one.sample_id,
                      entity_id=f"Q{one.sample_id}", entity_type="item", revision=1, judged_at=1e9)  # fmt: skip
    case_id = case_id_of(verdict.entity_id, verdict.revision, verdict.surface)
    case = Case(case_id=case_id, verdict=verdict, exchange=Exchange(method="GET", target="/"), wiki=Kept(b"{}", 2))
    await asyncio.sleep(0)
    return JudgeResult((verdict,), cases=(case,))


async def main(spool: Path, ledger: Path) -> None:
    database = await SqliteDatabase.open(ledger, "ledger")
    await database.migrate()
    progress, stop = Progress(), asyncio.Event()
    stop.set()
    clock = asyncio.get_running_loop().time

    async def tell(_stop: asyncio.Event) -> None:
        while True:
            print(progress.judged, flush=True)  # noqa: T201
            await asyncio.sleep(0.002)

    await run(samples=SpooledSamples(SpoolReader(spool)), judging=mismatch, verdicts=Verdicts(database),
              alerts=Alerts(), stop=stop, clock=clock, pace=Pace(batch=5, poll_s=0.001, drain_s=30.0),
              progress=progress, chores=(tell,))  # fmt: skip
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
