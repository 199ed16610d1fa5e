"""The verb `index`: makes the schema where the address points, and says what is not as it must be."""

import argparse
import json
from pathlib import Path

import pytest
import yaml
from fakes.mariadb import server_statement
from fakes.vitess import behind_vitess, emptied_vitess
from suites.pairs import made_mariadb

from cutover import index


def options(folder: Path, what: str, *more: str, **store: object) -> argparse.Namespace:
    path = folder / "cutover.yaml"
    path.write_text(yaml.safe_dump({"store": {"path": "data", **store}}), encoding="utf-8")
    parser = argparse.ArgumentParser()
    index.arguments(parser)
    return parser.parse_args([what, "--config", str(path), *more])


def test_an_embedded_index_is_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert index.run(options(tmp_path, "check")) == 1
    assert "no such table" in capsys.readouterr().out
    assert index.run(options(tmp_path, "create")) == 0
    assert index.run(options(tmp_path, "create")) == 0
    assert index.run(options(tmp_path, "check")) == 0
    out = capsys.readouterr().out
    assert f"Index in {tmp_path / 'data' / 'index.sqlite'} (sqlite):\nAs it must be." in out


@pytest.mark.services
async def test_an_index_in_mariadb_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with made_mariadb(tmp_path) as side:
        address = side["address"]
        monkeypatch.setenv("CUTOVER_INDEX_PASSWORD", address["password"])
        dsn = f"mariadb://{address['user']}@localhost/{address['database']}?socket={address['socket']}"
        config = index.config_of(options(tmp_path, "create", index=dsn))
        assert len((await index.look(config, create=False)).findings) == 1
        assert (await index.look(config, create=True)).findings == []


@pytest.mark.services
async def test_an_index_in_vitess_is_made_and_looked_at(tmp_path: Path) -> None:
    address = await emptied_vitess()
    dsn = f"vitess://{address.user}@{address.host}:{address.port}/{address.database}"
    config = index.config_of(options(tmp_path, "create", index=dsn))
    looked = await index.look(config, create=True)
    assert (looked.place, looked.kind, looked.findings) == (dsn, "vitess", [])
    server = behind_vitess()
    table = f"`vt_{address.database.partition(',')[0]}_-80`.outbox"
    await server_statement(server, f"ALTER TABLE {table} ADD COLUMN other BIGINT")
    try:
        assert (await index.look(config, create=False)).findings == []  # a newer version's column harms nobody
    finally:
        await server_statement(server, f"ALTER TABLE {table} DROP COLUMN other")


def test_the_result_can_be_read_by_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert index.run(options(tmp_path, "create", "--json")) == 0
    place = str(tmp_path / "data" / "index.sqlite")
    assert json.loads(capsys.readouterr().out) == {"place": place, "kind": "sqlite", "findings": []}
