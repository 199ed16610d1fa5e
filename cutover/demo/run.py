"""`cutover demo`: the main job on a sample wiki, from the first flip to the verifier naming what was damaged.

Everything runs as an operator would run it: real processes, a config file, flips by editing it. Only the wiki is a
sample: a loopback server that answers as a real Wikibase was recorded to.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson
import uvloop
from tqdm import tqdm

from backends.config_file import read_config
from backends.connect import opened_ledger, verdicts
from cutover.demo.back_door import BackDoor
from cutover.demo.damage import Damage, damage_content, damage_head, forge_content
from cutover.demo.drive import Clients
from cutover.demo.stage import Stage, StageError
from cutover.demo.traffic import EDITED_ITEMS, DemoRequest, demo_requests
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World
from rules.verdict import Outcome
from verifier.report import Report, gather
from verifier.report_forms import render_text

_JUDGE_S = 60.0
_LEGACY_SHARE = 0.1
_DAMAGED = {"Q27": damage_content, "Q26": damage_head, "Q25": forge_content}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration came to; `proven` is what it set out to show."""

    exported_revisions: int
    requests: int
    compared: int
    matched: int
    mismatched: int
    damaged: int
    detected: int
    unexplained: int
    proxy_errors: int

    def proven(self, wiki_revisions: int) -> bool:
        """Tell whether everything came out as it must."""
        return (
            self.exported_revisions == wiki_revisions
            and self.detected == self.damaged
            and not self.unexplained
            and not self.proxy_errors
        )


def run(options: argparse.Namespace) -> int:
    """Run the verb. Exit 0 when everything was proven."""
    assert set(_DAMAGED) <= set(EDITED_ITEMS)
    say = _Voice(quiet=options.json)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            if options.data:
                Path(options.data).mkdir(parents=True, exist_ok=True)
                return runner.run(_demonstrate(Path(options.data), options, say))
            with tempfile.TemporaryDirectory(prefix="cutover-demo-") as directory:
                return runner.run(_demonstrate(Path(directory), options, say))
        except StageError as error:
            print(f"cutover demo: {error}", file=sys.stderr)
            return 3


class _Voice:
    """Says what happens, on stdout for people, on stderr beside JSON."""

    def __init__(self, *, quiet: bool) -> None:
        self._out = sys.stderr if quiet else sys.stdout
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", file=self._out, flush=True)

    def plain(self, text: str) -> None:
        print(text, file=self._out, flush=True)


async def _demonstrate(directory: Path, options: argparse.Namespace, say: _Voice) -> int:
    async with SampleWiki(world=World.load()) as wiki:
        world = wiki.world
        say(f"sample wiki {wiki.url}: {world.entity_count} entities, {world.revision_count} revisions")
        stage = Stage(directory, wiki.url, index=options.index, ledger=options.ledger)
        async with stage.serving():
            say(f"proxy {stage.proxy_url}, admin {stage.admin_url}, phase prepare: everything passes through")
            clients = Clients(stage.proxy_url)
            requests = list(demo_requests(options.seed, options.requests))
            early = int(len(requests) * _LEGACY_SHARE)
            await _drive(clients, requests[:early], "legacy")
            wiki_revisions = world.revision_count
            exported = await _export(stage, say, wiki_revisions)
            await stage.flip("shadow_reads")
            say("phase shadow_reads: the wiki answers, a copy of each entity read goes to the verifier")
            await _drive(clients, requests[early:], "shadow")
            say(f"{clients.driven.requests} requests, {clients.driven.edits} of them edits; the store catches up")
            await stage.export()
            await stage.judged(_JUDGE_S)
            before = await _report(stage)
            say("parity:")
            say.plain(render_text(before))
            damages = await _damage(stage, clients, say)
            after = await _report(stage)
            shown = _shown(exported, clients, after, damages, await stage.status())
            _tell(say, after, damages, shown, clients)
            if options.json:
                print(orjson.dumps(asdict(shown)).decode(), flush=True)
            if not options.once:
                await _stay(stage, wiki.url, say)
    proven = shown.proven(wiki_revisions)
    if options.once:
        say("stopped; nothing is left running" if proven else "NOT proven: see above")
    return 0 if proven else 1


