"""`cutover rules`: list, check, test, and what is said of a pair."""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fakes.rule_files import good, item, label, text_of

from backends.config_file import ConfigError
from backends.rule_files import SHIPPED, load_rules
from cutover import rules
from cutover.verifier import rules_to_use

TRIMMED: dict[str, Any] = {
    "action": "strip",
    "examples": {"equal": [label("one "), label("one")], "different": [label("one"), label("two")]},
}


def run(*words: Any) -> int:
    parser = argparse.ArgumentParser()
    rules.arguments(parser)
    return rules.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text_of(good(expires="9999-01-01"), good(name="over", expires="2001-01-01")), "utf-8")
    return path


def write(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_list_shows_each_rule_its_owner_and_its_time(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--file", file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "label_case: lower labels.*.value"
    assert lines[1].startswith("  until 9999-01-01, ")
    assert lines[1].endswith("Ann Operator: the importer of 2019 lower-cased")
    assert lines[3].startswith("  EXPIRED on 2001-01-01")
    assert lines[4].startswith(f"2 rules in {file}, version ")


def test_check_refuses_what_must_not_be_used(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"rules.yaml:\d+: over: expired on 2001-01-01"):
        run("check", "--file", file)
    file.write_text(text_of(good(expires="9999-01-01")), "utf-8")
    assert run("check", "--file", file) == 0
    assert capsys.readouterr().out.startswith("good: 1 rules in")


def test_the_verifier_refuses_a_rule_that_hides_damage_by_its_name_and_what_it_hides(file: Path) -> None:
    file.write_text(text_of(good(expires="9999-01-01"), good(name="trimmed", expires="9999-01-01", **TRIMMED)), "utf-8")
    assert len(load_rules(file).rules) == 2
    with pytest.raises(ConfigError, match=r"rules.yaml:\d+: trimmed: would hide .*hides: \[term_padded\]"):
        rules_to_use(file, date(2026, 1, 1))
    file.write_text(text_of(good(expires="9999-01-01")), "utf-8")
    assert len(rules_to_use(file, date(2026, 1, 1)).rules) == 1


def test_without_a_file_the_rules_that_come_with_cutover_are_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    assert str(SHIPPED) in capsys.readouterr().out


def test_a_configuration_may_name_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("phase: prepare\n", "utf-8")
    assert run("list", "--config", config) == 0
    assert str(SHIPPED) in capsys.readouterr().out


def test_test_runs_the_examples_of_each_rule(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        text_of(good(expires="9999-01-01"), good(name="wide", expires="9999-01-01", path="labels.*", action="ignore")),
        "utf-8",
    )
    assert run("test", "--file", file) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("label_case: good")
    assert lines[1] == "wide: the example `different` becomes equal under the rule: it hides too much"
    assert lines[2].startswith("wide: would hide damage that must be seen: label_byte (one character of a label)")
    assert lines[-1].endswith("1 of them must not be used")


@pytest.mark.parametrize(
    ("sides", "code", "lines"),
    [
        ((label("a"), label("a")), 0, ["label_case: holds, and changes nothing", "equal without any rule"]),
        ((label("A"), label("a")), 0, ["label_case: changes A", "equal under label_case"]),
        (
            (label("A"), label("B")),
            1,
            ["label_case: changes A and B", "different, whatever the rules:", '  label en: "a" -> "b"'],
        ),
    ],
)
def test_a_pair_is_told_which_rules_are_about_it(
    sides: tuple[Any, Any], code: int, lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text_of(good(expires="9999-01-01")), "utf-8")
    pair = [write(tmp_path / name, side) for name, side in zip("ab", sides, strict=True)]
    assert run("test", "--file", file, "--pair", *pair) == code
    assert capsys.readouterr().out.splitlines() == lines


def test_what_has_expired_or_does_not_hold_is_said(file: Path, tmp_path: Path, capsys: Any) -> None:
    file.write_text(
        text_of(good(expires="9999-01-01", where={"surfaces": ["rest"]}), good(name="over", expires="2001-01-01")),
        "utf-8",
    )
    pair = [write(tmp_path / "a", label("A")), write(tmp_path / "b", label("a"))]
    assert run("test", "--file", file, "--surface", "entitydata", "--pair", *pair) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["label_case: does not hold here", "over: expired on 2001-01-01, not applied"]
    assert run("test", "--file", file, "--surface", "rest", "--pair", *pair) == 0


def test_pairs_of_documents_with_many_entities(file: Path, tmp_path: Path, capsys: Any) -> None:
    first = write(tmp_path / "a", [label("A"), {**item(), "id": "Q2"}])
    second = write(tmp_path / "b", [label("a"), {**item(), "id": "Q3"}])
    assert run("test", "--file", file, "--pair", first, second) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "Q1: equal under label_case" in lines
    assert "Q2: different: only in A" in lines


def test_a_pair_that_cannot_be_read_ends_with_2(file: Path, tmp_path: Path, capsys: Any) -> None:
    bad = write(tmp_path / "bad", 5)
    assert run("test", "--file", file, "--pair", bad, bad) == 2
    assert run("list", "--file", file, "--pair", bad, bad) == 2
    assert "--pair belongs to test" in capsys.readouterr().err
