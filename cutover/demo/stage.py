"""The programs of the demonstration, started as an operator starts them: `cutover serve`, `cutover export`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

_START_S = 30.0
_FLIP_S = 10.0
_STOP_S = 40.0
_POLL_S = 0.05


class StageError(Exception):
    """A program of the demonstration did not do what it should have done in time; the message has its log."""


class Stage:
    """A config file, a store directory, and the programs that use them."""

    def __init__(self, directory: Path, wiki_url: str, *, index: str = "", ledger: str = "") -> None:
        """`index`, `ledger`: addresses of databases; empty: SQLite in the directory."""
        self.index = index
        self.described = f"{index.partition('://')[0] or 'SQLite'} + files"
        self.directory = directory
        self.store = directory / "store"
        self.config_file = directory / "config.yaml"
        self.proxy_url = ""
        self.admin_url = ""
        self._log = directory / "serve.log"
        self._config: dict[str, Any] = {
            "phase": "prepare",
            "wiki": {"url": wiki_url, "api_requests_max": 8},
            "proxy": {"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0"},
            "store": {"path": "store", "index": index, "ledger": ledger},
            "export": {"entities_at_once": 8},
            # A few seconds are a long time for a demonstration: look again sooner than a real wiki would need.
            "verifier": {
                "recheck_after_s": 0.5,
                "recheck_tries_max": 5,
                "revision_margin_s": 1.0,
                "alert_every_s": 5.0,
                "mutant_every_samples": 15,
            },
        }
        self._write_config()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Run `cutover serve` while the block runs."""
        ready = self.directory / "ready.json"
        with self._log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command("serve"), "--ready-file", str(ready), stdout=log, stderr=log, start_new_session=True
            )
        try:
            await self._until(ready.is_file, _START_S, "the proxy did not start", process)
            where = orjson.loads(ready.read_bytes())
            self.proxy_url, self.admin_url = where["proxy"], where["admin"]
            self._pid = process.pid
            yield
        finally:
            await self._end(process)

    async def flip(self, phase: str) -> None:
        """Write the phase into the config file and wait until the proxy has it."""
        self._config["phase"] = phase
        self._write_config()
        os.kill(self._pid, signal.SIGHUP)
        async with asyncio.timeout(_FLIP_S):
            while (await self.status())["phase"] != phase:  # noqa: ASYNC110 - another process changes it
                await asyncio.sleep(_POLL_S)

    async def status(self) -> dict[str, Any]:
        """Return what the proxy says of itself."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.admin_url}/status") as answer:
            status: dict[str, Any] = orjson.loads(await answer.read())
            return status

    async def export(self) -> Mapping[str, Any]:
        """Run `cutover export`; return its result."""
        process = await asyncio.create_subprocess_exec(
            *self._command("export"), "--json", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        if process.returncode:
            raise StageError(f"the export failed:\n{err.decode(errors='replace')[-2000:]}")
        result: Mapping[str, Any] = orjson.loads(out)
        return result

    async def judged(self, timeout_s: float) -> None:
        """Wait until every sample taken so far is judged, those that had to wait for the store included."""
        async with asyncio.timeout(timeout_s):
            while (await self.status())["samples_waiting"] or any((self.store / "spool").glob("*.seg")):  # noqa: ASYNC110 - as above
                await asyncio.sleep(_POLL_S)

    def log_tail(self) -> str:
        """Return the end of the proxy's and the verifier's log."""
        return self._log.read_text("utf-8", errors="replace")[-3000:] if self._log.is_file() else ""

    def _command(self, verb: str) -> list[str]:
        return [sys.executable, "-m", "cutover", verb, "--config", str(self.config_file)]

    def _write_config(self) -> None:
        written = self.config_file.with_suffix(".tmp")
        written.write_text(yaml.safe_dump(self._config, sort_keys=False), "utf-8")
        written.rename(self.config_file)

    async def _until(self, condition: Any, timeout_s: float, what: str, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition() and process.returncode is None:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            pass
        if not condition():
            raise StageError(f"{what}:\n{self.log_tail()}")

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            raise StageError(f"the proxy ended by itself with code {process.returncode}:\n{self.log_tail()}")
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            raise StageError(f"the proxy did not stop:\n{self.log_tail()}") from None
