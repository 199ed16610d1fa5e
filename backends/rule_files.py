"""Reads normalisation rules (`rules.normalise`) from the YAML that an operator edits.

A wrong file is the operator's to mend, so an error names file, line, field, and what was expected. A rule whose time is
over, or that does not do what its own examples promise, is an error too: nothing starts with it.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import yaml

from backends.config_file import ConfigError
from rules.normalise import PROTECTED, RESERVED, RULES_MAX, Examples, Rule, failing_examples, rules_version
from rules.normalise_actions import Action, action_of
from rules.routes.route import Surface
from wikibase.canonical import NotAnEntityError, canonical_entity
from wikibase.ids import EntityType

SHIPPED = Path(__file__).resolve().parents[1] / "rules" / "normalisation.yaml"
"""The rules that come with cutover, used where the configuration names no file."""

FILE_BYTES_MAX = 4_194_304
TEXT_CHARS_MAX = 1_000

_SEGMENTS_MAX = 32
_FIELDS = ("name", "path", "action", "reason", "owner", "expires", "examples")
_OPTIONAL = ("where", "hides")
_NAMES_MAX = 100
_WHERE: Mapping[str, tuple[str, ...]] = {
    "entity_types": tuple(kind.value for kind in EntityType),
    "surfaces": tuple(surface.value for surface in Surface),
}
_PAIR = 2


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a file in their order. `version` changes with what they do. `lines`: where each rule stands."""

    rules: tuple[Rule, ...]
    source: str
    lines: Mapping[str, int]

    @property
    def version(self) -> str:
        """Return a short name of what the rules do, "none" when there are none."""
        return rules_version(self.rules)


def read_rules(path: Path, today: date) -> RuleSet:
    """Read a file of rules that is to be used. Raises ConfigError, also for a rule that has expired or that fails."""
    found = load_rules(path)
    for rule in found.rules:
        for complaint in complaints(rule, today):
            raise ConfigError(found.source, found.lines[rule.name], rule.name, complaint)
    return found


def complaints(rule: Rule, today: date) -> Iterator[str]:
    """Yield why a rule that can be read must not be used on that day."""
    if rule.is_expired(today):
        yield f"expired on {rule.expires}: remove the rule, or have {rule.owner} decide on a later day"
    yield from failing_examples(rule)


def load_rules(path: Path) -> RuleSet:
    """Read a file of rules, to look at: they may have expired or fail their examples. Raises ConfigError."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigError(str(path), 0, "", f"is larger than {FILE_BYTES_MAX} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), 0, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), 0, "", "is not UTF-8 text") from error
    return parse_rules(text, str(path))


def parse_rules(text: str, source: str) -> RuleSet:
    """Parse the text of a file of rules. Raises ConfigError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(source, mark.line + 1 if mark else 0, "", f"is not YAML: {problem}") from error
    reader = _Reader(source)
    if node is None:
        raise ConfigError(source, 0, "", "is empty; a file without rules says: rules: []")
    top = reader.fields(node, "", ("rules",))
    rules: dict[str, Rule] = {}
    lines: dict[str, int] = {}
    for place, one in enumerate(reader.items(top["rules"], "rules", RULES_MAX)):
        rule = reader.rule(one, f"rules[{place}]")
        if rule.name in rules:
            raise reader.wrong(one, rule.name, f"is there already, in line {lines[rule.name]}")
        rules[rule.name], lines[rule.name] = rule, one.start_mark.line + 1
    return RuleSet(tuple(rules.values()), source, lines)


