"""Calls for the follower: entities to be brought to the wiki's present state, now or later. Unsharded, in the ledger.

A call is a row, so that it outlives whoever made it and whoever was to hear it; the bell beside it only saves the
follower's wait until its next look. Calls of one kind for one entity are one row; one that comes while the entity is
being brought stays (`version`).
"""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.sql.base import Database
from wikibase.ids import EntityId, page_entity

POKE = "poke"
"""Somebody saw an edit: at once."""

LOOK = "look"
"""A second look at what was brought: tags and the like are written after the edit."""

RETRY = "retry"
"""It could not be brought."""

MOVED = "moved"
"""It has revisions that are another entity's now, which are too young to be acted on."""

FOREVER_MS = 10**15

PATH_BYTES_MAX = 100
"""A longer path is no address of a socket everywhere."""


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """One call. `tries`: how often it was answered in vain."""

    entity_id: EntityId
    kind: str
    due_ms: int
    version: int = 1
    tries: int = 0


def wake_params(wake: Wake) -> Mapping[str, object]:
    """Return the parameters of the statement that writes a call."""
    return {"entity_id": wake.entity_id, "kind": wake.kind, "due_ms": wake.due_ms, "tries": wake.tries}


class Bell:
    """A socket of this machine that is rung and listened to. A ring that nobody hears is lost, which is harmless."""

    def __init__(self, folder: Path) -> None:
        path = folder.absolute() / "follower.sock"
        if len(bytes(path)) > PATH_BYTES_MAX:
            name = "".join(character if character.isalnum() else "-" for character in str(path))[-60:]
            path = Path(tempfile.gettempdir()) / f"cutover{name}"
        self.path = path

    def ring(self) -> None:
        """Wake who listens, if anybody does. Never waits."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
            out.settimeout(0)
            out.sendto(b"!", str(self.path))

    @contextlib.contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """Listen: the event is set by every ring. The last who listens hears it."""
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.settimeout(0)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            listening.bind(str(self.path))
            own = self.path.stat().st_ino

            def hear() -> None:
                with contextlib.suppress(BlockingIOError):
                    while listening.recv(16):
                        event.set()

            loop.add_reader(listening.fileno(), hear)
            try:
                yield event
            finally:
                loop.remove_reader(listening.fileno())
                with contextlib.suppress(FileNotFoundError):
                    if self.path.stat().st_ino == own:
                        self.path.unlink()


class Wakes:
    """The calls that wait."""

    def __init__(self, database: Database, bell: Bell | None = None, *, now_ms: Callable[[], int] = now_ms) -> None:
        self._database = database
        self._bell = bell
        self._now_ms = now_ms

    async def poke(self, entity_id: EntityId) -> None:
        """Have an entity brought at once: an edit of it was seen to be saved. Forms and senses mean their lexeme."""
        await self.put([Wake(entity_id=page_entity(entity_id), kind=POKE, due_ms=self._now_ms())])
        if self._bell is not None:
            self._bell.ring()

    async def put(self, wakes: Iterable[Wake]) -> None:
        """Write calls; one that waits already is due at the earlier of both times."""
        rows = [wake_params(wake) for wake in wakes]
        if rows:
            await self._database.execute_many("wake_put", rows)

    async def due(self, *, size: int) -> Sequence[Wake]:
        """Return calls whose time has come, the oldest first."""
        rows = await self._database.rows("wakes_due", now_ms=self._now_ms(), size=size)
        return [Wake(**{**row, "entity_id": EntityId(row["entity_id"])}) for row in rows]

    async def done(self, wakes: Iterable[Wake]) -> None:
        """Forget calls that were answered, except those that came again meanwhile."""
        rows = [{"entity_id": one.entity_id, "kind": one.kind, "version": one.version} for one in wakes]
        if rows:
            await self._database.execute_many("wake_done", rows)

    async def later(self, wake: Wake, due_ms: int) -> None:
        """Let a call that could not be answered wait, unless it came again meanwhile."""
        await self._database.execute(
            "wake_later", entity_id=wake.entity_id, kind=wake.kind, version=wake.version, due_ms=due_ms
        )

    async def overdue(self, *, by_ms: int = 0) -> int:
        """Return how many calls have been due for so long."""
        return int((await self._database.rows("wakes_overdue", now_ms=self._now_ms() - by_ms))[0]["wakes"])

    async def failed(self) -> int:
        """Return how many calls are for entities that could not be brought."""
        return int((await self._database.rows("wakes_failed", kind=RETRY))[0]["wakes"])

    async def waiting(self) -> int:
        """Return how many calls there are, due or not."""
        return await self.overdue(by_ms=-FOREVER_MS)
