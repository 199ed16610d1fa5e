"""The seam of the export: what it asks of a wiki, whether that is read from its database or over its Action API.

Both answer with the same values and the same meaning; what only one of them can know is None from the other, and
`shows_archive` says whether deleted revisions are told at all. A history comes in the wiki's own order, (timestamp,
revision id), archived revisions in their places (wikibase.md 4.2): so that parents come before their children, and
places do not change when something is deleted or comes back.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.wiki.shapes import WikiRevision
from wikibase.ids import EntityId


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPage:
    """The page that an entity has now. `head_rev_id` None: the wiki did not say."""

    entity_id: EntityId
    page_id: int
    head_rev_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concealed:
    """What the public may not see of a revision's metadata, told to those who asked for it."""

    user: str | None = None
    comment: str | None = None
    sha1: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRevision:
    """A revision as the wiki tells it. `text_sha1`: hex, of the text that `Source.texts` will give, where known.

    `role`: the slot that holds the entity, `model`: its content model. `bot`: None where the wiki does not know (any
    more). `concealed`: None unless something is hidden and the source shows it.
    """

    about: WikiRevision
    page_id: int | None
    archived: bool = False
    bot: bool | None = None
    role: str = "main"
    model: str | None = None
    text_sha1: str | None = None
    concealed: Concealed | None = None

    @property
    def rev_id(self) -> int:
        """The revision's id."""
        return self.about.rev_id


@dataclass(frozen=True, slots=True)
class Text:
    """A revision's stored text, or the reason why there is none."""

    body: bytes | None
    reason: str | None = None


HIDDEN_TEXT = Text(None, "texthidden")
"""What is said of a text that the public may not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An entity's present state: its page (None: it has none), and its revisions, oldest first, in batches.

    `no_entity`: why the page of that title holds no entity, None when it does or there is none. `at_one_moment`: page
    and revisions were seen together; if not, the page must be looked at again when all revisions were read.
    """

    page: EntityPage | None
    batches: Callable[[], AsyncIterator[Sequence[ToldRevision]]]
    no_entity: str | None = None
    at_one_moment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the wiki that one worker exports. Bounds are page ids or titles, `low` included, `high` not.

    `kind`: "pages" (by page id), "titles" (pages of a namespace by title), "archive" (deleted titles of a namespace).
    Titles are spelled as the database spells them, without the namespace; an empty one is no bound.
    """

    kind: str
    low: str
    high: str
    namespace: int = 0


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Some entities of a span, told already or not. `after`: where the next batch begins, None at the end.

    `skipped` counts pages without an entity by reason.
    """

    entities: Sequence[tuple[EntityId, Telling | None]]
    after: str | None
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LowWater:
    """Up to where the wiki's logs reach now; None: this source cannot know."""

    max_rev_id: int | None
    max_log_id: int | None
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiCounts:
    """How much there is; None: this source cannot know.

    `exact` False: estimated from a sample. `text_bytes`: by rev_len, which is a little less than the JSON.
    """

    entities: int | None
    revisions: int | None
    text_bytes: int | None
    exact: bool = False


class Source(Protocol):
    """A wiki, read. Raises backends.errors everywhere."""

    @property
    def shows_archive(self) -> bool:
        """Whether deleted revisions are told. If not, a revision that is not told any more may have been deleted."""

    @property
    def shows_hidden(self) -> bool:
        """Whether what is hidden from the public is told, apart."""

    @property
    def texts_max(self) -> int:
        """How many texts are worth asking for at once."""

    async def telling(self, entity_id: EntityId) -> Telling:
        """Return an entity's present state."""

    async def page(self, entity_id: EntityId) -> EntityPage | None:
        """Return the page that the entity has now."""

    async def texts(self, told: Sequence[ToldRevision]) -> Mapping[int, Text]:
        """Return the text of each revision, hidden ones too where the source shows them. Nothing is left out."""

    async def spans(self, size: int) -> Sequence[Span]:
        """Divide the wiki into spans of about `size` pages, all of it."""

    async def batch(self, span: Span, *, after: str | None, size: int) -> SpanBatch:
        """Return the next entities of a span; `size` bounds what is looked at. `after` None: its beginning."""

    async def marks(self) -> LowWater:
        """Return up to where the wiki's logs reach now."""

    async def counts(self) -> WikiCounts:
        """Return how much there is."""

    async def close(self) -> None:
        """Close the connections. Calling it twice is harmless."""


async def no_batches() -> AsyncIterator[Sequence[ToldRevision]]:
    """Yield nothing: an entity without revisions."""
    return
    yield  # makes it a generator


def one_batch(told: Sequence[ToldRevision]) -> Callable[[], AsyncIterator[Sequence[ToldRevision]]]:
    """Return batches that are one, known already."""

    async def batches() -> AsyncIterator[Sequence[ToldRevision]]:
        if told:
            yield told

    return batches
