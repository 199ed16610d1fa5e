"""`cutover verifier`: judge what the proxies sampled, until told to stop. `serve` starts it by itself."""

import argparse
import asyncio
import functools
import signal
import time
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from pathlib import Path

import uvloop

from backends.config import Config
from backends.config_file import ConfigError
from backends.connect import (
    EXPORT_RUN,
    checkpoints,
    opened_ledger,
    opened_store,
    opened_wiki,
    site_of,
    spool_reader,
    verdicts,
)
from backends.rule_files import SHIPPED, RuleSet, read_rules
from cutover.options import add_config_options, config_of
from cutover.version import VERSION
from rules.epochs import Basis
from rules.mutants_hidden import undeclared
from rules.throttle import ThrottleLimits
from verifier.alerts import Alerts
from verifier.cases import Keeping
from verifier.casework import Casework, CaseworkPace
from verifier.judge import Limits, judge
from verifier.noise_floor import NoiseFloor
from verifier.paced_wiki import PacedWiki
from verifier.rejudge import Again
from verifier.run import Pace
from verifier.run import run as verify
from verifier.spooled import SpooledSamples
from verifier.standing import Thresholds, Watch
from verifier.trials import Rate, Trials
from wikibase.canonical import FORM

_GRACE_S = 3.0
_MARGIN_S = 2.0  # how late a sample may be written after others that began later


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
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)  # it reaches the whole group
    limits, site = config.verifier, site_of(config.wiki)
    ruled = rules_to_use(Path(limits.rules) if limits.rules else SHIPPED, _today())
    async with opened_wiki(config) as wiki, opened_store(config) as store, opened_ledger(config) as ledger:
        bounds = Limits(
            body_bytes_max=limits.body_bytes_max,
            margin_s=limits.revision_margin_s,
            attempts_max=limits.recheck_tries_max,
            confirmations=limits.confirmations,
        )
        paced = PacedWiki(
            wiki,
            clock=time.monotonic,
            limits=ThrottleLimits(rate_max=limits.wiki_rate_max, rate_min=limits.wiki_rate_min),
            wait_max_s=limits.wiki_wait_max_s,
        )
        against = functools.partial(
            judge,
            wiki=paced,
            site=site,
            now=time.time,
            limits=bounds,
            rules=ruled.rules,
            keeping=Keeping(body_bytes_max=limits.case_body_bytes_max, rules_version=ruled.version),
        )
        found, alerts = verdicts(ledger, config), _alerts(config)
        watch = Watch(
            verdicts=found,
            alerts=alerts,
            clock=time.time,
            rules=ruled.rules,
            pace=paced.facts,
            note=checkpoints(ledger).put,
            thresholds=Thresholds(noise_rate_max=limits.noise_rate_max, age_s=limits.mismatch_age_alert_s),
        )
        casework = Casework(
            verdicts=found,
            again=lambda: Again(store=store, wiki=paced, history=store.index, rules=ruled.rules, today=_today()),
            history=store.index,
            clock=time.time,
            pace=CaseworkPace(read_whole_max=limits.history_read_whole_max),
        )
        filled = await checkpoints(ledger).get(EXPORT_RUN) or {}
        judging_all = verify(
            samples=SpooledSamples(spool_reader(config)),
            judging=functools.partial(against, store=store),
            verdicts=found,
            alerts=alerts,
            stop=stop,
            clock=time.time,
            pace=_pace(config),
            basis=Basis(form=FORM, rules=ruled.version, export_run=str(filled.get("began_at", "")), verifier=VERSION),
            trials=Trials(
                store=store,
                judging=against,
                site=site,
                clock=time.time,
                limits=bounds,
                rate=Rate(every_samples=limits.mutant_every_samples, every_s=limits.mutant_every_s),
                timeout_s=limits.judge_timeout_s,
            ),
            noise=NoiseFloor(wiki=paced, site=site, limits=bounds, every_samples=limits.noise_every_samples),
            chores=(watch.run, casework.run),
        )
        await _until_stopped(judging_all, stop)
    return 0


def rules_to_use(path: Path, today: date) -> RuleSet:
    """Read the rules that the verifier applies. Raises ConfigError, also for one that hides damage unsaid."""
    found = read_rules(path, today)
    for rule in found.rules:
        if complaint := undeclared(rule):
            raise ConfigError(found.source, found.lines[rule.name], rule.name, complaint)
    return found


def _today() -> date:
    return datetime.now(UTC).date()


def _alerts(config: Config) -> Alerts:
    limits = config.verifier
    return Alerts(
        webhook=limits.webhook,
        webhook_timeout_s=limits.webhook_timeout_s,
        every_s=limits.alert_every_s,
        waiting_max=limits.alerts_waiting_max,
    )


def _pace(config: Config) -> Pace:
    limits = config.verifier
    return Pace(
        parallel=limits.parallel,
        batch=limits.batch,
        poll_s=limits.poll_s,
        judge_timeout_s=limits.judge_timeout_s,
        recheck_after_s=limits.recheck_after_s,
        recheck_max_s=limits.recheck_max_s,
        recheck_waiting_max=limits.recheck_waiting_max,
        recheck_bytes_max=limits.recheck_bytes_max,
        margin_s=_MARGIN_S + config.shadow.flush_s,
        grace_s=limits.proxy_grace_s,
    )


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
