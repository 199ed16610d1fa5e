"""`cutover phase`: look at the phase, ask what a flip would take, flip, and go back. All workers act as one.

show                     the agreed phase, the workers, what going back costs
check NAME               what is proven and what is missing for a flip
set NAME                 flip; refused unless the gate is passed, or with --force --reason TEXT
back                     one phase back, at once, from every phase in which the wiki has every edit
drill                    back and forth again, measured
log                      the flips that were made, and whether their records are whole
attest FACT --reason T   say what no machine can know
bury WORKER              say that a worker is dead for certain
"""

import argparse
import asyncio
import getpass
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import uvloop
import yaml

from backends.config import Config
from backends.connect import checkpoints, opened_ledger, site_of, verdicts
from backends.errors import RefusedError
from backends.ledger.control import Control, ControlRow, Order, broken_link
from backends.ledger.control_flips import Flipper, FlipResult
from backends.ledger.control_workers import Workers
from backends.rule_files import SHIPPED
from backends.sql.base import Database
from cutover.gate_facts import ATTESTATIONS, gather_facts
from cutover.options import add_config_options, config_of
from cutover.phase_file import write_phase
from cutover.phase_replay import recorded, replay
from cutover.phase_shown import Shown, flip_detail, show_flip, show_gate, show_state, shown_log
from cutover.version import VERSION
from cutover.worker import control_limits
from rules.flips import Agreed, StateError, Wait, as_value, changes, check, gone_back, waits_for
from rules.gates import Fact, Gate, GateFileError, Gates, bundle, judge, judge_again, parse_gates
from rules.overrides import Override, OverrideError, parse_overrides
from rules.parity_gate import Result
from rules.phases import IllegalFlipError, PhaseName, distance, phase

ATTESTABLE = ("operator_confident",)
REPLAYED = 500
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
VETO_FILE = "no-flip"
"""While a file of this name lies in the store's directory no flip is made; what it holds is told as the reason."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the verbs work with."""

    options: argparse.Namespace
    config: Config
    ledger: Database

    @property
    def control(self) -> Control:
        """Return the agreed state."""
        return Control(self.ledger)

    async def row(self) -> ControlRow:
        """Return what is agreed; the config's phase, if nothing ever was. Writes nothing."""
        first = Agreed(phase=phase(self.config.phase).name)
        return await self.control.row() or ControlRow(
            version=0, state=first, previous=first, settled=True, pending=None, pending_flip=0, last_flip=0
        )

    def flipper(self) -> Flipper:
        """Return what carries flips out."""
        return Flipper(self.control, Workers(self.ledger), control_limits(self.config), veto=self._veto)

    async def _veto(self) -> str:
        path = Path(self.config.store.path) / VETO_FILE
        if not await asyncio.to_thread(path.exists):
            return ""
        return f"{path} says: {(await asyncio.to_thread(path.read_text, 'utf-8')).strip() or 'no flip'}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    # Options stand before the action or behind it; what is not given behind it must not undo what was given before.
    behind = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    add_config_options(behind)
    behind.add_argument("--json", action="store_true", help="print one JSON object")

    def add(name: str, about: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=about, parents=[behind])

    add("show", "the agreed phase, the workers, what going back costs")
    checking = add("check", "what is proven and what is missing for a flip to NAME")
    checking.add_argument("name", choices=[one.value for one in PhaseName])
    setting = add("set", "flip to NAME")
    setting.add_argument("name", choices=[one.value for one in PhaseName])
    setting.add_argument("--overrides", type=Path, metavar="FILE", help="slices held back or sent forward (YAML)")
    setting.add_argument("--for", dest="lasting", metavar="TIME", help="fall back by itself after 90s, 30m, 12h, 7d")
    setting.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    setting.add_argument("--force", action="store_true", help="flip though the gate is not passed")
    add("back", "one phase back, at once")
    add("drill", "back and forth again, measured")
    add("log", "the flips that were made")
    attesting = add("attest", "say what no machine can know")
    attesting.add_argument("fact", choices=ATTESTABLE)
    burying = add("bury", "say that a worker is dead for certain")
    burying.add_argument("worker")
    for one in verbs.choices.values():
        one.add_argument("--reason", default="", metavar="TEXT", help="why; kept for ever")


