"""Which tables and columns this wiki's database has: they differ from MediaWiki 1.35 to 1.46 (wikibase.md 4.1). Pure.

Read once from information_schema. What every version has is required, and named when it is missing (then the table
prefix is wrong, or the user may not read it); what comes and goes is a flag.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backends.errors import RefusedError

_PREFIX = re.compile(r"[A-Za-z0-9_]*", re.ASCII)
_DATABASE = re.compile(r"[A-Za-z0-9_$-]+", re.ASCII)

_REQUIRED: Mapping[str, frozenset[str]] = {
    "page": frozenset({"page_id", "page_namespace", "page_title", "page_latest", "page_is_redirect"}),
    "revision": frozenset({"rev_id", "rev_page", "rev_timestamp", "rev_minor_edit", "rev_deleted", "rev_parent_id"}),
    "archive": frozenset({"ar_namespace", "ar_title", "ar_timestamp", "ar_rev_id", "ar_deleted", "ar_page_id"}),
    "slots": frozenset({"slot_revision_id", "slot_role_id", "slot_content_id", "slot_origin"}),
    "slot_roles": frozenset({"role_id", "role_name"}),
    "content": frozenset({"content_id", "content_size", "content_model", "content_address"}),
    "content_models": frozenset({"model_id", "model_name"}),
    "text": frozenset({"old_id", "old_text", "old_flags"}),
    "actor": frozenset({"actor_id", "actor_name"}),
    "comment": frozenset({"comment_id", "comment_text"}),
    "change_tag": frozenset({"ct_id", "ct_rev_id", "ct_tag_id"}),
    "change_tag_def": frozenset({"ctd_id", "ctd_name"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What this database has. Tables are named without the prefix."""

    prefix: str
    of_table: Mapping[str, frozenset[str]]
    indexed: frozenset[str]  # columns that an index begins with

    def has(self, table: str, column: str | None = None) -> bool:
        """Tell whether the table, or the column in it, is there and may be read."""
        columns = self.of_table.get(table)
        return columns is not None and (column is None or column in columns)


def checked_prefix(prefix: str) -> str:
    """Return a table prefix that can stand in a statement as it is. Raises RefusedError."""
    if not _PREFIX.fullmatch(prefix):
        raise RefusedError(f"table prefix {prefix!r}: only letters, digits and _ may be in it")
    return prefix


def checked_database(name: str) -> str:
    """Return a database's name that can stand between backquotes as it is. Raises RefusedError."""
    if not _DATABASE.fullmatch(name):
        raise RefusedError(f"database name {name!r}: only letters, digits, _, $ and - may be in it")
    return name


def read_columns(prefix: str, columns: Iterable[tuple[str, str]], indexed: Iterable[str]) -> Columns:
    """Return what the pairs (table, column) and the first columns of indexes say. Raises RefusedError."""
    of_table: dict[str, set[str]] = {}
    for table, column in columns:
        if table.startswith(prefix):
            of_table.setdefault(table.removeprefix(prefix), set()).add(column.lower())
    missing = [
        f"{prefix}{table}" if table not in of_table else f"{prefix}{table}.{column}"
        for table, wanted in _REQUIRED.items()
        for column in sorted(wanted - of_table.get(table, set()))
    ]
    if missing:
        shown = ", ".join(dict.fromkeys(missing))
        raise RefusedError(f"not in the wiki's database, or not to be read by this user: {shown}"[:400])
    return Columns(
        prefix=prefix,
        of_table={table: frozenset(names) for table, names in of_table.items()},
        indexed=frozenset(name.lower() for name in indexed),
    )
