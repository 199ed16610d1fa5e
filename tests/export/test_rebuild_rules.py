import pytest
from suites.stored import edit, revision

from backends.ledger.revision_rows import Head
from export.rebuild_rules import conclude
from wikibase.ids import EntityId
from wikibase.revision import State

R = 2**40


def head(rev_id: int, position: int) -> Head:
    return Head(
        entity_id=EntityId("Q1"),
        generation=1,
        rev_id=rev_id,
        position=position,
        timestamp="2026-11-22T15:24:12Z",
        state=State.VISIBLE,
        redirect_target=None,
        page_id=5,
    )


def test_nothing_unknown_is_nothing_assumed() -> None:
    found = conclude(head(7, 3), [])
    assert (found.taken, found.head_rev_id, found.assumed) == ([], 7, [])


def test_the_wikis_revisions_are_taken_in_their_order_and_the_last_is_the_head() -> None:
    found = conclude(None, [revision(3, 1), revision(9, 0), revision(5, 2)])
    assert [one.rev_id for one in found.taken] == [9, 3, 5]
    assert found.head_rev_id == 5
    assert len(found.assumed) == 4


def test_what_the_wiki_inserted_before_a_known_head_does_not_move_it() -> None:
    found = conclude(head(7, 3), [revision(3, 1)])
    assert (len(found.taken), found.head_rev_id) == (1, 7)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_snapshots_of_a_revision_the_one_that_shows_least_is_taken(order: int) -> None:
    both = [revision(3, 0), revision(3, 0, content=None, state=State.TEXT_HIDDEN)]
    found = conclude(None, both[::order])
    assert [one.content for one in found.taken] == [None]
    assert any("several snapshots of revision 3" in one for one in found.assumed)


def test_the_stores_revisions_are_followed_from_the_head() -> None:
    chain = [edit(R, 4, 7), edit(R + 1, 5, R), edit(R + 5, 6, R + 1)]
    found = conclude(head(7, 3), [*chain[::-1], edit(R + 2, 5, R)])
    assert (found.taken, found.head_rev_id) == (chain, R + 5)


def test_of_two_chains_the_longer_is_the_one_that_was_built_upon() -> None:
    found = conclude(None, [edit(R, 0, None), edit(R + 1, 0, None), edit(R + 2, 1, R)])
    assert found.head_rev_id == R + 2


def test_of_two_ends_none_is_taken() -> None:
    found = conclude(head(7, 3), [edit(R, 4, 7), edit(R + 1, 4, 7)])
    assert (found.taken, found.head_rev_id) == ([], 7)
    assert found.assumed == [f"of the revisions {R}, {R + 1}, all on top of 7, none was committed"]


def test_what_follows_something_older_than_the_head_lost_its_race() -> None:
    found = conclude(head(R + 1, 5), [edit(R + 2, 5, R), edit(R + 9, 6, 12345)])
    assert (found.taken, found.assumed) == ([], [])


def test_a_store_that_goes_on_after_the_wiki() -> None:
    found = conclude(head(7, 3), [revision(8, 4), edit(R, 5, 8)])
    assert ([one.rev_id for one in found.taken], found.head_rev_id) == ([8, R], R)
