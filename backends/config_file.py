"""Reads a YAML file into the typed configuration, and writes the example.

A wrong file is the operator's to mend, so an error names file, line, field, and what was expected.
"""

import difflib
import ipaddress
import operator
import types
import typing
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from backends.config import Config
from backends.sql.dsn import parse_dsn

_NAMES_OF_MANY = {str: "texts", int: "whole numbers"}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class ConfigError(Exception):
    """The configuration is wrong. Nothing was started. `str()` is the whole message."""

    def __init__(self, source: str, line: int, field_path: str, message: str) -> None:
        where = f"{source}:{line}" if line else source
        super().__init__(f"{where}: {field_path}: {message}" if field_path else f"{where}: {message}")


def read_config(path: Path) -> Config:
    """Read a config file; paths in it are relative to it. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), 0, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), 0, "", "is not UTF-8 text") from error
    return parse_config(text, str(path))


def parse_config(text: str, source: str) -> Config:
    """Parse the text of a config file. Raises ConfigError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise ConfigError(source, line, "", f"is not YAML: {getattr(error, 'problem', None) or error}") from error
    if node is None:
        return Config()
    return typing.cast("Config", _section(node, Config, source, ""))


def _section(node: yaml.Node, cls: Any, source: str, path: str) -> object:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(source, node, path, "expected fields with values under it")
    known = {one.name: one for one in fields(cls)}
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for key, value in node.value:
        name = str(key.value)
        inner = f"{path}.{name}" if path else name
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; the fields here are {', '.join(known)}"
            raise _wrong(source, key, inner, f"there is no such field{hint}")
        if name in values:
            raise _wrong(source, key, inner, "is given twice")
        kind = hints[name]
        values[name] = (
            _section(value, kind, source, inner)
            if is_dataclass(kind)
            else _value(value, kind, known[name], source, inner)
        )
    return cls(**values)


def _value(node: yaml.Node, kind: Any, declared: "Field[Any]", source: str, path: str) -> object:
    given = yaml.SafeLoader("").construct_document(node)
    expected, value = _fit(given, kind)
    if value is None:
        raise _wrong(source, node, path, f"expected {expected}, got {given!r}")
    meta = declared.metadata
    if meta["choices"] and value not in meta["choices"]:
        raise _wrong(source, node, path, f"expected one of {', '.join(meta['choices'])}, got {given!r}")
    complaint = _FORMS[meta["form"]](value) if value and meta["form"] else ""
    if complaint:
        raise _wrong(source, node, path, complaint)
    for bound, wrong, word in _BOUNDS:
        if meta[bound] is not None and wrong(value, meta[bound]):
            raise _wrong(source, node, path, f"expected {word} {meta[bound]:g}, got {given!r}")
    return value


def _fit(given: object, kind: Any) -> tuple[str, object]:
    origin = typing.get_origin(kind)
    if origin is tuple:
        fits = isinstance(given, list) and all(isinstance(one, str) for one in given)
        return "a list of texts", tuple(typing.cast("list[str]", given)) if fits else None
    if origin in (Mapping, types.GenericAlias) or origin is typing.get_origin(Mapping[str, int]):
        of = typing.get_args(kind)[1]
        fits = isinstance(given, dict) and all(
            isinstance(key, str) and type(value) is of for key, value in given.items()
        )
        return f"names with {_NAMES_OF_MANY[of]}", given if fits else None
    if kind is float and type(given) is int:
        given = float(given)
    return _NAMES[kind], given if type(given) is kind else None


def _url(value: Any) -> str:
    try:
        parts = urllib.parse.urlsplit(value)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    return "" if fits else f"expected an http:// or https:// URL, got {value!r}"


def _address(value: Any) -> str:
    host, colon, port = value.rpartition(":")
    return "" if host and colon and port.isdigit() and int(port) <= PORT_MAX else f"expected host:port, got {value!r}"


def _networks(value: Any) -> str:
    try:
        for one in value:
            ipaddress.ip_network(one)
    except ValueError as error:
        return f"expected networks such as 10.0.0.0/8 ({error}), got {list(value)!r}"
    return ""


def _surfaces(value: Any) -> str:
    known = Config().reads.surfaces
    unknown = [one for one in value if one not in known]
    return f"expected some of {', '.join(known)}, got {unknown[0]!r}" if unknown else ""


def _dsn(value: Any) -> str:
    try:
        parse_dsn(value)
    except ValueError as error:
        return str(error)
    return ""


PORT_MAX = 65535
_BOUNDS: tuple[tuple[str, Callable[[Any, Any], bool], str], ...] = (
    ("low", operator.lt, "at least"),
    ("high", operator.gt, "at most"),
)
_FORMS: Mapping[str, Callable[[Any], str]] = {
    "url": _url,
    "address": _address,
    "networks": _networks,
    "dsn": _dsn,
    "surfaces": _surfaces,
}
"""What a text must look like: each returns what is wrong with it, quoting it only where it holds no secret."""


def _wrong(source: str, node: yaml.Node, path: str, message: str) -> ConfigError:
    return ConfigError(source, node.start_mark.line + 1, path, message)


def example() -> str:
    """Return the example file: every field with its default and its meaning."""
    lines = [
        "# cutover: every field with its default. Only wiki.url must be set; the rest may be left out.",
        "# Names end in their unit: _s seconds, _bytes bytes, _max a limit.",
        "",
    ]
    _describe(Config(), lines, "")
    return "\n".join(lines) + "\n"


def _describe(section: object, lines: list[str], indent: str) -> None:
    for one in fields(typing.cast("Any", section)):
        value = getattr(section, one.name)
        if is_dataclass(value):
            doc = (type(value).__doc__ or "").strip()
            lines += ["", f"{indent}# {doc}", f"{indent}{one.name}:"]
            _describe(value, lines, indent + "  ")
            continue
        choices = f" [{', '.join(one.metadata['choices'])}]" if one.metadata["choices"] else ""
        lines.append(f"{indent}# {one.metadata['doc']}{choices}")
        lines.append(f"{indent}{one.name}: {_yaml(value)}")


def _yaml(value: object) -> str:
    plain = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=1000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
