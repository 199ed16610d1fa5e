"""Normalisation rules: differences beyond the canonical form that an operator has decided to accept, for a time.

A rule says where (a pattern of keys of the canonical form), what (an action), why, who answers for it, and until when;
and it brings two pairs: one that it must make equal, and one that it must not. It is named in a verdict only when the
pair is unequal without it. A rule that has expired is never applied. Written by operators in YAML
(docs/normalisation-rules.md); read by `backends.rule_files`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.difference_parts import same
from rules.normalise_actions import GONE, Action
from wikibase.canonical import NotAnEntityError, canonical_bytes, canonical_entity

Json = Any
Content = Mapping[str, Json]

RULES_MAX = 100
"""How many rules a set has: each costs a walk over every pair that differs."""

PROTECTED = frozenset({"id", "type", "entity", "redirect", "serializationVersion"})
"""Fields that say what is compared with what: no rule touches them."""

RESERVED = frozenset({"language_fallback", "wiki_disagrees_with_itself", "action_api_text_cleanup"})
"""Names that verdicts use for what is built in."""

DEPTH_MAX = 60
"""How deep rules reach; what is nested deeper stays as it is."""

_ANY, _ANY_DEPTH = "*", "**"


@dataclass(frozen=True, slots=True)
class Examples:
    """Two pairs of entities: one that is unequal without the rule and equal with it, one that stays unequal."""

    equal: tuple[Content, Content]
    different: tuple[Content, Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `path`: keys, `*` for any one key or list member, `**` for any number of them.

    `entity_types`, `surfaces`: where it holds; empty means everywhere. It holds up to and with the day `expires`.
    `hides`: the mutant operators whose damage its owner accepts not to see (`rules.mutants_hidden`).
    """

    name: str
    path: tuple[str, ...]
    action: Action
    reason: str
    owner: str
    expires: date
    examples: Examples
    entity_types: frozenset[str] = frozenset()
    surfaces: frozenset[str] = frozenset()
    hides: frozenset[str] = frozenset()

    def is_expired(self, today: date) -> bool:
        """Tell whether its time is over."""
        return today > self.expires


@dataclass(frozen=True, slots=True)
class Ruled:
    """What rules make of a pair: whether it is equal, and the names of those that it takes."""

    equal: bool
    needed: tuple[str, ...] = ()


def apply_rules(
    rules: Sequence[Rule],
    first: Content,
    second: Content,
    today: date,
    *,
    surface: str | None = None,
) -> Ruled:
    """Tell whether two canonical contents are equal under the rules that hold, and which of them it takes.

    Without any of those named the pair would be unequal. `surface` None: rules of every surface hold.
    """
    if same(first, second):
        return Ruled(equal=True)
    holding = [rule for rule in rules if not rule.is_expired(today) and holds(rule, first, second, surface)]
    if not holding or not _equal_under(holding, first, second):
        return Ruled(equal=False)
    for rule in reversed(holding.copy()):  # of two that would do, the earlier in the file is named
        fewer = [one for one in holding if one is not rule]
        if fewer and _equal_under(fewer, first, second):
            holding = fewer
    return Ruled(equal=True, needed=tuple(rule.name for rule in holding))


def holds(rule: Rule, first: Content, second: Content, surface: str | None = None) -> bool:
    """Tell whether a rule is about such entities on such a surface."""
    kinds = {first.get("type"), second.get("type")}
    return (not rule.entity_types or kinds <= rule.entity_types) and (
        surface is None or not rule.surfaces or surface in rule.surfaces
    )


def touches(rule: Rule, content: Content) -> bool:
    """Tell whether a rule would change anything in a content."""
    return normalised([rule], content) is not content


def expired(rules: Iterable[Rule], today: date) -> tuple[Rule, ...]:
    """Return the rules whose time is over."""
    return tuple(rule for rule in rules if rule.is_expired(today))


def rules_version(rules: Iterable[Rule]) -> str:
    """Return a short name of what a set of rules does. Reasons and owners may change without changing it."""
    does = [
        [rule.name, rule.path, str(rule.action), sorted(rule.entity_types), sorted(rule.surfaces), str(rule.expires)]
        for rule in rules
    ]
    return hashlib.sha256(canonical_bytes(does)).hexdigest()[:12] if does else "none"


def failing_examples(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with a rule by its own examples; nothing when it does what it promises."""
    first, second = (_canonical(side) for side in rule.examples.equal)
    if same(first, second):
        yield "the example `equal` is equal without the rule: it shows nothing"
    elif not apply_rules([rule], first, second, rule.expires).equal:
        yield "the example `equal` stays different under the rule"
    first, second = (_canonical(side) for side in rule.examples.different)
    if same(first, second):
        yield "the example `different` is equal without the rule: it shows nothing"
    elif apply_rules([rule], first, second, rule.expires).equal:
        yield "the example `different` becomes equal under the rule: it hides too much"


def normalised(rules: Iterable[Rule], content: Content) -> Content:
    """Return what is compared under rules; the content itself when they touch nothing."""
    out = content
    for rule in sorted(rules, key=lambda one: one.action.last):
        out = _walk(out, rule, _reach(rule.path, {0}), 0)
    return out if out is content else _canonical(out)


def _equal_under(rules: Sequence[Rule], first: Content, second: Content) -> bool:
    return same(normalised(rules, first), normalised(rules, second))


def _canonical(content: Content) -> Content:
    """Bring to canonical form again: empty lists go, orders shrink with what they list.

    What a rule has taken an entity's bones out of is compared as it is.
    """
    try:
        return canonical_entity(dict(content), partial=True)
    except NotAnEntityError:
        return content


def _reach(path: Sequence[str], places: Iterable[int]) -> frozenset[int]:
    """Return the places of a pattern that can come next: `**` may stand for nothing."""
    out = set()
    for place in places:
        here = place
        out.add(here)
        while here < len(path) and path[here] == _ANY_DEPTH:
            here += 1
            out.add(here)
    return frozenset(out)


def _walk(value: Json, rule: Rule, places: frozenset[int], depth: int) -> Json:
    """Return a value with the rule applied below it; the value itself when nothing changes."""
    if isinstance(value, dict):
        parts: Iterable[tuple[str | None, Json]] = value.items()
    elif isinstance(value, list):
        parts = ((None, one) for one in value)
    else:
        return value
    kept: list[tuple[str | None, Json]] = []
    changed = False
    for key, part in parts:
        protected = depth == 0 and key in PROTECTED
        new = part if protected else _part(part, rule, _next(rule.path, places, key), depth + 1)
        changed = changed or new is not part
        if new is not GONE:
            kept.append((key, new))
    if not changed:
        return value
    return dict(kept) if isinstance(value, dict) else [part for _, part in kept]


def _part(part: Json, rule: Rule, places: frozenset[int], depth: int) -> Json:
    if not places or depth > DEPTH_MAX:
        return part
    below = _walk(part, rule, places, depth)
    if len(rule.path) not in places:
        return below
    done = rule.action.apply(below)
    return part if done is not GONE and same(done, part) else done


def _next(path: Sequence[str], places: frozenset[int], key: str | None) -> frozenset[int]:
    """Return where in the pattern one stands behind a key (None: a member of a list)."""
    after = set()
    for place in places:
        if place < len(path):
            if path[place] == _ANY_DEPTH:
                after.add(place)
            elif path[place] in (_ANY, key):
                after.add(place + 1)
    return _reach(path, after)
