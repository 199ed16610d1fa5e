"""Since when do the two sides differ? One entity's history, the store's digests held against the wiki's own texts.

The store's side is in its index and costs nothing. The wiki's is read, so as little of it as possible: a history that
is short is read as a whole (then every differing revision is known); in a long one the run of differing revisions
around a known one is found by halving (`rules.bisect`). What the wiki cannot show is said, and taken to be the same.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from rules.bisect import POSITIONS_MAX, Span, all_differences, range_digest, run_around
from rules.verdict import Finding
from verifier.sides import TextOfWiki, WikiSide
from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_of_text, digest
from wikibase.ids import EntityId, page_entity
from wikibase.revision import State

READ_WHOLE_MAX = 200
"""How many revisions a history has that is read as a whole."""

AT_ONCE = 20
"""How many revisions are asked for at once: each may be megabytes."""

REVISIONS_MAX = 50_000
"""Longer histories are looked at up to here."""

DIFFERS = "history_differs"
NOT_IN_STORE = "revision_not_in_store"
NOT_IN_WIKI = "revision_not_in_wiki"

_PAGE = 1000
_NAMED_MAX = 20
_READABLE = frozenset({State.VISIBLE, State.REDIRECT})
_UNREADABLE = "unreadable"
_Found = TypeVar("_Found")


class RevisionRow(Protocol):
    """A revision as the store's index has it."""

    @property
    def rev_id(self) -> int:
        """The revision."""

    @property
    def position(self) -> int:
        """Its place along the entity."""

    @property
    def timestamp(self) -> str:
        """When it was made, in ISO 8601."""

    @property
    def state(self) -> State:
        """Its state."""

    @property
    def digest(self) -> str:
        """The digest of its canonical content."""


class HistoryOfStore(Protocol):
    """The store's index. Raises UnavailableError."""

    async def history(
        self, entity_id: EntityId, *, after: tuple[int, int] = (-1, -1), size: int = _PAGE
    ) -> Sequence[RevisionRow]:
        """Return one page of a history, oldest first, beginning after (position, rev_id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where two histories differ. `exact`: all of it was read; else `differing` counts what lies between two ends.

    `since` and `until` are the first and last differing revision with the day each was made, None where none differs.
    """

    revisions: int
    read: int
    differing: int = 0
    since: tuple[int, str] | None = None
    until: tuple[int, str] | None = None
    exact: bool = True
    unread: int = 0
    not_in_wiki: tuple[int, ...] = ()

    def words(self) -> str:
        """Return it in one line."""
        more = f"; {self.unread} could not be read" if self.unread else ""
        if self.since is None or self.until is None:
            return f"the stored contents agree: {self.read} of {self.revisions:,} revisions read{more}"
        told = f"differs since revision {self.since[0]} of {self.since[1]}"
        if self.exact:
            return f"{told}, {self.differing:,} of {self.revisions:,} revisions{more}"
        until = f"until revision {self.until[0]} of {self.until[1]}"
        found = f"about {self.differing:,} of {self.revisions:,} revisions, found by halving, {self.read} read"
        return f"{told} {until}, {found}{more}"


async def locate(
    entity_id: EntityId,
    *,
    store: HistoryOfStore,
    wiki: WikiSide,
    near: int | None = None,
    read_whole_max: int = READ_WHOLE_MAX,
    at_once: int = AT_ONCE,
) -> Located:
    """Find where the histories of an entity differ. `near`: a revision that is known to differ.

    Without it, only the newest `read_whole_max` revisions of a long history are looked at. Raises BackendError.
    """
    page = page_entity(entity_id)
    rows = await _rows(page, store)
    places = {row.rev_id: place for place, row in enumerate(rows)}
    reading = _Reading(page, wiki, rows, at_once)
    if len(rows) > read_whole_max and near in places:
        span = await _asked(run_around(places[near], len(rows)), reading.same)
        return reading.located(range(span.begin, span.end), exact=False)
    offset = max(0, len(rows) - read_whole_max)
    reading = _Reading(page, wiki, rows[offset:], at_once)
    size = len(rows) - offset
    found = await _asked(all_differences(size, size, positions_max=POSITIONS_MAX), reading.same)
    return reading.located(found.positions, exact=found.complete and not offset, revisions=len(rows))


