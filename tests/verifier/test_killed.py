"""A verifier that is killed, again and again: the next one goes on; verdicts and cases stand together or not at all."""

import os
import subprocess
import sys
from pathlib import Path

from fakes.samples import sample

from backends.ledger.spool import SpoolReader, SpoolWriter
from backends.ledger.verdicts import Verdicts
from backends.sql.sqlite import SqliteDatabase
from rules.verdict import Outcome

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "fakes" / "dying_verifier.py"
SAMPLES = 300
TIMEOUT_S = 120


def start(spool: Path, ledger: Path) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(spool), str(ledger)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


async def test_killed_again_and_again_it_ends_with_every_verdict_and_every_case(tmp_path: Path) -> None:
    spool, ledger = tmp_path / "spool", tmp_path / "ledger.sqlite"
    writer = SpoolWriter(spool, "w1", bytes_max=1 << 26, samples_max=10_000)
    for begin in range(0, SAMPLES, 20):
        writer.write([sample("/x", {}, sample_id=str(n), started_at=float(n)) for n in range(begin, begin + 20)], {})
    killed = 0
    for upto in (10, 20, 40, 60):
        process = start(spool, ledger)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= upto:
                process.kill()
                break
        process.stdout.close()
        killed += process.wait(TIMEOUT_S) != 0
        await stands_together(ledger)
    assert killed == 4
    last = start(spool, ledger)
    last.communicate(timeout=TIMEOUT_S)
    assert last.returncode == 0
    assert SpoolReader(spool).waiting() == 0
    seen, cases = await stands_together(ledger)
    assert cases == SAMPLES
    assert SAMPLES <= seen <= SAMPLES + killed * 25  # only what was written and not yet let go is judged twice


async def stands_together(path: Path) -> tuple[int, int]:
    """Return how many mismatches were counted, and of how many things: as often as their cases say."""
    database = await SqliteDatabase.open(path, "ledger")
    try:
        verdicts = Verdicts(database)
        seen = sum(one.seen for one in await verdicts.counts(1) if one.outcome is Outcome.MISMATCH)
        cases = await verdicts.cases.latest(size=1000)
        assert sum(one.seen for one in cases) == seen
        assert await verdicts.evidence.ages_total(1) == len(cases)
        return seen, len(cases)
    finally:
        await database.close()
