"""`cutover serve` as its operator meets it: a process, a config file, signals."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes.replay import Recording, ReplayServer
from fakes.served import ROOT, serve

PAGE = Recording("page", "GET", "/wiki/A", (), b"", 200, "OK", (("Content-Length", "2"),), b"ok")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body


def status(admin_url: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(fetch(f"{admin_url}/status"))
    return told


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cutover", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def wiki_url() -> str:
    return "http://127.0.0.1:9"  # nobody: these tests look at the proxy itself


def test_it_serves_with_no_config_file_and_stops_on_sigterm(wiki_url: str, tmp_path: Path) -> None:
    with serve(wiki_url, tmp_path / "data") as served:
        assert fetch(f"{served.admin_url}/readyz") == b"ready\n"
        told = status(served.admin_url)
        assert (told["phase"], told["verifier"]) == ("prepare", "not needed in this phase")
    # `serve` asserts that it ended with code 0


async def test_a_page_passes_through(tmp_path: Path) -> None:
    async with ReplayServer([PAGE]) as wiki:
        with serve(wiki.url, tmp_path / "data") as served:
            assert await asyncio.to_thread(fetch, f"{served.proxy_url}/wiki/A") == b"ok"
            assert (await asyncio.to_thread(status, served.admin_url))["statuses"] == {"200": 1}


def test_the_phase_follows_the_file_and_an_illegal_flip_changes_nothing(wiki_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("phase: prepare\n")
    with serve(wiki_url, tmp_path / "data", arguments=("--config", str(config))) as served:
        config.write_text("phase: shadow_reads\n")
        os.kill(served.pid, signal.SIGHUP)
        until(lambda: "not neighbours" in status(served.admin_url)["last_flip_error"])
        assert status(served.admin_url)["phase"] == "prepare"
        config.write_text("phase: nonsense\n")
        until(lambda: "expected one of" in status(served.admin_url)["last_flip_error"])
        config.write_text("phase: export\n")  # no signal: the file is watched
        until(lambda: status(served.admin_url)["phase"] == "export")
        assert status(served.admin_url)["last_flip_error"] == ""


def test_the_verifier_runs_in_shadow_reads_and_comes_back_when_it_is_killed(wiki_url: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("phase: shadow_reads\n")
    with serve(wiki_url, tmp_path / "data", arguments=("--config", str(config))) as served:
        until(lambda: status(served.admin_url)["verifier"].startswith("running"))
        first = int(status(served.admin_url)["verifier"].rpartition(" ")[2])
        os.kill(first, signal.SIGKILL)
        until(lambda: status(served.admin_url)["verifier"] != f"running, pid {first}")
        until(lambda: status(served.admin_url)["verifier"].startswith("running"))
        second = int(status(served.admin_url)["verifier"].rpartition(" ")[2])
    assert second != first
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)  # it went with its proxy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phase: nope\n", "c.yaml:1: phase: expected one of prepare, export, shadow_reads, read_cutover, got 'nope'"),
        ("proxy:\n  lissten: x\n", "c.yaml:2: proxy.lissten: there is no such field; did you mean 'listen'?"),
    ],
)
def test_a_wrong_config_ends_with_2_and_says_where(text: str, message: str, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(text)
    ended = run("serve", "--config", str(config))
    assert ended.returncode == 2
    assert message in ended.stderr


def test_neither_config_nor_wiki_ends_with_2() -> None:
    ended = run("serve")
    assert (ended.returncode, "either --config FILE or --wiki URL" in ended.stderr) == (2, True)


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ended = run("serve", "--wiki", "http://127.0.0.1:9", "--data", str(tmp_path), "--port", port)
    assert ended.returncode not in (0, None)
    assert "cannot listen on 127.0.0.1:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_config_check_and_example(tmp_path: Path) -> None:
    ended = run("config", "example")
    assert ended.returncode == 0
    (tmp_path / "c.yaml").write_text(ended.stdout)
    assert run("config", "check", str(tmp_path / "c.yaml")).stdout.endswith(": good\n")
    assert run("config", "check", str(tmp_path / "none.yaml")).returncode == 2
