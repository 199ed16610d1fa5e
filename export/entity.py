"""Brings one entity of the store to the wiki's present state: the one step of the export and of the follower.

Idempotent, and cheap when little has changed: what the store has as the wiki tells it is neither read nor written
again. Whatever happened to the page - an edit, a deletion, an undeletion, a page made anew under another page id, a
redirect, something hidden or shown, a history inserted by an import or a merge - is seen in the telling itself.

What the store has and the wiki does not tell:
- revisions that the store made (from 2^40 on) are left alone, and an entity whose head is one is not touched;
- where the wiki does not show its archive, or has nothing of the entity any more, they count as archived;
- the rest the wiki never had, as far as it says. They are counted (`unknown`), and `heal` takes them out of sight:
  the row stays, archived, without content, author and comment, its error says `ROGUE`. The head is the wiki's again.
Of a database the last `ROGUE_AGE_S` seconds are left out: a replica that lags behind does not know yet what was written
then, and a head must not go back behind what somebody was told is saved.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from backends.errors import ConflictError, CorruptError, UnavailableError
from backends.ledger.ids import is_store_made
from backends.ledger.revision_rows import ANY, Entry, Head
from backends.ledger.unreadable import UnreadableRevision
from backends.snapshots.envelope import encode
from backends.store import Store
from backends.visibility import RESTRICTED_PREFIX
from export.outcome import ExportResult
from export.reading import concealed_revision, pieces, read_revision, reason_word, sha1_differs, unchanged, writable
from export.source import HIDDEN_TEXT, EntityPage, Source, Telling, Text, ToldRevision
from wikibase.errors import NotAnEntityError
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

log = logging.getLogger(__name__)

TELLINGS_MAX = 5
"""How often an entity is read again because it changed while it was read."""

PIECE_BYTES = 2 * 1024 * 1024
"""How much text of one entity is held at once, unless one revision alone is larger."""

ROGUE = "rogue: the wiki never had this revision"
"""The error of a revision that was taken out of sight because the wiki knows nothing of it."""

ROGUE_AGE_S = 600.0
"""How old, by the wiki's clock, a revision must be that is said to be unknown to the wiki."""

_PAGE = 100


class KeptChangingError(UnavailableError):
    """The entity changed each time it was read. Only it is to be tried again later."""


class _MovedOn(Exception):  # noqa: N818 -- no error: a reason to read again
    """The wiki changed while it was read."""


async def bring_entity(
    source: Source, store: Store, entity_id: EntityId, *, heal: bool = False, piece_bytes: int = PIECE_BYTES
) -> ExportResult:
    """Bring one entity to the wiki's present state. Returns what was done.

    `heal` reads every text again, writes snapshots anew that are lost, and takes out of sight what the wiki never
    had. Raises UnavailableError when the wiki or the store stays away, or the entity changes all the time.
    """
    return await bring_told(source, store, entity_id, None, heal=heal, piece_bytes=piece_bytes)


async def bring_told(
    source: Source,
    store: Store,
    entity_id: EntityId,
    telling: Telling | None,
    *,
    heal: bool = False,
    piece_bytes: int = PIECE_BYTES,
) -> ExportResult:
    """Do what `bring_entity` does with a telling that was read just now (None: it is read here).

    An older telling must not overtake a newer one, and the store can tell only by the head's generation that was
    seen before the wiki was asked. So a telling that was read before is acted on only for an entity that is new; for
    others it may at most say that there is nothing to do.
    """
    for attempt in range(TELLINGS_MAX):
        seen = await store.head(entity_id)
        if seen is not None and is_store_made(seen.rev_id):
            return ExportResult(skipped={"store_is_ahead": 1})
        only_look = telling is not None and seen is not None
        now = telling or await source.telling(entity_id)
        telling = None
        bringing = _Bringing(source, store, entity_id, seen, heal, piece_bytes, attempt, only_look)
        try:
            return await bringing.bring(now)
        except (ConflictError, _MovedOn):
            if not only_look:
                log.info("%s changed while it was read", entity_id, extra={"action": "bring", "entity": entity_id})
    raise KeptChangingError(f"{entity_id} changed {TELLINGS_MAX} times while it was read")


