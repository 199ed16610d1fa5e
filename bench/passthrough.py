"""What passing through costs: this proxy beside nginx and mitmproxy, in front of one and the same upstream, in one run.

    .venv/bin/python bench/passthrough.py [--rounds 3] [--seconds 5] [--connections 32] [--body-bytes 20480] [--json]

Sides: direct (no proxy), cutover (`cutover serve --wiki`), nginx (`proxy_pass`, kept connections), mitmproxy (mitmdump
in reverse mode). Each has one worker. The upstream is one more nginx worker, which answers one JSON file from memory.

- Rounds are interleaved: each round measures every side once, so that a noisy minute hits all of them. Shown is the
  median of the rounds. `wrk` is the client, one thread; any answer but 200 and any socket error ends the run.
- Before anything is measured each side must give the upstream's own bytes.
- Client, proxy and upstream share this machine's cores: ratios mean more than figures. "cpu µs" is what the side's own
  processes used per request, from /proc, and does not depend on who else was running.
- First run: installs nginx and wrk (scripts/services.sh) and mitmproxy into a virtual environment of its own under
  CUTOVER_SERVICES_DIR, from requirements.lock. Everything listens on 127.0.0.1 and ends with the run.
"""

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from socket import socket

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ROOT / "scripts" / "services.sh"
LOCK = Path(__file__).with_name("requirements.lock")
TARGET = "/wiki/Special:EntityData/Q42.json"
START_TIMEOUT_S = 30.0
WARM_UP_S = 1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

NGINX_COMMON = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; keepalive_requests 100000000; default_type application/json;
    client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi; proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi; uwsgi_temp_path {folder}/uwsgi;
    {inside}
}}
"""
NGINX_UPSTREAM = """
    open_file_cache max=10;
    server {{ listen 127.0.0.1:{port}; location = {target} {{ alias {file}; }} }}
"""
NGINX_PROXY = """
    upstream wiki {{ server 127.0.0.1:{upstream_port}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://wiki; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header Host $http_host;
        }}
    }}
"""


class BenchError(Exception):
    """The measurement cannot be made or is not valid; the message says why."""


@dataclass(frozen=True, slots=True)
class Side:
    """One thing to measure: where it listens, and the process it consists of (with its children)."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one side."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="length of each measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--body-bytes", type=int, default=20 * 1024)
    parser.add_argument("--sides", default="direct,cutover,nginx,mitmproxy", help="which, comma-separated")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    names = options.sides.split(",")
    if unknown := set(names) - {"direct", *STARTERS}:
        parser.error(f"no such side: {', '.join(sorted(unknown))}")
    try:
        rounds = measure_all(names, options)
    except BenchError as error:
        print(f"passthrough: {error}", file=sys.stderr)
        return 1
    medians = {name: median_round(rounds[name]) for name in names}
    if options.json:
        print(json.dumps(as_json(options, rounds, medians), indent=1))
    else:
        print_table(options, medians)
    return 0


