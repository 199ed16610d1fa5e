"""`cutover verifier`: judge what the proxies sampled, until told to stop. `serve` starts it by itself."""

import argparse
import asyncio
import functools
import signal
import time
from collections.abc import Coroutine

import uvloop

from backends.config import Config
from backends.connect import opened_ledger, opened_store, opened_wiki, site_of, spool_reader, verdicts
from cutover.options import add_config_options, config_of
from verifier.alerts import Alerts
from verifier.judge import Limits, judge
from verifier.run import Pace
from verifier.run import run as verify
from verifier.spooled import SpooledSamples

_GRACE_S = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run the verb until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(config_of(options)))


async def _run(config: Config) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # The terminal's Ctrl-C and a hangup reach the whole group; the proxy beside us decides when to stop.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
    limits = config.verifier
    async with opened_wiki(config) as wiki, opened_store(config) as store, opened_ledger(config) as ledger:
        judging = functools.partial(
            judge,
            store=store,
            wiki=wiki,
            site=site_of(config.wiki),
            now=time.time,
            limits=Limits(
                body_bytes_max=limits.body_bytes_max,
                margin_s=limits.revision_margin_s,
                attempts_max=limits.recheck_tries_max,
                confirmations=limits.confirmations,
            ),
        )
        judging_all = verify(
            samples=SpooledSamples(spool_reader(config)),
            judging=judging,
            verdicts=verdicts(ledger, config),
            alerts=Alerts(
                webhook=limits.webhook,
                webhook_timeout_s=limits.webhook_timeout_s,
                every_s=limits.alert_every_s,
                waiting_max=limits.alerts_waiting_max,
            ),
            stop=stop,
            clock=time.time,
            pace=Pace(
                parallel=limits.parallel,
                batch=limits.batch,
                poll_s=limits.poll_s,
                judge_timeout_s=limits.judge_timeout_s,
                recheck_after_s=limits.recheck_after_s,
                recheck_waiting_max=limits.recheck_waiting_max,
                recheck_bytes_max=limits.recheck_bytes_max,
            ),
        )
        await _until_stopped(judging_all, stop)
    return 0


async def _until_stopped(work: Coroutine[None, None, object], stop: asyncio.Event) -> None:
    """Run until it ends; after `stop` only a moment longer. What it had not settled waits in the spool."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work)
        stopping = tasks.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait({working}, timeout=_GRACE_S)
        working.cancel()
        stopping.cancel()
