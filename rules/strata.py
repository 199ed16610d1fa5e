"""Strata: the parts of the comparisons that are proven apart, because they fail apart. Pure.

A comparison belongs to exactly one stratum: entity type x surface x size of the answer x age of the revision x
format. The classes are few on purpose: each must fill up before it proves anything. Ages follow the eras of stored
JSON (wikibase.md 3.2, 3.4): short keys until 2014, 14-digit coordinates and forced bounds until about 2017.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

from rules.routes.route import EntityRead, Surface

ANY = "*"
"""In place of a class: this dimension is not told apart."""

SIZES = ("<4K", "<64K", "<1M", ">=1M")
AGES = ("<2015", "2015-17", "2018-21", ">=2022")

_SIZE_LIMITS = (4 << 10, 64 << 10, 1 << 20)
_FIRST_YEARS = (2015, 2018, 2022)
_WITH_VERSION = frozenset({Surface.WBGETENTITIES, Surface.WBGETCLAIMS, Surface.REVISIONS})
_YEAR_DIGITS = 4
_KEY_PART_MAX = 28

_PLURAL = {
    "item": "items",
    "property": "properties",
    "lexeme": "lexemes",
    "form": "forms",
    "sense": "senses",
    "mediainfo": "mediainfo entities",
    "entity-schema": "entity schemas",
    "": "answers without an entity",
    ANY: "entities",
}
_SIZE_WORDS = {"<4K": "under 4 KB", "<64K": "of 4 to 64 KB", "<1M": "of 64 KB to 1 MB", ">=1M": "of 1 MB and more"}
_AGE_WORDS = {
    "<2015": "older than 2015",
    "2015-17": "of 2015 to 2017",
    "2018-21": "of 2018 to 2021",
    ">=2022": "of 2022 and later",
    "": "of unknown age",
}


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """One part. A class is "" where it is not known or means nothing, `ANY` where it is not told apart."""

    entity_type: str = ""
    surface: str = ""
    size: str = ""
    age: str = ""
    format: str = ""

    def key(self) -> str:
        """Return the stratum as one word, at most 150 characters; `stratum_of_key` reads it."""
        return "|".join(part[:_KEY_PART_MAX] for part in astuple(self))

    def words(self) -> str:
        """Return the stratum in words: "lexemes older than 2015 by wbgetentities"."""
        out = [_PLURAL.get(self.entity_type, self.entity_type)]
        out += [_AGE_WORDS[self.age]] if self.age in _AGE_WORDS and self.entity_type else []
        out += [_SIZE_WORDS[self.size]] if self.size in _SIZE_WORDS else []
        out += [f"by {self.surface}"] if self.surface not in ("", ANY) else []
        out += [f"as {self.format}"] if self.format not in ("", ANY) else []
        return " ".join(out)

    def covers(self, other: "Stratum") -> bool:
        """Tell whether the other one lies in this one: each class the same, or `ANY` here."""
        return all(mine in (ANY, theirs) for mine, theirs in zip(astuple(self), astuple(other), strict=True))


DIMENSIONS = tuple(one.name for one in fields(Stratum))
EVERYTHING = Stratum(ANY, ANY, ANY, ANY, ANY)


def stratum_of_key(key: str) -> Stratum:
    """Return the stratum of a `Stratum.key`. Raises ValueError for what is none."""
    parts = key.split("|")
    if len(parts) != len(DIMENSIONS):
        raise ValueError(f"{key!r} is not the key of a stratum: {len(DIMENSIONS)} parts are needed")
    return Stratum(*parts)


def collapsed(stratum: Stratum, by: Sequence[str]) -> Stratum:
    """Return the stratum with only the dimensions `by` told apart. Raises AttributeError for a name that is none."""
    return replace(EVERYTHING, **{name: getattr(stratum, name) for name in by})


def size_class(size_bytes: int | None) -> str:
    """Return the class of an answer's size in bytes of plain JSON, for each entity in it."""
    return "" if size_bytes is None else SIZES[bisect_right(_SIZE_LIMITS, size_bytes)]


def age_class(timestamp: str | None) -> str:
    """Return the class of the year in which a revision was made; `timestamp` in ISO 8601."""
    year = (timestamp or "")[:_YEAR_DIGITS]
    if len(year) != _YEAR_DIGITS or not (year.isascii() and year.isdigit()):
        return ""
    return AGES[bisect_right(_FIRST_YEARS, int(year))]


def format_class(read: EntityRead) -> str:
    """Return the dress of an answer. Two versions of the Action API's JSON differ in what they write."""
    version = f" {read.projection.format_version}" if read.surface in _WITH_VERSION else ""
    return f"{read.projection.format}{version}"


def route_shape(read: EntityRead) -> str:
    """Return a short key that two reads share when they ask for the same part of an entity in the same dress.

    Which entities are asked for, and how many at once, is no part of the shape; whether a revision is pinned is.
    """
    what = read.projection
    told = (
        read.surface.value,
        read.revision is not None,
        bool(read.by_title),
        None if what.props is None else sorted(what.props),
        None if what.languages is None else sorted(what.languages),
        None if what.site_filter is None else sorted(what.site_filter),
        (what.language_fallback, what.follow_redirects, what.format, what.format_version),
        (what.statement, what.property_id, what.rank, what.part),
    )
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]