async def _export(stage: Stage, say: _Voice, wiki_revisions: int) -> int:
    await stage.flip("export")
    say(f"phase export: copying all history into the store ({stage.described})")
    result = await stage.export()
    exported = int(result["revisions"])
    say(
        f"exported {exported} of {wiki_revisions} revisions of {result['entities']} entities"
        f" ({result['wiki_bytes'] / 1e6:.1f} MB of JSON in {result['packed_bytes'] / 1e6:.1f} MB of snapshots)"
    )
    return exported


async def _drive(clients: Clients, requests: Sequence[DemoRequest], name: str) -> None:
    with tqdm(total=len(requests), desc=f"{name} traffic", unit=" requests", disable=not sys.stderr.isatty()) as bar:
        await clients.send_all(requests, bar.update)


async def _damage(stage: Stage, clients: Clients, say: _Voice) -> list[Damage]:
    door = BackDoor(stage.store, stage.index)
    damages = [await harm(door, entity_id) for entity_id, harm in _DAMAGED.items()]
    for damage in damages:
        say(f"behind the proxy's back: {damage.entity_id}: {damage.what}")
    reads = [
        DemoRequest(kind="after the damage", method="GET", target=target)
        for damage in damages
        for target in (
            f"/w/api.php?action=wbgetentities&ids={damage.entity_id}&format=json",
            f"/wiki/Special:EntityData/{damage.entity_id}.json",
        )
    ]
    await _drive(clients, reads, "later")
    await stage.judged(_JUDGE_S)
    return damages


async def _report(stage: Stage) -> Report:
    config = read_config(stage.config_file)
    stored = replace(config.store, path=str(stage.store))
    config = type(config)(wiki=config.wiki, store=stored, verifier=config.verifier)
    async with opened_ledger(config) as ledger:
        return await gather(verdicts(ledger, config), now=time.time(), mismatches=1000)


def _shown(
    exported: int, clients: Clients, report: Report, damages: Sequence[Damage], status: dict[str, object]
) -> Shown:
    outcomes = report.overall.outcomes
    matched = outcomes.get(Outcome.MATCH, 0) + outcomes.get(Outcome.RULE, 0)
    mismatched = outcomes.get(Outcome.MISMATCH, 0)
    harmed = {damage.entity_id for damage in damages}
    named = {(one.entity_id, one.kind) for one in report.findings} | {
        (one.entity_id, "mismatch") for one in report.mismatches
    }
    explained = sum(one.entity_id in harmed for one in report.mismatches)
    return Shown(
        exported_revisions=exported,
        requests=clients.driven.requests,
        compared=matched + mismatched,
        matched=matched,
        mismatched=mismatched,
        damaged=len(damages),
        detected=sum((damage.entity_id, damage.named_by) in named for damage in damages),
        unexplained=mismatched - explained,
        proxy_errors=len(clients.driven.failures) + int(str(status["proxy_errors"])),
    )


def _tell(say: _Voice, report: Report, damages: Sequence[Damage], shown: Shown, clients: Clients) -> None:
    harmed = {damage.entity_id for damage in damages}
    for finding in report.findings:
        if finding.entity_id in harmed:
            say(
                f"the verifier found: {finding.kind}: {finding.entity_id} revision {finding.revision}: {finding.detail}"
            )
    for verdict in report.mismatches:
        say(f"the verifier found: mismatch: {verdict.entity_id} revision {verdict.revision}:")
        say.plain("  " + verdict.detail.strip().replace("\n", "\n  "))
    for failure in clients.driven.failures[:10]:
        say(f"a client saw a failure: {failure}")
    say(
        f"{shown.compared} compared, {shown.matched} equal, {shown.mismatched} different;"
        f" {shown.detected} of {shown.damaged} damaged things named, {shown.unexplained} unexplained;"
        f" {shown.proxy_errors} proxy errors"
    )


async def _stay(stage: Stage, wiki_url: str, say: _Voice) -> None:
    say("everything stays up until Ctrl-C:")
    say.plain(f"  through the proxy  {stage.proxy_url}/wiki/Item:Q42")
    say.plain(f"  the wiki itself    {wiki_url}/wiki/Item:Q42")
    say.plain(f"  status             {stage.admin_url}/status")
    say.plain(f"  report             cutover report --config {stage.config_file}")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("stopping")
