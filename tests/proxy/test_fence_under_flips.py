"""Edits and reads at several workers while the phase goes back and forth: an oracle watches all (invariant 6)."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes.phase_worker import QUICK, opened_ledger, taking_part

from backends.ledger.control import Control, Order
from backends.ledger.control_flips import Flipper
from backends.ledger.control_workers import Workers
from backends.ledger.floors import Floors
from backends.sql.base import Database
from proxy.control import PhaseControl, registered, steady_s
from proxy.fence import FenceLimits, ReadFence
from proxy.fence_edits import EditFence
from proxy.wire.head import ResponseHead, read_response_head
from rules.flips import Agreed
from rules.phases import PhaseName as P
from rules.phases import Reads
from rules.routes.route import EntityRead, EntityWrite, Site, Surface
from wikibase.ids import EntityId

IDS = [EntityId(f"Q{number}") for number in range(1, 31)]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100"


@dataclass(eq=False)
class Edit:
    """One edit on its way through a worker, as far as the fence sees it (`proxy.wire.exchange.Exchange`)."""

    told: asyncio.Future[bool]
    head: object = field(default_factory=object)
    response: ResponseHead | None = None
    then: Callable[[bytes | None], None] | None = None

    def delay_answer(self, _bytes_max: int, then: Callable[[bytes | None], None]) -> None:
        self.then = then

    def release_answer(self) -> None:
        if not self.told.done():
            self.told.set_result(True)


@dataclass
class World:
    """The wiki, the store behind it, and what clients were told."""

    dice: random.Random
    wiki: dict[EntityId, int] = field(default_factory=lambda: dict.fromkeys(IDS, 1))
    store: dict[EntityId, int] = field(default_factory=lambda: dict.fromkeys(IDS, 1))
    revisions: set[tuple[EntityId, int]] = field(default_factory=lambda: {(one, 1) for one in IDS})
    told: dict[EntityId, int] = field(default_factory=lambda: dict.fromkeys(IDS, 1))
    last: int = 1
    from_store: int = 0
    edits: int = 0
    violations: list[str] = field(default_factory=list)

    async def nap(self, most_s: float = 0.01) -> None:
        await asyncio.sleep(self.dice.random() * most_s)

    def save(self, entity: EntityId) -> int:
        self.last += 1
        self.wiki[entity] = self.last
        return self.last

    async def has(self, entity: EntityId, revision: int) -> bool:
        return (entity, revision) in self.revisions

    async def redirect_of(self, _entity: EntityId) -> EntityId | None:
        return None

    async def follow(self, floors: Floors, stop: asyncio.Event) -> None:
        saved = dict(self.wiki)
        while not stop.is_set():
            number, saved = await floors.round_asked(), dict(self.wiki)
            await self.nap(0.1)
            self.store |= saved
            self.revisions |= set(saved.items())
            await floors.round_over(number)


@dataclass
class Worker:
    control: PhaseControl
    reads: ReadFence
    edits: EditFence
    bare: dict[Edit, float]


@asynccontextmanager
async def worker(
    database: Database, world: World, tasks: asyncio.TaskGroup, name: str, *, fenced: bool
) -> AsyncIterator[Worker]:
    bare: dict[Edit, float] = {}
    async with taking_part(database, name, oldest_edit=lambda: min(bare.values(), default=None)) as control:
        floors = Floors(database, worker=name)
        limits = FenceLimits(announce_timeout_s=5.0, release_timeout_s=5.0, look_timeout_s=5.0)
        reads = ReadFence(
            floors, worker=name, has=world.has, redirect_of=world.redirect_of,
            has_lease=lambda: control.has_lease, limits=limits,
        )  # fmt: skip
        edits = EditFence(
            floors, worker=name, site=Site(), fencing=lambda: fenced and control.fencing, term=lambda: control.term,
            spawn=tasks.create_task, stand_in=lambda exchange, _why, _sent: exchange.told.set_result(False),  # type: ignore[attr-defined]
            limits=limits,
        )  # fmt: skip
        yield Worker(control, reads, edits, bare)


async def edit(world: World, at: Worker, entity: EntityId) -> None:
    loop = asyncio.get_running_loop()
    exchange, saved = Edit(loop.create_future()), 0
    at.bare[exchange] = steady_s()
    sent = asyncio.Event()
    write = EntityWrite(surface=Surface.ACTION_API, module="wbsetlabel", entities=(entity,))
    at.edits.begin(exchange, write, sent.set)  # type: ignore[arg-type]
    if exchange.then is not None:
        del at.bare[exchange]  # announced: a flip need not wait for it
    await sent.wait()
    await world.nap()
    saved = world.save(entity)
    await world.nap()
    exchange.response = read_response_head(HEAD, b"POST")
    if exchange.then is None:
        exchange.release_answer()
    else:
        exchange.then(json.dumps({"entity": {"id": entity, "lastrevid": saved}}).encode())
    if await exchange.told:
        world.told[entity] = max(world.told[entity], saved)
        world.edits += 1
    at.bare.pop(exchange, None)
    at.edits.ended(exchange)  # type: ignore[arg-type]


async def read(world: World, at: Worker, entity: EntityId) -> None:
    expected = world.told[entity]
    if at.control.phase.reads is not Reads.NEW:
        return
    if not await at.reads.clears(EntityRead(surface=Surface.WBGETENTITIES, entities=(entity,))):
        return
    await world.nap(0.002)
    world.from_store += 1
    if world.store[entity] < expected:
        world.violations.append(f"{entity}: told {expected}, read {world.store[entity]}")


async def flips_under_fire(folder: Path, *, fenced: bool, flips: int) -> World:
    world = World(random.Random(flips))
    stop = asyncio.Event()
    async with opened_ledger(folder) as database, asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(worker(database, world, tasks, name, fenced=fenced)) for name in "ab"
        ]

        async def clients() -> None:
            while not stop.is_set():
                await edit(world, world.dice.choice(workers), world.dice.choice(IDS))
                await world.nap(0.05)

        async def readers() -> None:
            while not stop.is_set():
                await read(world, world.dice.choice(workers), world.dice.choice(IDS))
                await asyncio.sleep(0)

        async def upkeep(one: Worker) -> None:
            while not stop.is_set():
                await one.edits.upkeep()
                await one.reads.upkeep(await registered(Workers(database)), one.edits.is_open)
                await asyncio.sleep(0.1)

        running = [tasks.create_task(one()) for one in [clients] * 3 + [readers] * 4]
        running += [tasks.create_task(upkeep(one)) for one in workers]
        running.append(tasks.create_task(world.follow(Floors(database, worker="f"), stop)))
        flipper = Flipper(Control(database), Workers(database), QUICK)
        for number in range(flips):
            wanted = Agreed(phase=P.SHADOW_READS if number % 2 else P.READ_CUTOVER)
            await flipper.flip(Order(wanted=wanted, actor="test"))
            await asyncio.sleep(0.4 if number % 2 == 0 else 0.05)
        stop.set()
        await asyncio.wait(running, timeout=20)
    return world


async def test_no_client_ever_reads_less_than_it_was_told_whatever_the_phase_does(tmp_path: Path) -> None:
    world = await flips_under_fire(tmp_path, fenced=True, flips=20)
    assert world.violations == []
    assert world.edits > 50
    assert world.from_store > 50, "else nothing was at stake"


async def test_without_the_fence_the_oracle_finds_it_out(tmp_path: Path) -> None:
    world = await flips_under_fire(tmp_path, fenced=False, flips=6)
    assert world.violations != []


@pytest.mark.parametrize("entity", IDS[:1])
async def test_the_oracle_counts_an_answer_that_is_too_old(entity: EntityId) -> None:
    world = World(random.Random(1))
    world.told[entity] = world.save(entity)
    assert world.store[entity] < world.told[entity]