@dataclass(slots=True)
class _Bringing:
    """One attempt. `only_look`: rather than write, begin again.

    `head`: as it was seen, then as we left it; `told`: the ids told so far; `last`: the newest one.
    """

    source: Source
    store: Store
    entity_id: EntityId
    head: Head | None
    heal: bool
    piece_bytes: int
    attempt: int
    only_look: bool
    told: set[int] = field(default_factory=set)
    last: ToldRevision | None = None
    result: ExportResult = field(default_factory=ExportResult)

    async def bring(self, telling: Telling) -> ExportResult:
        was_known = self.head is not None
        if telling.page is None and telling.no_entity:
            self.result += ExportResult(skipped={telling.no_entity: 1})
        head_is_set = False
        async for piece, is_last in _with_last(self._pieces(telling)):
            position = len(self.told)
            self.told |= {one.rev_id for one in piece}
            self.last = piece[-1]
            head_rev_id = await self._head_rev_id(telling) if is_last else None
            await self._put(piece, position, head_rev_id, telling.page)
            head_is_set = is_last
        if not head_is_set and telling.page is not None:
            self.result += ExportResult(skipped={"no_revisions": 1})
        elif not head_is_set and not was_known and not telling.no_entity:
            self.result += ExportResult(skipped={"page_gone": 1})  # deleted since it was listed, or never there
        self.result += ExportResult(entities=int(head_is_set), deleted=int(head_is_set and telling.page is None))
        if was_known or self.heal:
            await self._left_over(telling)
        return self.result

    async def _pieces(self, telling: Telling) -> AsyncIterator[Sequence[ToldRevision]]:
        async for batch in telling.batches():
            for piece in pieces(batch, bytes_max=self.piece_bytes, count_max=self.source.texts_max):
                yield piece

    async def _head_rev_id(self, telling: Telling) -> int:
        """Return which revision is to be the head, once all have been told."""
        assert self.last is not None
        page = telling.page
        if await self._is_behind():
            assert self.head is not None
            self.result += ExportResult(skipped={"wiki_is_behind": 1})
            return self.head.rev_id
        if not telling.at_one_moment:
            now = await self.source.page(self.entity_id)
            if (now and (now.page_id, now.head_rev_id)) != (page and (page.page_id, page.head_rev_id)):
                raise _MovedOn
        if page is None or page.head_rev_id is None:
            return self.last.rev_id
        if page.head_rev_id in self.told:
            return page.head_rev_id
        if self.attempt < TELLINGS_MAX - 1 and not telling.at_one_moment:
            raise _MovedOn  # an edit fell between two parts of the listing
        self.result += ExportResult(missing_reasons={"head-not-among-revisions": 1})
        return self.last.rev_id

    async def _put(
        self, piece: Sequence[ToldRevision], position: int, head_rev_id: int | None, page: EntityPage | None
    ) -> None:
        known = await self.store.index.entries(self.entity_id, [one.rev_id for one in piece])
        changed = {
            one.rev_id: position + place
            for place, one in enumerate(piece)
            if self.heal or (entry := known.get(one.rev_id)) is None or not unchanged(entry, position + place, one)
        }
        asked = [one for one in piece if one.rev_id in changed]
        if asked and self.only_look:
            raise _MovedOn
        texts = await self._texts(asked)
        revisions = [
            await self._revision(one, changed[one.rev_id], texts[one.rev_id], known.get(one.rev_id)) for one in asked
        ]
        page_id = page.page_id if page else piece[-1].page_id
        if revisions or (head_rev_id is not None and not self._is_head(head_rev_id, page_id)):
            try:
                await self._write(revisions, head_rev_id, page_id)
            except NotAnEntityError:
                revisions = [writable(one) for one in revisions]
                await self._write(revisions, head_rev_id, page_id)
        await self._note_unnoted([known[one.rev_id] for one in piece if one.rev_id not in changed], page_id)
        self.result += _counted(piece, known, asked, texts, revisions)

    async def _texts(self, asked: Sequence[ToldRevision]) -> Mapping[int, Text]:
        shown = [one for one in asked if self.source.shows_hidden or "text" not in one.about.hidden]
        texts = await self.source.texts(shown) if shown else {}
        return {one.rev_id: texts.get(one.rev_id, HIDDEN_TEXT) for one in asked}

    async def _revision(self, told: ToldRevision, position: int, text: Text, entry: Entry | None) -> Revision:
        if told.bot is None and entry is not None:
            told = replace(told, bot=await self._kept_bot(entry))
        revision = read_revision(self.entity_id, position, told, text)
        if self.source.shows_hidden and (concealed := concealed_revision(revision, told, text)) is not None:
            packed = encode(writable(concealed))
            await self.store.snapshots.create(RESTRICTED_PREFIX + packed.key, packed.body)
        if sha1_differs(told, text):
            self.result += ExportResult(sha1_differs=1)
            log.debug(  # legacy texts all do: they are counted
                "%s revision %d: the text has another SHA-1 than the wiki keeps of it",
                self.entity_id,
                told.rev_id,
                extra={"action": "bring", "entity": self.entity_id, "revision": told.rev_id},
            )
        return revision

    async def _kept_bot(self, entry: Entry) -> bool | None:
        try:
            return (await self.store.load(entry)).bot
        except CorruptError:
            return None  # `heal` writes it anew

    async def _write(self, revisions: Sequence[Revision], head_rev_id: int | None, page_id: int | None) -> None:
        """Tell the store, and where it has a head already raise its generation: who has seen it has seen all."""
        if self.only_look:
            raise _MovedOn
        if head_rev_id is None and self.head is not None:
            head_rev_id, page_id = self.head.rev_id, self.head.page_id
        done = await self.store.put_history(
            self.entity_id,
            revisions,
            head_rev_id,
            page_id=page_id,
            expected=ANY if head_rev_id is None else self.head.generation if self.head else None,
            heal=self.heal,
        )
        self.head = done.head if head_rev_id is not None else self.head
        self.result += ExportResult(
            changed=len(revisions), new_snapshots=done.new_snapshots, packed_bytes=done.packed_bytes
        )

    def _is_head(self, rev_id: int, page_id: int | None) -> bool:
        return self.head is not None and (self.head.rev_id, self.head.page_id) == (rev_id, page_id)

    async def _note_unnoted(self, entries: Sequence[Entry], page_id: int | None) -> None:
        """Make up for lookups that a kill between commit and lookups left out."""
        if not entries:
            return
        known = await self.store.index.entities_of([entry.rev_id for entry in entries])
        missing = [entry for entry in entries if known.get(entry.rev_id) != self.entity_id]
        if missing:
            await self.store.index.note(self.entity_id, missing, page_id)

    async def _left_over(self, telling: Telling) -> None:
        """Deal with what the store has and the wiki does not tell."""
        if await self.store.index.count(self.entity_id) == len(self.told):
            return
        if self.only_look:
            raise _MovedOn
        vanished = telling.page is None and not self.told
        after = (-1, -1)
        while page := await self.store.index.history(self.entity_id, after=after, size=_PAGE):
            after = (page[-1].position, page[-1].rev_id)
            extra = [one for one in page if one.rev_id not in self.told and not is_store_made(one.rev_id)]
            marked = [changed for one in extra if (changed := await self._marked(one, vanished=vanished))]
            if marked:
                await self._write(marked, None, None)

    async def _is_behind(self) -> bool:
        """Return whether the store has a head that this source may not know yet."""
        if self.head is None or self.head.rev_id in self.told or not self.source.shows_archive:
            return False
        return await self._is_new(self.head.timestamp)

    async def _is_new(self, timestamp: str) -> bool:
        return age_s(timestamp, (await self.source.marks()).time) < ROGUE_AGE_S

    async def _marked(self, entry: Entry, *, vanished: bool) -> Revision | None:
        """Return what a revision that is not told any more is from now on; None: as before."""
        kept = await self._kept(entry)
        if kept.error == ROGUE:
            return None
        known = self.source.shows_archive
        if known and (not (self.heal or vanished) or await self._is_new(entry.timestamp)):
            self.result += ExportResult(unknown=1)
            return None
        if known and self.heal:
            log.warning(
                "%s revision %d is taken out of sight: the wiki never had it",
                self.entity_id,
                entry.rev_id,
                extra={"action": "rogue", "entity": self.entity_id, "revision": entry.rev_id},
            )
            self.result += ExportResult(rogue=1)
            return _rogue(kept)
        return None if kept.state is State.ARCHIVED else _archived(kept)

    async def _kept(self, entry: Entry) -> Revision:
        try:
            return await self.store.load(entry)
        except CorruptError as error:
            return Revision(
                entity_id=entry.entity_id,
                rev_id=entry.rev_id,
                parent_id=entry.parent_id,
                position=entry.position,
                timestamp=entry.timestamp,
                state=State.MISSING,
                content=None,
                error=f"snapshot-lost: {error}",
            )


