"""What `serve` looks after besides traffic: the phase in the config file, and the programs beside it."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from backends.config import Config
from backends.config_file import ConfigError, read_config
from backends.errors import BackendError, ConflictError
from backends.ledger.control import Order
from backends.ledger.control_flips import Flipper
from proxy.control import PhaseControl
from rules.flips import Agreed, StateError
from rules.phases import IllegalFlipError, Phase, Reads, check_flip, distance, phase

_log = logging.getLogger(__name__)
_LOOK_S = 1.0
_RESTART_AFTER_S = (0.5, 1.0, 2.0, 5.0, 15.0)
_STOP_AFTER_S = 8.0
_LONG_ENOUGH_S = 60.0
_NOT_NEEDED = "not needed in this phase"


class PhaseWatch:
    """Follows the config file, on SIGHUP and when it changes: who edits `phase:` asks for a flip.

    The agreed phase is in the ledger (`proxy.control`). A phase in which the wiki answers everything is flipped to
    without more; where the store begins to answer, the gate has the word: `cutover phase set`.
    """

    def __init__(self, control: PhaseControl, flipper: Flipper, path: Path | None) -> None:
        self.refused = ""  # why the last flip was refused
        self._control = control
        self._flipper = flipper
        self._path = path
        self._woken = asyncio.Event()
        self._mark = self._file_mark()

    @property
    def phase(self) -> Phase:
        """Return the phase to act in."""
        return self._control.phase

    def wake(self) -> None:
        """Look at the file now."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the file until `stop`."""
        await self._reload()
        while not stop.is_set():
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            except TimeoutError:
                if self._file_mark() == self._mark:
                    continue
            self._woken.clear()
            self._mark = self._file_mark()
            await self._reload()

    async def _reload(self) -> None:
        if self._path is None:
            return
        try:
            wanted = phase(read_config(self._path).phase)
            await self._flip(wanted)
        except (ConfigError, IllegalFlipError, StateError, BackendError) as error:
            self.refused = str(error)
            _log.error("no flip: %s", error, extra={"action": "flip_refused"})
            return
        self.refused = ""

    async def _flip(self, wanted: Phase) -> None:
        present = self._control.agreed.phase
        if wanted.name == present:
            return
        check_flip(present, wanted.name)
        if wanted.reads is Reads.NEW and distance(present, wanted.name) > 0:
            raise IllegalFlipError(
                f"the store begins to answer in {wanted.name}: `cutover phase set {wanted.name}` asks the gate first"
            )
        order = Order(wanted=Agreed(phase=wanted.name), actor="config file", reason=f"phase: {wanted.name} in the file")
        try:
            await self._flipper.flip(order, settle=False)
        except ConflictError:
            _log.info("another worker flips", extra={"action": "flip"})
        self._control.wake()

    def _file_mark(self) -> tuple[int, int, int]:
        if self._path is None:
            return (0, 0, 0)
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


class Companion:
    """A program in a process of its own beside the proxy: started while the phase needs it, again when it dies."""

    def __init__(self, config: Config, path: Path | None, verb: str, needed: Callable[[], bool], *options: str) -> None:
        """`needed`: whether the present phase needs it."""
        self._command = [sys.executable, "-m", "cutover", verb]
        self._command += ["--config", str(path)] if path else []
        self._command += ["--wiki", config.wiki.url, "--data", config.store.path, *options]
        self._verb = verb
        self._needed = needed
        self.state = _NOT_NEEDED

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the process alive until `stop`, while it is needed."""
        failures = 0
        while not stop.is_set():
            if not self._needed():
                self.state = _NOT_NEEDED
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
            if stop.is_set() or not self._needed():
                continue
            if asyncio.get_running_loop().time() - began > _LONG_ENOUGH_S:
                failures = 0
            wait_s = _RESTART_AFTER_S[min(failures, len(_RESTART_AFTER_S) - 1)]
            failures += 1
            self.state = f"died with code {code}, starts again"
            _log.error(
                "cutover %s died with code %s; it starts again in %g s",
                self._verb,
                code,
                wait_s,
                extra={"action": f"{self._verb}_died"},
            )
            await _pause(stop, wait_s)
        self.state = "stopped"

    async def _watch(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> int | None:
        async with asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(process.wait())
            stopping = tasks.create_task(self._over(stop))
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

    async def _over(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and self._needed():
            await _pause(stop, _LOOK_S)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
