"""Where a long job stands, kept so that it can go on after any interruption. Unsharded, in the ledger."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from backends.sql.base import Database

NAME_MAX = 190
"""The longest name of a job, in characters."""


def utc_now() -> str:
    """Return the time now in the wiki's spelling: "2026-11-22T15:24:12Z"."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Checkpoints:
    """Checkpoints by job name; each is a small JSON object that only its job understands."""

    def __init__(self, database: Database, *, now: Callable[[], str] = utc_now) -> None:
        self._database = database
        self._now = now

    async def get(self, name: str) -> Mapping[str, Any] | None:
        """Return where the job stands, or None when it never said."""
        rows = await self._database.rows("checkpoint", name=name)
        if not rows:
            return None
        state: Mapping[str, Any] = orjson.loads(rows[0]["state"])
        return state

    async def put(self, name: str, state: Mapping[str, Any]) -> None:
        """Remember where the job stands; durable on return. Raises ValueError for a name that is too long."""
        if not 0 < len(name) <= NAME_MAX:
            raise ValueError(f"a checkpoint's name has 1 to {NAME_MAX} characters: {name!r}")
        await self._database.execute(
            "checkpoint_put", name=name, state=orjson.dumps(dict(state)).decode(), updated_at=self._now()
        )

    async def clear(self, name: str) -> None:
        """Forget where the job stands, so that it begins anew."""
        await self._database.execute("checkpoint_delete", name=name)
