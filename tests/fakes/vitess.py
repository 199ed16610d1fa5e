"""The Vitess that `scripts/vitess.sh run` starts, for tests that need a real one: one for all, emptied for each."""

import hashlib
import os

import pytest
from fakes.mariadb import server_statement

from backends.sql.migrations import migrations
from backends.sql.mysql import MysqlAddress

STEPS = "schema_steps"


def vitess_address() -> MysqlAddress:
    """Where its gateway is; the test is skipped, with the reason, when it is not up."""
    if "CUTOVER_VITESS_PORT" not in os.environ:
        pytest.skip("no real Vitess: run these tests with `make test-vitess`")
    return MysqlAddress(
        host=os.environ["CUTOVER_VITESS_HOST"],
        port=int(os.environ["CUTOVER_VITESS_PORT"]),
        user=os.environ["CUTOVER_VITESS_USER"],
        password="",
        database=os.environ["CUTOVER_VITESS_KEYSPACES"],
    )


def behind_vitess() -> MysqlAddress:
    """Its database server, where every shard is a database."""
    return MysqlAddress(socket=os.environ["CUTOVER_VITESS_SOCKET"], user="root", password="", database="mysql")


async def emptied_vitess() -> MysqlAddress:
    """Take every row out of every table of every shard; return where the gateway is.

    Tables made from other schema files than the present ones (they may change until they are released) go altogether.
    """
    address = vitess_address()
    server = behind_vitess()
    tables = await server_statement(
        server,
        "SELECT table_schema AS place, table_name AS name FROM information_schema.tables"
        " WHERE table_schema LIKE 'vt\\_%'",
    )
    places = {f"`{table['place']}`.`{table['name']}`": table["name"] for table in tables}
    if await remembered(server) != schema_digest():
        for place in places:
            await server_statement(server, f"DROP TABLE {place}")
        await remember(server)
        return address
    looks = [f"(SELECT '{place}' AS place FROM {place} LIMIT 1)" for place, name in places.items() if name != STEPS]
    for row in await server_statement(server, " UNION ALL ".join(looks)) if looks else ():
        await server_statement(server, f"TRUNCATE TABLE {row['place']}")
    return address


def schema_digest() -> str:
    steps = [migrations(schema, "mysql") for schema in ("index", "ledger")]
    return hashlib.sha256(repr(steps).encode()).hexdigest()


async def remembered(server: MysqlAddress) -> str:
    """The digest of the schema files that the tables were made from."""
    await server_statement(server, "CREATE DATABASE IF NOT EXISTS cutover_tests")
    await server_statement(server, "CREATE TABLE IF NOT EXISTS cutover_tests.made_from (digest CHAR(64) NOT NULL)")
    rows = await server_statement(server, "SELECT digest FROM cutover_tests.made_from")
    return str(rows[0]["digest"]) if rows else ""


async def remember(server: MysqlAddress) -> None:
    await server_statement(server, "DELETE FROM cutover_tests.made_from")
    await server_statement(server, f"INSERT INTO cutover_tests.made_from VALUES ('{schema_digest()}')")
