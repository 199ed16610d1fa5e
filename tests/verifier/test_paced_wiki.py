"""The wiki behind the throttle: in turn, slower in trouble, and never waited for without end."""

import pytest
from fakes.sides import MemoryWiki

from backends.errors import NotFoundError, UnavailableError
from backends.wiki.shapes import WikiHead
from rules.throttle import ThrottleLimits
from verifier.paced_wiki import PacedWiki
from wikibase.ids import EntityId

Q1 = EntityId("Q1")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class SlowWiki(MemoryWiki):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.takes_s = clock, 0.1
        self.revisions["Q1", 7] = {"type": "item", "id": "Q1"}
        self.known_heads["Q1"] = WikiHead(rev_id=7)

    def _answer(self, what: str) -> None:
        self.clock.now += self.takes_s
        super()._answer(what)


def paced(**limits: float) -> tuple[PacedWiki, SlowWiki, Clock]:
    clock = Clock()
    wiki = SlowWiki(clock)
    told = ThrottleLimits(rate_max=10.0, rate_min=0.5, settle_s=0.0, warm_up=3, **limits)  # type: ignore[arg-type]
    return PacedWiki(wiki, clock=clock, limits=told, wait_max_s=5.0, sleep=clock.sleep), wiki, clock


async def test_what_the_wiki_says_comes_through() -> None:
    asked, _, _ = paced()
    assert (await asked.heads([Q1]))[Q1].rev_id == 7
    assert await asked.entity_at(Q1, 7) == {"type": "item", "id": "Q1"}
    assert (await asked.contents([7]))[7].text == '{"type": "item", "id": "Q1"}'


async def test_requests_keep_their_distance() -> None:
    asked, wiki, clock = paced()
    wiki.takes_s = 0.0
    began = clock.now
    for _ in range(11):
        await asked.heads([Q1])
    assert clock.now - began == pytest.approx(1.0)


async def test_a_wiki_in_trouble_is_asked_less_and_less_and_recovers() -> None:
    asked, wiki, _ = paced(faster_by=1.0)
    wiki.down = True
    for _ in range(6):
        with pytest.raises(UnavailableError):
            await asked.heads([Q1])
    assert asked.throttle.rate == 0.5
    assert asked.facts()["busy"] == 6
    wiki.down = False
    for _ in range(20):
        await asked.heads([Q1])
    assert asked.throttle.rate > 4.0


async def test_a_wiki_that_takes_twice_as_long_is_asked_less() -> None:
    asked, wiki, _ = paced(faster_by=0.0)
    for _ in range(5):
        await asked.heads([Q1])
    wiki.takes_s = 0.3
    await asked.heads([Q1])
    assert (asked.throttle.rate, asked.facts()["slow"]) == (5.0, 1)


async def test_what_the_wiki_refuses_is_no_trouble() -> None:
    asked, wiki, _ = paced()

    async def refuse(_entity: EntityId, _rev_id: int) -> None:
        raise NotFoundError("no such revision")

    wiki.entity_at = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(NotFoundError):
        await asked.entity_at(Q1, 8)
    assert asked.throttle.rate == 10.0


async def test_who_would_wait_too_long_is_told_at_once() -> None:
    asked, wiki, clock = paced()
    asked._next_at = clock.now + 60.0
    with pytest.raises(UnavailableError, match="spared"):
        await asked.heads([Q1])
    assert (wiki.asked, asked.given_up) == ([], 1)
