"""One entity is brought to the wiki's present state, whatever happened to it, and nothing is done twice."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.exporting import Export, exporting
from fakes.told_wiki import ToldWiki, text_of, told
from suites.stored import revision

from backends.errors import UnavailableError
from backends.ledger.ids import FIRST_STORE_REVISION
from backends.ledger.revision_rows import Head
from backends.visibility import HiddenContent
from export.entity import ROGUE, KeptChangingError, bring_entity, bring_told
from export.source import Concealed, EntityPage, Source, Telling, Text, ToldRevision
from wikibase.ids import EntityId
from wikibase.revision import Revision, State

Q1 = EntityId("Q1")


class Journey:
    def __init__(self, wiki: ToldWiki, export: Export) -> None:
        self.wiki = wiki
        self.store = export.store
        self.export = export

    async def bring(self, *, heal: bool = False, **options: Any) -> Any:
        self.wiki.asked.clear()
        return await bring_entity(self.wiki, self.store, Q1, heal=heal, **options)

    async def states(self) -> list[tuple[int, str]]:
        return [(one.rev_id, str(one.state)) for one in await self.store.index.history(Q1)]

    async def head(self) -> Head:
        found = await self.store.head(Q1)
        assert found is not None
        return found

    async def shown(self, rev_id: int) -> Revision:
        found = await self.store.revision(Q1, rev_id)
        assert found is not None
        return found

    def tell(self, *own: ToldRevision, page: tuple[int, int] | None) -> None:
        self.wiki.revisions = {Q1: list(own)}
        self.wiki.pages = {Q1: page} if page else {}


@pytest.fixture
async def journey(tmp_path: Path) -> AsyncIterator[Journey]:
    wiki = ToldWiki()
    async with exporting(tmp_path, wiki) as export:
        made = Journey(wiki, export)
        made.tell(told(1, 1), told(2, 2), told(3, 3), page=(5, 3))
        yield made


async def test_what_is_there_already_is_neither_read_nor_written_again(journey: Journey) -> None:
    first = await journey.bring()
    assert (first.entities, first.revisions, first.changed, first.new_snapshots) == (1, 3, 3, 3)
    head = await journey.head()
    again = await journey.bring()
    assert (again.revisions, again.changed, again.new_snapshots) == (3, 0, 0)
    assert journey.wiki.asked == []
    assert await journey.head() == head


async def test_of_an_edit_only_the_edit_is_read(journey: Journey) -> None:
    await journey.bring()
    journey.wiki.revisions[Q1].append(told(9, 9, parent_id=3))
    journey.wiki.pages[Q1] = (5, 9)
    result = await journey.bring()
    assert (journey.wiki.asked, result.new_snapshots) == ([9], 1)
    assert (await journey.head()).rev_id == 9


async def test_a_deletion_archives_and_an_undeletion_brings_back_under_another_page(journey: Journey) -> None:
    await journey.bring()
    before = await journey.head()
    own = [replace(one, archived=True) for one in journey.wiki.revisions[Q1]]
    journey.tell(*own, page=None)
    result = await journey.bring()
    assert (result.entities, result.deleted, result.archived) == (1, 1, 3)
    head = await journey.head()
    assert (head.rev_id, head.state) == (3, State.ARCHIVED)
    assert head.generation > before.generation
    back = [replace(one, archived=False, page_id=6) for one in own[:2]]
    journey.tell(*back, own[2], page=(6, 2))
    await journey.bring()
    assert await journey.states() == [(1, "visible"), (2, "visible"), (3, "archived")]
    head = await journey.head()
    assert (head.rev_id, head.state, head.page_id) == (2, State.VISIBLE, 6)
    assert (await journey.shown(1)).page_id == 6


async def test_a_page_made_anew_has_the_old_revisions_in_their_places(journey: Journey) -> None:
    await journey.bring()
    old = [replace(one, archived=True) for one in journey.wiki.revisions[Q1]]
    journey.tell(*old, told(10, 4, page_id=9), page=(9, 10))
    await journey.bring()
    assert await journey.states() == [(1, "archived"), (2, "archived"), (3, "archived"), (10, "visible")]
    assert (await journey.head()).page_id == 9


async def test_a_redirect_and_its_end_are_followed(journey: Journey) -> None:
    await journey.bring()
    journey.wiki.words[4] = Text(b'{"entity":"Q1","redirect":"Q2"}')
    journey.tell(*journey.wiki.revisions[Q1], told(4, 4), page=(5, 4))
    assert (await journey.bring()).redirects == 1
    assert (await journey.head()).redirect_target == "Q2"
    journey.tell(*journey.wiki.revisions[Q1], told(5, 5), page=(5, 5))
    await journey.bring()
    assert (await journey.head()).redirect_target is None


async def test_what_is_hidden_goes_out_of_sight_and_what_is_shown_comes_back(journey: Journey) -> None:
    await journey.bring()
    before = await journey.head()
    one, two, three = journey.wiki.revisions[Q1]
    hidden = replace(two, about=replace(two.about, hidden=frozenset({"text", "user"}), user=None))
    journey.tell(one, hidden, three, page=(5, 3))
    result = await journey.bring()
    assert (result.hidden, journey.wiki.asked) == (1, [])
    shown = await journey.shown(2)
    assert (shown.state, shown.content, shown.user) == (State.TEXT_HIDDEN, None, None)
    # who remembers the head's generation learns of it although the head is another revision
    assert (await journey.head()).generation > before.generation
    journey.tell(one, two, three, page=(5, 3))
    await journey.bring()
    shown = await journey.shown(2)
    assert (shown.state, shown.user) == (State.VISIBLE, "Alice")
    assert shown.content is not None


async def test_a_history_inserted_in_the_middle_moves_what_comes_after(journey: Journey) -> None:
    await journey.bring()
    journey.tell(*journey.wiki.revisions[Q1], told(50, 1), told(51, 2), page=(5, 3))
    await journey.bring()
    entries = await journey.store.index.history(Q1)
    assert [entry.rev_id for entry in entries] == [1, 50, 2, 51, 3]
    assert [entry.position for entry in entries] == [0, 1, 2, 3, 4]
    assert ((await journey.head()).rev_id, (await journey.head()).position) == (3, 4)


async def test_who_was_a_bot_is_remembered_when_the_wiki_has_forgotten(journey: Journey) -> None:
    journey.tell(told(1, 1, bot=True), told(2, 2, bot=False), page=(5, 2))
    await journey.bring()
    journey.tell(told(1, 1), told(2, 2, comment="changed"), page=(5, 2))
    assert (await journey.bring()).changed == 1
    assert [(await journey.shown(rev_id)).bot for rev_id in (1, 2)] == [True, False]


async def test_what_the_wiki_does_not_know_is_counted_and_stays_until_it_is_healed(journey: Journey) -> None:
    await journey.bring()
    await journey.store.write(revision(99, 7, parent_id=3), 3)
    found = await journey.bring()
    assert (found.unknown, found.rogue) == (1, 0)
    assert (await journey.head()).rev_id == 3
    assert (await journey.shown(99)).content is not None
    healed = await journey.bring(heal=True)
    assert (healed.unknown, healed.rogue) == (0, 1)
    shown = await journey.shown(99)
    assert (shown.state, shown.content, shown.user, shown.error) == (State.ARCHIVED, None, None, ROGUE)
    assert (await journey.bring()).unknown == 0
    assert [line["rev_id"] for line in await journey.export.dumped()] == [1, 2, 3]


async def test_an_entity_that_the_wiki_never_had_is_archived_as_a_whole(journey: Journey) -> None:
    await journey.bring()
    journey.tell(page=None)
    await journey.bring()
    assert await journey.states() == [(1, "archived"), (2, "archived"), (3, "archived")]
    assert (await journey.head()).state is State.ARCHIVED
    assert (await journey.shown(1)).content is not None
    assert (await journey.bring(heal=True)).rogue == 3
    assert (await journey.shown(1)).content is None


async def test_without_the_archive_what_is_not_told_any_more_counts_as_deleted(journey: Journey) -> None:
    journey.wiki.shows_archive = False
    await journey.bring()
    journey.tell(*journey.wiki.revisions[Q1][:2], page=(5, 2))
    result = await journey.bring(heal=True)
    assert (result.rogue, result.unknown) == (0, 0)
    assert await journey.states() == [(1, "visible"), (2, "visible"), (3, "archived")]
    journey.tell(page=None)
    await journey.bring()
    assert {state for _, state in await journey.states()} == {"archived"}
    assert (await journey.head()).state is State.ARCHIVED
    assert (await journey.bring()).changed == 0


async def test_a_hidden_revision_that_is_deleted_stays_hidden(journey: Journey) -> None:
    journey.wiki.shows_archive = False
    hidden = told(1, 1, hidden=frozenset({"text"}))
    journey.tell(hidden, told(2, 2), page=(5, 2))
    await journey.bring()
    journey.tell(page=None)
    await journey.bring()
    shown = await journey.shown(1)
    assert (shown.state, shown.content, shown.error) == (State.ARCHIVED, None, "texthidden")


async def test_what_the_store_itself_made_is_never_touched(journey: Journey) -> None:
    await journey.bring()
    made = revision(FIRST_STORE_REVISION, 7, parent_id=3)
    await journey.store.write(made, 3)
    journey.tell(*journey.wiki.revisions[Q1], told(4, 4), page=(5, 4))
    result = await journey.bring(heal=True)
    assert result.skipped == {"store_is_ahead": 1}
    assert (await journey.head()).rev_id == FIRST_STORE_REVISION


@pytest.mark.parametrize("batches_of", [0, 1, 2])
async def test_a_history_in_pieces_becomes_visible_as_a_whole(journey: Journey, batches_of: int) -> None:
    journey.wiki.batches_of = batches_of
    seen: list[Head | None] = []

    class Watched(ToldWiki):
        async def texts(self, told: Any) -> Any:
            seen.append(await journey.store.head(Q1))
            return await ToldWiki.texts(self, told)

    wiki = Watched(revisions=journey.wiki.revisions, pages=journey.wiki.pages, batches_of=batches_of)
    await bring_entity(wiki, journey.store, Q1, piece_bytes=1)
    assert seen == [None, None, None]
    assert (await journey.head()).rev_id == 3


async def test_a_head_that_is_not_among_the_revisions_is_not_fatal(journey: Journey) -> None:
    journey.wiki.pages[Q1] = (5, 444)
    result = await journey.bring()
    assert result.missing_reasons == {"head-not-among-revisions": 1}
    assert (await journey.head()).rev_id == 3


async def test_an_entity_that_always_changes_is_given_up_after_some_tries(journey: Journey) -> None:
    class Restless(ToldWiki):
        async def page(self, entity_id: EntityId) -> EntityPage | None:
            self.pages[entity_id] = (5, self.pages[entity_id][1] + 1)
            return await ToldWiki.page(self, entity_id)

    wiki = Restless(revisions=journey.wiki.revisions, pages=journey.wiki.pages, batches_of=2)
    with pytest.raises(KeptChangingError) as raised:
        await bring_entity(wiki, journey.store, Q1)
    assert isinstance(raised.value, UnavailableError)


async def test_lookups_that_a_kill_left_out_are_made_up_for(journey: Journey) -> None:
    await journey.bring()
    await journey.store.index._database.execute_many("revision_entity_put", [{"rev_id": 2, "entity_id": "Q7"}])
    await journey.bring()
    assert await journey.store.index.entity_of(2) == Q1


async def test_unreadable_revisions_are_named_and_looked_at_again(journey: Journey) -> None:
    journey.wiki.words[2] = Text(None, "text-row-missing: tt:7")
    result = await journey.bring()
    assert (result.missing, result.missing_reasons) == (1, {"text-row-missing": 1})
    assert [(one.rev_id, one.reason) for one in result.unreadable] == [(2, "text-row-missing: tt:7")]
    del journey.wiki.words[2]
    assert (await journey.bring()).missing == 0
    assert journey.wiki.asked == [2]
    assert (await journey.shown(2)).state is State.VISIBLE


async def test_a_text_with_another_sha1_is_counted(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    journey.tell(told(1, 1, text_sha1="0" * 40), page=(5, 1))
    caplog.set_level(logging.DEBUG)
    assert (await journey.bring()).sha1_differs == 1
    assert "revision 1" in caplog.text


async def test_what_is_hidden_is_kept_apart_where_the_source_tells_it(tmp_path: Path) -> None:
    wiki: Source
    wiki = made = ToldWiki(shows_hidden=True)
    hidden = frozenset({"text", "user"})
    made.revisions = {Q1: [told(1, 1, hidden=hidden, user=None, concealed=Concealed(user="Bob", sha1="ab"))]}
    made.pages = {Q1: (5, 1)}
    async with exporting(tmp_path, wiki, hidden_content=HiddenContent.RESTRICTED) as export:
        await bring_entity(wiki, export.store, Q1)
        [public] = await export.dumped()
        assert (public["state"], public["user"], public["content"], public["digest"]) == (
            "text_hidden",
            None,
            None,
            None,
        )
        [line] = await export.dumped(privileged=True)
        assert (line["user"], line["sha1"]) == ("Bob", "ab")
        assert line["content"]["labels"] == {"en": {"language": "en", "value": "word 1"}}
        assert line["digest"]
        assert text_of(Q1, "word 1").body


async def test_a_telling_that_was_read_before_is_acted_on_only_if_the_entity_is_new(journey: Journey) -> None:
    early = await journey.wiki.telling(Q1)
    journey.wiki.revisions[Q1] = [*journey.wiki.revisions[Q1], told(9, 9)]
    journey.wiki.pages[Q1] = (5, 9)
    await journey.bring()
    result = await bring_told(journey.wiki, journey.store, Q1, early)
    assert ((await journey.head()).rev_id, result.unknown, result.revisions) == (9, 0, 4)
    asked: list[str] = []

    class Watched(ToldWiki):
        async def telling(self, entity_id: EntityId) -> Telling:
            asked.append(entity_id)
            return await ToldWiki.telling(self, entity_id)

    wiki = Watched(revisions=journey.wiki.revisions, pages=journey.wiki.pages)
    present = await wiki.telling(Q1)
    result = await bring_told(wiki, journey.store, Q1, present)
    assert (asked, result.revisions, result.changed) == ([Q1], 4, 0)  # nothing to do: not read again


async def test_what_is_so_new_that_a_replica_may_not_know_it_yet_is_left_alone(journey: Journey) -> None:
    await journey.bring()
    await journey.store.write(revision(99, 7, parent_id=3), 3)
    journey.wiki.time = "2026-11-22T15:30:00Z"
    found = await journey.bring(heal=True)
    assert (found.unknown, found.rogue, found.skipped) == (1, 0, {"wiki_is_behind": 1})
    assert (await journey.head()).rev_id == 99  # what somebody was told is saved stays the head
    journey.tell(page=None)
    assert (await journey.bring()).unknown == 4  # a new entity, of which the replica knows nothing at all yet
    assert (await journey.head()).state is State.VISIBLE
    journey.tell(told(1, 1), told(2, 2), told(3, 3), page=(5, 3))
    journey.wiki.time = "2026-11-22T15:35:00Z"
    assert (await journey.bring(heal=True)).rogue == 1
    assert (await journey.head()).rev_id == 3
