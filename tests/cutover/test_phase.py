"""`cutover phase`, on an embedded ledger: what it prints, what it changes, and what it refuses."""

import argparse
import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from backends.config_file import read_config
from backends.errors import BackendError
from backends.ledger.control import Control
from backends.ledger.control_flips import VetoError
from backends.ledger.control_workers import Workers, this_process
from backends.sql.sqlite import SqliteDatabase
from cutover import phase as verb


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "cutover.yaml"
    path.write_text("# mine\nphase: export\nwiki: {url: 'http://127.0.0.1:1', api_tries_max: 1, api_patience_s: 1}\n")
    return path


def call(config: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.arguments(parser)
    return verb.run(parser.parse_args(["--config", str(config), *words]))


def tables(config: Path) -> list[Any]:
    connection = sqlite3.connect(config.parent / "data" / "ledger.sqlite")
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(name, *row) for name in sorted(names) for row in connection.execute(f"SELECT * FROM {name}")]
    finally:
        connection.close()


def in_ledger(config: Path, work: Any) -> Any:
    async def run() -> Any:
        database = await SqliteDatabase.open(config.parent / "data" / "ledger.sqlite", "ledger")
        try:
            await database.migrate()
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def state(config: Path) -> str:
    async def look(database: SqliteDatabase) -> str:
        row = await Control(database).row()
        assert row is not None
        return row.state.phase.value

    return str(in_ledger(config, look))


def forced(config: Path, name: str) -> int:
    return call(config, "set", name, "--force", "--reason", "a test")


def test_show_says_the_phase_the_workers_and_what_going_back_costs(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(config, "show") == 0
    told = capsys.readouterr().out
    assert "phase export (version 0)" in told
    assert "roll back now to prepare: 0 lost, 0 to replay" in told
    assert "no worker takes part" in told
    assert call(config, "--json", "show") == 0
    assert json.loads(capsys.readouterr().out)["state"] == {"phase": "export"}


def test_check_says_what_is_missing_and_fails_closed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "--json", "check", "shadow_reads") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "unknown"
    reasons = {one["fact"]: one["reason"] for one in told["criteria"]}
    assert reasons["export_state"].startswith("export_state: no export was begun")
    assert reasons["follower_lag_s"].startswith("follower_lag_s: the follower never said")
    assert {one["result"] for one in told["criteria"]} == {"unknown"}


def test_a_gate_that_is_not_passed_stops_the_flip(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "set", "shadow_reads") == 1
    assert "no flip: the gate is not passed" in capsys.readouterr().out
    assert read_config(config).phase == "export"
    assert [row for row in tables(config) if row[0] in ("control_state", "flips")] == []


def test_force_needs_a_reason_shouts_and_is_recorded(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "set", "shadow_reads", "--force") == 2
    assert forced(config, "shadow_reads") == 0
    told = capsys.readouterr().out
    assert "!!! FORCED past the gate" in told
    assert "undo: cutover phase back" in told
    assert config.read_text().startswith("# mine\nphase: shadow_reads\n")
    assert (config.parent / "cutover.yaml.undo").read_text().startswith("# mine\nphase: export\n")
    capsys.readouterr()
    assert call(config, "--json", "log") == 0
    (record,) = json.loads(capsys.readouterr().out)["flips"]
    assert (record["forced"], record["reason"], record["outcome"]) == (True, "a test", "committed")
    assert len(record["evidence"]) == 64


def test_back_is_one_command_without_a_gate(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert forced(config, "shadow_reads") == 0
    for expected in ("export", "prepare"):
        assert call(config, "back") == 0
        assert (state(config), read_config(config).phase) == (expected, expected)
    assert call(config, "back") == 1
    assert "no phase to go back to" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("set", "shadow_reads", "--dry-run"),
        ("set", "shadow_reads", "--dry-run", "--force", "--reason", "x"),
        ("set", "prepare", "--dry-run"),
        ("set", "shadow_reads", "--for", "2h", "--dry-run"),
        ("set", "dual_writes", "--dry-run"),
        ("check", "read_cutover"),
        ("show",),
    ],
)
def test_what_only_looks_changes_nothing(config: Path, words: tuple[str, ...]) -> None:
    """vitess#12992: whatever is asked with --dry-run, the ledger and the file are the same afterwards."""
    call(config, "show")
    before, text = tables(config), config.read_text()
    call(config, *words)
    assert tables(config) == before
    assert config.read_text() == text


