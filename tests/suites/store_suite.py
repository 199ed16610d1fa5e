"""What a store promises on every pair of backends. A test file derives from `StoreSuite` and from `WritesSuite`."""

import asyncio
from dataclasses import replace

import pytest
from suites.effort import effort
from suites.pairs import Pair, opened_pair
from suites.stored import Q1, edit, history, request, revision

from backends.errors import ConflictError, NotFoundError
from backends.ledger.authority import Authority, StaleEpochError
from backends.ledger.ids import FIRST_STORE_REVISION
from backends.ledger.keys import FirstResult, KeyReusedError, WriteKey
from backends.snapshots.envelope import decode
from backends.store import Store
from wikibase.ids import EntityId
from wikibase.revision import State

OTHER = EntityId("Q2")
WRITERS = 64


class StoreSuite:
    """Needs fixtures: `pair`, empty; `store`, opened on it."""

    async def test_a_history_comes_back_as_it_was_told(self, store: Store) -> None:
        told = history(9, 3, 7)
        written = await store.put_history(Q1, told, 7, page_id=5)
        assert [await store.revision(Q1, one.rev_id) for one in told] == told
        assert written.new_snapshots == 3
        head = await store.head(Q1)
        assert head is not None
        assert (head.rev_id, head.position, head.page_id, head.generation) == (7, 2, 5, 1)

    async def test_the_head_is_the_one_told_not_the_highest_id_nor_the_last(self, store: Store) -> None:
        await store.put_history(Q1, history(9, 3, 12), 3)
        head = await store.head(Q1)
        assert head is not None
        assert head.rev_id == 3

    async def test_positions_order_the_history_not_ids(self, store: Store) -> None:
        await store.put_history(Q1, history(9, 3, 12), 12)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [9, 3, 12]
        assert await store.position(Q1, 3) == 1
        assert await store.position(Q1, 4) is None

    async def test_what_the_store_does_not_have_is_none(self, store: Store) -> None:
        assert await store.head(Q1) is None
        assert await store.revision(Q1, 1) is None
        assert await store.position(Q1, 1) is None

    async def test_telling_it_again_changes_nothing(self, store: Store) -> None:
        told = history(1, 2, 3)
        first = await store.put_history(Q1, told, 3)
        again = await store.put_history(Q1, told, 3)
        assert again.new_snapshots == 0
        assert again.head == first.head
        assert len(await store.index._database.rows("outbox", after_entity="", after_generation=0, size=9)) == 1

    async def test_revisions_added_at_the_end_and_inserted_before_are_taken_in(self, store: Store) -> None:
        await store.put_history(Q1, history(10, 11), 11)
        await store.put_history(Q1, history(20, 10, 21, 11, 12), 12)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [20, 10, 21, 11, 12]
        shown = await store.revision(Q1, 11)
        head = await store.head(Q1)
        assert shown is not None
        assert head is not None
        assert (shown.position, head.rev_id, head.generation) == (3, 12, 2)

    async def test_a_history_in_pieces_has_no_head_before_the_last(self, store: Store) -> None:
        told = history(1, 2, 3, 4)
        await store.put_history(Q1, told[:2], None)
        assert await store.head(Q1) is None
        await store.put_history(Q1, told[2:], 4)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [1, 2, 3, 4]
        head = await store.head(Q1)
        assert head is not None
        assert head.rev_id == 4

    async def test_a_head_that_was_not_told_is_refused_and_nothing_becomes_visible(self, store: Store) -> None:
        with pytest.raises(NotFoundError, match="99"):
            await store.put_history(Q1, history(1, 2), 99)
        assert await store.index.history(Q1) == []

    async def test_revisions_of_another_entity_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="Q2"):
            await store.put_history(Q1, [revision(1, 0, entity_id=OTHER)], 1)

    async def test_an_older_telling_cannot_overtake_a_newer_one(self, store: Store) -> None:
        seen = await store.head(Q1)
        assert seen is None
        await store.put_history(Q1, history(1, 2), 2)
        with pytest.raises(ConflictError):
            await store.put_history(Q1, history(1), 1, expected=None)
        head = await store.head(Q1)
        assert head is not None
        assert head.rev_id == 2

    async def test_what_the_wiki_says_now_lies_over_the_snapshot(self, store: Store) -> None:
        told = history(1)
        await store.put_history(Q1, told, 1)
        later = [replace(told[0], tags=("mw-reverted",), user=None, hidden=frozenset({"user"}))]
        written = await store.put_history(Q1, later, 1)
        assert written.new_snapshots == 0
        assert await store.revision(Q1, 1) == later[0]
        await store.put_history(Q1, told, 1)
        assert await store.revision(Q1, 1) == told[0]

    async def test_text_hidden_later_is_not_shown_and_comes_back_when_shown_again(self, store: Store) -> None:
        told = history(1)
        await store.put_history(Q1, told, 1)
        hidden = [replace(told[0], state=State.TEXT_HIDDEN, content=None, hidden=frozenset({"text"}), wiki_sha1=None)]
        await store.put_history(Q1, hidden, 1)
        assert await store.revision(Q1, 1) == hidden[0]
        head = await store.head(Q1)
        assert head is not None
        assert head.state is State.TEXT_HIDDEN
        await store.put_history(Q1, told, 1)
        assert await store.revision(Q1, 1) == told[0]

    async def test_a_redirect_is_known_from_both_ends(self, store: Store) -> None:
        content = {"entity": "Q1", "redirect": "Q2"}
        redirect = revision(2, 1, state=State.REDIRECT, content=content, redirect_target=OTHER)
        await store.put_history(Q1, [revision(1, 0), redirect], 2)
        head = await store.head(Q1)
        assert head is not None
        assert head.redirect_target == OTHER
        assert await store.index.redirects_to(OTHER) == [Q1]
        await store.put_history(Q1, [revision(1, 0), redirect, revision(3, 2)], 3)
        assert await store.index.redirects_to(OTHER) == []

    async def test_lookups_find_the_entity_by_revision_and_by_page(self, store: Store) -> None:
        await store.put_history(Q1, history(1, 2), 2, page_id=5)
        assert await store.index.entity_of(2) == Q1
        assert await store.index.entity_of_page(5) == Q1
        assert await store.index.entity_of(3) is None
        assert await store.index.count(Q1) == 2
        assert await store.index.totals() == (1, 2)

    async def test_the_history_is_paged_by_key(self, store: Store) -> None:
        await store.put_history(Q1, history(*range(100, 70, -1)), 71)
        seen: list[int] = []
        after = (-1, -1)
        while page := await store.index.history(Q1, after=after, size=7):
            seen += [entry.rev_id for entry in page]
            after = (page[-1].position, page[-1].rev_id)
        assert seen == list(range(100, 70, -1))

    async def test_the_history_is_paged_back_from_the_newest(self, store: Store) -> None:
        await store.put_history(Q1, history(*range(100, 70, -1)), 71)
        seen: list[int] = []
        before = (2**62, 0)
        while page := await store.index.history_back(Q1, before=before, size=7):
            seen += [entry.rev_id for entry in page]
            before = (page[-1].position, page[-1].rev_id)
        assert seen == list(range(71, 101))

    async def test_the_rows_of_many_heads_come_together(self, store: Store) -> None:
        ids = [EntityId(f"Q{number}") for number in range(1, 51)]
        for number, entity_id in enumerate(ids):
            told = [revision(2 * number + 1 + place, place, entity_id=entity_id) for place in range(2)]
            await store.put_history(entity_id, told, told[number % 2].rev_id)
        found = await store.index.head_entries_of([*ids, EntityId("Q99")])
        assert {one: found[one].rev_id for one in found} == {
            entity_id: 2 * number + 1 + number % 2 for number, entity_id in enumerate(ids)
        }


