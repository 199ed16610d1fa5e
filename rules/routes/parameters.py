"""Request parameters as PHP and MediaWiki read them (wikibase.md 0.2): one mapping from query and form.

The form wins over the query; the last of repeated names counts; `ids[]` makes an array, which MediaWiki reads as
absent; dots and spaces in names become underscores; text is NFC. Values are decoded when asked for, so that a large
`data` costs nothing here.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from rules.routes.multipart import read_multipart
from rules.routes.reasons import Reason, not_ours
from rules.routes.route import NeedsBody, NotOurs, Request

PARAMETERS_MAX = 1000
"""PHP's default max_input_vars, for the query and the form each."""
INTEGER_MAX = 2**63 - 1
SEPARATOR = "\x1f"
SPLITS_MAX = 1000
"""Twice the number of values that any account may give; the rest of a longer multi-value stays in one piece."""
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_PAIR_STRANGE = re.compile(r"[%+. \[\x00\x80-\xff]")
_NUMBER = re.compile(r"[ \t\n\r\v\f]*([+-]?)(\d+)?(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_DIGITS_MAX = 18


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request. `encoded` holds percent-encoded bytes as Latin-1, `plain` what multipart gave.

    None stands for an array; `plain` wins over `encoded`.
    """

    encoded: dict[str, str | None] = field(default_factory=dict)
    plain: dict[str, str | None] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Return the value as NFC text, or None when it is absent or an array."""
        if self.plain and name in self.plain:
            value = self.plain[name]
            return value if value is None or value.isascii() else unicodedata.normalize("NFC", value)
        raw = self.encoded.get(name)
        return None if raw is None else decode(raw)

    def has(self, name: str) -> bool:
        """Tell whether a parameter is present: MediaWiki's booleans are true by presence, also as `0`."""
        value = self.plain.get(name) if name in self.plain else self.encoded.get(name)
        return value is not None

    def is_given(self, name: str) -> bool:
        """Tell whether a parameter was sent at all, also as an array or empty."""
        return name in self.encoded or name in self.plain

    def has_other_than(self, names: frozenset[str]) -> bool:
        """Tell whether there are parameters besides those named."""
        return any(name not in names for given in (self.encoded, self.plain) for name in given)

    def values(self, name: str) -> tuple[str, ...] | None:
        """Return the values of a multi-value parameter, repeats and all; None when it is absent."""
        value = self.get(name)
        return None if value is None else split_values(value)

    def integer(self, name: str) -> int:
        """Return the value as PHP's intval reads it; 0 when it is absent or no number."""
        value = self.get(name)
        return 0 if value is None else read_integer(value)


def read_parameters(request: Request, query: str) -> Parameters | NotOurs | NeedsBody:
    """Return the parameters of a request whose query string is `query`.

    Only POST has a form. PHP reads urlencoded and multipart ones; any other content type leaves the query alone
    (a JSON body, a POST without content type: seen in the recorded reads).
    """
    encoded = read_pairs(query)
    if encoded is None:
        return not_ours(Reason.UNDECIDABLE_PARAMETERS)
    media_type = form_type(request.content_type) if request.method == "POST" else None
    if media_type is None:
        return Parameters(encoded)
    if request.body is None:
        return NeedsBody()
    if media_type == MULTIPART:
        return _add_multipart(encoded, request.content_type or "", request.body)
    form = read_pairs(request.body.decode("latin-1"))
    if form is None:
        return not_ours(Reason.UNDECIDABLE_PARAMETERS)
    encoded.update(form)
    return Parameters(encoded)


def _add_multipart(encoded: dict[str, str | None], content_type: str, body: bytes) -> Parameters | NotOurs:
    fields = read_multipart(content_type, body, parts_max=PARAMETERS_MAX)
    if fields is None:
        return not_ours(Reason.UNDECIDABLE_BODY)
    plain: dict[str, str | None] = {}
    for name, value in fields:
        _put(plain, name, value)
    return Parameters(encoded, plain)


def form_type(content_type: str | None) -> str | None:
    """Return the media type when it is one of the two that PHP reads parameters from."""
    if content_type is None:
        return None
    media_type = re.split("[;, ]", content_type, maxsplit=1)[0].lower()
    return media_type if media_type in (URLENCODED, MULTIPART) else None


def read_pairs(text: str) -> dict[str, str | None] | None:
    """Return the still encoded values of an urlencoded string by name; None when there are too many to tell."""
    pairs: dict[str, str | None] = {}
    if not text:
        return pairs
    parts = text.split("&")
    if len(parts) > PARAMETERS_MAX:
        return None
    for part in parts:
        name, _, value = part.partition("=")
        if not name:
            continue
        if _PAIR_STRANGE.search(name):
            _put(pairs, decode(name), value)
        else:
            pairs[name] = value
    return pairs


def _put(pairs: dict[str, str | None], name: str, value: str) -> None:
    """Store a value under the name that PHP gives it (php_register_variable)."""
    name = name.partition("\x00")[0].lstrip(" ")
    head, bracket, tail = name.partition("[")
    head = head.replace(" ", "_").replace(".", "_")
    if bracket and "]" not in tail:
        head, bracket = f"{head}_{tail}", ""
    if head:
        pairs[head] = None if bracket else value


def decode(raw: str) -> str:
    """Return the text of a percent-encoded value given as Latin-1; bytes that are no UTF-8 are read as Windows-1252."""
    if raw.isascii() and "%" not in raw:
        return raw.replace("+", " ") if "+" in raw else raw
    octets = unquote_to_bytes(raw.replace("+", " ").encode("latin-1"))
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("cp1252", "replace")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def split_values(value: str) -> tuple[str, ...]:
    """Return the values of a multi-value: split at `|`, or at U+001F when it begins with that (recording 062)."""
    separator = "|"
    if value.startswith(SEPARATOR):
        separator, value = SEPARATOR, value[1:]
    return tuple(value.split(separator, SPLITS_MAX)) if value else ()


def read_integer(text: str) -> int:
    """Return what PHP's intval makes of text: its leading number, cut to an integer, at most 2^63-1 in size."""
    number = _NUMBER.match(text)
    if number is None or not (number[2] or (number[3] and len(number[3]) > 1)):
        return 0
    sign = -1 if number[1] == "-" else 1
    if not number[3] and not number[4]:
        digits = number[2].lstrip("0")
        return sign * (int(digits or "0") if len(digits) <= _DIGITS_MAX else INTEGER_MAX)
    size = float(f"{number[2] or 0}{number[3] or ''}{number[4] or ''}")
    return sign * (int(size) if size < INTEGER_MAX else INTEGER_MAX)