def run(options: argparse.Namespace) -> int:
    """Run the verb."""
    config = config_of(options)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(options, config))
    except (IllegalFlipError, OverrideError, StateError, GateFileError) as error:
        print(f"cutover: no flip: {error}")
        return 2


async def _run(options: argparse.Namespace, config: Config) -> int:
    async with opened_ledger(config) as ledger:
        return await _ACTIONS[options.action](Desk(options, config, ledger))


async def _show(desk: Desk) -> int:
    row = await desk.row()
    shown = Shown(row=row, workers=await Workers(desk.ledger).all(), flips=await desk.control.flips(size=5))
    print(show_state(shown, as_json=desk.options.json))
    return 0


async def _check(desk: Desk) -> int:
    row = await desk.row()
    wanted = Agreed(phase=PhaseName(desk.options.name))
    gate, _, _ = await _gate(desk, row, wanted)
    print(show_gate(gate, as_json=desk.options.json))
    return 0 if gate.result is Result.PASS else 1


async def _set(desk: Desk) -> int:
    options = desk.options
    if options.force and not options.reason:
        print("cutover: --force needs --reason TEXT: it is kept with the flip")
        return 2
    row = await desk.row()
    wanted = _wanted(desk)
    check(row.state, wanted)
    told = changes(row.state, wanted)
    if not told:
        print(f"nothing to do: the phase is {row.state.phase}")
        return 0
    print("\n".join(told))
    gate, evidence, needed = await _gate(desk, row, wanted)
    if needed:
        print(show_gate(gate, as_json=False))
    passed = not needed or gate.result is Result.PASS
    if options.dry_run:
        await _counterfactual(desk, row.state, wanted)
        print(f"dry run: nothing was changed; the flip would be {'made' if passed or options.force else 'refused'}")
        return 0 if passed else 1
    if not passed and not options.force:
        print("no flip: the gate is not passed (--force --reason TEXT flips all the same)")
        return 1
    if not passed:
        print(f"!!! FORCED past the gate by {_actor()}: {options.reason}")
    return await _flip(desk, row, _order(wanted, options.reason, forced=not passed, evidence=evidence))


async def _back(desk: Desk) -> int:
    row = await desk.row()
    wanted = gone_back(row.state)
    if wanted is None:
        print("there is no phase to go back to")
        return 1
    return await _flip(desk, row, _order(wanted, desk.options.reason or "back"))


async def _drill(desk: Desk) -> int:
    row = await desk.row()
    wanted = gone_back(row.state)
    if wanted is None:
        print("there is no phase to go back to")
        return 1
    code = await _flip(desk, row, _order(wanted, "drill: back"))
    if code:
        return code
    again = await desk.row()
    return await _flip(desk, again, _order(row.state, "drill: forward again"))


async def _log(desk: Desk) -> int:
    flips = await desk.control.flips(size=1000)
    broken = broken_link(list(reversed(flips)))
    for one in flips:
        stored = await desk.control.evidence(one.flip)
        if stored is not None and stored != b"{}":
            said = orjson.loads(stored).get("result")
            if judge_again(stored).result.value != said:
                broken = broken or one.flip
    print(shown_log(flips, broken, as_json=desk.options.json))
    return 1 if broken else 0


async def _attest(desk: Desk) -> int:
    if not desk.options.reason:
        print("cutover: --reason TEXT is needed: it is kept")
        return 2
    marks = checkpoints(desk.ledger)
    said = {"at": time.time(), "who": _actor(), "why": desk.options.reason}
    await marks.put(ATTESTATIONS, {**(await marks.get(ATTESTATIONS) or {}), desk.options.fact: said})
    print(f"{desk.options.fact}: said by {_actor()}, counts for a day")
    return 0


async def _bury(desk: Desk) -> int:
    workers = Workers(desk.ledger)
    if desk.options.worker not in [one.worker for one in await workers.all()]:
        print(f"no worker is called {desk.options.worker}")
        return 1
    await workers.remove(desk.options.worker)
    print(f"{desk.options.worker} counts as dead: flips wait for it no more. Should it live, it takes part again.")
    return 0


