"""The wiki as an audit reads it: an entity's page and all its revisions, and their stored texts, fresh each time.

Nothing here is the export's: what the export got wrong is not to be repeated by who looks for it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.errors import NotFoundError
from backends.wiki.changes_shapes import PageHead
from backends.wiki.database import WikiDatabase
from backends.wiki.db_histories import entity_of
from backends.wiki.db_rows import DatabasePage, DatabaseRevision
from backends.wiki.http import WikiHttp
from backends.wiki.shapes import SiteFacts, WikiRevision, titled_entity
from wikibase.ids import EntityId, EntityType, entity_type, number


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiRow:
    """A revision as the wiki has it. `text_sha1`: hex, of the stored text, where the wiki keeps one."""

    about: WikiRevision
    archived: bool
    role: str = "main"
    text_sha1: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiEntity:
    """An entity in the wiki: its page (None: it has none), and all its revisions in the wiki's order."""

    page: PageHead | None
    rows: Sequence[WikiRow]


class WikiEyes(Protocol):
    """What audits ask of a wiki. Raises backends.errors everywhere."""

    shows_archive: bool
    """Whether deleted revisions are seen."""

    async def entity(self, entity_id: EntityId) -> WikiEntity:
        """Return an entity with all its revisions."""

    async def texts(self, rows: Sequence[WikiRow]) -> Mapping[int, bytes | str]:
        """Return the text of each revision that the public may see, or why there is none."""

    async def counts(self, heads: Sequence[PageHead]) -> Mapping[EntityId, int] | None:
        """Return how many revisions those entities have, archived ones too; None: not without reading them all."""

    async def deleted(self, after: str | None) -> tuple[Sequence[EntityId], str | None]:
        """Return some of the entities that have archived revisions, and where the next ones begin."""


class DatabaseEyes:
    """A wiki's database."""

    shows_archive = True

    def __init__(self, database: WikiDatabase, namespaces: Mapping[EntityType, int]) -> None:
        self._database = database
        self._namespaces = namespaces
        self._types = {namespace: of_type for of_type, namespace in namespaces.items()}

    async def entity(self, entity_id: EntityId) -> WikiEntity:
        """Return an entity with all its revisions."""
        namespace = self._namespaces.get(entity_type(entity_id), 0)
        page = await self._page(entity_id, namespace)
        rows: list[WikiRow] = []
        after: tuple[str, int] | None = None
        while page is not None:
            batch = await self._database.revisions(page.page_id, after=after)
            rows += [_row(one, page.role) for one in batch.revisions]
            if (after := batch.after) is None:
                break
        title = page.title if page else str(entity_id)
        space = page.namespace if page else namespace
        after = None
        while True:
            batch = await self._database.archived_revisions(space, title, after=after)
            own = [one for one in batch.revisions if entity_of(title, one) == entity_id]
            rows += [_row(one, page.role if page else _role(one)) for one in own]
            if (after := batch.after) is None:
                break
        rows.sort(key=lambda row: (row.about.timestamp, row.about.rev_id))
        head = PageHead(entity_id=entity_id, page_id=page.page_id, rev_id=page.head_rev_id) if page else None
        return WikiEntity(page=head, rows=rows)

    async def texts(self, rows: Sequence[WikiRow]) -> Mapping[int, bytes | str]:
        """Return the text of each revision that the public may see, or why there is none."""
        found: dict[int, bytes | str] = {}
        for role in {row.role for row in rows}:
            asked = [row.about for row in rows if row.role == role and "text" not in row.about.hidden]
            texts = await self._database.stored_texts([one for one in asked if isinstance(one, DatabaseRevision)], role)
            found |= {rev_id: text if isinstance(text, bytes) else str(text) for rev_id, text in texts.items()}
        return {row.about.rev_id: found.get(row.about.rev_id, "texthidden") for row in rows}

    async def counts(self, heads: Sequence[PageHead]) -> Mapping[EntityId, int] | None:
        """Return how many revisions those entities have, archived ones too."""
        live = await self._database.revision_counts([one.page_id for one in heads])
        found = {one.entity_id: live.get(one.page_id, 0) for one in heads}
        for of_type, namespace in self._namespaces.items():
            titles = [str(one) for one in found if entity_type(one) is of_type]
            for title, count in (await self._database.archived_counts(namespace, titles)).items():
                found[EntityId(title)] += count
        return found

    async def deleted(self, after: str | None) -> tuple[Sequence[EntityId], str | None]:
        """Return some of the entities that have archived revisions, by namespace and title."""
        spaces = sorted(self._types)
        space, _, title = (after or f"{spaces[0]}|").partition("|")
        found = await self._database.archived_titles(int(space), after=title)
        ids = [titled_entity(one, self._types[int(space)]) for one in found.titles]
        named = [one for one in ids if one is not None]
        if found.after is not None:
            return named, f"{space}|{found.after}"
        later = [one for one in spaces if one > int(space)]
        return named, f"{later[0]}|" if later else None

    async def _page(self, entity_id: EntityId, namespace: int) -> DatabasePage | None:
        if entity_type(entity_id) is EntityType.MEDIAINFO:
            pages = list((await self._database.pages_by_id([number(entity_id)])).values())
        else:
            pages = list((await self._database.pages_by_title(namespace, [entity_id])).values())
        return next((page for page in pages if page.entity_id == entity_id), None)


class ApiEyes:
    """A wiki over HTTP, as anybody may read it."""

    shows_archive = False

    def __init__(self, wiki: WikiHttp) -> None:
        self._wiki = wiki
        self._site: SiteFacts | None = None
        self._turn = asyncio.Lock()

    async def entity(self, entity_id: EntityId) -> WikiEntity:
        """Return an entity with all its revisions that are not deleted."""
        async with self._turn:
            self._site = self._site or await self._wiki.site()
        namespace = self._site.entity_namespaces.get(entity_type(entity_id))
        name = self._site.namespace_names.get(namespace, "") if namespace is not None else ""
        try:
            history = await self._wiki.history(f"{name}:{entity_id}" if name else str(entity_id))
        except NotFoundError:
            return WikiEntity(page=None, rows=())
        rows = [WikiRow(about=one, archived=False, text_sha1=one.sha1) for one in history.revisions]
        rev_id = history.head_rev_id or (rows[-1].about.rev_id if rows else 0)
        return WikiEntity(page=PageHead(entity_id=entity_id, page_id=history.page_id, rev_id=rev_id), rows=rows)

    async def texts(self, rows: Sequence[WikiRow]) -> Mapping[int, bytes | str]:
        """Return the text of each revision that the public may see, or why there is none."""
        said = await self._wiki.contents([row.about.rev_id for row in rows])
        return {
            rev_id: one.text.encode("utf-8", "surrogatepass") if one.text is not None else one.reason or "unknown"
            for rev_id, one in said.items()
        }

    async def counts(self, heads: Sequence[PageHead]) -> Mapping[EntityId, int] | None:
        """Return None: the API counts nothing without listing it."""
        del heads
        return None

    async def deleted(self, after: str | None) -> tuple[Sequence[EntityId], str | None]:
        """Return none: the API does not show to anybody what is deleted."""
        del after
        return (), None


def _row(one: DatabaseRevision, role: str) -> WikiRow:
    slot = one.slots.get(role)
    return WikiRow(about=one, archived=one.archived, role=role, text_sha1=slot.sha1 if slot else None)


def _role(one: DatabaseRevision) -> str:
    return "mediainfo" if "mediainfo" in one.slots else "main"
