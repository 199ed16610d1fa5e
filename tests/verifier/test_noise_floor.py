"""The wiki against itself: how often it is looked at, what counts, and that a failure ends nothing."""

from typing import Any

import pytest
from fakes.samples import reads_of_wiki_a, sample
from fakes.sides import MemoryWiki, wiki_a
from shared_truth import SHARED, needs_shared

from backends.ledger.evidence import NoiseCount
from rules.routes.route import Site
from verifier.noise_floor import NoiseFloor

SITE_OF_A = Site(
    entity_namespaces={"item": 120, "property": 122, "lexeme": 146},
    namespace_names={"Item": 120, "Property": 122, "Lexeme": 146},
)


def item(text: str) -> dict[str, Any]:
    return {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": text}}}


def floor(wiki: MemoryWiki, every_samples: int = 1) -> NoiseFloor:
    return NoiseFloor(wiki=wiki, site=Site(), every_samples=every_samples)


def read(text: str, rev_id: int | None = 7) -> Any:
    info = {} if rev_id is None else {"lastrevid": rev_id, "modified": "2020-01-01T00:00:00Z"}
    body = {"entities": {"Q1": {**info, **item(text)}}}
    return sample("/w/api.php?action=wbgetentities&ids=Q1&format=json", body)


@pytest.fixture
def wiki() -> MemoryWiki:
    made = MemoryWiki()
    made.revisions["Q1", 7] = item("one")
    return made


async def test_the_same_twice_is_no_noise_and_another_is(wiki: MemoryWiki) -> None:
    noise = floor(wiki)
    assert await noise.of(read("one")) == [NoiseCount(surface="wbgetentities", compared=1)]
    assert await noise.of(read("two")) == [NoiseCount(surface="wbgetentities", compared=1, differed=1)]
    assert (noise.compared, noise.differed) == (2, 1)


async def test_texts_that_only_one_surface_cleans_are_no_noise(wiki: MemoryWiki) -> None:
    wiki.revisions["Q1", 7] = item("Cafe\u0301")
    assert await floor(wiki).of(read("Café")) == [NoiseCount(surface="wbgetentities", compared=1)]


async def test_an_answer_without_a_revision_is_not_read_again(wiki: MemoryWiki) -> None:
    assert await floor(wiki).of(read("one", None)) == []
    assert wiki.asked == []


async def test_what_cannot_be_read_again_is_counted_as_that(wiki: MemoryWiki) -> None:
    wiki.down = True
    assert await floor(wiki).of(read("one")) == [NoiseCount(surface="wbgetentities", unread=1)]
    wiki.down = False
    wiki.revisions["Q1", 7] = {"no": "entity"}
    assert await floor(wiki).of(read("one")) == [NoiseCount(surface="wbgetentities", unread=1)]
    wiki.revisions.clear()
    assert await floor(wiki).of(read("one")) == [NoiseCount(surface="wbgetentities", unread=1)]


async def test_one_sample_in_so_many_is_due_and_stays_due_until_one_will_do(wiki: MemoryWiki) -> None:
    noise = floor(wiki, 3)
    assert [noise.due() for _ in range(4)] == [False, False, True, True]
    await noise.of(read("one", None))
    assert noise.due()
    await noise.of(read("one"))
    assert [noise.due() for _ in range(3)] == [False, False, True]
    assert not any(floor(wiki, 0).due() for _ in range(1000))


@needs_shared
async def test_over_every_recorded_read_of_wiki_a_there_is_no_noise() -> None:
    folder = SHARED / "datasets" / "wiki-a"
    _, wiki = wiki_a(folder)
    noise = NoiseFloor(wiki=wiki, site=SITE_OF_A, every_samples=1)
    for _, one in reads_of_wiki_a(folder):
        await noise.of(one)
    assert noise.compared > 300
    assert noise.differed == 0
