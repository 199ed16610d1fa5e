"""The two sides as the judge sees them. The real ones live in `backends`; tests make their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from wikibase.ids import EntityId
from wikibase.revision import Revision, State


class HeadOfStore(Protocol):
    """What the store says an entity's newest revision is. A deleted entity's head is ARCHIVED, or there is none."""

    @property
    def rev_id(self) -> int:
        """The revision."""

    @property
    def position(self) -> int:
        """Its place along the entity, as the head's row tells it."""

    @property
    def state(self) -> State:
        """Its state."""

    @property
    def redirect_target(self) -> EntityId | None:
        """The target, where it is a redirect."""


class StoreSide(Protocol):
    """The store. Each method raises UnavailableError; `revision` raises CorruptError too.

    Forms and senses have no revisions of their own: it is asked for their lexeme.
    """

    async def head(self, entity_id: EntityId) -> HeadOfStore | None:
        """Return the head, None when the store does not have the entity."""

    async def revision(self, entity_id: EntityId, rev_id: int) -> Revision | None:
        """Return a revision with its canonical content, None when the store does not have it."""

    async def position(self, entity_id: EntityId, rev_id: int) -> int | None:
        """Return a revision's place along the entity, None when the store does not have it."""


class HeadOfWiki(Protocol):
    """What the wiki says of an entity now. `rev_id` is None when it does not give it; `reason` says why."""

    @property
    def rev_id(self) -> int | None:
        """The newest revision: the target's, where the entity is a redirect."""

    @property
    def modified(self) -> str | None:
        """When it was made, in ISO 8601."""

    @property
    def redirected_to(self) -> EntityId | None:
        """The target, where the entity is a redirect."""

    @property
    def reason(self) -> str | None:
        """Why: "missing", or an error in the wiki's words."""


class TextOfWiki(Protocol):
    """The stored text of a revision, or why there is none, in the wiki's words."""

    @property
    def text(self) -> str | None:
        """The text as it is stored; None: `reason` says why."""

    @property
    def reason(self) -> str | None:
        """Why there is none."""


class WikiSide(Protocol):
    """The wiki, asked anew. Each method raises a BackendError."""

    async def heads(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, HeadOfWiki]:
        """Return what the wiki says of each entity."""

    async def entity_at(self, entity_id: EntityId, rev_id: int) -> Mapping[str, Any] | None:
        """Return the entity's JSON at a revision, in any shape; None when the wiki does not give it (any more)."""

    async def contents(self, rev_ids: Sequence[int]) -> Mapping[int, TextOfWiki]:
        """Return the stored text of each revision, or why there is none."""
