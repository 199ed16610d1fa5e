"""The `cutover` command as its user starts it: a process of its own, found by the file it writes when it is ready."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.02


class NotServingError(Exception):
    """The proxy ended, or did not say that it is ready, in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where a running proxy listens."""

    proxy_url: str
    admin_url: str
    pid: int
    log: Path


@contextmanager
def serve(wiki_url: str, data: Path, *, arguments: Sequence[str] = (), store: Path | None = None) -> Iterator[Served]:
    """`cutover serve --wiki wiki_url --data data` on free ports of loopback; ended by SIGTERM, which must exit with 0.

    `arguments` go before the ones given here, so `("--config", path)` works too.
    """
    data.mkdir(parents=True, exist_ok=True)
    ready, log = data / "ready.json", data / "serve.log"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cutover", "serve", *arguments, "--wiki", wiki_url, "--data", str(store or data)]
    command += ["--port", "0", "--admin-port", "0", "--ready-file", str(ready)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ})
    try:
        where = _wait_until_ready(process, ready, log)
        yield Served(where["proxy"], where["admin"], where["pid"], log)
        _stop(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotServingError(f"ended with {process.returncode}:\n{_tail(log)}")
        try:
            where: dict[str, Any] = json.loads(ready.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(POLL_S)
        else:
            return where
    raise NotServingError(f"not ready after {START_TIMEOUT_S:.0f} s:\n{_tail(log)}")


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.send_signal(signal.SIGTERM)
    code = process.wait(STOP_TIMEOUT_S)
    if code != 0:
        raise NotServingError(f"ended with {code} on SIGTERM:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]
