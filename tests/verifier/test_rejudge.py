"""Looking again: what is mended is equal, what is not differs, what cannot be told closes nothing."""

from dataclasses import replace

import pytest
from fakes.histories import CountingWiki, Rows, history, text_at
from fakes.sides import MemoryHead, MemoryStore, revision

from backends.wiki.shapes import Content, WikiHead
from verifier.history_check import DIFFERS
from verifier.rejudge import Again, Now, content_now, finding_now
from wikibase.ids import EntityId
from wikibase.revision import State

Q1 = EntityId("Q1")


@pytest.fixture
def sides() -> tuple[Rows, MemoryStore, CountingWiki]:
    rows, store, wiki = history(5, damaged=(3,))
    wiki.known_heads["Q1"] = WikiHead(rev_id=104)
    return rows, store, wiki


def again(sides: tuple[Rows, MemoryStore, CountingWiki]) -> Again:
    return Again(store=sides[1], wiki=sides[2], history=sides[0])


async def test_the_stored_texts_decide(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    assert await content_now(again(sides), Q1, 102) is Now.EQUAL
    assert await content_now(again(sides), Q1, 103) is Now.DIFFERS
    sides[1].put(revision("Q1", 103, text_at(3), position=3))
    assert await content_now(again(sides), Q1, 103) is Now.EQUAL
    assert await content_now(again(sides), Q1, 999) is Now.UNKNOWN


async def test_a_revision_that_the_store_lacks_differs(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    del sides[1].revisions["Q1", 102]
    assert await content_now(again(sides), Q1, 102) is Now.DIFFERS


async def test_sides_that_are_away_or_broken(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    sides[1].corrupt.add(("Q1", 102))
    assert await content_now(again(sides), Q1, 102) is Now.DIFFERS
    sides[2].down = True
    assert await content_now(again(sides), Q1, 101) is Now.UNKNOWN
    sides[2].down, sides[1].down = False, True
    assert await content_now(again(sides), Q1, 101) is Now.UNKNOWN


class HidingWiki(CountingWiki):
    async def contents(self, rev_ids: object) -> dict[int, Content]:
        return {rev_id: Content(None, "texthidden") for rev_id in rev_ids}  # type: ignore[attr-defined]


async def test_what_the_wiki_hides_cannot_be_compared_any_more(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    hiding = replace(again(sides), wiki=HidingWiki())
    assert await content_now(hiding, Q1, 102) is Now.HIDDEN
    assert await finding_now(hiding, "hidden_but_visible", Q1, 102) is Now.DIFFERS
    sides[1].put(revision("Q1", 102, None, position=2, state=State.TEXT_HIDDEN))
    assert await content_now(hiding, Q1, 102) is Now.HIDDEN
    assert await finding_now(hiding, "hidden_but_visible", Q1, 102) is Now.EQUAL


@pytest.mark.parametrize("kind", ["head_behind", "head_unknown", "head_dangling", "head_state_wrong"])
async def test_heads_are_looked_at_as_they_are_now(kind: str, sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    assert await finding_now(again(sides), kind, Q1, 104) is Now.EQUAL
    for head in (MemoryHead(101, 1, State.VISIBLE), MemoryHead(999, 1, State.VISIBLE),
                 MemoryHead(104, 4, State.ARCHIVED)):  # fmt: skip
        sides[1].heads["Q1"] = head
        assert await finding_now(again(sides), kind, Q1, 104) is Now.DIFFERS
    sides[1].heads.clear()
    assert await finding_now(again(sides), kind, Q1, 104) is Now.DIFFERS
    sides[2].known_heads["Q1"] = WikiHead(rev_id=777)  # edited since: the store is behind
    assert await finding_now(again(sides), kind, Q1, 104) is Now.UNKNOWN


async def test_redirects_and_deletions_are_heads_too(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    sides[2].known_heads["Q1"] = WikiHead(rev_id=9, redirected_to=EntityId("Q2"))
    assert await finding_now(again(sides), "redirect_differs", Q1, None) is Now.DIFFERS
    sides[1].heads["Q1"] = MemoryHead(104, 4, State.REDIRECT, EntityId("Q2"))
    assert await finding_now(again(sides), "redirect_differs", Q1, None) is Now.EQUAL
    sides[2].known_heads["Q1"] = WikiHead(rev_id=None, reason="missing")
    assert await finding_now(again(sides), "present_though_missing", Q1, 104) is Now.DIFFERS
    sides[1].heads["Q1"] = MemoryHead(104, 4, State.ARCHIVED)
    assert await finding_now(again(sides), "present_though_missing", Q1, 104) is Now.EQUAL
    sides[2].known_heads["Q1"] = WikiHead(rev_id=None, reason="no-such-entity: x")
    assert await finding_now(again(sides), "present_though_missing", Q1, 104) is Now.UNKNOWN


async def test_a_revision_that_the_wiki_does_not_serve(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    del sides[2].revisions["Q1", 102]
    assert await finding_now(again(sides), "served_though_missing", Q1, 102) is Now.DIFFERS
    sides[1].put(revision("Q1", 102, text_at(2), position=2, state=State.ARCHIVED), head=False)
    assert await finding_now(again(sides), "served_though_missing", Q1, 102) is Now.EQUAL


async def test_a_history_is_looked_at_as_a_whole(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    assert await finding_now(again(sides), DIFFERS, Q1, 103) is Now.DIFFERS
    mended, _, wiki = history(5)
    assert await finding_now(replace(again(sides), history=mended, wiki=wiki), DIFFERS, Q1, 103) is Now.EQUAL
    assert await finding_now(replace(again(sides), history=None), DIFFERS, Q1, 103) is Now.UNKNOWN


async def test_what_nobody_knows_how_to_look_at_stays(sides: tuple[Rows, MemoryStore, CountingWiki]) -> None:
    assert await finding_now(again(sides), "something_else", Q1, 102) is Now.UNKNOWN
    sides[1].corrupt.add(("Q1", 102))
    assert await finding_now(again(sides), "snapshot_corrupt", Q1, 102) is Now.DIFFERS
    sides[1].corrupt.clear()
    assert await finding_now(again(sides), "snapshot_corrupt", Q1, 102) is Now.EQUAL
