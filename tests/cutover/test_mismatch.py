"""`cutover mismatch`: lists, tells, prints bodies, looks again; shows nothing that is not public any more."""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fakes.sides import MemoryWiki

from backends.config import Config, StoreConfig, WikiConfig
from backends.connect import opened_ledger, opened_store, verdicts
from cutover import mismatch, report
from rules.case import Case, Kept, case_id_of
from rules.reproduce import Exchange
from rules.verdict import Outcome, Verdict
from wikibase.canonical import canonical_entity
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

CASE = case_id_of("Q1", 7, "wbgetentities")
WIKI = "http://127.0.0.1:1"


def run(data: Path, *words: str, verb: Any = mismatch) -> int:
    parser = argparse.ArgumentParser()
    verb.arguments(parser)
    return int(verb.run(parser.parse_args(["--wiki", WIKI, "--data", str(data), *words])))


def stored(state: State = State.VISIBLE) -> Revision:
    content = {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "of the store"}}}
    return Revision(
        entity_id=EntityId("Q1"),
        rev_id=7,
        parent_id=0,
        position=0,
        timestamp="2020-01-01T00:00:00Z",
        state=state,
        content=canonical_entity(content) if state is State.VISIBLE else None,
        page_id=1,
    )


async def fill(data: Path, state: State | None = State.VISIBLE) -> None:
    config = Config(wiki=WikiConfig(url=WIKI), store=StoreConfig(path=str(data)))
    verdict = Verdict(sample_id="s1", outcome=Outcome.MISMATCH, phase="shadow_reads", surface="wbgetentities", key="Q1",
                      entity_id="Q1", entity_type="item", revision=7, reason="content", judged_at=1e9, observed_at=1e9,
                      detail='label en: "secret of the wiki" -> "of the store"')  # fmt: skip
    exchange = Exchange(
        method="POST",
        target="/w/api.php",
        form=b"action=wbgetentities&ids=Q1&format=json",
        headers=(("accept", "*/*"),),
        status=200,
        request_id="request-of-the-client-1",
    )
    body = b'{"id":"Q1","labels":"secret of the wiki"}'
    case = Case(case_id=CASE, verdict=verdict, exchange=exchange, wiki=Kept(body, len(body)),
                store=Kept(b'{"id"', 99, "cut"), reread="read again, the wiki said the same")  # fmt: skip
    async with opened_ledger(config) as ledger, opened_store(config) as store:
        await verdicts(ledger, config).add([verdict], now=1e9, cases=[case])
        if state is not None:
            await store.put_history(EntityId("Q1"), [stored(state)], head_rev_id=7, page_id=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asyncio.run(fill(tmp_path))
    return tmp_path


def test_without_an_id_the_latest_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data) == 0
    out = capsys.readouterr().out
    assert f"{CASE}  2001-09-09T01:46:40Z  Q1 revision 7 by wbgetentities: content, seen 1, differs still" in out
    assert out.endswith("1 cases, 1 of them differ still\n")
    assert "secret of the wiki" not in out
    assert run(data, "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["id"], one["repair"], one["closed_at"]) == (CASE, "cutover export --entity Q1 --repair", None)


def test_one_case_is_told_with_everything_that_it_takes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, CASE) == 0
    out = capsys.readouterr().out
    assert "curl --globoff --path-as-is --silent --show-error --include --header 'accept: */*' --data-raw" in out
    assert f"--url {WIKI}/w/api.php" in out
    assert f"{WIKI}/wiki/Special:EntityData/Q1.json?revision=7" in out
    assert "request id request-of-the-client-1" in out
    assert '# label en: "secret of the wiki" -> "of the store"' in out
    assert "# the store's body: 5 of 99 bytes: cut" in out
    assert f"# to mend it: cutover export --entity Q1 --repair; then: cutover mismatch {CASE} --recheck" in out


def test_the_beginning_of_an_id_will_do_and_the_report_knows_it_too(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, CASE[:5]) == 0
    first = capsys.readouterr().out
    assert run(data, "--mismatch", CASE, verb=report) == 0
    assert capsys.readouterr().out == first
    assert run(data, "nothing") == 2
    assert "there is no case 'nothing'" in capsys.readouterr().err


def test_only_curl_can_be_pasted_as_it_is(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, CASE, "--curl") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("#", "curl ")) for line in lines)
    assert sum(line.startswith("curl ") for line in lines) == 2


def test_bodies_come_as_they_were_kept_and_what_is_cut_is_said(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, CASE, "--body", "wiki") == 0
    told = capsys.readouterr()
    assert (json.loads(told.out)["labels"], told.err) == ("secret of the wiki", "")
    assert run(data, CASE, "--body", "store") == 0
    told = capsys.readouterr()
    assert told.out == '{"id"\n'
    assert "5 of 99 bytes: cut" in told.err
    assert run(data, CASE, "--json") == 0
    assert json.loads(capsys.readouterr().out)["wiki_body"].endswith('"secret of the wiki"}')


@pytest.mark.parametrize("state", [State.TEXT_HIDDEN, None])
@pytest.mark.parametrize("words", [(), ("--json",), ("--curl",), ("--body", "wiki")])
def test_what_is_not_public_any_more_or_not_known_to_be_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state: State | None, words: tuple[str, ...]
) -> None:
    asyncio.run(fill(tmp_path, state))
    assert run(tmp_path, CASE, *words) == 0
    told = capsys.readouterr()
    assert "secret of the wiki" not in told.out + told.err
    assert mismatch.NOT_SHOWN in told.out + told.err


def test_looking_again_while_the_wiki_is_away_closes_nothing(data: Path, capsys: pytest.CaptureFixture[str],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(mismatch, "opened_wiki", lambda _config: Away())
    assert run(data, CASE, "--recheck") == 3
    assert capsys.readouterr().out == f"{CASE}: it cannot be told now, differs still\n"
    assert run(data, "nothing", "--recheck") == 2


def test_after_a_repair_the_case_is_closed_with_who_looked(data: Path, capsys: pytest.CaptureFixture[str],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(mismatch, "opened_wiki", lambda _config: Mended())
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    assert run(data, CASE, "--recheck") == 0
    assert "the store has what the wiki has stored, closed 2" in capsys.readouterr().out
    assert run(data) == 0
    assert "by ann, with cutover mismatch --recheck" in capsys.readouterr().out


class Away:
    """A wiki that does not answer."""

    async def __aenter__(self) -> Any:

        return MemoryWiki(down=True)

    async def __aexit__(self, *_: object) -> None:
        return None


class Mended(Away):
    """A wiki that has what the store has."""

    async def __aenter__(self) -> Any:

        return MemoryWiki(revisions={("Q1", 7): dict(stored().content or {})})
