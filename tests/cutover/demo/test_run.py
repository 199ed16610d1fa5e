"""The demonstration as a stranger runs it."""

import json
import subprocess
import sys
from pathlib import Path

from fakes.served import ROOT

KEYS = {
    "exported_revisions",
    "requests",
    "compared",
    "matched",
    "mismatched",
    "damaged",
    "detected",
    "unexplained",
    "proxy_errors",
}


def test_it_proves_parity_names_every_damage_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cutover", "demo", "--once", "--json", "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    assert set(shown) == KEYS
    assert shown["compared"] > 500
    assert shown["compared"] == shown["matched"] + shown["mismatched"]
    assert shown["damaged"] >= 2
    assert shown["detected"] == shown["damaged"]
    assert (shown["unexplained"], shown["proxy_errors"]) == (0, 0)
    assert shown["exported_revisions"] > 1200
    running = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False)
    assert running.stdout == ""