_ACTIONS: Mapping[str, Callable[[Desk], Awaitable[int]]] = {
    "show": _show,
    "check": _check,
    "set": _set,
    "back": _back,
    "drill": _drill,
    "log": _log,
    "attest": _attest,
    "bury": _bury,
}


async def _flip(desk: Desk, row: ControlRow, order: Order) -> int:
    short = "back" if distance(row.state.phase, order.wanted.phase) > 0 else f"set {row.state.phase}"
    print(f"undo: cutover phase {short}")
    await desk.control.begin(row.state)
    result = await desk.flipper().flip(order)
    print(show_flip(result))
    await desk.control.describe(result.flip, flip_detail(result))
    _write_config(desk, result)
    return 0


def _write_config(desk: Desk, result: FlipResult) -> None:
    """What starts anew acts by the ledger; the file says the same so that nobody is misled."""
    path = desk.options.config
    if path is None:
        return
    try:
        undo = write_phase(path, result.row.state.phase)
    except OSError as error:
        raise RefusedError(f"the flip is made, but {path} could not be written: {error}") from error
    if undo is not None:
        print(f"{path} says so too; as it was: {undo}")


def _wanted(desk: Desk) -> Agreed:
    options = desk.options
    name = PhaseName(options.name)
    wanted = Agreed(phase=name)
    if options.overrides is not None:
        wanted = replace(wanted, overrides=_read_overrides(options.overrides))
    if options.lasting is not None:
        before = gone_back(wanted)
        if before is None:
            raise StateError(f"{name} has no phase to fall back to")
        wanted = replace(wanted, until=time.time() + _seconds(options.lasting), fall_back=before.phase)
    return wanted


def _read_overrides(path: Path) -> tuple[Override, ...]:
    try:
        return parse_overrides(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise OverrideError(f"{path}: {error}") from error


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in _UNITS_S or not int(number):
        raise StateError(f"--for: expected a time such as 90s, 30m, 12h, 7d, got {text!r}")
    return int(number) * _UNITS_S[unit]


async def _gate(desk: Desk, row: ControlRow, wanted: Agreed) -> tuple[Gate, bytes, bool]:
    """Return the gate, its evidence, and whether a flip needs it: those back do not."""
    forward = distance(row.state.phase, wanted.phase) > 0
    # A slice that goes ahead of the phase needs what its phase needs.
    ahead = waits_for(row.state, wanted) is Wait.EVERYONE and not forward
    to = PhaseName.READ_CUTOVER if ahead else wanted.phase
    criteria = _gates().get(to, ())
    needed = forward or ahead
    looked_up = {one.fact for one in criteria} if needed or desk.options.action == "check" else set()
    facts: Mapping[str, Fact] = await gather_facts(desk.config, desk.ledger, looked_up)
    gate = judge(to, criteria, facts)
    about = {
        "made_at": datetime.now(UTC).isoformat(),
        "version": VERSION,
        "actor": _actor(),
        "present": as_value(row.state),
        "wanted": as_value(wanted),
    }
    return gate, bundle(gate, criteria, facts, about) if needed else b"{}", needed


def _gates() -> Gates:
    return parse_gates(yaml.safe_load((SHIPPED.parent / "gates.yaml").read_text(encoding="utf-8")))


async def _counterfactual(desk: Desk, present: Agreed, wanted: Agreed) -> None:
    requests = await recorded(verdicts(desk.ledger, desk.config), REPLAYED)
    found = replay(requests, present, wanted, site_of(desk.config.wiki), time.time())
    print(f"of the last {found.requests} recorded requests:")
    for words, count in found.moved.items():
        print(f"  {count} would be {words}")
    if found.differing:
        print(f"  {found.differing} of them were answered differently by the two sides")
    if not found.moved:
        print("  none would be answered differently")


def _order(wanted: Agreed, reason: str, *, forced: bool = False, evidence: bytes = b"{}") -> Order:
    return Order(wanted=wanted, actor=_actor(), reason=reason, forced=forced, evidence=evidence)


def _actor() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"?@{socket.gethostname()}"
