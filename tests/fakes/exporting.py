"""An export on real parts: a store, a ledger, and exporters that share them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites.stored import opened_store

from backends.ledger.checkpoints import Checkpoints
from backends.ledger.leases import Leases
from backends.ledger.unreadable import UnreadableRevisions
from backends.sql.base import Database
from backends.sql.sqlite import SqliteDatabase
from backends.store import Store, no_crash
from export.dump import dump_all
from export.history import Exporter, Limits
from export.source import Source

NOW = "2026-11-22T15:24:12Z"
LIMITS = ("entities_at_once", "batch_entities", "span_pages", "piece_bytes", "lease_s")


@dataclass
class Export:
    """Everything that an export works on."""

    source: Source
    store: Store
    ledger: Database
    checkpoints: Checkpoints
    unreadable: UnreadableRevisions

    def leases(self, owner: str = "one", **options: Any) -> Leases:
        return Leases(self.ledger, owner=owner, **options)

    def exporter(self, owner: str = "one", *, source: Source | None = None, **options: Any) -> Exporter:
        """Make an exporter; limits are given by their names."""
        asked = {name: options.pop(name) for name in LIMITS if name in options}
        limits = Limits(**{"lease_s": 5.0, **asked})
        leases = self.leases(owner, lease_s=limits.lease_s)
        options = {"now": lambda: NOW, "limits": limits, **options}
        return Exporter(source or self.source, self.store, self.checkpoints, leases, self.unreadable, **options)

    async def dumped(self, *, privileged: bool = False) -> list[dict[str, Any]]:
        return [line async for line in dump_all(self.store, privileged=privileged)]


@asynccontextmanager
async def exporting(
    folder: Path, source: Source, *, crash_point: Callable[[str], None] = no_crash, **store: Any
) -> AsyncIterator[Export]:
    """Open a store and a ledger in the folder; the source is closed with them."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(source.close)
        opened = await stack.enter_async_context(opened_store(folder, crash_point=crash_point))
        if store:
            opened = Store(opened.snapshots, opened.index, crash_point=crash_point, **store)
        ledger = await SqliteDatabase.open(folder / "ledger.sqlite", "ledger", busy_timeout_s=30.0)
        stack.push_async_callback(ledger.close)
        await ledger.migrate()
        yield Export(source, opened, ledger, Checkpoints(ledger), UnreadableRevisions(ledger))
