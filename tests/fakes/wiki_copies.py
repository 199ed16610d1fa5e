"""Copies of the dataset's database in the MariaDB of `make services`, as it is or altered to another version's shape.

A copy is named, loaded once (a table in it says from what it was made) and kept; a lock keeps two test runs apart.
Tests read copies as a user who may only read.
"""

import fcntl
import gzip
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import AF_UNIX, socket

import pytest
from shared_truth import SHARED

from backends.wiki.database import Cluster
from backends.wiki.db_connection import Server

DATASET = SHARED / "datasets" / "wiki-a"
NAMESPACE_MODELS = {120: "wikibase-item", 122: "wikibase-property"}
READER = "cutover_reader"
_MARK = "cutover_copied_from"


@dataclass(frozen=True, slots=True)
class WikiCopy:
    """A copy: everything that WikiDatabase.open needs to know of it."""

    reader: Server
    writer: Server
    database: str
    blobs: str
    prefix: str = ""

    @property
    def clusters(self) -> dict[str, Cluster]:
        return {"cluster1": Cluster(self.blobs), "cluster2": Cluster(self.blobs, "blobs_cluster2")}

    def run(self, statements: str) -> str:
        """Run statements in the copy, as a user who may change it; return what the client prints."""
        return _client(self.writer, statements, self.database)

    def forget(self) -> None:
        """Let the next test that asks for this copy have a fresh one: this test is going to change it."""
        self.run(f"DELETE FROM {_MARK}")


def services_folder() -> Path:
    return Path(os.environ.get("CUTOVER_SERVICES_DIR") or Path.home() / ".cache" / "cutover-services")


def mariadb() -> Server:
    """The server that `make services` started, as a user who may do everything; the test is skipped without it."""
    try:
        text = (services_folder() / "services.env").read_text()
    except FileNotFoundError:
        text = ""
    said = {name: value.strip("'") for name, value in re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE)}
    said |= {name: value for name, value in os.environ.items() if name.startswith("CUTOVER_MARIADB_")}
    path = said.get("CUTOVER_MARIADB_SOCKET")
    with socket(AF_UNIX) as probe:
        if path is None or probe.connect_ex(path) != 0:  # the file outlives a restart of the machine
            pytest.skip("no MariaDB: start it with `make services`")
    return Server(
        user=said["CUTOVER_MARIADB_USER"],
        password=said["CUTOVER_MARIADB_PASSWORD"],
        port=int(said["CUTOVER_MARIADB_PORT"]),
        unix_socket=path,
    )


def wiki_copy(name: str = "wikidb_a", changes: str = "", *, prefix: str = "") -> WikiCopy:
    """Return the copy of that name; it is made when it is not there, or was made otherwise.

    `changes`: statements that run in it after loading. `prefix`: what its tables are then renamed with.
    """
    if not DATASET.is_dir():
        pytest.skip("the dataset (../shared/datasets/wiki-a) is not beside this checkout")
    writer = mariadb()
    reader = Server(user=READER, password=writer.password, port=writer.port, unix_socket=writer.unix_socket)
    copy = WikiCopy(reader, writer, name, name.replace("wikidb", "es", 1), prefix)
    made_of = hashlib.sha256(dump() + changes.encode() + prefix.encode()).hexdigest()
    with _locked():
        if _mark(copy) != made_of:
            _load(copy, changes, made_of)
    return copy


@cache
def dump() -> bytes:
    return gzip.decompress((DATASET / "dump.sql.gz").read_bytes())


def _load(copy: WikiCopy, changes: str, made_of: str) -> None:
    _client(copy.writer, f"DROP DATABASE IF EXISTS {copy.database}; DROP DATABASE IF EXISTS {copy.blobs}")
    names = {b"wikidb_a": copy.database.encode(), b"es_a": copy.blobs.encode()}
    renamed = re.sub(
        rb"^(CREATE DATABASE|USE)(.*?)`(wikidb_a|es_a)`",
        lambda line: line[1] + line[2] + b"`" + names[line[3]] + b"`",
        dump(),
        flags=re.MULTILINE,
    )
    _client(copy.writer, renamed)
    _client(copy.writer, changes, copy.database)
    if copy.prefix:
        tables = _client(copy.writer, "SHOW TABLES", copy.database).split()
        pairs = ", ".join(f"`{table}` TO `{copy.prefix}{table}`" for table in tables)
        _client(copy.writer, f"RENAME TABLE {pairs}", copy.database)
    _client(
        copy.writer,
        f"""
        CREATE USER IF NOT EXISTS '{READER}'@'localhost';
        ALTER USER '{READER}'@'localhost' IDENTIFIED BY '{copy.writer.password}';
        GRANT SELECT ON `{copy.database}`.* TO '{READER}'@'localhost';
        GRANT SELECT ON `{copy.blobs}`.* TO '{READER}'@'localhost';
        CREATE TABLE {_MARK} (made_of VARCHAR(64) NOT NULL);
        INSERT INTO {_MARK} VALUES ('{made_of}');
        """,
        copy.database,
    )


def _mark(copy: WikiCopy) -> str | None:
    wanted = f"table_schema = '{copy.database}' AND table_name = '{_MARK}'"
    if not _client(copy.writer, f"SELECT 1 FROM information_schema.tables WHERE {wanted}"):
        return None
    return _client(copy.writer, f"SELECT made_of FROM {_MARK}", copy.database).strip() or None


def _client(server: Server, statements: str | bytes, database: str = "") -> str:
    options = ["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=binary"]
    where = [f"--socket={server.unix_socket}", f"--user={server.user}", *([database] if database else [])]
    told = subprocess.run(
        ["mariadb", *options, *where],
        input=statements if isinstance(statements, bytes) else statements.encode(),
        env={**os.environ, "MYSQL_PWD": server.password},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr.decode("utf-8", "replace")
    return told.stdout.decode("utf-8", "replace")


@contextmanager
def _locked() -> Iterator[None]:
    with (services_folder() / "run" / "wiki-copies.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
