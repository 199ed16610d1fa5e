"""Gates: may one flip to a phase? Facts and criteria in; pass, fail or unknown out, each with its reason. Pure.

Gates fail closed (invariant 9): a fact that nobody has, or that is too old, is unknown, and unknown is not passed. A
criterion that names a fact that does not exist is unknown for ever, and says so.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from rules.parity_gate import Result
from rules.phases import PhaseName, phase

Plain = float | int | str | bool


class GateFileError(ValueError):
    """The file of gates is wrong. Names phase and field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that was looked up. `value` None: not known, and `why`. `age_s`: how old it is; None: of now."""

    value: Plain | None = None
    why: str = ""
    age_s: float | None = None
    missing: tuple[str, ...] = ()  # what is missing, in words, one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that must hold. Exactly one of the three comparisons is given."""

    fact: str
    at_most: float | None = None
    at_least: float | None = None
    equals: Plain | None = None
    age_max_s: float | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one criterion."""

    fact: str
    result: Result
    reason: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What became of all criteria of a phase."""

    to: PhaseName
    result: Result
    judged: tuple[Judged, ...] = field(default=())

    def open_points(self) -> list[str]:
        """Return in words what is not passed."""
        return [
            line
            for one in self.judged
            if one.result is not Result.PASS
            for line in (f"{one.result}: {one.reason}", *(f"  {each}" for each in one.missing))
        ]


Gates = Mapping[PhaseName, tuple[Criterion, ...]]


def judge(to: PhaseName, criteria: Sequence[Criterion], facts: Mapping[str, Fact]) -> Gate:
    """Return whether one may flip to a phase. No criterion: nobody said what to prove, so unknown."""
    judged = tuple(_judged(one, facts.get(one.fact)) for one in criteria)
    results = {one.result for one in judged}
    if not judged:
        judged = (Judged(fact="", result=Result.UNKNOWN, reason=f"no criteria are given for {to}"),)
        results = {Result.UNKNOWN}
    worst = next(one for one in (Result.FAIL, Result.UNKNOWN, Result.PASS) if one in results)
    return Gate(to=to, result=worst, judged=judged)


def _judged(one: Criterion, fact: Fact | None) -> Judged:
    def said(result: Result, reason: str) -> Judged:
        because = f" ({one.because})" if one.because and result is not Result.PASS else ""
        missing = () if fact is None or result is Result.PASS else fact.missing
        return Judged(fact=one.fact, result=result, reason=reason + because, missing=missing)

    if fact is None:
        return said(Result.UNKNOWN, f"{one.fact}: nobody looked it up")
    if fact.value is None:
        return said(Result.UNKNOWN, f"{one.fact}: {fact.why or 'not known'}")
    if one.age_max_s is not None and fact.age_s is not None and not 0 <= fact.age_s <= one.age_max_s:
        return said(Result.UNKNOWN, f"{one.fact}: is {fact.age_s:,.0f} s old, at most {one.age_max_s:,.0f} s counts")
    if one.equals is not None:
        if fact.value == "unknown" and one.equals != "unknown":
            return said(Result.UNKNOWN, f"{one.fact}: not proven yet")
        holds, needed = fact.value == one.equals, f"must be {_words(one.equals)}"
    elif isinstance(fact.value, str):
        return said(Result.UNKNOWN, f"{one.fact}: {fact.value!r} is no number")
    elif one.at_most is not None:
        holds, needed = fact.value <= one.at_most, f"at most {one.at_most:g}"
    else:
        holds, needed = fact.value >= (one.at_least or 0), f"at least {one.at_least:g}"
    short = not holds and one.at_least is not None
    reason = f"{one.fact} is {_words(fact.value)}, {needed}"
    # Too little is something to wait for; too much, or something else than it must be, is wrong.
    return said(Result.PASS if holds else Result.UNKNOWN if short else Result.FAIL, reason)


def _words(value: Plain) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def parse_gates(plain: object) -> Gates:
    """Return the gates of plain values: phase name -> list of criteria. Raises GateFileError."""
    if not isinstance(plain, dict):
        raise GateFileError(f"gates: expected phases with criteria under them, got {plain!r}")
    found: dict[PhaseName, tuple[Criterion, ...]] = {}
    for name, criteria in plain.items():
        try:
            to = phase(str(name)).name
        except ValueError as error:
            raise GateFileError(f"gates: {error}") from None
        if not isinstance(criteria, list):
            raise GateFileError(f"{to}: expected a list of criteria, got {criteria!r}")
        found[to] = tuple(_criterion(one, f"{to}[{place}]") for place, one in enumerate(criteria))
    return found


_COMPARISONS = ("at_most", "at_least", "equals")
_FIELDS = ("fact", *_COMPARISONS, "age_max_s", "because")


def _criterion(plain: object, where: str) -> Criterion:
    if not isinstance(plain, dict) or not isinstance(plain.get("fact"), str):
        raise GateFileError(f"{where}: expected `fact` and what it must be, got {plain!r}")
    if strange := [name for name in plain if name not in _FIELDS]:
        raise GateFileError(f"{where}.{strange[0]}: there is no such field; the fields are {', '.join(_FIELDS)}")
    if sum(name in plain for name in _COMPARISONS) != 1:
        raise GateFileError(f"{where}: expected exactly one of {', '.join(_COMPARISONS)}")
    for name in ("at_most", "at_least", "age_max_s"):
        value = plain.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GateFileError(f"{where}.{name}: expected a number, got {value!r}")
    if not isinstance(plain.get("equals", ""), str | bool | int | float):
        raise GateFileError(f"{where}.equals: expected a text, a number, true or false")
    return Criterion(**plain)


def bundle(gate: Gate, criteria: Sequence[Criterion], facts: Mapping[str, Fact], about: Mapping[str, Any]) -> bytes:
    """Return the evidence as canonical JSON: everything that is needed to come to the same result again."""
    return orjson.dumps(
        {
            "about": dict(about),
            "to": gate.to.value,
            "result": gate.result.value,
            "criteria": [_given(one, _FIELDS) for one in criteria],
            "facts": {name: _given(fact, ("value", "why", "age_s", "missing")) for name, fact in facts.items()},
            "judged": [_given(one, ("fact", "result", "reason", "missing")) for one in gate.judged],
        },
        option=orjson.OPT_SORT_KEYS,
    )


def digest(evidence: bytes) -> str:
    """Return the SHA-256 of an evidence bundle, in hexadecimal."""
    return hashlib.sha256(evidence).hexdigest()


def judge_again(evidence: bytes) -> Gate:
    """Judge the facts of a bundle by its own criteria. Raises ValueError for what is no bundle."""
    plain = orjson.loads(evidence)
    if not isinstance(plain, dict) or "facts" not in plain:
        raise ValueError("this is no evidence of a gate")
    facts = {name: Fact(**{**fact, "missing": tuple(fact.get("missing", ()))}) for name, fact in plain["facts"].items()}
    criteria = [_criterion(one, f"criteria[{place}]") for place, one in enumerate(plain["criteria"])]
    return judge(phase(plain["to"]).name, criteria, facts)


def _given(thing: object, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, "", ())}
