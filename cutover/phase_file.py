"""The `phase:` line of a config file: changed alone, all else stays as it is, and what was there is kept beside it."""

import os
import re
from pathlib import Path

from backends.config_file import ConfigError, parse_config

_LINE = re.compile(
    r"^(?P<key>phase[ \t]*:[ \t]*)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^#\n]*?)(?P<rest>[ \t]*(?:#[^\n]*)?)$", re.MULTILINE
)


def with_phase(text: str, name: str, source: str) -> str:
    """Return the text of a config with another phase. Raises ConfigError where that cannot be done by one line."""
    lines = list(_LINE.finditer(text))
    if len(lines) > 1:
        raise ConfigError(source, 0, "phase", "is given twice")
    if lines:
        found = lines[0]
        changed = f"{text[: found.start()]}{found['key']}{name}{found['rest']}{text[found.end() :]}"
    else:
        changed = f"phase: {name}\n{text}"
    if parse_config(changed, source).phase != name:
        raise ConfigError(source, 0, "phase", "cannot be changed by one line: write it on a line of its own")
    return changed


def write_phase(path: Path, name: str) -> Path | None:
    """Write the phase into a config file, all at once; return where the file as it was is kept, None: it said so.

    Raises ConfigError, OSError: then the file is as it was.
    """
    before = path.read_text(encoding="utf-8")
    changed = with_phase(before, name, str(path))
    if changed == before:
        return None
    undo = path.with_name(path.name + ".undo")
    _replace(undo, before, path)
    _replace(path, changed, path)
    return undo


def _replace(path: Path, text: str, like: Path) -> None:
    """Put a text into a file so that whoever reads sees the one or the other, also after a crash."""
    path = path.resolve()
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with written.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        written.chmod(like.stat().st_mode & 0o7777)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
