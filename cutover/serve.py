"""`cutover serve`: the proxy worker, its admin port, its sampler, and the verifier beside it. Wiring only."""

import argparse
import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import orjson
import uvloop
from aiohttp import web

from backends.config import Config
from backends.errors import BackendError
from cutover.late_ledger import LateLedger
from cutover.options import add_config_options, config_of
from cutover.watch import Companion, PhaseWatch
from cutover.worker import Worker
from proxy.admin import admin_app
from proxy.control import PhaseControl
from proxy.metrics import Counters
from proxy.server import ProxyServer, address_of
from rules.flips import Agreed
from rules.phases import Phase, Reads, phase

_log = logging.getLogger(__name__)
_JOIN_S = 3.0
_ENDING_S = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_config_options(parser)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where clients connect (port 0: any free one)")
    parser.add_argument("--admin-listen", metavar="HOST:PORT", help="where /status, /metrics and health are")
    parser.add_argument("--port", type=int, help="shorthand for --listen 127.0.0.1:PORT")
    parser.add_argument("--admin-port", type=int, help="shorthand for --admin-listen 127.0.0.1:PORT")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write the addresses here once listening")


def run(options: argparse.Namespace) -> int:
    """Run the verb until SIGTERM or SIGINT."""
    config = config_of(options)
    listen = options.listen or (f"127.0.0.1:{options.port}" if options.port is not None else config.proxy.listen)
    admin = options.admin_listen or (
        f"127.0.0.1:{options.admin_port}" if options.admin_port is not None else config.proxy.admin_listen
    )
    config = replace(config, proxy=replace(config.proxy, listen=listen, admin_listen=admin))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(config, options.config, options.ready_file))


async def serve(config: Config, config_file: Path | None, ready_file: Path | None) -> int:
    """Serve until told to stop. Returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = f"{os.getpid()}-{secrets.token_hex(2)}"
    ledger, closed = LateLedger(config), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        holding = tasks.create_task(ledger.run(closed))
        parts = Worker.wired(config, ledger.database, worker, tasks.create_task)
        if error := await _join(parts.control, ledger, phase(config.phase)):
            print(f"cutover: the store answers in phase {config.phase}, and the ledger is not there: {error}")
            holding.cancel()
            return 3
        watch = PhaseWatch(parts.control, parts.flipper, config_file)
        loop.add_signal_handler(signal.SIGHUP, watch.wake)
        verifier = Companion(config, config_file, "verifier", lambda: watch.phase.reads is not Reads.LEGACY)
        follower = Companion(
            config, config_file, "follow", lambda: "follower" in watch.phase.kept_current_by, "--wait-for-export"
        )
        server = ProxyServer(parts.handler, parts.pool, config.proxy)
        proxy_address = await _listen(server, config.proxy.listen)
        app = admin_app(
            parts.counters,
            ready=lambda: "stopping" if stop.is_set() else "",
            status=lambda: {
                "verifier": verifier.state,
                "follower": follower.state,
                "last_flip_error": watch.refused,
                **parts.status(),
            },
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        admin_address = await _listen_admin(runner, config.proxy.admin_listen)
        _announce(ready_file, proxy_address, admin_address, watch.phase.name, config.wiki.url)
        drained = asyncio.Event()
        beside = (
            ("the config watch", watch.run(stop)),
            ("the verifier's supervisor", verifier.run(stop)),
            ("the follower's supervisor", follower.run(stop)),
        )
        for what, work in beside:
            tasks.create_task(_aside(what, work, parts.counters))
        ending = [tasks.create_task(_aside(what, work, parts.counters)) for what, work in parts.work(drained)]
        await server.run(stop)
        drained.set()
        await asyncio.wait(ending, timeout=_ENDING_S)
        for task in ending:
            task.cancel()
        await parts.control.leave()
        await runner.cleanup()
        closed.set()
        await asyncio.wait([holding], timeout=_ENDING_S)
        holding.cancel()
    return 0


async def _join(control: PhaseControl, ledger: LateLedger, configured: Phase) -> str:
    """Take part in the agreed phase. Returns why that is impossible; where the wiki answers everything, it never is."""
    first = Agreed(phase=configured.name)
    try:
        async with asyncio.timeout(_JOIN_S):
            await ledger.opened.wait()
            await control.start(first)
    except (BackendError, TimeoutError) as error:
        if configured.reads is Reads.NEW:
            return str(error) or ledger.error
        _log.error("serving without the ledger until it is there: %s", str(error) or ledger.error)
        control.start_later(first)
    return ""


async def _aside(what: str, work: Coroutine[None, None, None], counters: Counters) -> None:
    """Run what must never take the proxy down with it (invariant 1)."""
    try:
        await work
    except Exception:  # noqa: BLE001 - a bug there costs observation, not traffic: say so and go on
        counters.outcomes["background_failed"] += 1
        _log.exception("%s ended; traffic goes on without it", what, extra={"action": "background_failed"})


async def _listen(server: ProxyServer, address: str) -> str:
    try:
        return await server.listen(address)
    except OSError as error:
        raise SystemExit(f"cutover: cannot listen on {address}: {error.strerror or error}") from error


async def _listen_admin(runner: web.AppRunner, address: str) -> str:
    host, _, port = address.rpartition(":")
    site = web.TCPSite(runner, host.strip("[]"), int(port))
    try:
        await site.start()
    except OSError as error:
        raise SystemExit(f"cutover: cannot listen on {address}: {error.strerror or error}") from error
    assert site._server is not None  # noqa: SLF001 - the only way to learn the port
    return address_of(site._server.sockets[0], host)  # type: ignore[attr-defined] # noqa: SLF001


def _announce(ready_file: Path | None, proxy: str, admin: str, phase: str, wiki: str) -> None:
    _log.info("http://%s -> %s, phase %s; admin on http://%s", proxy, wiki, phase, admin, extra={"action": "listening"})
    if ready_file is not None:
        text = orjson.dumps({"proxy": f"http://{proxy}", "admin": f"http://{admin}", "pid": os.getpid()})
        written = ready_file.with_name(ready_file.name + ".tmp")
        written.write_bytes(text)
        written.rename(ready_file)
