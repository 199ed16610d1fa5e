"""Rows of a wiki's database as values that mean the same as the Action API's answers (`backends.wiki.shapes`). Pure.

Rules
- What rev_deleted hides from the public is None, as in the API; `Withheld` has it for those who asked for it.
- A SHA-1 is hex, as in the API; where its column is gone or empty it is made from the slots (wikibase.md 4.5).
- Timestamps are ISO 8601 in UTC; titles have spaces and no namespace.
- Nothing is dropped because something beside it is missing: no actor row means no user, no slots row means no slots.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.wiki.shapes import TYPE_OF_MODEL, WikiPage, WikiRevision, titled_entity
from wikibase.ids import EntityId, EntityType
from wikibase.unreadable import Reason, Unreadable
from wikibase.wiki_sha1 import hex_sha1, revision_sha1

TYPES: Mapping[str, EntityType] = {**TYPE_OF_MODEL, "EntitySchema": EntityType.SCHEMA}
"""Content models of the main slot whose pages hold one entity each."""

MEDIAINFO = "mediainfo"
"""The slot of a file's page that holds its entity, M and the page's id (wikibase.md 0.3)."""

_BITS = {1: "text", 2: "comment", 4: "user", 8: "suppressed"}  # wikibase.md 4.4


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePage(WikiPage):
    """A page that holds an entity, or has the content model of one.

    `role`: the slot that holds it. `entity_id`: None when the title is no id of that type. `head_rev_id`: page_latest.
    """

    head_rev_id: int
    is_redirect: bool
    content_model: str
    role: str
    entity_id: EntityId | None


@dataclass(frozen=True, slots=True)
class DatabasePages:
    """Some pages in the order of their ids. `after`: where the next batch begins, None at the end."""

    pages: tuple[DatabasePage, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class ArchivedTitles:
    """Some titles of one namespace that have deleted revisions, in order. `after`: None at the end."""

    titles: tuple[str, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot of a revision. `address` None: the content row is missing. `origin`: the revision that brought it."""

    origin: int
    content_id: int
    size: int | None
    sha1: str | None  # hex, of the stored text
    model: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What the public may not see of a revision. Whatever is not hidden is None here."""

    user: str | None = None
    comment: str | None = None
    sha1: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRevision(WikiRevision):
    """A revision with what only the database tells.

    `page_id`: None for a very old archived one. `bot`: None where recentchanges has no row any more (90 days).
    `withheld`: None unless it was asked for and something is hidden.
    """

    page_id: int | None
    archived: bool
    deleted_bits: int
    bot: bool | None
    slots: Mapping[str, Slot] = field(default_factory=dict)
    withheld: Withheld | None = None

    def address(self, role: str = "main") -> str | Unreadable:
        """Return where the text of a slot is, or why that is not known."""
        slot = self.slots.get(role)
        if slot is None:
            return Unreadable(Reason.NO_SLOT, "" if role == "main" and not self.slots else f"no slot {role}")
        if slot.address is None:
            return Unreadable(Reason.NO_CONTENT_ROW, f"content {slot.content_id}")
        return slot.address


@dataclass(frozen=True, slots=True)
class RevisionBatch:
    """Some revisions in order. `after`: where the next batch begins, None at the end."""

    revisions: tuple[DatabaseRevision, ...]
    after: tuple[str, int] | None


def page_of(row: Sequence[Any], *, model: str | None, slot_roles: Iterable[str] = ()) -> DatabasePage | None:
    """Return the page of a row, None when it holds no entity. `model`: as found; `slot_roles`: those of its head."""
    page_id, namespace, raw_title, latest, is_redirect, _ = row
    title = text_of(raw_title).replace("_", " ")
    of_type = TYPES.get(model or "")
    # A colon here belongs to the title itself: what stands before it is no namespace.
    role, entity_id = "main", titled_entity(title, of_type) if of_type and ":" not in title else None
    if of_type is None and MEDIAINFO in slot_roles:
        role, model, entity_id = MEDIAINFO, "wikibase-mediainfo", EntityId(f"M{page_id}")
    elif of_type is None:
        return None
    assert model is not None
    return DatabasePage(
        page_id,
        namespace,
        title,
        head_rev_id=latest,
        is_redirect=bool(is_redirect),
        content_model=model,
        role=role,
        entity_id=entity_id,
    )


def slots_of(rows: Iterable[Sequence[Any]]) -> dict[int, dict[str, Slot]]:
    """Return the slots of each revision by role."""
    found: dict[int, dict[str, Slot]] = {}
    for rev_id, role, origin, content_id, size, sha1, model, address in rows:
        found.setdefault(rev_id, {})[text_of(role) if role is not None else "unknown"] = Slot(
            origin=origin,
            content_id=content_id,
            size=size,
            sha1=hex_sha1(text_of(sha1)) if sha1 else None,
            model=text_of(model) if model is not None else None,
            address=text_of(address) if address is not None else None,
        )
    return found


def revision_of(
    row: Sequence[Any],
    slots: Mapping[str, Slot],
    tags: tuple[str, ...],
    *,
    bot: bool | None,
    archived: bool,
    withheld: bool,
) -> DatabaseRevision:
    """Return the revision of a row of `revision` or `archive`. `withheld`: tell what the public may not see, apart."""
    rev_id, page_id, parent_id, timestamp, minor, bits, size, sha1, user, comment = row
    hidden = frozenset(name for bit, name in _BITS.items() if bits & bit)
    told = {
        "user": text_of(user) if user is not None else None,
        "comment": text_of(comment) if comment is not None else None,
        "sha1": (hex_sha1(text_of(sha1)) if sha1 else None) or _sha1_of_slots(slots),
    }
    shut = {name for name in told if (name if name != "sha1" else "text") in hidden}
    main = slots.get("main")
    return DatabaseRevision(
        rev_id=rev_id,
        parent_id=parent_id or 0,
        timestamp=iso_timestamp(timestamp),
        tags=tags,
        minor=bool(minor),
        size=size if size is not None else sum(slot.size or 0 for slot in slots.values()),
        content_model=main.model if main else None,
        hidden=hidden,
        page_id=page_id,
        archived=archived,
        deleted_bits=bits,
        bot=bot,
        slots=slots,
        withheld=Withheld(**{name: told[name] for name in shut}) if shut and withheld else None,
        **{name: None if name in shut else value for name, value in told.items()},
    )


def text_of(column: bytes) -> str:
    """Return a binary column as text. Comments cut off in mid-character (before 2018) end in U+FFFD, as in the API."""
    return column.decode("utf-8", "replace")


def iso_timestamp(stored: bytes) -> str:
    """Return 20261122152412 as 2026-11-22T15:24:12Z."""
    digits = stored.decode("ascii", "replace").ljust(14, "0")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}Z"


def stored_timestamp(iso: str) -> bytes:
    """Return 2026-11-22T15:24:12Z as 20261122152412."""
    return "".join(character for character in iso if character.isdigit()).encode()


def _sha1_of_slots(slots: Mapping[str, Slot]) -> str | None:
    known = {role: slot.sha1 for role, slot in slots.items() if slot.sha1 is not None}
    return revision_sha1(known) if len(known) == len(slots) else None