class _Reader:
    """Turns nodes of one file into rules, or says in which line they are wrong."""

    def __init__(self, source: str) -> None:
        self._source = source

    def wrong(self, node: yaml.Node, path: str, message: str) -> ConfigError:
        return ConfigError(self._source, node.start_mark.line + 1, path, message)

    def fields(
        self, node: yaml.Node, path: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, path, f"expected the fields {', '.join(needed + optional)}")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            inner = f"{path}.{name}" if path else name
            if name not in needed + optional:
                close = difflib.get_close_matches(name, needed + optional, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"the fields here are {', '.join(needed + optional)}"
                raise self.wrong(key, inner, f"there is no such field; {hint}")
            if name in found:
                raise self.wrong(key, inner, "is given twice")
            found[name] = value
        if missing := [name for name in needed if name not in found]:
            raise self.wrong(node, path, f"{missing[0]} is missing")
        return found

    def items(self, node: yaml.Node, path: str, size_max: int) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, path, "expected a list")
        if len(node.value) > size_max:
            raise self.wrong(node, path, f"expected at most {size_max}, got {len(node.value)}")
        return list(node.value)

    def rule(self, node: yaml.Node, place: str) -> Rule:
        found = self.fields(node, place, _FIELDS, _OPTIONAL)
        name = self.text(found["name"], f"{place}.name")
        if name in RESERVED or not name.replace("_", "").isalnum():
            raise self.wrong(found["name"], f"{place}.name", f"expected letters, digits and _, not {sorted(RESERVED)}")
        where = self.where(found.get("where"), f"{name}.where")
        return Rule(
            name=name,
            path=self.path(found["path"], f"{name}.path"),
            action=self.action(found["action"], f"{name}.action"),
            reason=self.text(found["reason"], f"{name}.reason"),
            owner=self.text(found["owner"], f"{name}.owner"),
            expires=self.day(found["expires"], f"{name}.expires"),
            examples=self.examples(found["examples"], f"{name}.examples"),
            entity_types=where["entity_types"],
            surfaces=where["surfaces"],
            hides=self.names(found.get("hides"), f"{name}.hides"),
        )

    def names(self, node: yaml.Node | None, path: str) -> frozenset[str]:
        if node is None:
            return frozenset()
        return frozenset(self.text(one, path) for one in self.items(node, path, _NAMES_MAX))

    def text(self, node: yaml.Node, path: str) -> str:
        value = self.value(node, path)
        if not isinstance(value, str) or not value.strip() or len(value) > TEXT_CHARS_MAX:
            raise self.wrong(node, path, f"expected a text of 1 to {TEXT_CHARS_MAX} characters, got {value!r}"[:300])
        return value.strip()

    def value(self, node: yaml.Node, path: str) -> Any:
        try:
            return yaml.SafeLoader("").construct_document(node)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self.wrong(node, path, f"cannot be read: {getattr(error, 'problem', None) or error}") from error

    def path(self, node: yaml.Node, path: str) -> tuple[str, ...]:
        segments = tuple(self.text(node, path).split("."))
        if not all(segments) or len(segments) > _SEGMENTS_MAX:
            raise self.wrong(node, path, f"expected at most {_SEGMENTS_MAX} keys with dots between, got {segments}")
        if set(segments) <= {"*", "**"}:
            raise self.wrong(node, path, "names no key: it would be about everything")
        if segments[0] in PROTECTED:
            raise self.wrong(node, path, f"no rule may touch {segments[0]}: it says what is compared with what")
        return segments

    def action(self, node: yaml.Node, path: str) -> Action:
        text = self.text(node, path)
        try:
            return action_of(text)
        except ValueError as error:
            raise self.wrong(node, path, f"expected {error}, got {text!r}") from error

    def day(self, node: yaml.Node, path: str) -> date:
        value = self.value(node, path)
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(node, path, "expected a day such as 2027-01-31")
        return value

    def where(self, node: yaml.Node | None, path: str) -> dict[str, frozenset[str]]:
        found = {} if node is None else self.fields(node, path, (), tuple(_WHERE))
        out = {}
        for name, known in _WHERE.items():
            chosen: set[str] = set()
            for one in self.items(found[name], f"{path}.{name}", len(known)) if name in found else ():
                text = self.text(one, f"{path}.{name}")
                if text not in known:
                    raise self.wrong(one, f"{path}.{name}", f"expected one of {', '.join(known)}, got {text!r}")
                chosen.add(text)
            out[name] = frozenset(chosen)
        return out

    def examples(self, node: yaml.Node, path: str) -> Examples:
        found = self.fields(node, path, ("equal", "different"))
        pairs = {name: self.pair(pair, f"{path}.{name}") for name, pair in found.items()}
        return Examples(equal=pairs["equal"], different=pairs["different"])

    def pair(self, node: yaml.Node, path: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        sides = [self.entity(one, path) for one in self.items(node, path, _PAIR)]
        if len(sides) != _PAIR:
            raise self.wrong(node, path, "expected two entities")
        return sides[0], sides[1]

    def entity(self, node: yaml.Node, path: str) -> Mapping[str, Any]:
        """Read an entity in the shape of the wiki's JSON; parts that do not matter may be left out."""
        value = self.value(node, path)
        try:
            plain = orjson.loads(orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME))
            return canonical_entity(plain, partial=True)
        except (TypeError, NotAnEntityError) as error:
            raise self.wrong(node, path, f"expected an entity with type and id: {error}"[:300]) from error
