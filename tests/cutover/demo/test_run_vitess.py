"""The demonstration with its index in a real Vitess of two shards: the same result as with SQLite."""

import asyncio
import json
import subprocess
import sys

import pytest
from fakes.mariadb import server_statement
from fakes.served import ROOT
from fakes.vitess import behind_vitess, emptied_vitess


@pytest.mark.services
async def test_it_proves_the_same_with_its_index_in_vitess() -> None:
    address = await emptied_vitess()
    keyspace = address.database.partition(",")[0]
    place = f"vitess://{address.user}@{address.host}:{address.port}/{address.database}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutover", "demo", "--once", "--json", "--index", place),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    shown = json.loads(out)
    assert shown["compared"] > 500
    assert shown["detected"] == shown["damaged"] >= 2
    assert (shown["unexplained"], shown["proxy_errors"]) == (0, 0)
    counts = [
        (await server_statement(behind_vitess(), f"SELECT COUNT(*) AS n FROM `vt_{keyspace}_{shard}`.revisions"))[0][
            "n"
        ]
        for shard in ("-80", "80-")
    ]
    assert min(counts) > 300
    assert sum(counts) >= shown["exported_revisions"] > 1200
