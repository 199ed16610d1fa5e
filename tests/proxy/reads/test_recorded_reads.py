"""Recorded reads of two real wikis, answered from a store with their revisions, against what was answered then.

The table by kind is written to the test's folder as table.txt, and shown when something differs.
"""

from pathlib import Path
from typing import Any

from shared_truth import needs_shared
from suites.stored import opened_store

# Until these recordings there were no later revisions, though such have the same second.
_LAST_REVISION = {188: 144, 244: 174}


@needs_shared
async def test_recorded_reads_of_wiki_a_are_answered_as_the_software_answered_them(
    tmp_path: Path, recorded: Any
) -> None:
    facts = recorded.facts_of("http://127.0.0.1:8492", ["enwiki", "dewiki", "frwiki", "ruwiki", "jawiki"])
    table = recorded.table()
    async with recorded.filled_store(tmp_path) as store:
        answers = recorded.answers_of(store, facts, site_links=await recorded.site_links(store))
        for exchange in recorded.wiki_a_reads():
            await recorded.replay(answers, exchange, table)
    (tmp_path / "table.txt").write_text(table.shown(), "utf-8")
    assert not table.differs, table.shown()
    assert table.equal.total() >= 783


@needs_shared
async def test_recorded_reads_of_the_other_wiki_are_answered_as_the_software_answered_them(
    tmp_path: Path, recorded: Any
) -> None:
    facts = recorded.facts_of("http://127.0.0.1:8480", ["enwiki", "dewiki", "frwiki"])
    table = recorded.table()
    async with opened_store(tmp_path) as store:
        answers = None
        wiki = recorded.wiki(store, recorded.recorded_revisions())
        for moment, exchange in recorded.api_recordings():
            last = next((last for n, last in _LAST_REVISION.items() if exchange.n <= n), None)
            if await wiki.advance(moment, last) or answers is None:
                answers = recorded.answers_of(store, facts, site_links=await recorded.site_links(store))
            await recorded.replay(answers, exchange, table)
    (tmp_path / "table.txt").write_text(table.shown(), "utf-8")
    assert not table.differs, table.shown()
    assert table.equal.total() >= 117
