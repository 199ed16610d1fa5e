"""The MariaDB that `make services` starts, for tests that need a real server."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncmy
import pytest
from asyncmy.cursors import DictCursor
from fakes.services import services_env

from backends.sql.mysql import MysqlAddress


def mariadb_address() -> MysqlAddress:
    """Where it is; the test is skipped, with the reason, when it is not up."""
    known = services_env()
    if "CUTOVER_MARIADB_SOCKET" not in known:
        pytest.skip("no real MariaDB: start it with `make services`")
    return MysqlAddress(
        socket=known["CUTOVER_MARIADB_SOCKET"],
        user=known["CUTOVER_MARIADB_USER"],
        password=known["CUTOVER_MARIADB_PASSWORD"],
        database="mysql",
    )


async def server_statement(address: MysqlAddress, text: str) -> Sequence[dict[str, Any]]:
    """Run one statement on a connection of its own."""
    async with asyncio.timeout(10):
        connection = await asyncmy.connect(
            unix_socket=address.socket,
            user=address.user,
            password=address.password,
            database=address.database,
            autocommit=True,
        )
        try:
            async with connection.cursor(DictCursor) as cursor:
                await cursor.execute(text)
                rows = await cursor.fetchall()
        finally:
            connection.close()
    return list(rows or ())
