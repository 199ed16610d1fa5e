"""Samples from the spool, for the verifier: the blocking reader in a thread, one call at a time."""

import asyncio
from collections.abc import Mapping, Sequence

from backends.ledger.spool import SpoolReader
from rules.sample import Sample


class SpooledSamples:
    """Implements `verifier.run.Samples`."""

    def __init__(self, reader: SpoolReader) -> None:
        self._reader = reader
        self._turn = asyncio.Lock()

    async def take(self, limit: int) -> Sequence[Sample]:
        """Return up to `limit` samples that were not taken yet, the oldest first."""
        async with self._turn:
            return await asyncio.to_thread(self._reader.take, limit)

    async def done(self, samples: Sequence[Sample]) -> None:
        """Let go of samples that were judged."""
        async with self._turn:
            await asyncio.to_thread(self._reader.done, [sample.sample_id for sample in samples])

    async def waiting(self) -> int:
        """Return how many samples are in the spool, those taken but not done included."""
        async with self._turn:
            return await asyncio.to_thread(self._reader.waiting)

    async def shed(self) -> Mapping[str, int]:
        """Return how many samples were given up before they got here, by reason, since the last call."""
        async with self._turn:
            counts = dict(self._reader.shed)
            self._reader.shed.clear()
            return counts
