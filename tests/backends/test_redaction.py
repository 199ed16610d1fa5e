"""Hiding and showing again, and purging by order: what readers see, what lies on disk, what is left of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from suites.pairs import PAIRS, Pair, opened_erasing, opened_pair
from suites.stored import Q1, edit, history, revision

from backends.errors import ConflictError, NotFoundError
from backends.ledger.authority import StaleEpochError
from backends.redaction import PURGE_STEPS, PurgeResult, content_keys, finish, hide, order_key, parse_order, purge
from backends.snapshots.erasing import Erasing
from backends.store import Store
from backends.visibility import RESTRICTED_PREFIX, HiddenContent
from wikibase.ids import EntityId
from wikibase.revision import State

NOW = "2026-11-22T15:24:12Z"
SECRET = {"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "a secret address"}}}
EMBEDDED = pytest.mark.parametrize("pair", PAIRS[:1], indirect=True)


@pytest.fixture
async def erasing(pair: Pair) -> AsyncIterator[Erasing]:
    async with opened_erasing(pair) as one:
        yield one


async def order(store: Store, erasing: Erasing, rev_id: int) -> PurgeResult:
    return await purge(store, erasing, Q1, rev_id, reason="court", ordered_by="legal", ordered_at=NOW)


async def kinds(store: Store) -> list[str]:
    return [kind for _, kind, _ in await store.index.announced(Q1, after=0, size=50)]


async def test_what_is_hidden_is_not_shown_and_can_be_shown_again(store: Store) -> None:
    told = history(1, 2)
    await store.put_history(Q1, told, 2)
    await hide(store, Q1, 1, frozenset({"text", "user"}))
    seen = await store.revision(Q1, 1)
    assert seen is not None
    assert (seen.content, seen.user, seen.comment, seen.state) == (None, None, "/* x */", State.TEXT_HIDDEN)
    assert seen.hidden == {"text", "user"}
    await hide(store, Q1, 1, frozenset({"comment", "suppressed"}))
    seen = await store.revision(Q1, 1)
    assert seen is not None
    assert (seen.content, seen.user, seen.comment) == (told[0].content, "Alice", None)
    await hide(store, Q1, 1, frozenset())
    assert await store.revision(Q1, 1) == told[0]
    assert await kinds(store) == ["history", "visibility", "visibility", "visibility"]
    assert len([key async for key in store.snapshots.keys("")]) == 2


async def test_hiding_the_head_says_so_in_the_head(store: Store) -> None:
    content = {"entity": "Q1", "redirect": "Q2"}
    redirect = revision(1, 0, state=State.REDIRECT, content=content, redirect_target=EntityId("Q2"))
    await store.put_history(Q1, [redirect], 1)
    head = await hide(store, Q1, 1, frozenset({"text"}))
    assert (head.state, head.redirect_target, head.generation) == (State.TEXT_HIDDEN, None, 2)
    assert await hide(store, Q1, 1, frozenset({"text"})) == head  # nothing to do
    head = await hide(store, Q1, 1, frozenset())
    assert (head.state, head.redirect_target) == (State.REDIRECT, "Q2")
    assert await store.revision(Q1, 1) == redirect


async def test_what_cannot_be_hidden_is_said(store: Store) -> None:
    with pytest.raises(NotFoundError):
        await hide(store, Q1, 1, frozenset({"text"}))
    await store.put_history(Q1, history(1), 1)
    with pytest.raises(ValueError, match="tags"):
        await hide(store, Q1, 1, frozenset({"tags"}))
    with pytest.raises(StaleEpochError):
        await hide(store, Q1, 1, frozenset({"text"}), epoch=4)


async def test_content_that_is_hidden_when_it_is_written_is_left_out(store: Store, pair: Pair, tmp_path: Path) -> None:
    hidden = revision(1, 0, content=SECRET, state=State.TEXT_HIDDEN, hidden=frozenset({"text", "user"}))
    await store.put_history(Q1, [hidden], 1)
    assert [key.partition("/")[0] async for key in store.snapshots.keys("")] == ["Q1"]
    seen = await store.revision(Q1, 1)
    assert seen is not None
    assert (seen.content, seen.user) == (None, None)
    with pytest.raises(NotFoundError, match="not in the"):
        await hide(store, Q1, 1, frozenset())


async def test_or_lies_under_the_restricted_prefix_until_it_is_shown(pair: Pair) -> None:
    async with opened_pair(pair, hidden_content=HiddenContent.RESTRICTED) as store:
        hidden = revision(1, 0, content=SECRET, state=State.TEXT_HIDDEN, hidden=frozenset({"text"}))
        await store.put_history(Q1, [hidden], 1)
        assert (await store.put_history(Q1, [hidden], 1)).new_snapshots == 0
        assert len([key async for key in store.snapshots.keys(RESTRICTED_PREFIX)]) == 1
        seen = await store.revision(Q1, 1)
        assert seen is not None
        assert seen.content is None
        await hide(store, Q1, 1, frozenset({"user"}))
        seen = await store.revision(Q1, 1)
        assert seen is not None
        assert (seen.content, seen.state, seen.user) == (SECRET, State.VISIBLE, None)
        await hide(store, Q1, 1, frozenset({"text"}))
        seen = await store.revision(Q1, 1)
        assert seen is not None
        assert seen.content is None


@EMBEDDED
async def test_a_purge_leaves_a_tombstone_and_nothing_of_the_content(
    store: Store, erasing: Erasing, tmp_path: Path
) -> None:
    told = [revision(1, 0), revision(2, 1, content=SECRET, user="Mallory"), revision(3, 2, content=SECRET)]
    await store.put_history(Q1, told, 3)
    done = await order(store, erasing, 2)
    assert [(one.rev_id, one.reason, one.done_at) for one in done.purges] == [(2, "court", NOW)]
    assert done.same_content == [3]
    seen = await store.revision(Q1, 2)
    assert seen is not None
    assert (seen.content, seen.user, seen.comment, seen.position) == (None, None, None, 1)
    assert seen.hidden == {"text", "user", "comment", "suppressed"}
    assert [entry.rev_id for entry in await store.index.history(Q1)] == [1, 2, 3]
    assert await content_keys(store.snapshots, Q1, 2) == {}
    key = order_key(done.purges[0])
    assert parse_order(await store.snapshots.read(key)) == replace(done.purges[0], done_at=None)
    assert await kinds(store) == ["history", "purge"]
    assert await order(store, erasing, 2) == done  # repeated: the same
    assert await kinds(store) == ["history", "purge"]


@EMBEDDED
async def test_what_was_purged_does_not_come_back_when_the_wiki_tells_it_again(store: Store, erasing: Erasing) -> None:
    told = [revision(1, 0), revision(2, 1, content=SECRET)]
    await store.put_history(Q1, told, 2)
    await order(store, erasing, 2)
    again = [revision(9, 0), *(replace(one, position=one.position + 1) for one in told)]
    await store.put_history(Q1, again, 2)
    seen = await store.revision(Q1, 2)
    assert seen is not None
    assert (seen.content, seen.position) == (None, 2)
    assert await content_keys(store.snapshots, Q1, 2) == {}
    with pytest.raises(NotFoundError, match="destroyed"):
        await hide(store, Q1, 2, frozenset())


@EMBEDDED
async def test_a_telling_that_began_before_the_purge_does_not_undo_it(store: Store, erasing: Erasing) -> None:
    told = [revision(1, 0, content=SECRET)]
    await store.put_history(Q1, told, 1)
    stale = await store.index.entry(Q1, 1)
    assert stale is not None
    await order(store, erasing, 1)
    await store.index.record(Q1, [stale], None, kind="history")
    seen = await store.revision(Q1, 1)
    assert seen is not None
    assert seen.content is None


@EMBEDDED
async def test_content_that_lay_aside_is_purged_too(pair: Pair, erasing: Erasing) -> None:
    async with opened_pair(pair, hidden_content=HiddenContent.RESTRICTED) as store:
        hidden = revision(1, 0, content=SECRET, state=State.TEXT_HIDDEN, hidden=frozenset({"text"}))
        await store.put_history(Q1, [hidden], 1)
        await order(store, erasing, 1)
        assert [key async for key in store.snapshots.keys(RESTRICTED_PREFIX)] == []


@EMBEDDED
@pytest.mark.parametrize("step", PURGE_STEPS)
async def test_a_purge_that_died_is_finished_by_the_next(step: str, pair: Pair, erasing: Erasing) -> None:
    def crash(point: str) -> None:
        if point == step:
            raise InterruptedError

    async with opened_pair(pair, crash_point=crash) as store:
        await store.put_history(Q1, [revision(1, 0), revision(2, 1, content=SECRET)], 2)
        with pytest.raises(InterruptedError):
            await order(store, erasing, 2)
    async with opened_pair(pair) as store:
        waiting = await store.index.purges_to_do()
        assert len(waiting) == (step != "purge_recorded")
        await finish(store, erasing, waiting, done_at=NOW)
        await order(store, erasing, 2)
        assert await store.index.purges_to_do() == []
        assert await content_keys(store.snapshots, Q1, 2) == {}
        assert len(await store.index.purges(Q1)) == 1
        await store.write(edit(3, 2, 2), 2)


async def test_hiding_loses_a_race_only_when_it_loses_always(store: Store) -> None:
    await store.put_history(Q1, history(1), 1)
    raced = 0

    class Racing:
        def __getattr__(self, name: str) -> object:
            return getattr(store.index, name)

        async def record(self, *args: object, **options: object) -> object:
            nonlocal raced
            raced += 1
            if raced < 3:
                raise ConflictError("somebody else")
            return await store.index.record(*args, **options)  # type: ignore[arg-type]

    racing = Store(store.snapshots, Racing())  # type: ignore[arg-type]
    assert (await hide(racing, Q1, 1, frozenset({"text"}))).state is State.TEXT_HIDDEN
    assert raced == 3
