"""The ledger of a worker that serves whether it is there or not (invariant 1): opened beside traffic, again and again.

Where the wiki answers everything a worker needs no ledger to serve. It takes part in the agreed phase from the moment
at which the ledger can be opened.
"""

import asyncio
import logging
from typing import Any, cast

from backends.config import Config
from backends.connect import opened_ledger
from backends.errors import BackendError, UnavailableError
from backends.sql.base import Database

_log = logging.getLogger(__name__)
_AGAIN_S = 2.0


class LateLedger:
    """A ledger that may come later. Until then whoever asks it anything is told that it is unavailable."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._database: Database | None = None
        self.opened = asyncio.Event()
        self.error = "it has not answered yet"

    @property
    def database(self) -> Database:
        """Return it as a database, opened or not."""
        return cast("Database", self)

    def __getattr__(self, name: str) -> Any:
        """Hand everything on to the opened database. Raises UnavailableError before it is there."""
        if self._database is None:
            raise UnavailableError(f"the ledger cannot be asked: {self.error}")
        return getattr(self._database, name)

    async def run(self, stop: asyncio.Event) -> None:
        """Open it, and hold it open until `stop`."""
        while not stop.is_set():
            try:
                async with opened_ledger(self._config) as database:
                    self._database = database
                    self.opened.set()
                    await stop.wait()
                    self._database = None
            except BackendError as error:
                if self.error != str(error):
                    _log.error("the ledger is not there: %s", error, extra={"action": "ledger_not_there"})
                self.error = str(error)
                try:
                    async with asyncio.timeout(_AGAIN_S):
                        await stop.wait()
                except TimeoutError:
                    continue
