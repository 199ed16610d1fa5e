"""Named statements: read from `queries/*.sql`, rendered for a dialect. Pure once the files are read.

A block begins with `-- name: revision_by_id` and ends at the next one. `-- name: page_put [sqlite]` holds the
spelling for one dialect only; it wins over the common one. Parameters are `:like_this`; one whose value is a
list or tuple is spread, for `IN (:entity_ids)`. Inside quotes a colon is text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).parent / "queries"

IN_LIST_MAX = 1000
"""The most values that one list parameter may hold."""

_NAME = re.compile(r"^--\s*name:\s*(?P<name>[a-z][a-z0-9_]*)\s*(?:\[(?P<dialect>[a-z]+)\])?\s*$")
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|:(?P<param>[a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its text with `:params`, comments taken out, and the set of its parameters."""

    name: str
    text: str
    params: frozenset[str]

    def check(self, given: Mapping[str, Any]) -> None:
        """Raise TypeError when the parameters are not exactly those of the statement."""
        if given.keys() != self.params:
            missing, surplus = sorted(self.params - given.keys()), sorted(given.keys() - self.params)
            raise TypeError(f"statement {self.name}: parameters missing {missing}, not known {surplus}")

    def spread(self, given: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return text and parameters with every list or tuple spread into `:name_0, :name_1`.

        Raises ValueError for an empty list or one longer than `IN_LIST_MAX`.
        """
        lists = {key: value for key, value in given.items() if isinstance(value, list | tuple)}
        if not lists:
            return self.text, given
        flat = {key: value for key, value in given.items() if key not in lists}
        for key, values in lists.items():
            if not 0 < len(values) <= IN_LIST_MAX:
                raise ValueError(
                    f"statement {self.name}: {key} has {len(values)} values, 1 to {IN_LIST_MAX} are possible"
                )
            flat |= {f"{key}_{place}": value for place, value in enumerate(values)}

        def name(match: re.Match[str]) -> str:
            key = match["param"]
            if key not in lists:
                return match[0]
            return ", ".join(f":{key}_{place}" for place in range(len(lists[key])))

        return _TOKEN.sub(name, self.text), flat


class UnknownStatementError(LookupError):
    """A statement was asked for that no file of queries holds."""


class StatementBook:
    """Every named statement in the spelling of one dialect."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._by_name = {one.name: one for one in statements}

    def __getitem__(self, name: str) -> Statement:
        """Return the statement of that name. Raises UnknownStatementError."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownStatementError(f"no statement is named {name!r}") from None

    def names(self) -> Sequence[str]:
        """Return all names, sorted."""
        return sorted(self._by_name)


def parse(text: str, origin: str) -> list[tuple[str, str | None, str]]:
    """Return (name, dialect or None, text) for each block. Raises ValueError for text before the first name."""
    blocks: list[tuple[str, str | None, list[str]]] = []
    for line in text.splitlines():
        if head := _NAME.match(line.strip()):
            blocks.append((head["name"], head["dialect"], []))
        elif not (bare := _without_comment(line)):
            continue
        elif not blocks:
            raise ValueError(f"{origin}: statement text before the first '-- name:'")
        else:
            blocks[-1][2].append(bare)
    return [(name, dialect, " ".join(lines).strip().removesuffix(";")) for name, dialect, lines in blocks]


def choose(blocks: Iterable[tuple[str, str | None, str]], dialect: str) -> list[Statement]:
    """Return one statement per name: the dialect's own spelling where there is one, else the common one.

    Raises ValueError when a name is given twice for the same dialect.
    """
    common: dict[str, str] = {}
    own: dict[str, str] = {}
    for name, of, text in blocks:
        if of not in (None, dialect):
            continue
        shelf = common if of is None else own
        if name in shelf:
            raise ValueError(f"statement {name!r} is written twice")
        shelf[name] = text
    return [Statement(name, text, parameters(text)) for name, text in {**common, **own}.items()]


def parameters(text: str) -> frozenset[str]:
    """Return the names of the `:params` in a statement."""
    return frozenset(match["param"] for match in _TOKEN.finditer(text) if match["param"])


@cache
def book(dialect: str) -> StatementBook:
    """Read all query files and return the statements for a dialect ("sqlite", "mysql")."""
    blocks: list[tuple[str, str | None, str]] = []
    for path in sorted(QUERIES.glob("*.sql")):
        blocks += parse(path.read_text(encoding="utf-8"), path.name)
    return StatementBook(choose(blocks, dialect))


def split_script(text: str) -> list[str]:
    """Return the statements of a script: each ends with `;` at the end of a line."""
    lines = [bare for line in text.splitlines() if (bare := _without_comment(line))]
    parts = re.split(r";\s*(?:\n|$)", "\n".join(lines))
    return [part.strip() for part in parts if part.strip()]


def _without_comment(line: str) -> str:
    # Only whole-line comments and those after two spaces: "--" may stand inside a literal.
    return "" if line.lstrip().startswith("--") else re.sub(r"\s\s--\s.*$", "", line).rstrip()