def test_a_dry_run_says_what_would_be_answered_differently(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "set", "shadow_reads", "--dry-run") == 1
    told = capsys.readouterr().out
    assert "reads compared with: nobody -> store" in told
    assert "of the last 0 recorded requests:" in told
    assert "the flip would be refused" in told


@pytest.mark.parametrize("name", ["read_cutover", "dual_writes", "decommission"])
def test_an_illegal_flip_is_refused_by_name_even_with_force(
    config: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert forced(config, name) == 2
    assert "no flip:" in capsys.readouterr().out
    assert [row for row in tables(config) if row[0] in ("control_state", "flips")] == []


def test_nothing_is_done_where_nothing_would_change(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "set", "export") == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_drill_ends_where_it_began_and_is_evidence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "drill") == 0
    assert state(config) == "export"
    capsys.readouterr()
    call(config, "--json", "log")
    reasons = [one["reason"] for one in json.loads(capsys.readouterr().out)["flips"]]
    assert reasons == ["drill: forward again", "drill: back"]


def test_a_file_forbids_every_flip_also_back(config: Path) -> None:
    """gh-ost#721: while the file is there, never."""
    (config.parent / "data" / "no-flip").write_text("freeze until Monday")
    for words in (("back",), ("set", "shadow_reads", "--force", "--reason", "x")):
        with pytest.raises(VetoError, match="freeze until Monday"):
            call(config, *words)
    assert state(config) == "export"


def test_a_phase_may_end_by_itself(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(config, "set", "shadow_reads", "--for", "2h", "--force", "--reason", "x") == 0
    assert call(config, "show") == 0
    assert "ends by itself, falling back to export" in capsys.readouterr().out
    assert call(config, "set", "shadow_reads", "--for", "soon") == 2


def test_overrides_come_from_a_file_and_are_checked(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slices = config.parent / "slices.yaml"
    slices.write_text("- {name: lexemes, move: back, entity_types: [lexeme]}\n")
    assert call(config, "set", "shadow_reads", "--overrides", str(slices), "--force", "--reason", "x") == 0
    assert call(config, "show") == 0
    assert "override lexemes: back" in capsys.readouterr().out
    slices.write_text("- {name: lexemes, move: back, entity_typ: [lexeme]}\n")
    assert call(config, "set", "shadow_reads", "--overrides", str(slices)) == 2
    slices.write_text("- {name: canary, move: forward, header: 'X-Canary: 1'}\n")
    assert call(config, "set", "shadow_reads", "--overrides", str(slices)) == 1, "a canary needs the gate of its phase"
    assert "gate to read_cutover" in capsys.readouterr().out


def test_a_record_that_was_changed_is_found_out(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert forced(config, "shadow_reads") == 0
    assert call(config, "back") == 0
    assert call(config, "log") == 0
    connection = sqlite3.connect(config.parent / "data" / "ledger.sqlite")
    connection.execute("UPDATE flips SET digest = 'x' WHERE flip = 1")
    connection.commit()
    connection.close()
    assert call(config, "log") == 1
    assert "THE RECORD OF FLIP 1 WAS CHANGED" in capsys.readouterr().out


def test_a_worker_that_is_dead_for_certain_is_buried_by_word(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_ledger(config, lambda database: Workers(database).register("w1", this_process()))
    assert call(config, "bury", "w1") == 0
    assert call(config, "bury", "w1") == 1
    assert "no worker is called w1" in capsys.readouterr().out


def test_attesting_needs_a_reason(config: Path) -> None:
    assert call(config, "attest", "operator_confident") == 2
    assert call(config, "attest", "operator_confident", "--reason", "looked at it for a week") == 0


def test_a_ledger_that_cannot_be_opened_is_said(config: Path) -> None:
    (config.parent / "data").rmdir()
    (config.parent / "data").write_text("no directory")
    with pytest.raises((BackendError, OSError)):
        call(config, "show")
