"""What `serve` looks after besides traffic: the phase in the config file, and the verifier's process."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from backends.config import Config
from backends.config_file import ConfigError, read_config
from rules.phases import IllegalFlipError, Phase, Reads, check_flip, phase

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_RESTART_AFTER_S = (0.5, 1.0, 2.0, 5.0, 15.0)
_STOP_AFTER_S = 8.0
_LONG_ENOUGH_S = 60.0


class PhaseWatch:
    """The present phase. Follows the config file: on SIGHUP, and when the file changes."""

    def __init__(self, config: Config, path: Path | None) -> None:
        self.phase: Phase = phase(config.phase)
        self.refused = ""  # why the last flip was refused
        self._path = path
        self._woken = asyncio.Event()
        self._mark = self._file_mark()

    def wake(self) -> None:
        """Look at the file now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the file until `stop`."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                if self._file_mark() == self._mark:
                    continue
            self._woken.clear()
            self._mark = self._file_mark()
            self._reload()

    def _reload(self) -> None:
        if self._path is None:
            return
        try:
            wanted = phase(read_config(self._path).phase)
            if wanted.name != self.phase.name:
                check_flip(self.phase.name, wanted.name)
        except (ConfigError, IllegalFlipError) as error:
            self.refused = str(error)
            _log.error("no flip: %s", error, extra={"action": "flip_refused"})
            return
        self.refused = ""
        if wanted.name != self.phase.name:
            _log.warning("phase %s -> %s", self.phase.name, wanted.name, extra={"action": "flip"})
            self.phase = wanted

    def _file_mark(self) -> tuple[int, int, int]:
        if self._path is None:
            return (0, 0, 0)
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


class Verifier:
    """The verifier's process: started when the phase compares, started again when it dies."""

    def __init__(self, config: Config, path: Path | None, present: Callable[[], Phase]) -> None:
        self._command = [sys.executable, "-m", "cutover", "verifier"]
        self._command += ["--config", str(path)] if path else []
        self._command += ["--wiki", config.wiki.url, "--data", config.store.path]
        self._present = present
        self.state = "not needed in this phase"

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the process alive until `stop`."""
        failures = 0
        while not stop.is_set():
            if self._present().reads is Reads.LEGACY:
                await _pause(stop, _LOOK_S)
                continue
            began = asyncio.get_running_loop().time()
            try:
                process = await asyncio.create_subprocess_exec(*self._command)
            except OSError as error:
                code: int | str | None = str(error)
            else:
                self.state = f"running, pid {process.pid}"
                code = await self._watch(process, stop)
            if stop.is_set():
                break
            if asyncio.get_running_loop().time() - began > _LONG_ENOUGH_S:
                failures = 0
            wait_s = _RESTART_AFTER_S[min(failures, len(_RESTART_AFTER_S) - 1)]
            failures += 1
            self.state = f"died with code {code}, starts again"
            _log.error(
                "the verifier died with code %s; it starts again in %g s",
                code,
                wait_s,
                extra={"action": "verifier_died"},
            )
            await _pause(stop, wait_s)
        self.state = "stopped"

    async def _watch(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> int | None:
        async with asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(process.wait())
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                process.terminate()
                try:
                    async with asyncio.timeout(_STOP_AFTER_S):
                        await asyncio.shield(ended)
                except TimeoutError:
                    process.kill()
            stopping.cancel()
        return process.returncode


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
