"""`cutover follow`: keep the store current with what the wiki commits, until told to stop. `serve` starts it by itself.

`--until-current` ends when everything that was committed before is in the store; `--status` says how far it is behind.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

import orjson
import uvloop

from backends.config import Config
from backends.connect import EXPORT_RUN, checkpoints, opened_ledger, opened_store
from cutover.options import add_config_options, config_of
from export.follow import CHECKPOINT, Follower, Lag
from export.follow_opening import bell_of, opened_changes, settings_of
from export.follow_sweep import Sweep
from export.follow_wiring import wired
from export.opening import opened_source

_WAIT_S = 5.0
_GRACE_S = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print the lag as one JSON object")
    parser.add_argument("--no-sweep", action="store_true", help="do not hold the wiki's heads against the store's")
    parser.add_argument("--wait-for-export", action="store_true", help="wait until an export has begun")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--until-current", action="store_true", help="end once the store has what was committed before")
    doing.add_argument("--status", action="store_true", help="say how far the follower is behind, and end")


def run(options: argparse.Namespace) -> int:
    """Run the verb until SIGTERM or SIGINT."""
    config = config_of(options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.status:
            return _say(runner.run(_status(config)), as_json=options.json)
        if options.until_current:
            return _say(asdict(runner.run(until_current(config))), as_json=options.json)
        return runner.run(_until_stopped(config, sweeps=not options.no_sweep, waits=options.wait_for_export))


async def until_current(config: Config) -> Lag:
    """Follow until everything that was committed before is in the store. Raises backends.errors."""
    async with AsyncExitStack() as stack:
        follower, _ = await _opened(config, stack)
        await follower.begin(await follower.checkpoints.get(EXPORT_RUN))
        return await follower.catch_up()


async def follow(config: Config, stop: asyncio.Event, *, sweeps: bool = True, waits: bool = False) -> None:
    """Follow until told to stop. Raises backends.errors at the start; later they are waited out."""
    async with AsyncExitStack() as stack:
        follower, sweep = await _opened(config, stack)
        bell = stack.enter_context(bell_of(config).heard())
        while waits and not stop.is_set() and await follower.checkpoints.get(EXPORT_RUN) is None:
            await _pause(stop)
        if not stop.is_set():
            await follower.begin(await follower.checkpoints.get(EXPORT_RUN))
            await follower.run(stop, bell=bell, sweep=sweep if sweeps else None)


async def _opened(config: Config, stack: AsyncExitStack) -> tuple[Follower, Sweep]:
    changes = await stack.enter_async_context(opened_changes(config))
    source = await stack.enter_async_context(opened_source(config))
    store = await stack.enter_async_context(opened_store(config))
    ledger = await stack.enter_async_context(opened_ledger(config))
    return wired(changes, source, store, ledger, settings_of(config))


async def _until_stopped(config: Config, *, sweeps: bool, waits: bool) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # A hangup reaches the whole group; the proxy beside us decides when to stop.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
    await _until_ended(follow(config, stop, sweeps=sweeps, waits=waits), stop)
    return 0


async def _until_ended(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Run until it ends; after `stop` only a moment longer: what was under way is done again by the next one."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work)
        stopping = tasks.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait({working}, timeout=_GRACE_S)
        working.cancel()
        stopping.cancel()


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_WAIT_S):
            await stop.wait()
    except TimeoutError:
        return


async def _status(config: Config) -> dict[str, Any] | None:
    async with opened_ledger(config) as ledger:
        state = await checkpoints(ledger).get(CHECKPOINT)
        return dict(state) if state is not None else None


def _say(state: dict[str, Any] | None, *, as_json: bool) -> int:
    if state is None:
        print("cutover follow: no follower has run yet", file=sys.stderr)
        return 1
    if as_json:
        print(orjson.dumps(state).decode())
        return 0
    print(f"At {state['at']} (the wiki's time) the store was {state['seconds']:g} s and at most")
    print(f"{state['revisions']} revisions behind; {state['calls']} entities were waiting to be brought.")
    print(f"{state['gap_ids']} ids in {state['gaps']} gaps may still be committed by a transaction under way.")
    return 0
