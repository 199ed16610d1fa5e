"""The editable state of a sample wiki: pages, revisions, recent changes, knobs. No HTTP.

Tests and the server's write modules change the world only through its methods. Each says what it
did to `touched`, so that recorded answers about an entity are given up once it was edited.
"""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any

import orjson

from cutover.demo.php import serialized_length, stored_json
from cutover.demo.recorded import RecordedAnswers
from cutover.demo.records import Change, Facts, Packed, Page, User, WikiRevision, masked, read_packed
from cutover.demo.sessions import Sessions
from wikibase.ids import EntityId, EntityType, entity_type, parse_entity_id

DATA = Path(__file__).parent
SITES_TOUCHED = "*sites"
"""In `touched`: some site link was changed."""
PAGES_TOUCHED = "*pages"
"""In `touched`: some page was created or deleted."""

Entity = dict[str, Any]

_MAPS = ("labels", "descriptions", "aliases", "claims", "sitelinks")
_TYPES = {"wikibase-item": EntityType.ITEM, "wikibase-property": EntityType.PROPERTY}
_PREFIX = {EntityType.ITEM: (120, "Item:"), EntityType.PROPERTY: (122, "Property:")}


@lru_cache(maxsize=1)
def _packed_wiki() -> Packed:
    # Read once for all worlds of a process: the values are frozen, a World changes only its own maps.
    return read_packed(DATA / "wiki.jsonl.zst")


@lru_cache(maxsize=1)
def recorded_reads() -> RecordedAnswers:
    """Return the recorded exchanges, read once in a process."""
    return RecordedAnswers.load(DATA / "reads.jsonl.zst")


class EntityMissingError(LookupError):
    """There is no such entity (never made, or deleted)."""


class EntityUnreadableError(Exception):
    """The entity exists, its head revision's text cannot be had."""