def age_s(timestamp: str, now: str) -> float:
    """Return how many seconds before `now` something was, both in the wiki's spelling."""
    return (dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(timestamp)).total_seconds()


def _rogue(kept: Revision) -> Revision:
    return Revision(
        entity_id=kept.entity_id,
        rev_id=kept.rev_id,
        parent_id=kept.parent_id,
        position=kept.position,
        timestamp=kept.timestamp,
        state=State.ARCHIVED,
        content=None,
        page_id=kept.page_id,
        error=ROGUE,
    )


def _archived(kept: Revision) -> Revision:
    if kept.state is State.TEXT_HIDDEN:
        kept = replace(kept, hidden=kept.hidden - {"text"}, error=HIDDEN_TEXT.reason, wiki_sha1=None)
    return replace(kept, state=State.ARCHIVED)


def _counted(
    piece: Sequence[ToldRevision],
    known: Mapping[int, Entry],
    asked: Sequence[ToldRevision],
    texts: Mapping[int, Text],
    revisions: Sequence[Revision],
) -> ExportResult:
    states = {one.rev_id: known[one.rev_id].state for one in piece if one.rev_id in known}
    states |= {one.rev_id: one.state for one in revisions}
    counted = Counter(states[one.rev_id] for one in piece)
    errors = [one.error for one in revisions if one.content is None and one.error]
    return ExportResult(
        revisions=len(piece),
        redirects=counted[State.REDIRECT],
        missing=counted[State.MISSING],
        hidden=counted[State.TEXT_HIDDEN],
        archived=counted[State.ARCHIVED],
        wiki_bytes=sum(len(texts[one.rev_id].body or b"") for one in asked),
        missing_reasons=dict(Counter(map(reason_word, errors))),
        unreadable=tuple(
            UnreadableRevision(one.entity_id, one.rev_id, one.error or "unknown")
            for one in revisions
            if one.content is None and one.error and one.error != HIDDEN_TEXT.reason
        ),
    )


async def _with_last(
    given: AsyncIterator[Sequence[ToldRevision]],
) -> AsyncIterator[tuple[Sequence[ToldRevision], bool]]:
    """Yield each with whether it is the last one."""
    waiting: Sequence[ToldRevision] | None = None
    async for one in given:
        if waiting is not None:
            yield waiting, False
        waiting = one
    if waiting is not None:
        yield waiting, True


def first_error(failures: ExceptionGroup[Exception]) -> Exception:
    """Return the first error of a group of tasks."""
    first = failures.exceptions[0]
    return first_error(first) if isinstance(first, ExceptionGroup) else first
