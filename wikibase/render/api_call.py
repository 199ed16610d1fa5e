"""A call of the Action API: its parameters, checked as MediaWiki checks them (wikibase.md 0.2).

Only what is known to have a certain effect is let through; every other parameter, and every value whose effect is
the wiki's alone, declines the call. Reading is in the order in which MediaWiki reads, because the first error wins.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from wikibase.render.facts import RenderingFacts
from wikibase.render.outcome import Decline, DeclinedError

SEPARATOR = "\x1f"
_SIMPLE_VALUE = re.compile(r"[A-Za-z0-9/_-]{1,40}")
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*")
_ERROR_FORMATS = frozenset({"plaintext", "wikitext", "html", "raw", "none", "bc"})


class ApiError(Exception):
    """An error as the API reports it: status 200, `code` in a header. `data` comes before the messages."""

    def __init__(
        self,
        code: str,
        info: str,
        *,
        data: Mapping[str, object] | None = None,
        message: tuple[str, tuple[str, ...], str] | None = None,
    ) -> None:
        """`message`: key, parameters and HTML of Wikibase's own message."""
        super().__init__(code)
        self.code, self.info, self.data, self.message = code, info, dict(data or {}), message


@dataclass(frozen=True, slots=True)
class Dress:
    """How an answer is printed and may be cached. `ages`: smaxage and maxage in seconds, as given.

    `any_origin`: asked with `origin=*`, so that scripts of any site may read it; as to an anonymous client.
    """

    version: int
    ascii_only: bool
    callback: str | None
    request_id: str | None
    ages: tuple[int, int]
    any_origin: bool = False


@dataclass(slots=True)
class Call:
    """The parameters of one call, by name. `anonymous`: the request surely carries no account."""

    values: Mapping[str, str]
    facts: RenderingFacts
    anonymous: bool
    warnings: list[tuple[str, str]] = field(default_factory=list)  # module, sentence

    def flag(self, name: str) -> bool:
        """Return whether a boolean is set: by presence, also as `0`."""
        return name in self.values

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return an enumerated value; another one is an error that the wiki words."""
        value = self.values.get(name, default)
        if value not in allowed:
            raise DeclinedError(Decline.VALUE, name)
        return value

    def several(self, name: str, *, repeats: bool = False) -> tuple[str, ...] | None:
        """Return the values of a multi-value, each once unless repeats count; None when it is absent."""
        text = self.values.get(name)
        if text is None:
            return None
        found = _split(text)
        limit = self.facts.anonymous_values_max
        if len(found) > limit:
            if not self.anonymous:
                raise DeclinedError(Decline.IDENTITY, name)
            raise ApiError(
                "toomanyvalues",
                f'Too many values supplied for parameter "{name}". The limit is {limit}.',
                data={"limit": limit, "lowlimit": limit, "highlimit": self.facts.high_values_max},
            )
        return found if repeats else tuple(dict.fromkeys(found))

    def enumerated(
        self, module: str, name: str, allowed: Collection[str] | None, *, repeats: bool = False
    ) -> tuple[str, ...] | None:
        """Return the values of a multi-value that are allowed; the others are named in a warning.

        `allowed` None: which ones are was not learnt.
        """
        found = self.several(name, repeats=True)
        if found is None:
            return None
        if allowed is None:
            raise DeclinedError(Decline.PARAMETER, name)
        unknown = [one for one in found if one not in allowed]  # repeats are named again
        if unknown:
            if not all(_SIMPLE_VALUE.fullmatch(one) for one in unknown):
                raise DeclinedError(Decline.VALUE, name)
            plural = "s" if len(unknown) > 1 else ""
            self.warn(module, f'Unrecognized value{plural} for parameter "{name}": {", ".join(unknown)}')
        kept = tuple(one for one in found if one in allowed)
        return kept if repeats else tuple(dict.fromkeys(kept))

    def warn(self, module: str, sentence: str) -> None:
        """Add a warning."""
        self.warnings.append((module, sentence))


def read_dress(call: Call, own: Collection[str]) -> Dress:
    """Return the dress that the parameters of all modules ask for; `own` are the names of the module's parameters.

    Raises DeclinedError for what is not rendered.
    """
    values = call.values
    for name in values:
        if name not in own and name not in _SHARED and name not in MEANINGLESS:
            raise DeclinedError(Decline.PARAMETER, name[:40])
    if values.get("format") != "json":
        raise DeclinedError(Decline.FORMAT, "format")
    version = _VERSIONS.get(values.get("formatversion", "1"))
    if version is None:
        raise DeclinedError(Decline.FORMAT, "formatversion")
    if "assert" in values and not (values["assert"] == "anon" and call.anonymous):
        raise DeclinedError(Decline.IDENTITY, "assert")
    for name, check in _CHECKED.items():
        if name in values and not check(values[name]):
            raise DeclinedError(Decline.VALUE, name)
    return Dress(
        version=version,
        ascii_only="ascii" in values if version == 2 else "utf8" not in values,  # noqa: PLR2004
        callback=values.get("callback"),
        request_id=values.get("requestid"),
        ages=(int(values.get("smaxage", "0")), int(values.get("maxage", "0"))),
        any_origin="origin" in values,
    )


def warn_of_unused(call: Call, own: Collection[str]) -> None:
    """Add the warning about parameters that no module reads: of those let through, `token`."""
    unused = [name for name in call.values if name in MEANINGLESS and name not in own]
    if unused:
        plural = "s" if len(unused) > 1 else ""
        call.warn("main", f"Unrecognized parameter{plural}: {', '.join(unused)}.")


def is_english(call: Call) -> bool:
    """Tell whether sentences that follow the reader's language are surely English for this call."""
    wanted = call.values.get("uselang", "user")
    by_default = call.facts.content_language == "en" and call.anonymous
    return by_default if wanted in ("user", "content") else wanted == "en" and call.anonymous


def error_format_is_usual(call: Call) -> bool:
    """Tell whether errors and warnings have their usual shape (bc); the others are not rendered."""
    return call.values.get("errorformat", "bc") == "bc"


def _split(text: str) -> tuple[str, ...]:
    separator = "|"
    if text.startswith(SEPARATOR):
        separator, text = SEPARATOR, text[1:]
    return tuple(text.split(separator)) if text else ()


def _is_any(_text: str) -> bool:
    return True


def _is_seconds(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None


_VERSIONS: Mapping[str, int] = {"1": 1, "2": 2, "latest": 2}
# `maxlag`: the store has no replicas that lag. `variant`, `errorlang`, `errorsuselocal` change errors only.
_CHECKED: Mapping[str, Callable[[str], bool]] = {
    "maxlag": _is_seconds,
    "maxage": _is_seconds,
    "smaxage": _is_seconds,
    "origin": lambda text: text == "*",  # another one is checked against the wiki's list
    "errorformat": _ERROR_FORMATS.__contains__,
    "uselang": lambda text: text in ("user", "content") or _LANGUAGE_CODE.fullmatch(text) is not None,
    "requestid": lambda text: len(text) <= 200,  # noqa: PLR2004  the client's own mark is short
}
_SHARED = frozenset({"action", "assert", "format", "formatversion", "utf8", "ascii", "callback", *_CHECKED})
MEANINGLESS = frozenset({"token"})
"""What some clients send with reads too (WikibaseIntegrator): it has no effect but a warning."""
