"""Epochs: when what was counted before stops saying anything about what is counted now. Pure.

Counts add up within an epoch only. A new one opens whenever something changes that the comparison rests on; the
reason is recorded, and nothing that was counted is thrown away or counted again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

GRACE_S = 300.0
"""After an epoch opened: how long samples of proxies of the version before are still on their way, in seconds."""

WHY_MAX = 255
"""The longest reason, in characters."""

_WORDS = {
    "form": "canonical form",
    "rules": "rules",
    "export_run": "export",
    "verifier": "verifier",
    "proxy": "proxy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What comparisons rest on. "" (or 0): not known yet; it may become known without opening an epoch."""

    form: int = 0  # the version of the canonical form (wikibase.canonical.FORM)
    rules: str = ""  # a digest of the normalisation rules
    export_run: str = ""  # which export filled the store
    verifier: str = ""  # version of the program that judges
    proxy: str = ""  # version of the program that observes, as its samples say

    def as_json(self) -> dict[str, str | int]:
        """Return the basis as plain values."""
        return dict(sorted(asdict(self).items()))


def basis_of(plain: Mapping[str, str | int]) -> Basis:
    """Return the basis that `as_json` gave. What is not known here is left out: an older program wrote more."""
    words = {name: str(plain.get(name, "")) for name in _WORDS if name != "form"}
    return Basis(form=int(plain.get("form", 0)), **words)


def joined(present: Basis, declared: Basis) -> Basis:
    """Return the declared basis; what it does not know yet is as it was."""
    known = {name: value for name, value in asdict(declared).items() if value}
    return replace(present, **known)


def why_new(present: Basis, declared: Basis) -> str:
    """Return why another epoch must open, "" when none must. What was not known before changes nothing."""
    before, after = asdict(present), asdict(declared)
    changes = [
        f"{words} {_short(before[name])} -> {_short(after[name])}"
        for name, words in _WORDS.items()
        if before[name] and after[name] and before[name] != after[name]
    ]
    return "; ".join(changes)[:WHY_MAX]


def opens_epoch(present: Basis, version: str, *, observed_at: float, opened_at: float, grace_s: float = GRACE_S) -> str:
    """Return why a sample of a proxy of that version must open an epoch, "" when it must not. Times: Unix seconds.

    While a fleet is upgraded, samples of the version before still arrive: within `grace_s` after the epoch opened
    they open nothing. They prove nothing either (`foreign`).
    """
    if not present.proxy or not foreign(present, version) or observed_at < opened_at + grace_s:
        return ""
    return why_new(present, replace(present, proxy=version))


def foreign(present: Basis, version: str) -> bool:
    """Tell whether a proxy of that version is not the epoch's. A sample that names none is taken as it comes."""
    return bool(version) and bool(present.proxy) and version != present.proxy


def _short(value: str | int) -> str:
    return str(value)[:40]
