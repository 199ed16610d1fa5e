"""Where Vitess keeps which table, and on which shard a row lies: `schema/vitess/*.json`, in Vitess's own form.

Tables that `revisions.json` does not name are not sharded: the few of the index are in `control.json`, and whatever
the ledger has joins them.

The vindexes are few on purpose: the MD5 of the key's text, and, for the lanes of `authority`, the key's own bytes,
which puts a lane on the shard of its entities as long as shards begin and end at whole bytes (up to 256 of them).
Reads files, touches no database.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from backends.sql.migrations import migrations
from backends.sql.statements import Statement

FILES = Path(__file__).parent / "schema" / "vitess"

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|TABLE|ON)\s+(?P<table>[a-z_]+)(?=[\s()]|$)")
_INSERT = re.compile(r"INSERT INTO [a-z_]+ \((?P<columns>[^)]*)\)\s*VALUES \((?P<values>[^)]*)\)")
_CREATE = re.compile(r"CREATE TABLE (?P<table>[a-z_]+) \((?P<body>.*)\)", re.DOTALL)
_COLUMN = re.compile(r"^\s+(?P<name>[a-z_0-9]+) [A-Z]", re.MULTILINE)
_KEY_RANGE = re.compile(r"(?P<begin>(?:[0-9a-f]{2})*)-(?P<end>(?:[0-9a-f]{2})*)")


@dataclass(frozen=True, slots=True)
class Key:
    """The column that says on which shard a row lies, and how: the name of a vindex and its type."""

    column: str
    vindex: str
    kind: str


@dataclass(frozen=True, slots=True)
class VSchema:
    """One keyspace's VSchema: its vindexes (name: type), and the key of each table (None: not sharded)."""

    sharded: bool
    vindexes: Mapping[str, str]
    tables: Mapping[str, Key | None]


@cache
def vschema(role: str) -> VSchema:
    """Read the VSchema of the keyspace "revisions" (sharded) or "control" (not sharded)."""
    raw: dict[str, Any] = orjson.loads((FILES / f"{role}.json").read_bytes())
    vindexes = {name: one["type"] for name, one in raw.get("vindexes", {}).items()}

    def key(table: Mapping[str, Any]) -> Key | None:
        if not raw["sharded"]:
            return None
        (first,) = table["column_vindexes"]
        return Key(first["column"], first["name"], vindexes[first["name"]])

    return VSchema(raw["sharded"], vindexes, {name: key(table) for name, table in raw["tables"].items()})


def wanted(role: str, schema: str) -> VSchema:
    """Return what a keyspace's VSchema must hold for a schema ("index" or "ledger")."""
    found = vschema(role)
    if found.sharded:
        return found
    own = [table for table in columns(schema) if table not in vschema("revisions").tables]
    return replace(found, tables={**found.tables, **dict.fromkeys(own)})


def role_of(text: str) -> str:
    """Return which keyspace a statement belongs to: "revisions" or "control"."""
    return "revisions" if table_of(text) in vschema("revisions").tables else "control"


@cache
def columns(schema: str) -> Mapping[str, Sequence[str]]:
    """Return the columns of every table of a schema ("index" or "ledger"), as its steps make them."""
    found: dict[str, Sequence[str]] = {}
    for step in migrations(schema, "mysql"):
        for text in step.statements:
            if create := _CREATE.match(text):
                found[create["table"]] = _COLUMN.findall(create["body"].partition("PRIMARY KEY")[0])
    return found


def table_of(text: str) -> str | None:
    """Return the first table that a statement names."""
    found = _TABLE.search(text)
    return found["table"] if found else None


def shard_param(statement: Statement) -> tuple[Key, str] | None:
    """Return the sharding key of a statement's rows, and the parameter that holds its value; None: there is none.

    A list (`IN (:ids)`) is not one value: None.
    """
    key = vschema("revisions").tables.get(table_of(statement.text) or "")
    if key is None:
        return None
    if insert := _INSERT.search(statement.text):
        pairs = zip(_names(insert["columns"]), _names(insert["values"]), strict=True)
        return key, dict(pairs)[key.column].removeprefix(":")
    equal = re.search(rf"\b{key.column} = :(?P<param>[a-z0-9_]+)", statement.text)
    return (key, equal["param"]) if equal else None


def keyspace_id(kind: str, value: object) -> bytes:
    """Return the place of a key among the shards. Raises ValueError for a type of vindex that is not known here."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    if kind == "binary":
        return raw
    if kind == "binary_md5":
        return hashlib.md5(raw, usedforsecurity=False).digest()
    raise ValueError(f"a vindex of type {kind} is not known here")


def shard_of(place: bytes, shards: Sequence[str]) -> str:
    """Return which of the shards holds a place. Raises ValueError when none does."""
    for shard in shards:
        found = _KEY_RANGE.fullmatch(shard)
        if found is None:  # "0": not sharded
            return shard
        begin, end = bytes.fromhex(found["begin"]), bytes.fromhex(found["end"])
        if begin <= place and (not end or place < end):
            return shard
    raise ValueError(f"no shard of {', '.join(shards)} holds {place.hex()}")


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",")]
