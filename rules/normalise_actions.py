"""What a normalisation rule does to the value that it is about: a table of actions, each written as `name` or `name:N`.

An action takes any JSON value and returns what is compared instead; a value that it is not for stays as it is.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from wikibase.canonical import canonical_bytes

Json = Any

GONE: Any = object()
"""What `ignore` leaves of a value: its key, or its place in a list, is dropped."""

ROUND_DIGITS_MAX = 15
PREFIX_CHARS_MAX = 10_000

_DECIMAL = re.compile(r"[-+]?\d{1,60}(\.\d{1,60})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `last`: it orders lists, so it comes after what changes their members."""

    name: str
    number: int | None
    apply: Callable[[Json], Json]
    last: bool = False

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}:{self.number}"


def action_of(text: str) -> Action:
    """Return the action that a text names. Raises ValueError, whose message says what was expected."""
    name, colon, rest = text.partition(":")
    if name in _PLAIN and not colon:
        return Action(name, None, _PLAIN[name], last=name in _LISTS)
    if name in _NUMBERED:
        low, high, make = _NUMBERED[name]
        if not (rest.isascii() and rest.isdigit() and len(rest) <= len(str(high)) and low <= int(rest) <= high):
            raise ValueError(f"{name}:N with N from {low} to {high}")
        return Action(name, int(rest), make(int(rest)))
    raise ValueError(f"one of {', '.join([*_PLAIN, *(f'{name}:N' for name in _NUMBERED)])}")


def _ignore(_value: Json) -> Json:
    return GONE


def _of_text(change: Callable[[str], str]) -> Callable[[Json], Json]:
    return lambda value: change(value) if isinstance(value, str) else value


def _round(digits: int) -> Callable[[Json], Json]:
    step = Decimal(1).scaleb(-digits)

    def rounded(value: Json) -> Json:
        if type(value) in (int, float):
            return round(float(value), digits) + 0.0  # no zero with a minus
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            amount = Decimal(value)
            if amount.adjusted() + digits < _CONTEXT_DIGITS:
                return f"{amount.quantize(step, ROUND_HALF_EVEN) + 0:+f}"
        return value

    return rounded


_CONTEXT_DIGITS = 28  # what decimal computes with


def _prefix(chars: int) -> Callable[[Json], Json]:
    return _of_text(lambda text: text[:chars])


def _unordered(value: Json) -> Json:
    return sorted(value, key=canonical_bytes) if isinstance(value, list) else value


def _set(value: Json) -> Json:
    if not isinstance(value, list):
        return value
    return [one for _, one in sorted({canonical_bytes(one): one for one in value}.items())]


_PLAIN: Mapping[str, Callable[[Json], Json]] = {
    "ignore": _ignore,
    "lower": _of_text(str.lower),
    "strip": _of_text(str.strip),
    "nfc": _of_text(lambda text: unicodedata.normalize("NFC", text)),
    "unordered": _unordered,
    "set": _set,
}
_LISTS = frozenset({"unordered", "set"})
_NUMBERED: Mapping[str, tuple[int, int, Callable[[int], Callable[[Json], Json]]]] = {
    "round": (0, ROUND_DIGITS_MAX, _round),
    "prefix": (1, PREFIX_CHARS_MAX, _prefix),
}
