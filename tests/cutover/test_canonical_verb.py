"""`cutover canonical`: what it prints, and that it ends with 2 and a reason for what cannot be read."""

import argparse
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cutover import canonical

CASES = Path(__file__).resolve().parents[1] / "cases" / "canonical"
ITEM = CASES / "item-in-every-shape"
INPUTS = sorted(ITEM.glob("input-*"))


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    canonical.arguments(parser)
    return canonical.run(parser.parse_args(words))


def given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    class Standard:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Standard())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_every_shape_prints_the_same_bytes_and_digest(path: Path, capfdbinary: Any) -> None:
    assert run(str(path)) == 0
    assert capfdbinary.readouterr().out == (ITEM / "canonical.json").read_bytes()
    assert run("--digest", str(path)) == 0
    assert capfdbinary.readouterr().out == (ITEM / "digest").read_bytes()


def test_standard_input_is_read_when_no_file_is_named(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    for words in ((), ("-",)):
        given(monkeypatch, b'{"entity":"Q37","redirect":"Q10"}')
        assert run(*words) == 0
        assert capfdbinary.readouterr().out == b'{"entity":"Q37","redirect":"Q10"}\n'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b'{"a":', "(char 5)"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"type":"item","id":"Q1","x":NaN}', "(char 29)"),
        (b'{"entities":{"Q1":{"id":"Q1","missing":""}}}', "there is no content of an entity in it"),
        (b"<html/>", "not of <mediawiki>"),
        (b'"\\ud800"', "no JSON object"),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_a_reason(
    data: bytes, words: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    given(monkeypatch, data)
    assert run() == 2
    out, told = capfd.readouterr()
    assert out == ""
    assert words in told
    assert "Traceback" not in told


def test_a_line_that_cannot_be_read_is_named_and_the_others_are_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    given(monkeypatch, b'{"type":"item","id":"Q1"}\n{nonsense}\n{"type":"item","id":"Q2"}\n')
    assert run("--digest") == 2
    out, told = capfd.readouterr()
    assert [line.split()[1] for line in out.splitlines()] == ["Q1", "Q2"]
    assert "line 2: no JSON" in told


def test_hidden_texts_parts_and_opaque_values_are_told_beside(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    assert run("--digest", str(ITEM / "input-xml.xml")) == 0
    assert "Q42 at revision 78: no content: texthidden" in capfd.readouterr().err
    assert run("--digest", str(CASES / "part-one-label" / "input-edit.json")) == 0
    assert "1 of 1 are parts of an entity" in capfd.readouterr().err
    assert run("--digest", str(CASES / "values-of-unknown-types" / "input-stored.json")) == 0
    assert "kept as they are: 3 of type bad, 1 of type geocoordinate" in capfd.readouterr().err


def test_insisting_on_a_shape(capfd: Any) -> None:
    assert run("--shape", "entity", str(ITEM / "input-stored.json")) == 0
    assert run("--shape", "legacy", str(ITEM / "input-stored.json")) == 2
    assert "of the shape entity, not legacy" in capfd.readouterr().err


def test_a_file_that_is_not_there_and_a_line_that_is_too_long(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    assert run("/nowhere/at/all.json") == 2
    assert "No such file or directory" in capfd.readouterr().err
    monkeypatch.setattr(canonical, "LINE_BYTES_MAX", 10)
    given(monkeypatch, b"x" * 11)
    assert run() == 2
    assert "a line of more than 10 bytes" in capfd.readouterr().err


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    code = (
        "import argparse; from cutover import canonical; p = argparse.ArgumentParser(); canonical.arguments(p);"
        "raise SystemExit(canonical.run(p.parse_args()))"
    )
    path = tmp_path / "lines.json"
    path.write_bytes(b'{"type":"item","id":"Q1"}\n' * 20_000)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0
