"""The seam of databases: named statements, and transactions that stay on one shard.

Statements live in `queries/*.sql`, each under `-- name: x`; parameters are named `:like_this`. A statement
means the same on SQLite, MariaDB/MySQL and Vitess (storage.md 2.3): primary keys begin with the shard key,
every statement names it, no RETURNING, no INSERT IGNORE, keyset paging.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a transaction that is known beforehand.

    `check` is given how many rows were changed, or of a query its rows, and raises to undo the whole transaction. It
    may be called in another thread, and again when the transaction is tried again: it must only look.
    """

    name: str
    params: Mapping[str, Any]
    check: Callable[[Any], None] | None = None
    is_query: bool = False


def do_nothing() -> None:
    """Stand for a call before the commit that nobody asked for."""


class Statements(Protocol):
    """What can be asked inside or outside a transaction."""

    async def execute(self, name: str, /, **params: Any) -> int:
        """Run one named statement; return how many rows it changed. Raises backends.errors."""

    async def rows(self, name: str, /, **params: Any) -> Sequence[Row]:
        """Run one named query; return its rows."""

    async def execute_many(self, name: str, /, params: Sequence[Mapping[str, Any]]) -> int:
        """Run one named statement for many parameter sets, all in one transaction; return the rows changed.

        Outside a transaction, where rows lie on several shards: one transaction for each shard.
        """


class Database(Statements, Protocol):
    """An opened database."""

    single_shard: bool
    """Whether one transaction may hold rows of any table and key: nothing lies on another shard."""

    def transaction(self, shard: str) -> AbstractAsyncContextManager[Statements]:
        """Open a transaction on the shard of that key: commits on leaving, rolls back on any exception.

        Raises ConflictError when the database says that the transaction lost a race.
        """

    async def together(
        self, shard: str, steps: Sequence[Step], *, before_commit: Callable[[], None] = do_nothing
    ) -> None:
        """Do all steps in one transaction, in as few round trips as can be: what a write of the store is.

        Committed and durable on return; nothing was done when it raises what a check or `before_commit` raised,
        ConflictError or RefusedError. After an UnavailableError or a cancellation nobody knows: look.
        """

    def version(self) -> int | None:
        """Return a number that is another one after each commit of anybody; None where that would cost a question.

        While it stays the same, what was read since is still what is there.
        """

    async def migrate(self) -> None:
        """Bring the schema up to date. Safe to run twice, and by two processes at once."""

    async def close(self) -> None:
        """Close connections. Calling it twice is harmless."""


async def carry_out(inside: Statements, steps: Sequence[Step]) -> None:
    """Do steps one by one inside a transaction: how `together` may be built on any database."""
    for step in steps:
        done = await (inside.rows if step.is_query else inside.execute)(step.name, **step.params)
        if step.check is not None:
            step.check(done)
