"""A wiki's database that a test makes and edits by SQL as MediaWiki does: row by row, in transactions it can hold open.

Just the tables that are read; the same columns, keys and AUTO_INCREMENT as MediaWiki 1.39's. `Editor` is one
connection: what it does is seen by others when it commits.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncmy

from backends.sql.mysql import MysqlAddress
from backends.wiki.db_connection import Server
from wikibase.ids import EntityType

NAMESPACES = {EntityType.ITEM: 120, EntityType.PROPERTY: 122}

TABLES = """
CREATE TABLE page (page_id INT UNSIGNED NOT NULL AUTO_INCREMENT, page_namespace INT NOT NULL,
  page_title VARBINARY(255) NOT NULL, page_is_redirect TINYINT NOT NULL DEFAULT 0, page_latest INT UNSIGNED NOT NULL,
  page_len INT UNSIGNED NOT NULL DEFAULT 0, page_content_model VARBINARY(32), PRIMARY KEY (page_id),
  UNIQUE KEY page_name_title (page_namespace, page_title));
CREATE TABLE revision (rev_id INT UNSIGNED NOT NULL AUTO_INCREMENT, rev_page INT UNSIGNED NOT NULL,
  rev_comment_id BIGINT UNSIGNED NOT NULL DEFAULT 0, rev_actor BIGINT UNSIGNED NOT NULL DEFAULT 0,
  rev_timestamp BINARY(14) NOT NULL, rev_minor_edit TINYINT NOT NULL DEFAULT 0, rev_deleted TINYINT NOT NULL DEFAULT 0,
  rev_len INT UNSIGNED, rev_parent_id INT UNSIGNED, rev_sha1 VARBINARY(32) NOT NULL DEFAULT '', PRIMARY KEY (rev_id),
  KEY rev_timestamp (rev_timestamp), KEY rev_page_timestamp (rev_page, rev_timestamp),
  KEY rev_actor_timestamp (rev_actor, rev_timestamp, rev_id));
CREATE TABLE archive (ar_id INT UNSIGNED NOT NULL AUTO_INCREMENT, ar_namespace INT NOT NULL,
  ar_title VARBINARY(255) NOT NULL, ar_comment_id BIGINT UNSIGNED NOT NULL, ar_actor BIGINT UNSIGNED NOT NULL,
  ar_timestamp BINARY(14) NOT NULL, ar_minor_edit TINYINT NOT NULL DEFAULT 0, ar_rev_id INT UNSIGNED NOT NULL,
  ar_deleted TINYINT NOT NULL DEFAULT 0, ar_len INT UNSIGNED, ar_page_id INT UNSIGNED, ar_parent_id INT UNSIGNED,
  ar_sha1 VARBINARY(32) NOT NULL DEFAULT '', PRIMARY KEY (ar_id), UNIQUE KEY ar_revid_uniq (ar_rev_id),
  KEY ar_name_title_timestamp (ar_namespace, ar_title, ar_timestamp));
CREATE TABLE slots (slot_revision_id BIGINT UNSIGNED NOT NULL, slot_role_id SMALLINT UNSIGNED NOT NULL,
  slot_content_id BIGINT UNSIGNED NOT NULL, slot_origin BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (slot_revision_id, slot_role_id));
CREATE TABLE slot_roles (role_id SMALLINT NOT NULL AUTO_INCREMENT PRIMARY KEY, role_name VARBINARY(64) NOT NULL);
CREATE TABLE content (content_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  content_size INT UNSIGNED NOT NULL, content_sha1 VARBINARY(32) NOT NULL, content_model SMALLINT NOT NULL,
  content_address VARBINARY(255) NOT NULL);
CREATE TABLE content_models (model_id SMALLINT NOT NULL AUTO_INCREMENT PRIMARY KEY, model_name VARBINARY(64) NOT NULL);
CREATE TABLE text (old_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, old_text MEDIUMBLOB NOT NULL,
  old_flags TINYBLOB NOT NULL);
CREATE TABLE actor (actor_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, actor_user INT UNSIGNED,
  actor_name VARBINARY(255) NOT NULL, UNIQUE KEY actor_name (actor_name));
CREATE TABLE comment (comment_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, comment_text BLOB NOT NULL);
CREATE TABLE change_tag (ct_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, ct_rev_id INT UNSIGNED,
  ct_tag_id INT UNSIGNED NOT NULL, UNIQUE KEY change_tag_rev_tag_id (ct_rev_id, ct_tag_id));
