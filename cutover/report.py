"""`cutover report`: what the verifier found, for people and for machines. Exit 1 when something was found."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping

from backends.config import Config
from backends.config_file import ConfigError
from backends.connect import checkpoints, opened_ledger, verdicts
from cutover.mismatch import show
from cutover.options import add_config_options, config_of
from rules.parity_gate import Requirement
from rules.strata import DIMENSIONS
from rules.verdict import Outcome
from verifier.report import Report, gather
from verifier.report_forms import render_html, render_json, render_markdown, render_text
from verifier.standing import PACE

_FORMS: Mapping[str, Callable[[Report], str]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
    "html": render_html,
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--format", choices=tuple(_FORMS), default="text")
    parser.add_argument("--mismatch", metavar="ID", help="everything about one case (as `cutover mismatch ID`)")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    if options.mismatch is not None:
        return show(config_of(options), options.mismatch, as_json=options.format == "json")
    report = asyncio.run(report_of(config_of(options)))
    sys.stdout.write(_FORMS[options.format](report).rstrip("\n") + "\n")
    return int(bool(report.findings_total or report.overall.outcomes.get(Outcome.MISMATCH)))


async def report_of(config: Config) -> Report:
    """Return the report of the present epoch. Raises backends.errors."""
    async with opened_ledger(config) as ledger:
        requirement = requirement_of(config)
        return await gather(
            verdicts(ledger, config),
            now=time.time(),
            confidence=requirement.confidence,
            requirement=requirement,
            pace=await checkpoints(ledger).get(PACE),
        )


def requirement_of(config: Config) -> Requirement:
    """Return what the config wants proven. Raises ConfigError for a dimension that is none."""
    parity = config.parity
    strange = [name for name in parity.strata_by if name not in DIMENSIONS]
    if strange:
        raise ConfigError(
            "config", 0, "parity.strata_by", f"expected some of {', '.join(DIMENSIONS)}, got {strange[0]!r}"
        )
    return Requirement(
        rate_max=parity.rate_max,
        stratum_rate_max=parity.stratum_rate_max,
        confidence=parity.confidence,
        unproven_max=parity.unproven_max,
        stratum_unproven_max=parity.stratum_unproven_max,
        by=parity.strata_by,
        recall_min=parity.recall_min,
        blind_after=parity.blind_after,
        findings_max=parity.findings_max,
    )
