"""A MariaDB of a test's own: it may be killed, stopped, filled and made read-only without disturbing anybody."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from fakes.mariadb import server_statement

from backends.sql.mysql import MysqlAddress

START_S = 60
USER, PASSWORD, DATABASE = "tester", "only-for-this-test", "cutover"


class PrivateMariadb:
    """A server on a socket below a folder, with its own data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.socket = str(folder / "s")

    @property
    def root(self) -> MysqlAddress:
        return MysqlAddress(socket=self.socket, user="root", password="", database="mysql")

    @property
    def address(self) -> MysqlAddress:
        """An ordinary user's way in, with rights on one database."""
        return MysqlAddress(socket=self.socket, user=USER, password=PASSWORD, database=DATABASE)

    async def make(self) -> None:
        user = ["--user=root"] if os.getuid() == 0 else []
        made = await asyncio.create_subprocess_exec(
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={self._folder / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--force",
            *user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(made.communicate(), START_S)
        assert made.returncode == 0, err.decode()
        await self.start()
        for text in (
            f"CREATE DATABASE {DATABASE}",
            f"CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON {DATABASE}.* TO {USER}@localhost",
        ):
            await server_statement(self.root, text)

    async def start(self) -> None:
        user = ["--user=root"] if os.getuid() == 0 else []
        self._process = await asyncio.create_subprocess_exec(
            "mariadbd",
            "--no-defaults",
            f"--datadir={self._folder / 'data'}",
            f"--socket={self.socket}",
            f"--pid-file={self._folder / 'pid'}",
            f"--log-error={self._folder / 'log'}",
            "--skip-networking",
            "--innodb-use-native-aio=0",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            *user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with asyncio.timeout(START_S):
            while True:
                with suppress(Exception):
                    await server_statement(self.root, "SELECT 1")
                    return
                assert self._process.returncode is None, (self._folder / "log").read_text()
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it with SIGKILL: nothing is said to anybody."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await asyncio.wait_for(self._process.wait(), START_S)

    async def stop(self) -> None:
        """End it as an operator does."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self._process.wait(), START_S)


@asynccontextmanager
async def private_mariadb(folder: Path) -> AsyncIterator[PrivateMariadb]:
    """Run one; skip, with the reason, where none is installed."""
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB is installed: `make services` does it")
    server = PrivateMariadb(folder)
    await server.make()
    try:
        yield server
    finally:
        await server.kill()
