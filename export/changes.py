"""The seam of the follower: what it asks of a wiki about changes, whether of its database or over its Action API.

`backends.wiki.changes_database` and `backends.wiki.changes_api` answer; the values are in `changes_shapes`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from backends.wiki.changes_shapes import Change, Looked, Moment, PageHead, PageHeads, Range
from wikibase.ids import EntityId


class Heads(Protocol):
    """The newest revisions of the wiki's entities. Raises backends.errors everywhere."""

    async def heads(self, *, after: str | None, size: int) -> PageHeads:
        """Return some of all heads, beginning where a batch said (None: the first)."""

    async def heads_of(self, entity_ids: Sequence[EntityId]) -> Mapping[EntityId, PageHead]:
        """Return the heads of those entities that have a page."""


class Changes(Heads, Protocol):
    """What a wiki commits, by stream and id. Raises backends.errors everywhere."""

    async def after(self, stream: str, mark: int, *, since: str, size: int) -> Sequence[Change]:
        """Return the next changes with ids above the mark that can be seen now, lowest first.

        `since`: a time at or before which whatever is looked for was stamped. A batch is complete up to its last id,
        but for what is not committed yet; an empty one means that nothing above the mark can be seen.
        """

    async def among(self, stream: str, ranges: Sequence[Range], *, since: str, size: int) -> Sequence[Looked]:
        """Return the changes in each of those ranges (at most 100), in their order, as far as `size` allows."""

    async def first(self, stream: str, since: str, *, above: int) -> int | None:
        """Return the lowest id above another whose row is stamped at that time or later; None when there is none."""

    async def moment(self, *, with_transactions: bool) -> Moment:
        """Return the present moment; the transactions under way only when asked for."""

    async def entities_of_user(
        self, user: str, *, after: str | None, size: int
    ) -> tuple[Sequence[EntityId], str | None]:
        """Return some of the entities with live revisions of a user, and where the next ones begin."""

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""
