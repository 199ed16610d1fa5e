"""A follower of a wiki's database that a test edits, with its store and ledger, and the question that tests ask of it:
does the store have of every entity what the wiki has?
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.wiki_edits import NAMESPACES, Editor, editor, server_of
from suites.stored import opened_store

from backends.ledger.checkpoints import Checkpoints
from backends.ledger.findings import AuditFindings
from backends.ledger.wakes import Wakes
from backends.sql.mysql import MysqlAddress
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store
from backends.wiki.changes_database import DatabaseChanges
from backends.wiki.database import WikiDatabase
from export.database_source import DatabaseSource
from export.follow import Follower, FollowPace
from export.follow_rules import GapRules
from export.follow_stream import StreamPace
from export.follow_sweep import Sweep, SweepPace
from export.follow_wiring import FollowSettings, wired
from wikibase.ids import EntityId
from wikibase.revision import State

QUICK = FollowSettings(
    rules=GapRules(margin_s=0.3, bound_s=3.0, first_look_s=0.02, look_every_max_s=0.2),
    stream=StreamPace(batch=50, look_again_s=0.2),
    pace=FollowPace(poll_s=0.02, retry_s=0.05, failed_s=0.05, say_s=0.0),
    sweep=SweepPace(period_s=0.1, batch=10, settle_s=0.1, recent=20, recent_every_s=0.1),
)


@dataclass(slots=True)
class Following:
    """The parts, opened."""

    follower: Follower
    sweep: Sweep
    store: Store
    changes: DatabaseChanges
    ledger: SqliteDatabase
    editor: Editor

    @property
    def wakes(self) -> Wakes:
        return self.follower.wakes

    @property
    def findings(self) -> AuditFindings:
        return self.follower.bringer.findings

    async def begin(self) -> None:
        """Begin as after an export that was made just now."""
        now = (await self.changes.moment(with_transactions=False)).now
        await self.follower.begin({"began_at": now})

    @asynccontextmanager
    async def running(self, timeout_s: float = 30.0, *, sweep: bool = False) -> AsyncIterator[None]:
        """Run the loops meanwhile."""
        stop = asyncio.Event()
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            group.create_task(self.follower.run(stop, sweep=self.sweep if sweep else None))
            yield
            stop.set()

    async def equal(self) -> bool:
        """Tell whether the store has what the wiki has."""
        return not await self.differences()

    async def differences(self) -> list[str]:
        """Compare everything: the revisions of every title in the wiki, in the wiki's order, and the heads."""
        return await differences(self.editor, self.store)


async def met(condition: Callable[[], Awaitable[object]], timeout_s: float = 30.0) -> None:
    """Return as soon as the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not await condition():  # noqa: ASYNC110 - the condition is a question to two databases
            await asyncio.sleep(0.03)


async def differences(wiki: Editor, store: Store) -> list[str]:
    await wiki.rollback()  # what is seen is to be the present
    found: list[str] = []
    titles = await wiki.all("SELECT page_title FROM page WHERE page_namespace = 120 UNION SELECT ar_title FROM archive")
    for (raw,) in titles:
        entity_id = EntityId(raw.decode())
        live = await wiki.all(
            "SELECT rev_timestamp, rev_id, rev_deleted, 0 FROM revision JOIN page ON page_id = rev_page"
            " WHERE page_title = %s",
            raw,
        )
        gone = await wiki.all("SELECT ar_timestamp, ar_rev_id, ar_deleted, 1 FROM archive WHERE ar_title = %s", raw)
        told = [(number, _state(bits, archived)) for _, number, bits, archived in sorted([*live, *gone])]
        own = {number for number, _ in told}
        kept = [
            (one.rev_id, one.state)
            for one in await store.index.history(entity_id)
            if one.rev_id in own or one.state is not State.ARCHIVED  # what a merge took away stays, out of sight
        ]
        if kept != told:
            found.append(f"{entity_id}: the wiki has {told}, the store {kept}")
        latest = await wiki.value("SELECT page_latest FROM page WHERE page_title = %s", raw)
        head = await store.head(entity_id)
        if latest is not None and (head is None or head.rev_id != latest):
            found.append(f"{entity_id}: page_latest {latest}, head {head and head.rev_id}")
    heads = await store.index.heads()
    found += [f"{one.entity_id}: only in the store" for one in heads if (one.entity_id.encode(),) not in titles]
    return found


def _state(bits: int, archived: int) -> State:
    return State.ARCHIVED if archived else State.TEXT_HIDDEN if bits & 1 else State.VISIBLE


@asynccontextmanager
async def following(
    address: MysqlAddress, database: str, folder: Path, settings: FollowSettings = QUICK, *, proves: bool = True
) -> AsyncIterator[Following]:
    """Open a follower with all its parts. `proves`: it may list the transactions under way."""
    async with AsyncExitStack() as stack:
        server = server_of(address)
        changes = await DatabaseChanges.open(server, database, namespaces=NAMESPACES)
        changes._proves = proves
        stack.push_async_callback(changes.close)
        wiki = await WikiDatabase.open(server, database)
        source = DatabaseSource(wiki, NAMESPACES)
        stack.push_async_callback(source.close)
        store = await stack.enter_async_context(opened_store(folder))
        ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger")
        stack.push_async_callback(ledger.close)
        await ledger.migrate()
        follower, sweep = wired(changes, source, store, ledger, settings)
        one = await stack.enter_async_context(editor(address, database))
        yield Following(follower, sweep, store, changes, ledger, one)


async def checkpoint(ledger: SqliteDatabase, name: str) -> object:
    return await Checkpoints(ledger).get(name)


async def edit(following: Following, *edits: tuple[str, str]) -> Sequence[int]:
    made = [await following.editor.edit(title, word) for title, word in edits]
    await following.editor.commit()
    return made
