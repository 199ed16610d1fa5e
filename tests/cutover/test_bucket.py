"""The verb, and the programs on real parts, by configuration alone: snapshots in radosgw, the rest in MariaDB."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from fakes.mariadb import mariadb_address, server_statement
from fakes.s3 import S3Server, moto, radosgw
from fakes.served import ROOT

from backends.sql.mysql import MysqlAddress
from cutover.demo.wiki import SampleWiki
from cutover.demo.world import World


@dataclass(frozen=True)
class Place:
    config: Path
    env: Mapping[str, str]


def environment(server: S3Server, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def write_config(folder: Path, **sections: object) -> Path:
    path = folder / "cutover.yaml"
    path.write_text(yaml.safe_dump(sections), encoding="utf-8")
    return path


async def cutover(place: Place, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutover", *arguments, "--config", str(place.config)),
        cwd=ROOT,
        env=place.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def snapshots_of(server: S3Server, **more: object) -> dict[str, object]:
    return {"kind": "s3", "bucket": f"test-{secrets.token_hex(6)}", "endpoint": server.endpoint, **more}


@pytest.fixture(scope="module")
def moto_server() -> Iterator[S3Server]:
    with moto() as server:
        yield server


async def test_a_bucket_is_made_once_and_looked_at(moto_server: S3Server, tmp_path: Path) -> None:
    config = write_config(tmp_path, snapshots=snapshots_of(moto_server, retention_days=3))
    place = Place(config, environment(moto_server))
    code, out, err = await cutover(place, "bucket", "create")
    assert (code, "Versioning: on. Object Lock: on." in out) == (0, True), out + err
    assert "3 days (GOVERNANCE)" in out
    assert (await cutover(place, "bucket", "create"))[0] == 0
    code, out, _ = await cutover(place, "bucket", "check", "--json")
    assert (code, json.loads(out)["retention"]) == (0, {"days": 3, "mode": "GOVERNANCE"})


async def test_files_need_no_bucket(tmp_path: Path) -> None:
    place = Place(write_config(tmp_path, phase="prepare"), dict(os.environ))
    code, _, err = await cutover(place, "bucket", "create")
    assert code == 2
    assert "snapshots.kind: is not s3" in err


async def test_wrong_keys_are_refused_and_never_printed(tmp_path: Path) -> None:
    server = radosgw()
    config = write_config(tmp_path, snapshots=snapshots_of(server))
    env = environment(server) | {"AWS_SECRET_ACCESS_KEY": "correct-horse-battery"}
    code, out, err = await cutover(Place(config, env), "bucket", "create")
    assert code == 3
    assert "correct-horse-battery" not in out + err
    assert "Traceback" not in err


@contextmanager
def new_database() -> Iterator[tuple[MysqlAddress, str]]:
    server = mariadb_address()
    name = f"cutover_test_{secrets.token_hex(4)}"
    asyncio.run(server_statement(server, f"CREATE DATABASE {name}"))
    yield server, name
    asyncio.run(server_statement(server, f"DROP DATABASE {name}"))


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Place]:
    """A bucket in radosgw and a database in MariaDB, by configuration."""
    server = radosgw()
    with new_database() as (address, name):
        dsn = f"mysql://{address.user}@/{name}?socket={address.socket}"
        config = write_config(
            tmp_path,
            store={"path": "data", "index": dsn, "ledger": dsn},
            snapshots=snapshots_of(server),
            wiki={"url": "http://127.0.0.1:9"},
        )
        passwords = dict.fromkeys(("CUTOVER_INDEX_PASSWORD", "CUTOVER_LEDGER_PASSWORD"), address.password)
        yield Place(config, environment(server, **passwords))


@pytest.mark.services
async def test_history_goes_into_real_parts_and_is_what_it_promises_to_be(real: Place) -> None:
    world = World.empty()
    for number in range(8):
        world.create_item({"en": f"item {number}"})
    assert (await cutover(real, "bucket", "create"))[0] in (0, 1)  # 1: this server has something to be told
    async with SampleWiki(world=world) as wiki:
        code, out, err = await cutover(real, "export", "--json", "--wiki", wiki.url)
        assert (code, json.loads(out or "{}").get("revisions")) == (0, world.revision_count), err
        code, out, err = await cutover(real, "export", "--json", "--wiki", wiki.url)
        assert (code, json.loads(out or "{}").get("new_snapshots")) == (0, 0), err
    code, out, err = await cutover(real, "fsck", "--full", "--json")
    assert code == 0, out + err
    assert json.loads(out)["revisions"] == world.revision_count
    assert not (real.config.parent / "data" / "snapshots").exists()
