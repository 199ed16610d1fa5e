"""`cutover rules`: the normalisation rules that an operator has written: list them, check the file, try them out.

`check` is what every program does at its start: the file can be read, no rule has expired, each does what its own
examples promise. `test` shows each rule damaged copies besides: what it hides, it must say. `test --pair A B` says of
two documents which rules are about them, and whether they make them equal.
Exit 0 good (or equal), 1 a rule fails (or the pair differs), 2 something cannot be read.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from backends.config_file import read_config
from backends.rule_files import SHIPPED, RuleSet, complaints, load_rules, read_rules
from cutover.diff import Content, sides_of
from rules.difference import difference
from rules.difference_parts import same
from rules.mutants_hidden import undeclared
from rules.normalise import Rule, apply_rules, holds, normalised, touches
from rules.routes.route import Surface
from wikibase.errors import NotAnEntityError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("what", choices=tuple(_ACTIONS))
    parser.add_argument("--file", type=Path, metavar="FILE", help="the rules (default: those the configuration names)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (see config.example.yaml)")
    parser.add_argument("--pair", nargs=2, metavar=("A", "B"), help="test: two documents, as `cutover diff` reads them")
    parser.add_argument("--surface", choices=[str(one) for one in Surface], help="test: the surface that told the pair")


def run(options: argparse.Namespace) -> int:
    """Run the verb. Raises ConfigError."""
    if options.pair and options.what != "test":
        print("cutover rules: --pair belongs to test", file=sys.stderr)
        return 2
    return _ACTIONS[options.what](options, datetime.now(UTC).date())


def path_of(options: argparse.Namespace) -> Path:
    """Return the file of rules that the options mean. Raises ConfigError."""
    if options.file is not None:
        return Path(options.file)
    if options.config is not None:
        named = str(getattr(read_config(options.config).verifier, "rules", ""))
        if named:
            return Path(options.config).parent / named
    return SHIPPED


def _list(options: argparse.Namespace, today: date) -> int:
    found = load_rules(path_of(options))
    for rule in found.rules:
        _say(f"{rule.name}: {rule.action} {'.'.join(rule.path)}{_where(rule)}")
        _say(f"  {_until(rule, today)}; {rule.owner}: {rule.reason}")
    _say(_summary(found))
    return 0


def _check(options: argparse.Namespace, today: date) -> int:
    _say(f"good: {_summary(read_rules(path_of(options), today))}")
    return 0


def _test(options: argparse.Namespace, today: date) -> int:
    found = load_rules(path_of(options))
    if options.pair:
        return _test_pair(found, options, today)
    failing = 0
    for rule in found.rules:
        wrong = [*complaints(rule, today), *([hidden] if (hidden := undeclared(rule)) else [])]
        failing += bool(wrong)
        for line in wrong or ["good: makes its pair equal, and leaves the other different"]:
            _say(f"{rule.name}: {line}")
    _say(_summary(found) + (f"; {failing} of them must not be used" if failing else ""))
    return int(bool(failing))


def _test_pair(found: RuleSet, options: argparse.Namespace, today: date) -> int:
    try:
        pairs = sides_of(*options.pair)
    except NotAnEntityError as error:
        print(f"cutover rules: {error}", file=sys.stderr)
        return 2
    equal = True
    for name, (first, second) in pairs.items():
        if first is None or second is None:
            lines, same_here = [f"different: only in {'B' if first is None else 'A'}"], False
        else:
            lines, same_here = _judged(found.rules, (first, second), options.surface, today)
        equal = equal and same_here
        for line in lines:
            _say(f"{name}: {line}" if name else line)
    return int(not equal)


def _judged(
    rules: Sequence[Rule], pair: tuple[Content, Content], surface: str | None, today: date
) -> tuple[list[str], bool]:
    """Return what the rules make of a pair, in lines, and whether it is equal."""
    lines = [f"{rule.name}: {_about(rule, pair, surface, today)}" for rule in rules]
    if same(*pair):
        return [*lines, "equal without any rule"], True
    ruled = apply_rules(rules, *pair, today, surface=surface)
    if ruled.equal:
        return [*lines, f"equal under {', '.join(ruled.needed)}"], True
    holding = [rule for rule in rules if not rule.is_expired(today) and holds(rule, *pair, surface)]
    left = difference(*(normalised(holding, side) for side in pair)).text().splitlines()
    return [*lines, "different, whatever the rules:", *(f"  {line}" for line in left)], False


def _about(rule: Rule, pair: tuple[Content, Content], surface: str | None, today: date) -> str:
    if rule.is_expired(today):
        return f"expired on {rule.expires}, not applied"
    if not holds(rule, *pair, surface):
        return "does not hold here"
    sides = [name for name, side in zip("AB", pair, strict=True) if touches(rule, side)]
    return f"changes {' and '.join(sides)}" if sides else "holds, and changes nothing"


def _where(rule: Rule) -> str:
    parts = [", ".join(sorted(chosen)) for chosen in (rule.entity_types, rule.surfaces) if chosen]
    return f" (only {'; '.join(parts)})" if parts else ""


def _until(rule: Rule, today: date) -> str:
    days = (rule.expires - today).days
    return f"EXPIRED on {rule.expires}" if days < 0 else f"until {rule.expires}, {days} days"


def _summary(found: RuleSet) -> str:
    return f"{len(found.rules)} rules in {found.source}, version {found.version}"


def _say(text: str) -> None:
    sys.stdout.buffer.write(f"{text}\n".encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()


_ACTIONS = {"list": _list, "check": _check, "test": _test}
