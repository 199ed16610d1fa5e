"""Casework: localised at the first look, closed when mended, by whom; goes on after a death; never in the way."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from fakes.histories import CountingWiki, Rows, history, text_at
from fakes.sides import MemoryStore, revision
from fakes.waiting import until

from backends.errors import UnavailableError
from backends.ledger.verdicts import Verdicts
from backends.wiki.shapes import Content
from rules.case import WITHHELD, Case, Kept, case_id_of
from rules.reproduce import Exchange
from rules.verdict import Finding, Outcome, Verdict
from verifier.casework import AGREES, BY_HIDING, BY_VERIFIER, Casework, CaseworkPace
from verifier.rejudge import Again, Now
from wikibase.canonical import canonical_bytes, canonical_entity, digest

CASE = case_id_of("Q1", 150, "rest")


class Office:
    """A verifier's casework with everything that it works with."""

    def __init__(self, verdicts: Verdicts, sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
        self.verdicts, self.now = verdicts, 100.0
        self.rows, self.store, self.wiki = sides
        self.work = self.another()

    def another(self, **pace: Any) -> Casework:
        return Casework(
            verdicts=self.verdicts,
            again=lambda: Again(store=self.store, wiki=self.wiki, history=self.rows),
            history=self.rows,
            clock=lambda: self.now,
            pace=CaseworkPace(poll_s=0.001, findings_every_s=10.0, **pace),
        )

    async def mismatch(self, outcome: Outcome = Outcome.MISMATCH) -> None:
        verdict = Verdict(sample_id="s", outcome=outcome, phase="p", surface="rest", key="Q1", entity_id="Q1",
                          entity_type="item", revision=150, reason="content", judged_at=self.now)  # fmt: skip
        cases = [
            Case(
                case_id=CASE,
                verdict=verdict,
                exchange=Exchange(method="GET", target="/"),
                wiki=Kept(b"words", 5),
                store=Kept(b"words", 5),
            )
        ]
        await self.verdicts.add([verdict], now=self.now, cases=cases if outcome is Outcome.MISMATCH else [])

    async def case(self) -> Any:
        return await self.verdicts.cases.get(CASE)

    def mend(self, place: int = 50) -> None:
        self.store.put(revision("Q1", 100 + place, text_at(place), position=place))
        kept = self.rows.rows[place]
        made = digest(canonical_bytes(canonical_entity(text_at(place))))
        self.rows.rows[place] = type(kept)(kept.rev_id, kept.position, kept.timestamp, kept.state, made)


@pytest.fixture
def office(verdicts: Verdicts) -> Office:
    return Office(verdicts, history(60, damaged=range(43, 60)))


async def test_at_the_first_look_it_is_said_since_when_it_differs(office: Office) -> None:
    await office.mismatch()
    assert await office.work.round() == 1
    found = await office.case()
    assert found.located == "differs since revision 143 of 2013-05-16, 17 of 60 revisions"
    assert found.is_open
    assert await office.work.round() == 0  # not due yet
    read = office.wiki.read
    office.now += 10_000.0
    await office.work.round()
    assert office.wiki.read == read + 1  # what is known is not looked for again


async def test_what_was_mended_is_closed_with_the_time_and_by_whom(office: Office) -> None:
    await office.mismatch()
    await office.work.round()
    assert await office.verdicts.evidence.ages_total(1) == 1
    office.mend()
    office.now += 10_000.0
    await office.work.round()
    found = await office.case()
    assert (found.closed_at, found.closed_by) == (office.now, BY_VERIFIER)
    assert await office.verdicts.evidence.ages_total(1) == 0
    assert office.work.closed == 1


async def test_somebody_who_mended_it_may_have_it_looked_at_at_once(office: Office) -> None:
    await office.mismatch()
    assert await office.work.recheck(await office.case(), "ann") is Now.DIFFERS
    office.mend()
    assert await office.work.recheck(await office.case(), "ann") is Now.EQUAL
    assert (await office.case()).closed_by == "ann"


async def test_contents_that_agree_from_the_beginning_close_nothing(office: Office) -> None:
    office.mend()
    await office.mismatch()
    await office.work.round()
    assert ((await office.case()).located, (await office.case()).is_open) == (AGREES, True)
    office.now += 10_000.0
    await office.work.round()
    assert (await office.case()).is_open
    office.now += 1.0
    await office.mismatch(Outcome.MATCH)  # only traffic can tell
    assert not (await office.case()).is_open


async def test_a_wiki_that_is_away_closes_nothing_and_is_asked_again(office: Office) -> None:
    await office.mismatch()
    office.wiki.down = True
    await office.work.round()
    assert ((await office.case()).located, (await office.case()).is_open) == ("", True)
    office.wiki.down = False
    office.now += 10_000.0
    await office.another().round()  # the one after it, when the first has died
    assert (await office.case()).located.startswith("differs since revision 143")


async def test_a_look_that_takes_too_long_is_given_up(office: Office) -> None:
    async def hang(_ids: object) -> Any:
        await asyncio.Event().wait()

    await office.mismatch()
    office.wiki.contents = hang  # type: ignore[method-assign]
    await office.another(timeout_s=0.01).round()
    assert (await office.case()).checks == 1


async def test_what_the_wiki_hides_meanwhile_is_withheld_and_closed(office: Office) -> None:
    async def hidden(rev_ids: Sequence[int]) -> Any:
        return {rev_id: Content(None, "texthidden") for rev_id in rev_ids}

    await office.mismatch()
    office.wiki.contents = hidden  # type: ignore[method-assign]
    await office.work.round()
    found = await office.case()
    assert (found.case.wiki.text, found.closed_by) == (b"", BY_HIDING)
    (verdict,) = await office.verdicts.latest(Outcome.MISMATCH)
    assert verdict.detail == WITHHELD


async def test_findings_are_looked_at_page_by_page_and_closed(office: Office) -> None:
    findings = [Finding(kind="snapshot_corrupt", entity_id="Q1", revision=100 + n, detail="d", found_at=1.0)
                for n in range(40, 46)]  # fmt: skip
    await office.verdicts.add([], findings, now=1.0)
    work = office.another(findings_at_once=4)
    while await work.round():
        pass
    closed = {one.revision: one.closed_by for one in await office.verdicts.findings() if one.closed_at is not None}
    assert closed == dict.fromkeys((140, 141, 142), BY_VERIFIER)
    assert await office.verdicts.findings_total() == 3


async def test_it_works_until_it_is_told_to_stop_whatever_the_ledger_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.mismatch()
    stop, due, failed = asyncio.Event(), office.verdicts.cases.due, []

    async def away(*args: Any, **more: Any) -> Any:
        if len(failed) < 3:
            failed.append(1)
            raise UnavailableError("the ledger is away")
        return await due(*args, **more)

    monkeypatch.setattr(office.verdicts.cases, "due", away)
    async with asyncio.TaskGroup() as group:
        group.create_task(office.work.run(stop))
        await until(lambda: office.work.located == 1)
        stop.set()
    assert len(failed) == 3
