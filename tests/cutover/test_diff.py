"""`cutover diff`: three formats, exit codes, many entities, and what cannot be read."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import jsondiff
import orjson
import pytest
from shared_truth import SHARED, needs_shared

from cutover import diff
from rules.patch import apply_patch
from wikibase.canonical import canonical_entity


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    diff.arguments(parser)
    return parser.parse_args(words)


def item(text: str, entity_id: str = "Q1") -> dict[str, Any]:
    return {"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": text}}}


def write(path: Path, document: Any) -> str:
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return str(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    answer = {"entities": {"Q1": {**item("two"), "lastrevid": 5, "claims": [], "sitelinks": {}, "aliases": {}}}}
    answer["entities"]["Q1"]["descriptions"] = {}
    return write(tmp_path / "a.json", item("one")), write(tmp_path / "b.json", answer)


def test_words_of_two_shapes(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.run(options(*pair)) == 1
    assert capsys.readouterr() == ('label en: "one" -> "two"\n', "")


def test_a_patch_leads_from_a_to_b(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.run(options(*pair, "--format", "patch")) == 1
    patch = json.loads(capsys.readouterr().out)
    assert apply_patch(canonical_entity(item("one")), patch) == canonical_entity(item("two"))


def test_json_is_what_jsondiff_applies(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.run(options(*pair, "--format", "json")) == 1
    found = json.loads(capsys.readouterr().out)
    applied = jsondiff.patch(canonical_entity(item("one")), found, marshal=True)
    assert applied == canonical_entity(item("two"))


@pytest.mark.parametrize(("form", "nothing"), [("words", ""), ("patch", "[]\n"), ("json", "{}\n")])
def test_equal_content_is_no_difference(
    form: str, nothing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [write(tmp_path / "a", item("x")), write(tmp_path / "b", {**item("x"), "claims": [], "aliases": []})]
    assert diff.run(options(*sides, "--format", form)) == 0
    assert capsys.readouterr() == (nothing, "")


def test_standard_input(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(item("two")).encode())))
    assert diff.run(options(pair[0], "-")) == 1
    assert capsys.readouterr().out == 'label en: "one" -> "two"\n'
    assert diff.run(options("-", "-")) == 2
    assert "only one side" in capsys.readouterr().err


def test_many_entities_are_compared_by_their_ids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = [
        write(tmp_path / "a", "\n".join(json.dumps(item(text, f"Q{n}")) for n, text in enumerate("xyz", 1))),
        write(tmp_path / "b", "\n".join(json.dumps(item(text, f"Q{n}")) for n, text in ((4, "n"), (2, "Y"), (1, "x")))),
    ]
    assert diff.run(options(*sides)) == 1
    assert capsys.readouterr().out.splitlines() == ['Q2: label en: "y" -> "Y"', "Q3: only in A", "Q4: only in B"]
    assert diff.run(options(*sides, "--format", "patch")) == 1
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"Q2", "Q3", "Q4"}
    assert found["Q2"] == [{"op": "replace", "path": "/labels/en/value", "value": "Y"}]


@pytest.mark.parametrize(
    ("document", "message"),
    [("", "no JSON"), ("{", "no JSON"), ("[]", "no content"), ("{}", "no known shape"), ("<x>", ""), ("\0", "no JSON")],
)
def test_what_cannot_be_read_is_named_and_ends_with_2(
    document: str, message: str, pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path / "bad", document)
    for sides in ((pair[0], bad), (bad, pair[0])):
        assert diff.run(options(*sides)) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"cutover diff: {bad}: ")
        assert message in err


def test_files_that_are_not_there_end_with_2(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.run(options(pair[0], "/no/such/file")) == 2
    assert diff.run(options(pair[0], "/")) == 2
    assert "No such file" in capsys.readouterr().err


def test_hidden_content_is_no_difference_but_unreadable(pair: tuple[str, str], tmp_path: Path) -> None:
    hidden = write(tmp_path / "hidden", {"entities": {"Q1": {"id": "Q1", "missing": ""}}})
    assert diff.run(options(pair[0], hidden)) == 2


def test_what_is_cut_is_said_beside_the_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def aliases(side: str) -> dict[str, Any]:
        return {**item("x"), "aliases": {"en": [{"language": "en", "value": f"{side}{n}"} for n in range(4000)]}}

    sides = [write(tmp_path / side, aliases(side)) for side in "ab"]
    assert diff.run(options(*sides, "--format", "json")) == 1
    out, err = capsys.readouterr()
    assert "replaced as a whole, among them aliases.en" in err
    assert len(json.loads(out)["aliases"]["en"]) == 4000
    assert diff.run(options(*sides, "--format", "patch")) == 1
    assert "replaced as a whole" in capsys.readouterr().err
    assert diff.run(options(*sides)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "... and 3000 more (aliases 3000)"


@needs_shared
@pytest.mark.parametrize("form", ["words", "patch", "json"])
def test_two_changes_in_a_big_item_are_found_among_300_kilobytes(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = orjson.loads((SHARED / "entities" / "Q42.json").read_bytes())
    entity = next(iter(document["entities"].values()))
    next(iter(entity["labels"].values()))["value"] = "Somebody"
    entity["claims"]["P31"][0]["rank"] = "deprecated"
    changed = tmp_path / "b.json"
    changed.write_bytes(orjson.dumps(document))
    assert diff.run(options(str(SHARED / "entities" / "Q42.json"), str(changed), "--format", form)) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert len(out) < 400
