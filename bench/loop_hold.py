"""How long the proxy's event loop is held while large entity reads are sampled: no turn may take longer than 5 ms.

    .venv/bin/python bench/loop_hold.py [--seconds 10] [--body PATH] [--phase shadow_reads]

One worker before a wiki that answers every read with the same large entity (by default Q42 of the shared entities, else
a made one of 300 KB), driven by another process. A probe in the worker's own event loop asks to be called every
millisecond; how late it is called is how long something else held the loop. The same probe without any traffic says
what the machine itself adds. The sampler's work (recognising, cutting secrets out, packing) runs in a thread of its
own and shares the interpreter's lock, so it is in the figures too.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import uvloop  # noqa: E402 - the checkout first
from fakes.worker import MemorySpool, Worker, worker_before  # noqa: E402

from backends.config import Config  # noqa: E402

Q42 = ROOT.parent / "shared" / "entities" / "Q42.json"
READ = "/w/api.php?action=wbgetentities&ids=Q42&format=json"
TICK_S = 0.001
BOUND_MS = 5.0

_WIKI = """
import asyncio, sys, uvloop
body = open(sys.argv[1], "rb").read()
answer = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body
async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
uvloop.run(main())
"""
_CLIENT = """
import asyncio, sys, time
port, path, until = int(sys.argv[1]), sys.argv[2], time.time() + float(sys.argv[3])
async def one():
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while time.time() < until:
        writer.write(f"GET {path} HTTP/1.1\\r\\nHost: w\\r\\n\\r\\n".encode())
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\\r")[0]))
        done += 1
        await asyncio.sleep(0.01)
    return done
async def main():
    print(sum(await asyncio.gather(*(one() for _ in range(4)))))
asyncio.run(main())
"""


async def probe(late_ms: list[float], stop: asyncio.Event) -> None:
    """Write down how late each turn comes."""
    loop = asyncio.get_running_loop()
    due = loop.time() + TICK_S
    while not stop.is_set():
        await asyncio.sleep(max(0.0, due - loop.time()))
        now = loop.time()
        late_ms.append((now - due) * 1000)
        due = now + TICK_S


def summary(late_ms: list[float]) -> dict[str, float]:
    ordered = sorted(late_ms)
    return {
        "turns": len(ordered),
        "p50_ms": round(statistics.median(ordered), 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 3),
        "p99.9_ms": round(ordered[int(len(ordered) * 0.999)], 3),
        "max_ms": round(ordered[-1], 3),
        "over_bound": sum(one > BOUND_MS for one in ordered),
    }


async def measure(wiki_port: int, phase: str, seconds: float) -> dict[str, object]:
    found: dict[str, object] = {}
    async with worker_before(f"http://127.0.0.1:{wiki_port}", Config(), present=phase, spool=MemorySpool()) as worker:
        for name in ("without traffic", "with traffic"):
            late_ms: list[float] = []
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(probe(late_ms, stop))
                found |= await load(worker, seconds) if name == "with traffic" else await idle(seconds)
                stop.set()
            worker.spool.samples.clear()
            found[name] = summary(late_ms)
    return found


async def idle(seconds: float) -> dict[str, object]:
    await asyncio.sleep(seconds)
    return {}


async def load(worker: Worker, seconds: float) -> dict[str, object]:
    port = worker.url.rpartition(":")[2]
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CLIENT, port, READ, str(seconds)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await client.communicate()
    return {"requests": int(out), "sampled": len(worker.spool.samples)}


def main() -> int:
    parser = argparse.ArgumentParser(description="How long the proxy's event loop is held.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--body", type=Path, default=Q42)
    parser.add_argument("--phase", default="shadow_reads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-loop-") as folder:
        body = Path(folder) / "body.json"
        entity = json.loads(options.body.read_text()) if options.body.is_file() else {"x": ["y" * 60] * 5000}
        body.write_text(json.dumps(entity, separators=(",", ":")))
        with subprocess.Popen(
            [sys.executable, "-c", _WIKI, str(body)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as wiki:
            assert wiki.stdin
            assert wiki.stdout
            port = int(wiki.stdout.readline())
            time.sleep(0.2)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found = runner.run(measure(port, options.phase, options.seconds))
            wiki.stdin.close()
        print(json.dumps({"body_bytes": body.stat().st_size, "phase": options.phase, **found}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
