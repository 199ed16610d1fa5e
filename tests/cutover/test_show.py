"""`cutover show` and `cutover dump` on a store that an export filled."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.exporting import exporting
from fakes.told_wiki import ToldWiki, told

from backends.errors import NotFoundError
from cutover import dump, show
from export.entity import bring_entity
from export.source import Text
from wikibase.ids import EntityId


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of a store with two entities."""

    async def fill() -> None:
        wiki = ToldWiki()
        wiki.revisions = {"Q1": [told(1, 1), told(2, 2, minor=True, tags=("a", "b"))], "Q2": [told(20, 1)]}
        wiki.pages = {"Q1": (5, 2), "Q2": (6, 20)}
        wiki.words[20] = Text(b'{"entity":"Q2","redirect":"Q1"}')
        async with exporting(tmp_path, wiki) as export:
            for entity_id in wiki.revisions:
                await bring_entity(wiki, export.store, EntityId(entity_id))

    asyncio.run(fill())
    return tmp_path


def options(declare: Callable[[ArgumentParser], None], *words: str) -> Namespace:
    parser = ArgumentParser()
    declare(parser)
    return parser.parse_args(list(words))


def shown(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = show.run(options(show.arguments, *words, "--data", str(data)))
    return code, capsys.readouterr().out


def test_the_head_is_shown_with_its_place(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = shown(data, capsys, "Q1")
    assert code == 0
    assert out.startswith("Q1 revision 2 (number 2 of 2, the head)\n")
    assert "tags       a, b" in out
    assert '"word 2"' in out
    assert "redirects to Q1" in shown(data, capsys, "Q2")[1]


def test_a_revision_as_json_is_a_line_of_the_dump(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = shown(data, capsys, "q1", "--revision", "1", "--json")
    line = json.loads(out)
    assert (line["rev_id"], line["state"]) == (1, "visible")
    assert dump.run(options(dump.arguments, "--jsonl", "--entity", "Q1", "--data", str(data))) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == line


def test_a_history_is_one_line_each_with_the_head_marked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = shown(data, capsys, "Q1", "--history")
    first, second = out.splitlines()
    assert first.split() == ["1", "2026-11-22T15:24:01Z", "visible", "Alice", "/*", "x", "*/"]
    assert second.startswith("*")
    _, out = shown(data, capsys, "Q1", "--history", "--json")
    assert [json.loads(line)["rev_id"] for line in out.splitlines()] == [1, 2]


def test_the_dump_has_every_revision_of_every_entity(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dump.run(options(dump.arguments, "--jsonl", "--data", str(data))) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["entity_id"], line["rev_id"]) for line in lines] == [("Q1", 1), ("Q1", 2), ("Q2", 20)]
    assert lines[2]["redirect_target"] == "Q1"


def test_what_is_not_there_is_said_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotFoundError, match="does not have Q9"):
        shown(data, capsys, "Q9")
    with pytest.raises(NotFoundError, match="revision 7 of Q1"):
        shown(data, capsys, "Q1", "--revision", "7")
    with pytest.raises(NotFoundError, match="does not have Q9"):
        shown(data, capsys, "Q9", "--history")
    with pytest.raises(NotFoundError, match="does not have Q9"):
        dump.run(options(dump.arguments, "--jsonl", "--entity", "Q9", "--data", str(data)))
    assert shown(data, capsys, "Sandbox")[0] == 2
    assert dump.run(options(dump.arguments, "--jsonl", "--entity", "Sandbox", "--data", str(data))) == 2
