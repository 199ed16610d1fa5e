"""The way behind the store's back: SQL of our own on the index's database, past every rule, to damage it on purpose.

For the demonstration and tests alone. Statements are written for one shard: each names the entity.
"""

import asyncio
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncmy

from backends.connect import PASSWORDS, mysql_address
from backends.sql.dsn import parse_dsn

Rows = Sequence[tuple[Any, ...]]


class BackDoor:
    """A store whose snapshots are files under `path` and whose index is there too, or at an address (`dsn`)."""

    def __init__(self, path: Path, dsn: str = "") -> None:
        self.snapshots = path / "snapshots"
        self._index = path / "index.sqlite"
        self._dsn = dsn

    async def run(self, text: str, *params: Any) -> Rows:
        """Run one statement with `?` for its parameters; return its rows."""
        if self._dsn:
            return await self._run_mysql(text.replace("?", "%s"), params)
        return await asyncio.to_thread(self._run_sqlite, text, params)

    def _run_sqlite(self, text: str, params: tuple[Any, ...]) -> Rows:
        with closing(sqlite3.connect(self._index, timeout=10)) as index, index:
            return index.execute(text, params).fetchall()

    async def _run_mysql(self, text: str, params: tuple[Any, ...]) -> Rows:
        address = mysql_address(parse_dsn(self._dsn), os.environ.get(PASSWORDS["index"], ""))
        connection = await asyncmy.connect(
            host=address.host,
            port=address.port,
            unix_socket=address.socket,
            user=address.user,
            password=address.password,
            database=address.database.partition(",")[0],  # of Vitess the sharded keyspace
            ssl=address.tls,
            autocommit=True,
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(text, params)
                rows: Rows = await cursor.fetchall()
                return rows
        finally:
            await connection.ensure_closed()
