"""What was found of the entities that an answer needs, and how far redirects are followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wikibase.ids import EntityId, entity_type
from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError
from wikibase.revision import Revision, State

Json = Any


@dataclass(frozen=True, slots=True)
class Found:
    """A revision that is shown, with the page it is on now."""

    revision: Revision
    page_id: int

    @property
    def mark(self) -> tuple[EntityId, int]:
        """Return the entity and revision, as answers name what they were made of."""
        return self.revision.entity_id, self.revision.rev_id


Heads = Mapping[EntityId, Found | None]
"""Heads by entity; None: it is known that there is no such entity (any more)."""


def is_redirect(found: Found) -> bool:
    """Tell whether a revision says that the entity is another one."""
    return found.revision.state is State.REDIRECT


def redirect_target(found: Found) -> EntityId:
    """Return the entity that a redirect names."""
    target = found.revision.redirect_target
    if target is None:
        raise DeclinedError(Decline.UNREADABLE, "a redirect to nowhere")
    return target


def content_of(found: Found) -> Mapping[str, Json]:
    """Return the content of an entity that is no redirect. Raises DeclinedError where it cannot be read."""
    revision = found.revision
    if revision.state is not State.VISIBLE or revision.content is None:
        raise DeclinedError(Decline.UNREADABLE, str(revision.state))
    if revision.content.get("id") != revision.entity_id:
        raise DeclinedError(Decline.UNREADABLE, "the content names another entity")
    return revision.content


def has_page(entity_id: EntityId, facts: RenderingFacts) -> bool:
    """Tell whether entities of the type exist on the wiki."""
    kind = entity_type(entity_id).value
    return kind in facts.namespaces or (kind in ("form", "sense") and "lexeme" in facts.namespaces)


def page_info(found: Found, facts: RenderingFacts) -> dict[str, Json]:
    """Return what goes before an entity: its page, the revision shown and its time."""
    revision = found.revision
    number, title = facts.title(entity_type(revision.entity_id).value, revision.entity_id)
    return {
        "pageid": found.page_id,
        "ns": number,
        "title": title,
        "lastrevid": revision.rev_id,
        "modified": revision.timestamp,
    }