def measure_all(names: list[str], options: argparse.Namespace) -> dict[str, list[Round]]:
    subprocess.run([SERVICES, "install", "nginx", "wrk"], check=True)
    rounds: dict[str, list[Round]] = {name: [] for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passthrough-")))
        upstream = stack.enter_context(start_upstream(folder / "upstream", options.body_bytes))
        sides = []
        for name in names:
            start = STARTERS.get(name)
            sides.append(stack.enter_context(start(folder / name, upstream.port)) if start else upstream)
        for side in sides:
            check_bytes(side, upstream)
        for number in range(options.rounds):
            for side, name in zip(sides, names, strict=True):
                print(f"round {number + 1} of {options.rounds}: {name}", file=sys.stderr)
                run_wrk(side, WARM_UP_S, options.connections)
                rounds[name].append(run_wrk(side, options.seconds, options.connections))
    return rounds


# Starting the sides


@contextmanager
def start_upstream(folder: Path, body_bytes: int) -> Iterator[Side]:
    folder.mkdir()
    folder.chmod(0o755)
    labels = "".join(f'"l{number}":"{number:032x}",' for number in range(body_bytes // 30))
    body = ('{"entities":{' + labels)[: body_bytes - 6] + '":0}}\n'
    (folder / "body.json").write_text(body)
    port = free_port()
    inside = NGINX_UPSTREAM.format(port=port, target=TARGET, file=folder / "body.json")
    with start_nginx("upstream", folder, port, inside) as side:
        yield side


@contextmanager
def start_nginx_proxy(folder: Path, upstream_port: int) -> Iterator[Side]:
    folder.mkdir()
    port = free_port()
    with start_nginx("nginx", folder, port, NGINX_PROXY.format(port=port, upstream_port=upstream_port)) as side:
        yield side


@contextmanager
def start_nginx(name: str, folder: Path, port: int, inside: str) -> Iterator[Side]:
    user = "user root;" if os.getuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX_COMMON.format(folder=folder, user=user, inside=inside))
    program = "/usr/sbin/nginx"
    with running([program, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")], folder) as process:
        wait_until(lambda: is_answering(port), process, folder)
        yield Side(name, port, process.pid)


@contextmanager
def start_cutover(folder: Path, upstream_port: int) -> Iterator[Side]:
    folder.mkdir()
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "cutover", "serve", "--wiki", f"http://127.0.0.1:{upstream_port}"]
    command += ["--data", str(folder / "data"), "--port", "0", "--admin-port", "0", "--ready-file", str(ready)]
    with running(command, folder) as process:
        wait_until(ready.exists, process, folder)
        where = json.loads(ready.read_text())
        yield Side("cutover", int(where["proxy"].rsplit(":", 1)[1]), process.pid)


@contextmanager
def start_mitmproxy(folder: Path, upstream_port: int) -> Iterator[Side]:
    folder.mkdir()
    port = free_port()
    command = [str(installed_mitmdump()), "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream_port}"]
    command += ["--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", f"confdir={folder}"]
    with running(command, folder) as process:
        wait_until(lambda: is_answering(port), process, folder)
        yield Side("mitmproxy", port, process.pid)


STARTERS: dict[str, Callable[[Path, int], AbstractContextManager[Side]]] = {
    "cutover": start_cutover,
    "nginx": start_nginx_proxy,
    "mitmproxy": start_mitmproxy,
}


def installed_mitmdump() -> Path:
    """The program, installed from the lock file if it is not there or the lock file has changed."""
    services = Path(os.environ.get("CUTOVER_SERVICES_DIR") or Path.home() / ".cache" / "cutover-services")
    venv = services / "mitmproxy"
    mark = venv / "lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != digest:
        print("installing mitmproxy", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--requirement", str(LOCK)]
        subprocess.run(pip, check=True)
        mark.write_text(digest)
    return venv / "bin" / "mitmdump"


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the block; its output is kept in the folder."""
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            output = (folder / "output.log").read_text(errors="replace")[-2000:]
            raise BenchError(f"{process.args!r} does not start:\n{output}")
        time.sleep(0.05)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(port: int) -> bool:
    with socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check_bytes(side: Side, upstream: Side) -> None:
    bodies = []
    for port in (side.port, upstream.port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{TARGET}", timeout=10) as answer:
            bodies.append(answer.read())
    if bodies[0] != bodies[1]:
        raise BenchError(
            f"{side.name} does not give the upstream's bytes: {len(bodies[0])} instead of {len(bodies[1])}"
        )


# Measuring


def run_wrk(side: Side, seconds: int, connections: int) -> Round:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    before_s = cpu_seconds(side.pid)
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{side.port}{TARGET}"], capture_output=True, text=True, check=True
    )
    used_s = cpu_seconds(side.pid) - before_s
    return parse_wrk(done.stdout, used_s)


def parse_wrk(output: str, used_s: float) -> Round:
    if bad := re.findall(r"Socket errors:.*|Non-2xx.*", output):
        raise BenchError(f"wrk reports: {bad}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    count = re.search(r"(\d+) requests in", output)
    shares = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+\w+)$", output, re.MULTILINE))
    if rate is None or count is None or len(shares) != 2 or int(count[1]) == 0:
        raise BenchError(f"wrk printed something unknown:\n{output}")
    return Round(
        requests_per_s=float(rate[1]),
        p50_ms=milliseconds(shares["50"]),
        p99_ms=milliseconds(shares["99"]),
        cpu_us_per_request=used_s * 1e6 / int(count[1]),
    )


def milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise BenchError(f"wrk printed an unknown time: {text}")
    number, unit = match.groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = [
            child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S + sum(cpu_seconds(int(child)) for child in children)


def median_round(rounds: list[Round]) -> Round:
    rows = [asdict(one) for one in rounds]
    return Round(**{key: statistics.median(row[key] for row in rows) for key in rows[0]})


# Showing


def ratios(medians: dict[str, Round]) -> dict[str, float]:
    """Requests per second of each side as a part of nginx's."""
    base = medians.get("nginx")
    return {name: side.requests_per_s / base.requests_per_s for name, side in medians.items()} if base else {}


def conditions(options: argparse.Namespace) -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "body_bytes": options.body_bytes,
        "connections": options.connections,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "python": sys.version.split()[0],
    }


def as_json(
    options: argparse.Namespace, rounds: dict[str, list[Round]], medians: dict[str, Round]
) -> dict[str, object]:
    return {
        "conditions": conditions(options),
        "medians": {name: asdict(one) for name, one in medians.items()},
        "requests_per_s_relative_to_nginx": ratios(medians),
        "rounds": {name: [asdict(one) for one in many] for name, many in rounds.items()},
    }


def print_table(options: argparse.Namespace, medians: dict[str, Round]) -> None:
    print(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in conditions(options).items()))
    print(f"{'':10} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'cpu µs':>8} {'of nginx':>9}")
    relative = ratios(medians)
    for name, one in medians.items():
        share = f"{relative[name]:9.3f}" if name in relative else f"{'-':>9}"
        print(
            f"{name:10} {one.requests_per_s:11.0f} {one.p50_ms:8.2f} {one.p99_ms:8.2f} "
            f"{one.cpu_us_per_request:8.1f} {share}"
        )


if __name__ == "__main__":
    sys.exit(main())
