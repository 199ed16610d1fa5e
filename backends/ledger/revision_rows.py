"""Rows of the index as values, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import orjson

from backends.sql.base import Row
from wikibase.ids import EntityId
from wikibase.revision import State


class Unseen(Enum):
    """The head is set whatever it was."""

    ANY = "any"


ANY: Final = Unseen.ANY
Expected = int | None | Unseen
"""The generation of the head that was seen; None: there was no head; ANY: not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An entity's newest revision as the index has it. `generation` is what compare-and-set compares."""

    entity_id: EntityId
    generation: int
    rev_id: int
    position: int
    timestamp: str
    state: State
    redirect_target: EntityId | None
    page_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A revision as the index has it. `overlay`: metadata that has changed since the snapshot was written."""

    entity_id: EntityId
    rev_id: int
    position: int
    parent_id: int
    timestamp: str
    state: State
    redirect_target: EntityId | None
    digest: str
    meta: str
    overlay: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadChange:
    """Which revision is to be the head, and which generation of the head that decision was based on."""

    rev_id: int
    page_id: int | None
    expected: Expected = ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """An order to destroy a content for good. `done_at` is None until its object is gone."""

    entity_id: EntityId
    rev_id: int
    digest: str
    reason: str
    ordered_by: str
    ordered_at: str
    done_at: str | None = None


def head_of(row: Row) -> Head:
    """Return the head of a row."""
    return Head(
        entity_id=EntityId(row["entity_id"]),
        generation=row["generation"],
        rev_id=row["rev_id"],
        position=row["position"],
        timestamp=row["made_at"],
        state=State(row["state"]),
        redirect_target=row["redirect_target"],
        page_id=row["page_id"],
    )


def head_params(head: Head) -> dict[str, Any]:
    """Return the parameters of the statements that write a head."""
    return {
        "entity_id": head.entity_id,
        "generation": head.generation,
        "rev_id": head.rev_id,
        "position": head.position,
        "made_at": head.timestamp,
        "state": str(head.state),
        "redirect_target": head.redirect_target,
        "page_id": head.page_id,
    }


def entry_of(row: Row) -> Entry:
    """Return the revision of a row."""
    return Entry(
        entity_id=EntityId(row["entity_id"]),
        rev_id=row["rev_id"],
        position=row["position"],
        parent_id=row["parent_id"],
        timestamp=row["made_at"],
        state=State(row["state"]),
        redirect_target=row["redirect_target"],
        digest=row["digest"],
        meta=row["meta"],
        overlay=orjson.loads(row["overlay"]) if row["overlay"] else None,
    )


def entry_params(entry: Entry) -> dict[str, Any]:
    """Return the parameters of the statements that write a revision."""
    return {
        "entity_id": entry.entity_id,
        "rev_id": entry.rev_id,
        "position": entry.position,
        "parent_id": entry.parent_id,
        "made_at": entry.timestamp,
        "state": str(entry.state),
        "redirect_target": entry.redirect_target,
        "digest": entry.digest,
        "meta": entry.meta,
        "overlay": orjson.dumps(entry.overlay).decode() if entry.overlay else None,
    }