class World:
    """One wiki. `World.load()` has the recorded history, `World.empty()` only its configuration.

    Knobs: `lag_s` (what maxlag is compared with; -1, as recorded, is a wiki without replicas),
    `read_only` (a reason, or True), `answer_delay_s` (each answer waits that long), `use_recorded`,
    `unbuffered` (prefer the answers recorded with Content-Length and gzip), `break_next`.
    """

    def __init__(self, packed: Packed, recorded: RecordedAnswers, clock: Callable[[], datetime]) -> None:
        self.facts: Facts = packed.facts
        self.server = packed.facts.server
        self.recorded = recorded
        self.users: dict[str, User] = {user.name: user for user in packed.users}
        self.pages: dict[int, Page] = {page.page_id: page for page in packed.pages}
        self.revisions: dict[int, WikiRevision] = {revision.rev_id: revision for revision in packed.revisions}
        self.sessions = Sessions(packed.facts.wiki_id)
        self.changes: list[Change] = []
        self.touched: set[str] = set()
        self.lag_s: float = -1
        self.read_only: str | bool = False
        self.answer_delay_s: float = 0
        self.use_recorded = True
        self.unbuffered = False
        self._broken: list[int] = []
        self._clock = clock
        self._next = dict(packed.next_ids)
        self._archive: dict[str, tuple[Page, tuple[int, ...]]] = {}
        self._title_pages = {page.title: page.page_id for page in packed.pages}
        self._histories: dict[int, list[int]] = {}
        self._newest = ""
        for revision in sorted(packed.revisions, key=lambda one: one.order):
            self._histories.setdefault(revision.page_id, []).append(revision.rev_id)
            self._newest = max(self._newest, revision.timestamp)
        for rev_id, rc_id in sorted(packed.rc_ids.items(), key=lambda pair: pair[1]):
            self._note_change(self.revisions[rev_id], rc_id=rc_id)
        self.datatypes: dict[str, str] = {}
        self.site_links: dict[tuple[str, str], EntityId] = {}
        for page in packed.pages:
            self._index(page)

    @classmethod
    def load(cls, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> "World":
        """Return the wiki as it was recorded, with the recorded reads."""
        return cls(_packed_wiki(), recorded_reads(), clock)

    @classmethod
    def empty(cls, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> "World":
        """Return a wiki with the same configuration and accounts, no pages, and nothing recorded."""
        packed = _packed_wiki()
        ids = dict.fromkeys(packed.next_ids, 1)
        bare = dataclasses.replace(packed, pages=(), revisions=(), rc_ids={}, next_ids=ids)
        return cls(bare, RecordedAnswers(()), clock)

    # -- looking

    @property
    def entity_count(self) -> int:
        """Return how many entities have a page, redirects and unreadable ones included."""
        return sum(self.entity_of(page) is not None for page in self.pages.values())

    @property
    def revision_count(self) -> int:
        """Return how many revisions those pages have: what an export over the API must list."""
        return sum(len(self._histories[page.page_id]) for page in self.pages.values() if self.entity_of(page))

    def now(self) -> str:
        """Return the time of the next edit. It never runs back behind the newest revision."""
        return max(self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"), self._newest)

    def page(self, title: str) -> Page | None:
        """Return the page with a normalised title."""
        page_id = self._title_pages.get(title)
        return None if page_id is None else self.pages[page_id]

    def title_of(self, entity_id: EntityId) -> str:
        """Return the title under which an entity is stored."""
        return _PREFIX[entity_type(entity_id)][1] + entity_id

    def entity_page(self, entity_id: EntityId) -> Page | None:
        """Return the page of an entity, None where it has none."""
        return self.page(self.title_of(entity_id)) if entity_type(entity_id) in _PREFIX else None

    def entity_of(self, page: Page) -> EntityId | None:
        """Return the entity that a page holds. The content model decides, not the title."""
        if self.revisions[page.latest].model not in _TYPES:
            return None
        return parse_entity_id(page.title.partition(":")[2])

    def history(self, page_id: int) -> list[WikiRevision]:
        """Return a page's revisions, oldest first."""
        return [self.revisions[rev_id] for rev_id in self._histories.get(page_id, ())]

    def head(self, entity_id: EntityId) -> WikiRevision:
        """Return the current revision. Raises EntityMissingError."""
        page = self.entity_page(entity_id)
        if page is None or self.entity_of(page) is None:
            raise EntityMissingError(entity_id)
        return self.revisions[page.latest]

    def content(self, revision: WikiRevision) -> Entity:
        """Return a fresh copy of a revision's entity, empty maps as {}. Raises EntityUnreadableError."""
        if revision.text is None:
            raise EntityUnreadableError(revision.rev_id)
        entity: Entity = orjson.loads(revision.text)
        if "redirect" not in entity:
            entity.update({key: {} for key in _MAPS if entity.get(key) == []})
        return entity

    # -- editing

    def create_item(
        self, labels: Mapping[str, str] | None = None, *, user: str = "Admin", comment: str | None = None
    ) -> EntityId:
        """Create an item with labels (language -> text). Returns its id."""
        terms = {language: {"language": language, "value": text} for language, text in (labels or {}).items()}
        return self.create({"type": "item", "labels": terms}, user=user, comment=comment)[0]

    def create(
        self,
        parts: Entity,
        *,
        user: str = "Admin",
        comment: str | None = None,
        tags: tuple[str, ...] = (),
        bot: bool = False,
    ) -> tuple[EntityId, int]:
        """Create an entity from its parts, with `type` (and `datatype`). Returns its id and revision."""
        kind = EntityType(parts["type"])
        entity_id = EntityId(("Q" if kind is EntityType.ITEM else "P") + str(self._take(kind.value)))
        datatype = {"datatype": parts["datatype"]} if kind is EntityType.PROPERTY else {}
        maps = {key: parts.get(key) or {} for key in _MAPS if key != "sitelinks" or kind is EntityType.ITEM}
        note = f"/* wbeditentity-create-{kind}:0| */" if comment is None else comment
        entity = {"type": kind.value, **datatype, "id": entity_id, **maps}
        return entity_id, self._save(entity_id, entity, user=user, comment=note, tags=tags, bot=bot)

    def edit(
        self,
        entity_id: str,
        change: Callable[[Entity], Entity],
        *,
        user: str = "Admin",
        comment: str = "",
        tags: tuple[str, ...] = (),
        minor: bool = False,
        bot: bool = False,
    ) -> int:
        """Apply a function to the entity's content and save what it returns; no difference, no revision.

        Returns the id of the revision that is then current. Raises EntityMissingError, EntityUnreadableError.
        """
        known = EntityId(entity_id)
        head = self.head(known)
        after = change(self.content(head))
        if stored_json(after) == head.text:
            return head.rev_id
        return self._save(known, after, user=user, comment=comment, tags=tags, minor=minor, bot=bot)

    def redirect(self, entity_id: str, target: str, *, user: str = "Admin") -> int:
        """Turn an item into a redirect. Returns the revision."""
        note = f"/* wbcreateredirect:0||{entity_id}|{target} */"
        after = {"entity": entity_id, "redirect": target}
        return self.edit(entity_id, lambda _: after, user=user, comment=note, tags=("mw-new-redirect",))

    def delete(self, title: str, *, user: str = "Admin", reason: str = "") -> int:
        """Delete a page. Returns the id of the log entry. Raises EntityMissingError when there is no page."""
        page = self.page(title)
        if page is None:
            raise EntityMissingError(title)
        self.touched.update((page.title.partition(":")[2], SITES_TOUCHED, PAGES_TOUCHED))
        self._unindex(page)
        # MediaWiki drops the page's own rows of recent changes with it, and does not bring them back.
        self.changes = [one for one in self.changes if one.title != title or one.kind == "log"]
        del self.pages[page.page_id], self._title_pages[title]
        self._archive[title] = page, tuple(self._histories.pop(page.page_id))
        return self._log("delete", "delete", page, user, reason)

    def undelete(self, title: str, *, user: str = "Admin", reason: str = "") -> int:
        """Bring a page back that was deleted in this world. Returns the number of revisions, 0 when there were none."""
        if title not in self._archive or title in self._title_pages:
            return 0
        page, rev_ids = self._archive.pop(title)
        self.pages[page.page_id] = page
        self._title_pages[title] = page.page_id
        self._histories[page.page_id] = list(rev_ids)
        self._index(page)
        self.touched.update((page.title.partition(":")[2], SITES_TOUCHED, PAGES_TOUCHED))
        self._log("delete", "restore", page, user, reason)
        return len(rev_ids)

    def hide(self, rev_id: int, bits: int, *, user: str = "Admin") -> None:
        """Hide parts of a revision (see the bits of records.py) for good: what is hidden is forgotten."""
        revision = masked(self.revisions[rev_id], bits)
        self.revisions[rev_id] = revision
        page = self.pages[revision.page_id]
        self.touched.add(page.title.partition(":")[2])
        self._log("delete", "revision", page, user, "")

    def break_next(self, count: int, status: int) -> None:
        """Let the next `count` answers be an error page with this status; 0 cuts the connection instead."""
        self._broken.extend([status] * count)

    def take_break(self) -> int | None:
        """Return the status the next answer must break with, None for a sound one."""
        return self._broken.pop(0) if self._broken else None

    # -- inside

    def _save(
        self,
        entity_id: EntityId,
        entity: Entity,
        *,
        user: str,
        comment: str,
        tags: tuple[str, ...] = (),
        minor: bool = False,
        bot: bool = False,
    ) -> int:
        kind = entity_type(entity_id)
        ns, prefix = _PREFIX[kind]
        page = self.page(prefix + entity_id)
        text = stored_json(entity)
        digest = sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._newest = self.now()
        account = self.users.get(user)
        revision = WikiRevision(
            rev_id=self._take("rev"),
            page_id=page.page_id if page else self._take("page"),
            parent_id=page.latest if page else 0,
            timestamp=self._newest,
            user=user,
            user_id=account.user_id if account else 0,
            comment=comment,
            text=text,
            model=f"wikibase-{kind}",
            size=serialized_length(entity),
            sha1=digest,
            slot_sha1=digest,
            tags=tags,
            minor=minor,
            bot=bot,
        )
        links_before = set(self.site_links.items())
        self.touched.add(entity_id)
        if page is None:
            self.touched.add(PAGES_TOUCHED)
        else:
            self._unindex(page)
        saved = Page(
            page_id=revision.page_id, ns=ns, title=prefix + entity_id, latest=revision.rev_id, is_new=page is None
        )
        self.revisions[revision.rev_id] = revision
        self.pages[saved.page_id] = saved
        self._title_pages[saved.title] = saved.page_id
        self._histories.setdefault(saved.page_id, []).append(revision.rev_id)
        self._index(saved)
        if set(self.site_links.items()) != links_before:
            self.touched.add(SITES_TOUCHED)
        self._note_change(revision, rc_id=self._take("rc"))
        return revision.rev_id

    def _take(self, sequence: str) -> int:
        taken = self._next[sequence]
        self._next[sequence] = taken + 1
        if sequence in ("item", "property"):  # an imported id may lie above the counter
            letter = "Q" if sequence == "item" else "P"
            while self.entity_page(EntityId(f"{letter}{self._next[sequence]}")):
                self._next[sequence] += 1
        return taken

    def _index(self, page: Page) -> None:
        revision = self.revisions[page.latest]
        if revision.model not in _TYPES or revision.text is None:
            return
        entity = self.content(revision)
        if "datatype" in entity:
            self.datatypes[entity["id"]] = entity["datatype"]
        for site, link in entity.get("sitelinks", {}).items():
            self.site_links[site, link["title"]] = EntityId(entity["id"])

    def _unindex(self, page: Page) -> None:
        revision = self.revisions[page.latest]
        if revision.model not in _TYPES or revision.text is None:
            return
        entity = self.content(revision)
        self.datatypes.pop(entity.get("id", ""), None)
        for site, link in entity.get("sitelinks", {}).items():
            self.site_links.pop((site, link["title"]), None)

    def _note_change(self, revision: WikiRevision, *, rc_id: int) -> None:
        page = self.pages[revision.page_id]
        parent = self.revisions.get(revision.parent_id)
        self.changes.append(
            Change(
                rc_id=rc_id,
                kind="edit" if revision.parent_id else "new",
                timestamp=revision.timestamp,
                ns=page.ns,
                title=page.title,
                page_id=page.page_id,
                rev_id=revision.rev_id,
                old_rev_id=revision.parent_id,
                user=revision.user,
                user_id=revision.user_id,
                comment=revision.comment,
                minor=revision.minor,
                bot=bool(revision.bot),
                old_size=parent.size if parent else 0,
                new_size=revision.size,
                tags=revision.tags,
            )
        )

    def _log(self, log_type: str, action: str, page: Page, user: str, reason: str) -> int:
        self._newest = self.now()
        log_id = self._take("log")
        account = self.users.get(user)
        event = Change(
            rc_id=self._take("rc"),
            kind="log",
            timestamp=self._newest,
            ns=page.ns,
            title=page.title,
            page_id=page.page_id if page.page_id in self.pages else 0,
            rev_id=0,
            old_rev_id=0,
            user=user,
            user_id=account.user_id if account else 0,
            comment=reason,
            log_id=log_id,
            log_type=log_type,
            log_action=action,
        )
        self.changes.append(event)
        return log_id
