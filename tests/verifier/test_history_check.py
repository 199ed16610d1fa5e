"""Since when two histories differ: exactly where the history is short, by halving where it is long."""

from collections.abc import Sequence

import pytest
from fakes.histories import history

from backends.errors import UnavailableError
from verifier.history_check import DIFFERS, NOT_IN_STORE, NOT_IN_WIKI, check_history, locate
from wikibase.ids import EntityId

Q1 = EntityId("Q1")


async def test_a_short_history_is_read_as_a_whole_and_told_exactly() -> None:
    rows, _, wiki = history(60, damaged=range(43, 60))
    found = await locate(Q1, store=rows, wiki=wiki, near=150)
    assert found.words() == "differs since revision 143 of 2013-05-16, 17 of 60 revisions"
    assert (found.exact, wiki.read) == (True, 60)


async def test_histories_that_agree_say_so() -> None:
    rows, _, wiki = history(30)
    found = await locate(Q1, store=rows, wiki=wiki)
    assert found.since is None
    assert found.words() == "the stored contents agree: 30 of 30 revisions read"


async def test_single_revisions_that_differ_are_all_counted() -> None:
    rows, _, wiki = history(40, damaged=(3, 17, 30))
    found = await locate(Q1, store=rows, wiki=wiki, near=117)
    assert (found.since, found.until, found.differing) == ((103, "2013-05-04"), (130, "2013-05-03"), 3)


async def test_of_a_long_history_few_revisions_are_read() -> None:
    rows, _, wiki = history(2100, damaged=range(1234, 2100))
    found = await locate(Q1, store=rows, wiki=wiki, near=100 + 2099)
    assert found.since == (1334, "2013-05-03")
    assert (found.differing, found.exact) == (866, False)
    assert wiki.read < 50
    assert found.words().startswith("differs since revision 1334 of 2013-05-03 until revision 2199")
    assert f"about 866 of 2,100 revisions, found by halving, {wiki.read} read" in found.words()


async def test_of_a_long_history_without_a_known_difference_the_newest_part_is_read() -> None:
    rows, _, wiki = history(500, damaged=(10, 499))
    found = await locate(Q1, store=rows, wiki=wiki, read_whole_max=100)
    assert (found.since, found.differing, found.exact, wiki.read) == ((599, "2013-05-24"), 1, False, 100)


async def test_what_the_wiki_cannot_show_is_said_and_no_difference() -> None:
    rows, _, wiki = history(20, damaged=(5,))
    del wiki.revisions["Q1", 103]
    found = await locate(Q1, store=rows, wiki=wiki)
    assert (found.differing, found.unread, found.not_in_wiki) == (1, 1, (103,))
    assert found.words().endswith("; 1 could not be read")


async def test_hidden_revisions_are_not_asked_for() -> None:
    rows, _, wiki = history(20, hidden=(4, 5))
    found = await locate(Q1, store=rows, wiki=wiki)
    assert (found.revisions, wiki.read) == (18, 18)


async def test_a_check_names_what_differs_and_what_one_side_lacks() -> None:
    rows, _, wiki = history(20, damaged=(5,))
    del wiki.revisions["Q1", 103]

    async def listed(_entity: EntityId) -> Sequence[int]:
        return [*range(100, 120), 777]

    found = await check_history(Q1, store=rows, wiki=wiki, wiki_revisions=listed, now=5.0)
    assert [(one.kind, one.revision, one.found_at) for one in found] == [
        (DIFFERS, 105, 5.0),
        (NOT_IN_WIKI, 103, 5.0),
        (NOT_IN_STORE, 777, 5.0),
    ]
    assert found[2].detail == "the store does not have 777"


async def test_a_history_without_a_fault_has_no_finding() -> None:
    rows, _, wiki = history(20)
    assert await check_history(Q1, store=rows, wiki=wiki) == []


async def test_a_wiki_that_is_down_is_an_error_and_no_finding() -> None:
    rows, _, wiki = history(20)
    wiki.down = True
    with pytest.raises(UnavailableError):
        await check_history(Q1, store=rows, wiki=wiki)
