"""Rows of the index for tests."""

from backends.ledger.revisions import Entry
from wikibase.ids import EntityId
from wikibase.revision import State


def entry_at(rev_id: int, position: int, entity_id: str = "Q1") -> Entry:
    return Entry(
        entity_id=EntityId(entity_id),
        rev_id=rev_id,
        position=position,
        parent_id=0,
        timestamp="2026-11-22T15:24:12Z",
        state=State.VISIBLE,
        redirect_target=None,
        digest="ab" * 32,
        meta="cd" * 8,
    )
