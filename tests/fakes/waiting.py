"""Waiting for what has no event: a condition, with a timeout."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Return as soon as the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  the condition is a plain value of what is tested
            await asyncio.sleep(0.001)
