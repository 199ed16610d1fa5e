"""The model of flips holds, and every rule in it is needed. Needs Spin and a C compiler (Debian: spin, gcc)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parents[2] / "docs" / "model"
RULES = sorted(set(re.findall(r"BROKEN_([A-Z_]+)", (MODEL / "flip.pml").read_text("utf-8"))))

needs_spin = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("cc") is None, reason="spin and cc are not installed"
)
takes_long = pytest.mark.skipif("CUTOVER_LONG" not in os.environ, reason="two minutes: set CUTOVER_LONG")


def test_every_rule_that_can_be_left_out_is_tried_and_told() -> None:
    tried = re.search(r"for rule in ([A-Z_ ]+);", (MODEL / "run.sh").read_text("utf-8"))
    assert tried is not None
    assert sorted(tried[1].split()) == [rule for rule in RULES if rule]
    told = (MODEL / "README.md").read_text("utf-8")
    assert [rule for rule in tried[1].split() if f"`{rule}`" not in told] == []


@needs_spin
@takes_long
def test_the_model_holds_and_each_rule_left_out_is_found_out() -> None:
    done = subprocess.run([MODEL / "run.sh"], capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == "as it is: holds"


@needs_spin
def test_spin_can_read_the_model(tmp_path: Path) -> None:
    done = subprocess.run(
        ["spin", "-a", MODEL / "flip.pml"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, (tmp_path / "pan.c").is_file()) == (0, True), done.stdout