async def check_history(
    entity_id: EntityId,
    *,
    store: HistoryOfStore,
    wiki: WikiSide,
    wiki_revisions: Callable[[EntityId], Awaitable[Sequence[int]]] | None = None,
    read_whole_max: int = READ_WHOLE_MAX,
    now: float = 0.0,
) -> list[Finding]:
    """Return what is wrong with the history of an entity. `wiki_revisions` lists the wiki's own: what only it has.

    Raises BackendError.
    """
    page = page_entity(entity_id)
    located = await locate(page, store=store, wiki=wiki, read_whole_max=read_whole_max)
    findings = []
    if located.since is not None:
        findings.append(_finding(DIFFERS, page, located.since[0], located.words(), now))
    if located.not_in_wiki:
        first = located.not_in_wiki[0]
        findings.append(_finding(NOT_IN_WIKI, page, first, _named(located.not_in_wiki, "the wiki"), now))
    if wiki_revisions is not None:
        known = {row.rev_id for row in await _all_rows(page, store)}
        if lost := [rev_id for rev_id in await wiki_revisions(page) if rev_id not in known]:
            findings.append(_finding(NOT_IN_STORE, page, lost[0], _named(lost, "the store"), now))
    return findings


def _finding(kind: str, page: EntityId, revision: int, detail: str, now: float) -> Finding:
    return Finding(kind=kind, entity_id=page, revision=revision, detail=detail, found_at=now)


def _named(rev_ids: Sequence[int], where: str) -> str:
    more = f" and {len(rev_ids) - _NAMED_MAX} more" if len(rev_ids) > _NAMED_MAX else ""
    return f"{where} does not have {', '.join(map(str, rev_ids[:_NAMED_MAX]))}{more}"


async def _all_rows(page: EntityId, store: HistoryOfStore) -> list[RevisionRow]:
    rows: list[RevisionRow] = []
    after = (-1, -1)
    while len(rows) < REVISIONS_MAX:
        found = await store.history(page, after=after, size=_PAGE)
        rows += found
        if len(found) < _PAGE:
            break
        after = (found[-1].position, found[-1].rev_id)
    return rows


async def _rows(page: EntityId, store: HistoryOfStore) -> list[RevisionRow]:
    """Return the revisions that both sides can show to anybody."""
    return [row for row in await _all_rows(page, store) if row.state in _READABLE]


@dataclass(slots=True)
class _Reading:
    """What was read of the wiki so far: the digest of each revision, `_UNREADABLE` where it gives none."""

    page: EntityId
    wiki: WikiSide
    rows: Sequence[RevisionRow]
    at_once: int
    digests: dict[int, str] = field(default_factory=dict)
    not_in_wiki: list[int] = field(default_factory=list)

    async def same(self, span: Span) -> bool:
        """Tell whether both sides are the same in a span; reads what of it was not read yet."""
        rows = self.rows[span.begin : span.end]
        lacking = [row.rev_id for row in rows if row.rev_id not in self.digests]
        for start in range(0, len(lacking), self.at_once):
            asked = lacking[start : start + self.at_once]
            told = await self.wiki.contents(asked)
            for rev_id in asked:
                self._note(rev_id, told.get(rev_id))
        return range_digest(self._told(row) for row in rows) == range_digest(row.digest for row in rows)

    def located(self, positions: Sequence[int], *, exact: bool, revisions: int | None = None) -> Located:
        """Return where the histories differ, given the positions at which they do."""
        differing = [self.rows[place] for place in positions]
        return Located(
            revisions=len(self.rows) if revisions is None else revisions,
            read=len(self.digests),
            differing=len(differing),
            since=_told(differing[0]) if differing else None,
            until=_told(differing[-1]) if differing else None,
            exact=exact,
            unread=sum(one == _UNREADABLE for one in self.digests.values()),
            not_in_wiki=tuple(self.not_in_wiki),
        )

    def _note(self, rev_id: int, told: TextOfWiki | None) -> None:
        if told is None or told.text is None:
            self.digests[rev_id] = _UNREADABLE
            if told is not None and told.reason == "badrevids":
                self.not_in_wiki.append(rev_id)
            return
        try:
            form: Any = canonical_of_text(told.text, entity_id=self.page)
            self.digests[rev_id] = digest(canonical_bytes(form))
        except NotAnEntityError:
            self.digests[rev_id] = _UNREADABLE

    def _told(self, row: RevisionRow) -> str:
        found = self.digests[row.rev_id]
        return row.digest if found == _UNREADABLE else found


def _told(row: RevisionRow) -> tuple[int, str]:
    return row.rev_id, row.timestamp[:10]


async def _asked(questions: Generator[Span, bool, _Found], same: Callable[[Span], Awaitable[bool]]) -> _Found:
    """Return what questions lead to, each answered by `same`."""
    try:
        span = next(questions)
        while True:
            span = questions.send(await same(span))
    except StopIteration as end:
        found: _Found = end.value
        return found
