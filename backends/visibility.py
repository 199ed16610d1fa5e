"""What of a revision may be shown: pure decisions on revisions, rows and what lies over them.

A snapshot never changes. Whatever is hidden after it was written is said by the overlay of its row, and masked here
on every reading. Whatever is hidden when it is written stays out of it; its content, if the wiki gave it at all, is
left out or lies under a prefix of its own, which only who restores it reads.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from backends.ledger.revision_rows import Entry
from backends.snapshots.envelope import metadata, with_metadata
from wikibase.revision import Revision, State

RESTRICTED_PREFIX = "restricted/"
"""Before the key of a snapshot whose content the public may not see."""

RESTRICTED = "restricted"
"""Key in the overlay: the digest of the content that lies under the restricted prefix."""

HIDEABLE = frozenset({"text", "comment", "user", "suppressed"})
"""What can be hidden of a revision, in MediaWiki's words (rev_deleted)."""


class HiddenContent(StrEnum):
    """What becomes of content that is hidden already when it is written."""

    LEFT_OUT = "left_out"
    RESTRICTED = "restricted"


def is_text_hidden(revision: Revision) -> bool:
    """Return whether the public may not see a revision's content."""
    return revision.state is State.TEXT_HIDDEN or "text" in revision.hidden


def public_part(revision: Revision) -> Revision:
    """Return the revision as its snapshot may hold it: nothing in it that is hidden."""
    if is_text_hidden(revision):
        revision = replace(revision, content=None, state=State.TEXT_HIDDEN, redirect_target=None)
    if revision.user is not None and "user" in revision.hidden:
        revision = replace(revision, user=None)
    if revision.comment is not None and "comment" in revision.hidden:
        revision = replace(revision, comment=None)
    return revision


def shown(kept: Revision, entry: Entry) -> Revision:
    """Return what a reader gets: the snapshot, what lies over it, nothing that is hidden now."""
    plain = {**metadata(kept), **(entry.overlay or {}), "position": entry.position}
    return public_part(with_metadata(kept.content, plain))


def overlay_of(kept: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must lie over the kept metadata so that it says what is told. The place lies in the row."""
    return {key: value for key, value in told.items() if key != "position" and kept[key] != value}


def hidden_now(kept: Revision, entry: Entry, hidden: frozenset[str]) -> dict[str, Any]:
    """Return the metadata of a revision of which exactly this is to be hidden from now on.

    Raises ValueError for what cannot be hidden.
    """
    if unknown := hidden - HIDEABLE:
        raise ValueError(f"{sorted(unknown)} cannot be hidden of a revision, only {sorted(HIDEABLE)}")
    natural = metadata(kept)
    told = {key: value for key, value in (entry.overlay or {}).items() if key in natural}
    plain = {**natural, **told, "position": entry.position, "hidden": sorted(hidden)}
    # The names are masked on reading; the snapshot still has them for the day they are shown again.
    plain |= {key: natural[key] for key in ("user", "comment") if plain[key] is None}
    if "text" in hidden:
        plain |= {"state": str(State.TEXT_HIDDEN), "redirect_target": None}
    elif plain["state"] == State.TEXT_HIDDEN:
        plain |= {key: natural[key] for key in ("state", "redirect_target")}
    return plain
