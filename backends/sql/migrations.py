"""Which steps a schema has: `schema/<schema>/NNNN_name.sql`. Reads files, touches no database.

`0003_name.mysql.sql` replaces `0003_name.sql` for that dialect. Steps are additive: a program of the version
before must be able to work on the schema of the version after.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from backends.sql.statements import split_script

SCHEMAS = Path(__file__).parent / "schema"

_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)(?:\.(?P<dialect>[a-z]+))?\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number (the order), its name, its statements."""

    number: int
    name: str
    statements: tuple[str, ...]


def migrations(schema: str, dialect: str, root: Path = SCHEMAS) -> tuple[Migration, ...]:
    """Return the steps of a schema in their order. Raises ValueError: no such schema, a bad or doubled file name."""
    folder = root / schema
    if not re.fullmatch(r"[a-z][a-z0-9_]*", schema) or not folder.is_dir():
        raise ValueError(f"there is no schema {schema!r}")
    chosen: dict[int, tuple[bool, Migration]] = {}
    for path in sorted(folder.glob("*.sql")):
        found = _FILE.fullmatch(path.name)
        if found is None:
            raise ValueError(f"schema {schema}: {path.name} is not named like 0001_name.sql")
        if found["dialect"] not in (None, dialect):
            continue
        number, own = int(found["number"]), found["dialect"] is not None
        if number in chosen and (chosen[number][0] == own or chosen[number][1].name != found["name"]):
            raise ValueError(f"schema {schema}: step {number} is there twice, {path.name} is one of them")
        if number not in chosen or own:
            step = Migration(number, found["name"], tuple(split_script(path.read_text(encoding="utf-8"))))
            chosen[number] = (own, step)
    return tuple(step for _, (_, step) in sorted(chosen.items()))
