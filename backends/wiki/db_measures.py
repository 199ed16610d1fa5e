"""How much a wiki's database holds, up to where its logs reach, and how far its replica is behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.errors import RefusedError
from backends.wiki.db_columns import checked_database
from backends.wiki.db_connection import ReadOnlyServer, Session
from backends.wiki.db_rows import iso_timestamp
from backends.wiki.db_statements import HEARTBEAT, NOW, REPLICA_STATUS, Statements, with_ids


@dataclass(frozen=True, slots=True)
class Weight:
    """Pages with their revisions, and the sum of rev_len, which is near the size of the texts."""

    pages: int
    revisions: int
    text_bytes: int

    def __add__(self, other: "Weight") -> "Weight":
        """Return both together."""
        return Weight(self.pages + other.pages, self.revisions + other.revisions, self.text_bytes + other.text_bytes)


class Measures:
    """Questions about the database as a whole."""

    def __init__(self, server: ReadOnlyServer, asked: Statements) -> None:
        self._server = server
        self._asked = asked
        self._lag_statements: Sequence[str] = REPLICA_STATUS
        self.heartbeat: str | None = None

    async def lag_s(self) -> float:
        """Return by how many seconds this server is behind the one it copies; 0 when it copies none, or may not say.

        `heartbeat`, when set, is the table ("database.table") that a heartbeat's newest UTC time, `ts`, stands in.
        """
        async with self._server.session() as session:
            if self.heartbeat is not None:
                table = ".".join(f"`{checked_database(part)}`" for part in self.heartbeat.split("."))
                [(lag,)] = await session.rows(HEARTBEAT.format(table=table))
                return max(float(lag or 0), 0.0)
        for statement in tuple(self._lag_statements):
            try:
                async with self._server.session() as session:
                    rows = await session.named_rows(statement)
            except RefusedError:  # another server's words for it, or a privilege that we do not have
                self._lag_statements = [one for one in self._lag_statements if one != statement]
                continue
            return max((_behind(row) for row in rows), default=0.0)
        return 0.0

    async def max_page_id(self) -> int:
        """Return the highest page id; 0 when there is no page."""
        return await self._number(self._asked.max_page_id)

    async def max_log_id(self) -> int | None:
        """Return the highest id of the log; None when it may not be read."""
        return await self._number(self._asked.max_log_id) if self._asked.max_log_id else None

    async def now(self) -> str:
        """Return the server's time, ISO 8601 in UTC."""
        async with self._server.session() as session:
            [(now,)] = await session.rows(NOW)
        return iso_timestamp(now)

    async def weight(self, low: int, high: int, namespaces: Sequence[int]) -> Weight:
        """Return what the pages of those namespaces with ids from `low` on, below `high`, weigh."""
        async with self._server.session() as session:
            return await _weight(session, self._asked, low, high, namespaces)

    async def _number(self, statement: str) -> int:
        async with self._server.session() as session:
            [(value,)] = await session.rows(statement)
        return value or 0


async def _weight(session: Session, asked: Statements, low: int, high: int, namespaces: Sequence[int]) -> Weight:
    statement = with_ids(asked.weight_within, len(namespaces))
    [(pages, revisions, text_bytes)] = await session.rows(statement, low, high, *namespaces)
    return Weight(pages, revisions, text_bytes)


def _behind(row: Any) -> float:
    for name in ("Seconds_Behind_Source", "Seconds_Behind_Master"):
        if row.get(name) is not None:
            return float(row[name])
    return 0.0
