"""The seam of databases: named statements, and transactions that stay on one shard.

Statements live in `queries/*.sql`, each under `-- name: x`; parameters are named `:like_this`. A statement
means the same on SQLite, MariaDB/MySQL and Vitess (storage.md 2.3): primary keys begin with the shard key,
every statement names it, no RETURNING, no INSERT IGNORE, keyset paging.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Row = Mapping[str, Any]


class Statements(Protocol):
    """What can be asked inside or outside a transaction."""

    async def execute(self, name: str, /, **params: Any) -> int:
        """Run one named statement; return how many rows it changed. Raises backends.errors."""

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        """Run one named query; return its rows."""

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one named statement for many parameter sets, all in one transaction; return the rows changed."""


class Database(Statements, Protocol):
    """An opened database."""

    def transaction(self, shard: str) -> AbstractAsyncContextManager[Statements]:
        """Open a transaction on the shard of that key: commits on leaving, rolls back on any exception.

        Raises ConflictError when the database says that the transaction lost a race.
        """

    async def migrate(self) -> None:
        """Bring the schema up to date. Safe to run twice, and by two processes at once."""

    async def close(self) -> None:
        """Close connections. Calling it twice is harmless."""
