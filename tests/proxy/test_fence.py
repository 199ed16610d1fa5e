"""The fence before reads: no worker answers with less than what any client was told (invariant 6)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.phase_worker import opened_ledger

from backends.errors import UnavailableError
from backends.ledger.floors import Changes, Floors
from backends.sql.base import Database
from proxy.fence import FenceLimits, ReadFence
from rules.fence import EVERYTHING, Told
from rules.routes.route import EntityRead, Projection, Surface
from wikibase.ids import EntityId

Q1, Q2, Q3, L1 = EntityId("Q1"), EntityId("Q2"), EntityId("Q3"), EntityId("L1")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened_ledger(tmp_path) as one:
        yield one


class Store:
    """What the store has, as far as the fence asks."""

    def __init__(self) -> None:
        self.revisions: set[tuple[EntityId, int]] = set()
        self.redirects: dict[EntityId, EntityId] = {}

    async def has(self, entity: EntityId, revision: int) -> bool:
        return (entity, revision) in self.revisions

    async def redirect_of(self, entity: EntityId) -> EntityId | None:
        return self.redirects.get(entity)


@pytest.fixture
def store() -> Store:
    return Store()


def fence(floors: Floors, store: Store, *, lease: bool = True, name: str = "b") -> ReadFence:
    return ReadFence(
        floors,
        worker=name,
        has=store.has,
        redirect_of=store.redirect_of,
        has_lease=lambda: lease,
        limits=FenceLimits(look_timeout_s=10.0),
    )


def read(*entities: EntityId, **more: object) -> EntityRead:
    return EntityRead(surface=Surface.WBGETENTITIES, entities=entities, **more)  # type: ignore[arg-type]


async def test_a_floor_holds_on_another_worker_at_once_and_until_the_store_has_exactly_that(
    database: Database, store: Store
) -> None:
    writer, other = Floors(database, worker="a"), fence(Floors(database, worker="b"), store)
    assert await other.clears(read(Q1))
    await writer.announce("w1", [Q1])
    assert not await other.clears(read(Q1))
    assert await other.clears(read(Q2))
    await writer.settle("w1", [Q1], Told(revisions=((Q1, 7),)))
    store.revisions |= {(Q1, 6), (Q1, 8)}
    assert not await other.clears(read(Q1)), "by membership, not by size"
    store.revisions.add((Q1, 7))
    assert await other.clears(read(Q1))
    assert await other.clears(read(Q1, Q2))


async def test_a_form_is_fenced_with_its_lexeme(database: Database, store: Store) -> None:
    await Floors(database, worker="a").announce("w1", [L1])
    assert not await fence(Floors(database, worker="b"), store).clears(read(EntityId("L1-F1")))


async def test_what_is_refused_is_open_no_more(database: Database, store: Store) -> None:
    writer, other = Floors(database, worker="a"), fence(Floors(database, worker="b"), store)
    await writer.announce("w1", [Q1])
    await writer.announce("w2", [Q1])
    await writer.settle("w1", [Q1], Told())
    assert not await other.clears(read(Q1)), "the other edit is still under way"
    await writer.settle("w2", [Q1], Told())
    assert await other.clears(read(Q1))


async def test_what_is_unknown_waits_for_the_follower(database: Database, store: Store) -> None:
    writer, other = Floors(database, worker="a"), fence(Floors(database, worker="b"), store)
    begun = await writer.round_asked()
    await writer.settle("w1", [], Told(unknown=(Q1,)))
    await writer.round_over(begun)
    assert not await other.clears(read(Q1)), "that round began before"
    await writer.round_over(await writer.round_asked())
    assert await other.clears(read(Q1))


async def test_while_everything_is_held_the_wiki_answers_everything(database: Database, store: Store) -> None:
    writer, other = Floors(database, worker="a"), fence(Floors(database, worker="b"), store)
    await writer.hold_everything("flip-1")
    assert not await other.clears(read(Q3))
    await writer.round_over(await writer.round_asked())
    assert await other.clears(read(Q3))
    assert other.held == 0


UNTOLD = [
    read(by_title=(("enwiki", "A"),)),
    EntityRead(surface=Surface.REVISIONS, entities=()),
    EntityRead(surface=Surface.REVISIONS, entities=(Q3,), values_asked=2),
]


@pytest.mark.parametrize("asked", UNTOLD)
async def test_a_read_that_does_not_name_its_entities_waits_for_all_floors(
    database: Database, store: Store, asked: EntityRead
) -> None:
    writer, other = Floors(database, worker="a"), fence(Floors(database, worker="b"), store)
    assert await other.clears(asked)
    await writer.settle("w1", [], Told(revisions=((Q1, 7),)))
    assert not await other.clears(asked)
    store.revisions.add((Q1, 7))
    assert await other.clears(asked)


async def test_a_redirect_is_fenced_by_its_target(database: Database, store: Store) -> None:
    store.redirects[Q1] = Q2
    await Floors(database, worker="a").settle("w1", [], Told(revisions=((Q2, 7),)))
    other = fence(Floors(database, worker="b"), store)
    assert not await other.clears(read(Q1))
    assert await other.clears(read(Q1, projection=Projection(follow_redirects=False)))
    store.revisions.add((Q2, 7))
    assert await other.clears(read(Q1))


async def test_without_a_lease_nothing_is_cleared(database: Database, store: Store) -> None:
    assert not await fence(Floors(database, worker="b"), store, lease=False).clears(read(Q1))


async def test_a_ledger_that_does_not_answer_leaves_reads_to_the_wiki(database: Database, store: Store) -> None:
    class Away(Floors):
        async def changes(self, since: int) -> Changes:  # noqa: ARG002 - as overridden
            raise UnavailableError("away")

    class Slow(Floors):
        async def changes(self, since: int) -> Changes:  # noqa: ARG002 - as overridden
            await asyncio.sleep(60)
            raise AssertionError

    for kind in (Away, Slow):
        one = fence(kind(database, worker="b"), store)
        one._limits = replace(one._limits, look_timeout_s=0.05)
        assert not await one.clears(read(Q1))


async def test_floors_hold_after_a_restart(tmp_path: Path, store: Store) -> None:
    async with opened_ledger(tmp_path) as database:
        await Floors(database, worker="a").settle("w1", [], Told(revisions=((Q1, 7),)))
    async with opened_ledger(tmp_path) as database:
        assert not await fence(Floors(database, worker="new"), store).clears(read(Q1))


async def test_a_look_costs_a_question_only_when_something_changed(database: Database, store: Store) -> None:
    other = fence(Floors(database, worker="b"), store)
    await other.clears(read(Q1))
    looks = other.looks
    for _ in range(50):
        assert await other.clears(read(Q1))
    assert other.looks == looks
    await Floors(database, worker="a").announce("w1", [Q1])
    assert not await other.clears(read(Q1))


async def test_many_reads_at_once_share_their_look_and_none_is_older_than_its_read(
    database: Database, store: Store
) -> None:
    other = fence(Floors(database, worker="b"), store)
    other._floors.version = lambda: None  # type: ignore[method-assign]  # as where only the server knows
    before = other.looks
    assert all(await asyncio.gather(*(other.clears(read(Q1)) for _ in range(100))))
    assert other.looks - before <= 2


async def test_upkeep_forgets_what_is_met_and_takes_over_from_the_dead(database: Database, store: Store) -> None:
    dead, other = Floors(database, worker="dead"), fence(Floors(database, worker="b"), store)
    await dead.announce("w1", [Q1])
    await dead.settle("w2", [], Told(revisions=((Q2, 7),)))
    await other.upkeep(["b"], lambda _write_id: True)
    await dead.round_over(await dead.round_asked())
    store.revisions.add((Q2, 7))
    for _ in range(2):
        await other.upkeep(["b"], lambda _write_id: True)
    assert await other.clears(read(Q1, Q2))
    assert (await dead.changes(-1)).floors == []


async def test_upkeep_leaves_edits_of_the_living_alone_and_takes_back_what_nobody_knows(
    database: Database, store: Store
) -> None:
    mine, theirs = Floors(database, worker="b"), Floors(database, worker="a")
    one = fence(mine, store)
    await mine.announce("known", [Q1])
    await mine.announce("lost", [Q2])
    await theirs.announce("theirs", [Q3])
    await one.upkeep(["a", "b"], lambda write_id: write_id == "known")
    states = {floor.write_id: floor.state.value for floor in (await mine.changes(-1)).floors}
    assert states == {"known": "open", "lost": "pass", "theirs": "open"}


async def test_a_worker_that_slept_through_a_cleaning_sees_the_floors_anew(database: Database, store: Store) -> None:
    writer = Floors(database, worker="a")
    sleeper, awake = fence(Floors(database, worker="s"), store), fence(Floors(database, worker="b"), store)
    await writer.announce("w1", [Q1])
    assert not await sleeper.clears(read(Q1))
    await writer.settle("w1", [Q1], Told())
    for _ in range(2):
        await awake.upkeep(["a", "b"], lambda _write_id: True)
    assert (await writer.changes(-1)).floors == []
    assert await sleeper.clears(read(Q1))


async def test_everything_stands_for_no_entity_of_a_wiki() -> None:
    assert EVERYTHING == "*"
