"""What a snapshot costs in S3: our snapshots beside aioboto3's and bare obstore's, on one radosgw, in one run.

    .venv/bin/python bench/snapshots.py [--rounds 3] [--objects 1000] [--parallel 32] [--body-bytes 20480] [--json]

Sides: cutover (`S3Snapshots`, what is shipped: obstore, with our key check, turn, timeout and errors), aioboto3 (the
same promise written with aioboto3's client), obstore (put_async and get_async in a bare loop: what the library takes).

- Each side creates (If-None-Match: *) and then reads `--objects` objects of random bytes with `--parallel` at once, in
  a part of its own of one bucket. Every answer is compared with what was written. Rounds are interleaved; shown is the
  median.
- "cpu ms" is this process's own, all threads, per operation: it does not depend on who else uses the machine. Rates do:
  gateway and client share the cores, so ratios mean more than figures.
- Needs radosgw: scripts/services.sh up radosgw. The bucket is emptied and removed at the end.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import obstore
import uvloop
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backends.snapshots.s3 import S3Snapshots
from backends.snapshots.s3_admin import asking
from backends.snapshots.s3_bucket import prepare_bucket
from backends.snapshots.s3_place import Credentials, S3Place, data_client

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S, CONNECT_TIMEOUT_S = 30.0, 5.0
PEER = "aioboto3"

Create = Callable[[str, bytes], Coroutine[Any, Any, bool]]
Read = Callable[[str], Coroutine[Any, Any, bytes]]


@dataclass(frozen=True, slots=True)
class Side:
    """One way to write and read."""

    name: str
    create: Create
    read: Read


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round of a side came to."""

    puts_per_s: float
    put_cpu_ms: float
    put_p50_ms: float
    put_p99_ms: float
    gets_per_s: float
    get_cpu_ms: float
    get_p50_ms: float
    get_p99_ms: float


async def cutover_side(place: S3Place, parallel: int) -> Side:
    snapshots = await S3Snapshots.open(replace(place, prefix="cutover/"), requests_max=parallel)
    if not snapshots.capabilities.conditional_put:
        raise SystemExit(f"{place} has no create-only writes: this would measure something else")
    return Side("cutover", snapshots.create, snapshots.read)


def obstore_side(place: S3Place, parallel: int) -> Side:
    client = data_client(
        place, Credentials(), requests_max=parallel, timeout_s=TIMEOUT_S, connect_timeout_s=CONNECT_TIMEOUT_S
    )

    async def create(key: str, body: bytes) -> bool:
        await obstore.put_async(client, f"obstore/{key}", body, mode="create", use_multipart=False)
        return True

    async def read(key: str) -> bytes:
        found = await obstore.get_async(client, f"obstore/{key}")
        return bytes(await found.bytes_async())

    return Side("obstore", create, read)


