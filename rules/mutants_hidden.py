"""Which damage would a normalisation rule hide? Tried on entities that have something of everything. Pure.

A rule that accepts a difference is blind to some damage by its nature; which, its owner says in `hides`. A rule that
hides more than it says is refused: the mutants that prove the verifier's recall would go unseen in its shadow.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from rules.difference_parts import same
from rules.mutants import Shown, damage
from rules.mutants_table import DAMAGING, WORDS
from rules.normalise import Rule, apply_rules
from wikibase.canonical import canonical_entity

Json = Any
Content = Mapping[str, Json]

SEEDS = 2
"""How many places of each entity an operator is tried at."""


def hidden_damage(rule: Rule) -> tuple[str, ...]:
    """Return the mutant operators whose damage becomes equal under a rule, by name."""
    return tuple(one.name for one in DAMAGING if any(_hides(rule, pair) for pair in _pairs(one.name, rule)))


def undeclared(rule: Rule) -> str:
    """Return what a rule hides without saying so, in words; "" when there is nothing."""
    names = [name for name in hidden_damage(rule) if name not in rule.hides]
    if not names:
        return ""
    told = ", ".join(f"{name} ({WORDS.get(name, name)})" for name in names)
    return f"would hide damage that must be seen: {told}; make it narrower, or say hides: [{', '.join(names)}]"


def _hides(rule: Rule, pair: tuple[Content, Content]) -> bool:
    return not same(*pair) and apply_rules([rule], *pair, rule.expires).equal


def _pairs(name: str, rule: Rule) -> Iterator[tuple[Content, Content]]:
    yield from _bench_pairs(name)
    yield from _damaged(name, _own(rule))


@cache
def _bench_pairs(name: str) -> tuple[tuple[Content, Content], ...]:
    return tuple(_damaged(name, BENCH))


def _damaged(name: str, contents: Iterable[Content]) -> Iterator[tuple[Content, Content]]:
    operator = next(one for one in DAMAGING if one.name == name)
    for content in contents:
        for seed in range(SEEDS):
            made = damage(operator, content, Shown(content=content), seed)
            if made is not None:
                yield content, canonical_entity(made.content, partial=True)


def _own(rule: Rule) -> Iterable[Content]:
    """Return the entities of the rule's own examples: what it is about, the bench may not have."""
    return [canonical_entity(dict(one), partial=True) for pair in (rule.examples.equal,) for one in pair]


def _snak(prop: str, kind: str, value: Json) -> dict[str, Json]:
    return {"snaktype": "value", "property": prop, "datavalue": {"type": kind, "value": value}}


_TIME: dict[str, Json] = {"time": "+2013-01-07T00:00:00Z", "timezone": 0, "before": 0, "after": 0, "precision": 11}
_TIME |= {"calendarmodel": "http://www.wikidata.org/entity/Q1985727"}
_PLACE: dict[str, Json] = {
    "latitude": 52.516666666667,
    "longitude": 13.383333333333,
    "altitude": None,
    "precision": 0.0166666666667,
}
_PLACE |= {"precision": 0.0166666666667, "globe": "http://www.wikidata.org/entity/Q2"}
_AMOUNT = {"amount": "+3.75", "upperBound": "+3.80", "lowerBound": "+3.70"}
_AMOUNT |= {"unit": "http://www.wikidata.org/entity/Q11573"}
_VALUES = (
    ("P1", "string", "one text"),
    ("P2", "wikibase-entityid", {"entity-type": "item", "numeric-id": 5, "id": "Q5"}),
    ("P3", "time", _TIME),
    ("P4", "globecoordinate", _PLACE),
    ("P5", "quantity", _AMOUNT),
    ("P6", "monolingualtext", {"language": "de", "text": "ein Text"}),
)


def _statements(owner: str, kinds: int = len(_VALUES)) -> dict[str, list[Json]]:
    """Return statements with so many kinds of value, in pairs, with qualifiers and references."""
    found: dict[str, list[Json]] = {}
    for place, (prop, kind, value) in enumerate(_VALUES[:kinds]):
        full = {
            "id": f"{owner}$0000000{place}-0000-0000-0000-00000000000a",
            "type": "statement",
            "rank": "normal",
            "mainsnak": _snak(prop, kind, value),
            "qualifiers": {one[0]: [_snak(*one)] for one in _VALUES},
            "qualifiers-order": [one[0] for one in _VALUES],
            "references": [
                {"snaks": {one[0]: [_snak(*one)] for one in _VALUES}, "snaks-order": [one[0] for one in _VALUES]},
                {"snaks": {"P1": [_snak("P1", "string", "another")]}, "snaks-order": ["P1"]},
            ],
        }
        bare = {
            "id": f"{owner}$0000000{place}-0000-0000-0000-00000000000b",
            "type": "statement",
            "rank": "preferred",
            "mainsnak": {"snaktype": ("somevalue", "novalue")[place % 2], "property": prop},
        }
        found[prop] = [full, bare]
    return found


def _terms(*words: str) -> dict[str, Json]:
    return {
        language: {"language": language, "value": f"{word} in {language}"}
        for language, word in zip(("en", "de", "fr"), words, strict=False)
    }


_ALIASES = {"en": [{"language": "en", "value": one} for one in ("First", "Second", "Café")]}
_LINKS = {
    site: {"site": site, "title": title, "badges": ["Q17437796", "Q17437798"]}
    for site, title in (("enwiki", "Berlin Place"), ("dewiki", "Berliner Platz"))
}
_FORMS = [
    {
        "id": f"L1-F{number}",
        "representations": _terms(word, word),
        "grammaticalFeatures": ["Q1", "Q2"],
        "claims": _statements(f"L1-F{number}", 2),
    }
    for number, word in ((1, "go"), (2, "gone"))
]
_SENSES = [
    {"id": f"L1-S{number}", "glosses": _terms(word, word), "claims": _statements(f"L1-S{number}", 2)}
    for number, word in ((1, "to move"), (2, "to work"))
]
_TEXTS = {"labels": _terms("Café place", "Ort", "lieu"), "descriptions": _terms("one", "zwei", "trois")}

BENCH: tuple[Content, ...] = tuple(
    canonical_entity(one)
    for one in (
        {"type": "item", "id": "Q1", **_TEXTS, "aliases": _ALIASES, "claims": _statements("Q1"), "sitelinks": _LINKS},
        {"type": "property", "id": "P9", "datatype": "string", **_TEXTS, "aliases": _ALIASES,
         "claims": _statements("P9", 2)},
        {"type": "lexeme", "id": "L1", "lemmas": _terms("go"), "lexicalCategory": "Q1084", "language": "Q1860",
         "claims": _statements("L1", 2), "forms": _FORMS, "senses": _SENSES},
        {"type": "mediainfo", "id": "M1", "labels": _TEXTS["labels"], "descriptions": {},
         "statements": _statements("M1", 2)},
        {"entity": "Q2", "redirect": "Q3"},
    )
)  # fmt: skip
"""Entities in which every mutant operator finds something."""