class WritesSuite:
    """Writing, by one and by many. Needs the same fixtures."""

    async def test_a_write_goes_on_top_of_the_head_it_was_made_from(self, store: Store) -> None:
        await store.write(edit(1, 0, None), None)
        await store.write(edit(2, 1, 1), 1)
        with pytest.raises(ConflictError, match="revision 2, not 1"):
            await store.write(edit(3, 2, 1), 1)
        head = await store.head(Q1)
        assert head is not None
        assert (head.rev_id, head.page_id, await store.revision(Q1, 3)) == (2, 5, None)
        assert await store.index.entity_of(2) == Q1
        assert await store.index.entity_of_page(5) == Q1

    async def test_repeating_a_write_succeeds_and_changes_nothing(self, store: Store) -> None:
        first = await store.write(edit(1, 0, None), None)
        again = await store.write(edit(1, 0, None), None)
        assert (again.head, again.repeated) == (first.head, True)

    async def test_a_write_that_does_not_follow_the_head_is_refused(self, store: Store) -> None:
        await store.put_history(Q1, history(1, 2), 2)
        with pytest.raises(ValueError, match="position 1"):
            await store.write(edit(3, 1, 2), 2)
        with pytest.raises(ValueError, match="parent 1"):
            await store.write(edit(3, 2, 1), 2)
        with pytest.raises(ConflictError, match="revision 2 already"):
            await store.write(replace(edit(2, 2, 2), comment="another"), 2)

    async def test_a_revision_that_is_there_already_is_a_conflict_not_a_change(self, store: Store) -> None:
        await store.put_history(Q1, history(1, 2), 2)
        with pytest.raises(ConflictError):
            await store.write(edit(1, 2, 2), 2)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [1, 2]

    async def test_ids_of_the_store_grow_along_an_entity(self, store: Store) -> None:
        await store.put_history(Q1, history(1), 1)
        await store.write(edit(FIRST_STORE_REVISION + 9, 1, 1), 1)
        with pytest.raises(ValueError, match="take one above"):
            await store.write(edit(FIRST_STORE_REVISION + 8, 2, FIRST_STORE_REVISION + 9), FIRST_STORE_REVISION + 9)
        assert (await store.write(edit(FIRST_STORE_REVISION + 10, 2, FIRST_STORE_REVISION + 9), 2**40 + 9)).head

    async def test_a_key_returns_its_first_result_whatever_the_head_is_by_now(self, store: Store) -> None:
        first = await store.write(edit(1, 0, None), None, key=request("k1"))
        await store.write(edit(2, 1, 1), 1, key=request("k2"))
        again = await store.write(edit(7, 0, None), None, key=request("k1"))
        assert (again.head, again.repeated) == (first.head, True)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [1, 2]

    async def test_a_key_of_another_write_is_refused(self, store: Store) -> None:
        await store.write(edit(1, 0, None), None, key=request("k1"))
        with pytest.raises(KeyReusedError, match="k1"):
            await store.write(edit(2, 1, 1), 1, key=request("k1", "something else"))
        other = replace(edit(3, 0, None), entity_id=OTHER)
        assert (await store.write(other, None, key=request("k1"))).head  # keys are each entity's own

    async def test_the_same_write_under_way_many_times_at_once_is_done_once(self, store: Store) -> None:
        await store.put_history(Q1, history(1), 1)
        done = await asyncio.gather(*(store.write(edit(rev_id, 1, 1), 1, key=request("k1")) for rev_id in range(2, 18)))
        assert len({one.head for one in done}) == 1
        assert sum(not one.repeated for one in done) == 1
        assert len(await store.index.history(Q1)) == 2

    async def test_a_key_that_was_committed_between_two_looks_is_not_a_conflict(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = await store.write(edit(1, 0, None), None, key=request("k1"))
        looks = [None, await store.index.first_result(Q1, request("k1"))]

        async def look(entity_id: EntityId, key: WriteKey) -> FirstResult | None:
            return looks.pop(0)

        monkeypatch.setattr(store.index, "first_result", look)
        again = await store.write(edit(7, 0, None), None, key=request("k1"))
        assert (again.head, again.repeated, looks) == (first.head, True, [])

    async def test_the_first_edit_of_the_store_comes_after_everything_the_wiki_made(self, store: Store) -> None:
        await store.put_history(Q1, history(1, 2, 3), 2)  # page_latest says so
        with pytest.raises(ValueError, match="position 2"):
            await store.write(edit(FIRST_STORE_REVISION, 2, 2), 2)
        await store.write(edit(FIRST_STORE_REVISION, 3, 2), 2)
        assert [entry.rev_id for entry in await store.index.history_back(Q1, size=2)] == [FIRST_STORE_REVISION, 3]

    async def test_who_lost_the_answer_after_the_commit_gets_it_with_lookups(self, pair: Pair) -> None:
        def crash(point: str) -> None:
            if point == "after_commit":
                raise ZeroDivisionError

        async with opened_pair(pair, crash_point=crash) as store:
            with pytest.raises(ZeroDivisionError):
                await store.write(edit(1, 0, None), None, key=request("k1"))
            assert await store.index.entity_of(1) == (Q1 if store.index.appends_note else None)
        async with opened_pair(pair) as store:
            written = await store.write(edit(9, 0, None), None, key=request("k1"))
            assert written.head
            assert (written.head.rev_id, written.repeated) == (1, True)
            assert await store.index.entity_of(1) == Q1
            assert await store.index.entity_of_page(5) == Q1

    async def test_old_keys_of_an_entity_go_while_it_is_written(self, pair: Pair) -> None:
        time_ms = 10**12
        async with opened_pair(pair, now_ms=lambda: time_ms) as store:
            await store.write(edit(1, 0, None), None, key=request("old"))
            time_ms += 8 * 24 * 3600 * 1000
            for rev_id in range(2, 18):
                await store.write(edit(rev_id, rev_id - 1, rev_id - 1), rev_id - 1, key=request(f"k{rev_id}"))
            assert await store.index.first_result(Q1, request("old")) is None
            assert await store.index.first_result(Q1, request("k2")) is not None

    async def test_a_write_of_an_ended_epoch_is_refused_and_leaves_nothing(self, store: Store) -> None:
        authority = Authority(store.index._database)
        with pytest.raises(StaleEpochError, match="present one is 0"):
            await store.write(edit(1, 0, None), None, epoch=1)
        assert await authority.claim(0) == 1
        await store.write(edit(1, 0, None), None, epoch=1)
        assert await authority.claim(1) == 2
        with pytest.raises(StaleEpochError, match="epoch 1, but the present one is 2"):
            await store.write(edit(2, 1, 1), 1, epoch=1)
        with pytest.raises(StaleEpochError):
            await store.put_history(Q1, history(1, 2), 2, epoch=1)
        assert [entry.rev_id for entry in await store.index.history(Q1)] == [1]
        assert (await store.write(edit(2, 1, 1), 1, epoch=2)).head

    async def test_of_many_writers_each_parent_has_one_winner_and_the_history_is_one_chain(self, pair: Pair) -> None:
        """64 writers in two stores, as in two processes; every loser is told so."""
        attempts, conflicts, winners = 0, 0, dict[int, int]()
        wanted = effort(1200, 10_000)
        async with opened_pair(pair) as one, opened_pair(pair) as two:

            async def writer(number: int) -> None:
                nonlocal attempts, conflicts
                store = (one, two)[number % 2]
                while attempts < wanted:
                    attempts += 1
                    rev_id = attempts
                    head = await store.head(Q1)
                    parent, place = (head.rev_id, head.position + 1) if head else (None, 0)
                    try:
                        await store.write(edit(rev_id, place, parent), parent)
                    except ConflictError:
                        conflicts += 1
                    else:
                        assert winners.setdefault(parent or 0, rev_id) == rev_id

            async with asyncio.TaskGroup() as group:
                for number in range(WRITERS):
                    group.create_task(writer(number))
            assert conflicts + len(winners) == attempts >= wanted
            assert conflicts > len(winners) > 10
            await assert_one_chain(one, winners)
            bodies = {key: await one.snapshots.read(key) async for key in one.snapshots.keys("")}
            assert all(decode(body, key).rev_id for key, body in bodies.items())
            assert len(bodies) <= attempts


async def assert_one_chain(store: Store, winners: dict[int, int]) -> None:
    parent, after = 0, (-1, -1)
    while page := await store.index.history(Q1, after=after):
        for entry in page:
            assert (entry.parent_id, entry.rev_id) == (parent, winners.pop(parent))
            assert (await store.load(entry)).parent_id == parent
            parent = entry.rev_id
        after = (page[-1].position, page[-1].rev_id)
    assert winners == {}
    head = await store.head(Q1)
    assert head is not None
    assert head.rev_id == parent
