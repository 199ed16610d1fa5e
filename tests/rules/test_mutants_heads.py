"""What the operators on heads make of one."""

from rules.mutants_heads import HEAD_OPERATORS, Head
from wikibase.ids import EntityId
from wikibase.revision import State

HEAD = Head(rev_id=10, position=3, state=State.VISIBLE)
REDIRECT = Head(rev_id=10, position=3, state=State.REDIRECT, redirect_target=EntityId("Q5"))


def test_each_changes_the_head() -> None:
    made = {one.name: one.change(REDIRECT if one.of_redirect else HEAD) for one in HEAD_OPERATORS}
    assert made == {
        "head_stale": Head(rev_id=9, position=2, state=State.VISIBLE),
        "lastrevid_off_by_one": Head(rev_id=11, position=3, state=State.VISIBLE, known=False),
        "head_lost": None,
        "head_archived": Head(rev_id=10, position=3, state=State.ARCHIVED),
        "head_redirect": Head(rev_id=10, position=3, state=State.REDIRECT),
        "head_redirect_target": Head(
            rev_id=10, position=3, state=State.REDIRECT, redirect_target=EntityId("Q2147483647")
        ),
        "head_redirect_lost": Head(rev_id=10, position=3, state=State.VISIBLE),
    }