async def aioboto3_side(place: S3Place, parallel: int, stack: AsyncExitStack) -> Side:
    config = AioConfig(
        max_pool_connections=parallel,
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = Credentials().session
    client = await stack.enter_async_context(session.client("s3", endpoint_url=place.endpoint, config=config))

    async def create(key: str, body: bytes) -> bool:
        try:
            await client.put_object(Bucket=place.bucket, Key=f"aioboto3/{key}", Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
            return False
        return True

    async def read(key: str) -> bytes:
        found = await client.get_object(Bucket=place.bucket, Key=f"aioboto3/{key}")
        async with found["Body"] as stream:
            body: bytes = await stream.read()
        return body

    return Side(PEER, create, read)


@asynccontextmanager
async def opened_sides(place: S3Place, parallel: int) -> AsyncIterator[list[Side]]:
    await prepare_bucket(place)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(remove_bucket, place)
        yield [
            await cutover_side(place, parallel),
            await aioboto3_side(place, parallel, stack),
            obstore_side(place, parallel),
        ]


async def measure(side: Side, bodies: Mapping[str, bytes], parallel: int) -> Figures:
    async def create(key: str) -> None:
        if not await side.create(key, bodies[key]):
            raise SystemExit(f"{side.name}: {key} was there already")

    async def read(key: str) -> None:
        if await side.read(key) != bodies[key]:
            raise SystemExit(f"{side.name}: {key} came back different")

    return Figures(*await timed(create, bodies, parallel), *await timed(read, bodies, parallel))


async def timed(
    work: Callable[[str], Coroutine[Any, Any, None]], keys: Mapping[str, bytes], parallel: int
) -> tuple[float, float, float, float]:
    """Return operations per second, CPU ms per operation, p50 and p99 in ms."""
    waits: list[float] = []

    async def walk(own: Iterator[str]) -> None:
        for key in own:
            began = time.perf_counter()
            await work(key)
            waits.append(1000 * (time.perf_counter() - began))

    shared = iter(keys)
    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(walk(shared))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cuts = statistics.quantiles(waits, n=100)
    return len(keys) / wall, 1000 * cpu / len(keys), cuts[49], cuts[98]


async def remove_bucket(place: S3Place) -> None:
    async with asking(place, Credentials(), timeout_s=TIMEOUT_S, connect_timeout_s=CONNECT_TIMEOUT_S) as client:
        async for page in client.get_paginator("list_object_versions").paginate(Bucket=place.bucket):
            found = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page.get("Versions", ())]
            if found:
                await client.delete_objects(Bucket=place.bucket, Delete={"Objects": found, "Quiet": True})
        await client.delete_bucket(Bucket=place.bucket)


async def run(options: argparse.Namespace) -> dict[str, Figures]:
    place = S3Place(bucket=f"bench-{secrets.token_hex(6)}", endpoint=os.environ["CUTOVER_S3_ENDPOINT"])
    rounds: dict[str, list[Figures]] = {}
    async with opened_sides(place, options.parallel) as sides:
        for number in range(options.rounds + 1):
            for side in sides:
                count = options.objects if number else options.parallel * 4  # round 0 warms up
                bodies = {f"{number}/{one:06}": secrets.token_bytes(options.body_bytes) for one in range(count)}
                figures = await measure(side, bodies, options.parallel)
                if number:
                    rounds.setdefault(side.name, []).append(figures)
    return {name: _median(figures) for name, figures in rounds.items()}


def _median(figures: list[Figures]) -> Figures:
    every = [asdict(one) for one in figures]
    return Figures(**{name: statistics.median(one[name] for one in every) for name in every[0]})


def show(figures: Mapping[str, Figures], options: argparse.Namespace) -> str:
    peer = figures[PEER]
    heads = "".join(f"{name:>10}{'of ' + PEER:>13}{'cpu ms':>8}{'p50':>7}{'p99':>7}" for name in ("puts/s", "gets/s"))
    setting = f"{options.objects} objects of {options.body_bytes} bytes, {options.parallel} at once"
    lines = [f"{setting}, median of {options.rounds} rounds", f"{'':10}{heads}"]
    lines += [
        f"{name:10}{one.puts_per_s:10.0f}{one.puts_per_s / peer.puts_per_s:13.2f}{one.put_cpu_ms:8.3f}"
        f"{one.put_p50_ms:7.1f}{one.put_p99_ms:7.1f}"
        f"{one.gets_per_s:10.0f}{one.gets_per_s / peer.gets_per_s:13.2f}{one.get_cpu_ms:8.3f}"
        f"{one.get_p50_ms:7.1f}{one.get_p99_ms:7.1f}"
        for name, one in figures.items()
    ]
    return "\n".join(lines)


def use_radosgw() -> None:
    """Put radosgw's address and keys into the environment. Raises SystemExit when it is not up."""
    services = ROOT / "scripts" / "services.sh"
    subprocess.run([services, "up", "radosgw"], check=True, stdout=sys.stderr)
    told = subprocess.run([services, "env"], check=True, capture_output=True, text=True).stdout
    known = dict(line.removeprefix("export ").split("=", 1) for line in told.splitlines())
    os.environ.update({name: value.strip("'") for name, value in known.items() if name.startswith("CUTOVER_S3_")})
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["CUTOVER_S3_ACCESS_KEY"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = os.environ["CUTOVER_S3_SECRET_KEY"]
    os.environ["AWS_DEFAULT_REGION"] = os.environ["CUTOVER_S3_REGION"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=32)
    parser.add_argument("--body-bytes", type=int, default=20480)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    use_radosgw()
    figures = uvloop.run(run(options))
    print(json.dumps({name: asdict(one) for name, one in figures.items()}) if options.json else show(figures, options))


if __name__ == "__main__":
    main()
