"""The verb: what it prints, and its exit codes."""

import argparse
import asyncio
import json
from pathlib import Path

import pytest
from suites.filled import fill
from suites.stored import opened_store

from cutover import fsck


def run(data: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    fsck.arguments(parser)
    return fsck.run(parser.parse_args(["--data", str(data), *arguments]))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    async def make() -> None:
        async with opened_store(tmp_path) as store:
            await fill(store)

    asyncio.run(make())
    return tmp_path


def lose(data: Path, rev_id: int) -> None:
    (path,) = data.rglob(f"{rev_id:016}-*.zst")
    path.unlink()


def test_a_clean_store_exits_with_0(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "--full") == 0
    said = capsys.readouterr().out
    assert "38 revisions of 10 entities and 39 objects: all." in said
    assert said.endswith("Clean.\n")
    assert run(data, "--sample", "3", "--seed", "7", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["entities"], found["clean"], found["found"]) == (3, True, {})


def test_what_is_wrong_is_named_and_exits_with_1(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lose(data, 301)
    assert run(data, "--full") == 1
    said = capsys.readouterr().out
    assert "1 snapshot_missing" in said
    assert "Q3 301 snapshot_missing: Q3/0000000000000301-" in said
    assert said.endswith("Not clean.\n")


def test_repair_brings_the_journal_up_to_date_and_the_rebuilt_index_is_equal(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, "--rebuild", str(tmp_path / "first.sqlite")) == 1  # Q1 was told again: only the journal says so
    assert "differs: Q1" in capsys.readouterr().out
    assert run(data, "--full", "--repair") == 0
    assert "The journal gained 10 entities." in capsys.readouterr().out
    assert run(data, "--rebuild", str(tmp_path / "second.sqlite"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["journaled"], found["assumed"], found["differences"]) == (10, [], [])


def test_a_finished_check_begins_anew_and_a_stopped_one_too_when_asked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["--full"], ["--full"], ["--full", "--anew"]):
        assert run(data, *arguments, "--json") == 0
        assert json.loads(capsys.readouterr().out)["entities"] == 10