CREATE TABLE change_tag_def (ctd_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, ctd_name VARBINARY(255) NOT NULL);
CREATE TABLE logging (log_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, log_type VARBINARY(32) NOT NULL,
  log_action VARBINARY(32) NOT NULL, log_timestamp BINARY(14) NOT NULL, log_actor BIGINT UNSIGNED NOT NULL DEFAULT 0,
  log_namespace INT NOT NULL DEFAULT 0, log_title VARBINARY(255) NOT NULL DEFAULT '', log_page INT UNSIGNED,
  log_params BLOB NOT NULL, log_deleted TINYINT NOT NULL DEFAULT 0, KEY log_times (log_timestamp));
INSERT INTO slot_roles VALUES (1, 'main');
INSERT INTO content_models VALUES (1, 'wikibase-item'), (2, 'wikitext');
INSERT INTO actor VALUES (1, 1, 'Alice'), (2, 2, 'Bob');
INSERT INTO comment VALUES (1, 'edited');
INSERT INTO change_tag_def VALUES (1, 'late-tag');
"""

NOW = "CAST(UTC_TIMESTAMP() + 0 AS CHAR)"


def server_of(address: MysqlAddress) -> Server:
    return Server(
        user=address.user, password=address.password, unix_socket=address.socket, host=address.host, port=address.port
    )


class Editor:
    """One connection to the wiki's database, in a transaction until `commit` or `rollback`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, statement: str, *params: Any) -> int:
        """Run a statement; return the id that it gave out."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement, params or None)
            return int(cursor.lastrowid or 0)

    async def value(self, statement: str, *params: Any) -> Any:
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement, params or None)
            row = await cursor.fetchone()
            return row[0] if row else None

    async def all(self, statement: str, *params: Any) -> list[Any]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(statement, params or None)
            return list(await cursor.fetchall())

    async def commit(self) -> None:
        await self._connection.commit()

    async def rollback(self) -> None:
        await self._connection.rollback()

    async def edit(
        self, title: str, word: str, *, at: str | None = None, rev_id: int | None = None, latest: bool = True
    ) -> int:
        """Save a revision of an item, its page made when there is none; returns its id. Not committed."""
        body = json.dumps({"type": "item", "id": title, "labels": {"en": {"language": "en", "value": word}}}).encode()
        text_id = await self.run("INSERT INTO text (old_text, old_flags) VALUES (%s, 'utf-8')", body)
        sha1 = _base36(int(hashlib.sha1(body, usedforsecurity=False).hexdigest(), 16))
        content_id = await self.run(
            "INSERT INTO content (content_size, content_sha1, content_model, content_address) VALUES (%s, %s, 1, %s)",
            len(body),
            sha1,
            f"tt:{text_id}",
        )
        page_id = await self.value("SELECT page_id FROM page WHERE page_namespace = 120 AND page_title = %s", title)
        parent = await self.value("SELECT page_latest FROM page WHERE page_id = %s", page_id) if page_id else 0
        if not page_id:
            page_id = await self.run(
                "INSERT INTO page (page_namespace, page_title, page_latest, page_content_model)"
                " VALUES (120, %s, 0, 'wikibase-item')",
                title,
            )
        made = await self.run(
            "INSERT INTO revision (rev_id, rev_page, rev_comment_id, rev_actor, rev_timestamp, rev_len, rev_parent_id,"
            f" rev_sha1) VALUES (%s, %s, 1, 1, {'%s' if at else NOW}, %s, %s, %s)",
            *(rev_id, page_id, *([at] if at else []), len(body), parent, sha1),
        )
        made = rev_id or made
        await self.run("INSERT INTO slots VALUES (%s, 1, %s, %s)", made, content_id, made)
        if latest:
            await self.run("UPDATE page SET page_latest = %s WHERE page_id = %s", made, page_id)
        return made

    async def log(self, log_type: str, action: str, title: str, params: str = "", namespace: int = 120) -> int:
        return await self.run(
            "INSERT INTO logging (log_type, log_action, log_timestamp, log_namespace, log_title, log_params)"
            f" VALUES (%s, %s, {NOW}, %s, %s, %s)",
            *(log_type, action, namespace, title, params),
        )

    async def delete(self, title: str) -> None:
        page_id = await self.value("SELECT page_id FROM page WHERE page_title = %s", title)
        await self.run(
            "INSERT INTO archive (ar_namespace, ar_title, ar_comment_id, ar_actor, ar_timestamp, ar_minor_edit,"
            " ar_rev_id, ar_deleted, ar_len, ar_page_id, ar_parent_id, ar_sha1) SELECT 120, %s, rev_comment_id,"
            " rev_actor, rev_timestamp, rev_minor_edit, rev_id, rev_deleted, rev_len, rev_page, rev_parent_id,"
            " rev_sha1 FROM revision WHERE rev_page = %s",
            *(title, page_id),
        )
        await self.run("DELETE FROM revision WHERE rev_page = %s", page_id)
        await self.run("DELETE FROM page WHERE page_id = %s", page_id)
        await self.log("delete", "delete", title)

    async def undelete(self, title: str) -> None:
        page_id = await self.value("SELECT MAX(ar_page_id) FROM archive WHERE ar_title = %s", title)
        latest = await self.value("SELECT MAX(ar_rev_id) FROM archive WHERE ar_title = %s", title)
        await self.run(
            "INSERT INTO page (page_id, page_namespace, page_title, page_latest, page_content_model)"
            " VALUES (%s, 120, %s, %s, 'wikibase-item')",
            *(page_id, title, latest),
        )
        await self.run(
            "INSERT INTO revision (rev_id, rev_page, rev_comment_id, rev_actor, rev_timestamp, rev_minor_edit,"
            " rev_deleted, rev_len, rev_parent_id, rev_sha1) SELECT ar_rev_id, %s, ar_comment_id, ar_actor,"
            " ar_timestamp, ar_minor_edit, ar_deleted, ar_len, ar_parent_id, ar_sha1 FROM archive WHERE ar_title = %s",
            *(page_id, title),
        )
        await self.run("DELETE FROM archive WHERE ar_title = %s", title)
        await self.log("delete", "restore", title)

    async def hide(self, rev_id: int, bits: int) -> None:
        await self.run("UPDATE revision SET rev_deleted = %s WHERE rev_id = %s", bits, rev_id)
        title = await self.value(
            "SELECT page_title FROM page JOIN revision ON rev_page = page_id WHERE rev_id = %s", rev_id
        )
        await self.log("suppress" if bits & 8 else "delete", "revision", title.decode())

    async def merge(self, from_title: str, to_title: str) -> None:
        """A history merge: all but the newest revision of a page become another page's."""
        pages = [
            await self.value("SELECT page_id FROM page WHERE page_title = %s", one) for one in (from_title, to_title)
        ]
        latest = await self.value("SELECT page_latest FROM page WHERE page_id = %s", pages[0])
        await self.run(
            "UPDATE revision SET rev_page = %s WHERE rev_page = %s AND rev_id <> %s", pages[1], pages[0], latest
        )
        dest = f"Item:{to_title}"
        await self.log("merge", "merge", from_title, f'a:1:{{s:7:"4::dest";s:{len(dest)}:"{dest}";}}')


@asynccontextmanager
async def editor(address: MysqlAddress, database: str) -> AsyncIterator[Editor]:
    connection = await asyncmy.connect(
        unix_socket=address.socket,
        user=address.user,
        password=address.password,
        database=database,
        charset="utf8mb4",
        autocommit=False,
    )
    one = Editor(connection)
    try:
        await one.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        await one.run("SET SESSION innodb_lock_wait_timeout = 10")
        yield one
    finally:
        connection.close()


@asynccontextmanager
async def made_wiki(address: MysqlAddress, name: str) -> AsyncIterator[str]:
    """Make the database of a wiki with nothing in it; it is dropped in the end. Yields its name."""
    await make_wiki(address, name)
    try:
        yield name
    finally:
        async with editor(address, "") as one:
            await one.run(f"DROP DATABASE IF EXISTS {name}")


async def make_wiki(address: MysqlAddress, name: str) -> None:
    async with editor(address, "") as one:
        await one.run(f"CREATE DATABASE {name} DEFAULT CHARACTER SET binary")
    async with editor(address, name) as one:
        for statement in TABLES.strip().split(";\n"):
            await one.run(statement.rstrip(";"))
        await one.commit()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits.rjust(31, "0")
