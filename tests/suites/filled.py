"""A store with a bit of everything in it, for checks and rebuilds."""

from dataclasses import replace

from suites.stored import Q1, edit, revision

from backends.store import Store
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

ENTITIES, REVISIONS, OBJECTS = 10, 38, 39


async def fill(store: Store) -> None:
    """Ten entities: histories, one told again with a text hidden, one redirect, edits made by the store."""
    for number in range(1, 9):
        entity_id = EntityId(f"Q{number}")
        told = [revision(100 * number + place, place, entity_id=entity_id, page_id=number) for place in range(4)]
        await store.put_history(entity_id, told, told[-1].rev_id, page_id=number)
    hidden = revision(
        102, 2, page_id=1, state=State.TEXT_HIDDEN, content=None, hidden=frozenset({"text", "user"}), user=None
    )
    await store.put_history(Q1, [hidden], 103, page_id=1)
    content = {"entity": "Q9", "redirect": "Q2"}
    q9, q2 = EntityId("Q9"), EntityId("Q2")
    redirect = revision(900, 0, entity_id=q9, page_id=9, state=State.REDIRECT, content=content, redirect_target=q2)
    await store.put_history(q9, [redirect], 900, page_id=9)
    parent = None
    for place in range(5):
        rev_id = 2**40 + place
        await store.write(q10(rev_id, place, parent), parent)
        parent = rev_id


def q10(rev_id: int, place: int, parent: int | None) -> Revision:
    return replace(edit(rev_id, place, parent), entity_id=EntityId("Q10"), page_id=None)
