"""The SHA-1s that MediaWiki keeps of contents and revisions: base 36 in tables, hex in the API (wikibase.md 4.5)."""

import hashlib
import re
from collections.abc import Mapping

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 31
_BASE36 = re.compile(r"[0-9a-z]{31}", re.ASCII)
_SHA1_BITS = 160


def text_sha1(text: bytes) -> str:
    """Return the SHA-1 of a stored text in hex."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def base36_sha1(hex_digits: str) -> str:
    """Return a SHA-1 in hex as content_sha1 and rev_sha1 have it: base 36, 31 digits."""
    number = int(hex_digits, 16)
    digits = []
    while number:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)).rjust(_LENGTH, "0")


def hex_sha1(base36: str) -> str | None:
    """Return a kept SHA-1 in hex, 40 digits; None for what is none (an empty column)."""
    if not _BASE36.fullmatch(base36):
        return None
    number = int(base36, 36)
    return f"{number:040x}" if number.bit_length() <= _SHA1_BITS else None


def revision_sha1(slots: Mapping[str, str]) -> str | None:
    """Return a revision's SHA-1 from those of its slots by role, all in hex; None without slots.

    One slot: its own. Several: folded, in base 36, in the order of their roles' names.
    """
    folded: str | None = None
    for _, sha1 in sorted(slots.items()):
        folded = sha1 if folded is None else text_sha1((base36_sha1(folded) + base36_sha1(sha1)).encode())
    return folded
