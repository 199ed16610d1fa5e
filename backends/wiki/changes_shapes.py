"""What a follower asks of a wiki, as values: changes with their ids, the present moment, heads. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wikibase.ids import EntityId, EntityType, parse_entity_id

REVISIONS = "revision"
LOG = "log"
STREAMS = (REVISIONS, LOG)
"""The two sequences of ids that a wiki gives out: of its revisions, and of its log's entries."""

Range = tuple[int, int]
"""Ids from the first to the second, both included."""

RANGES_MAX = 100
"""The most ranges that one call asks for."""

_FILE_NAMESPACE = 6
_STRING = re.compile(r's:\d+:"([^"]{1,255})"')  # log_params is PHP's serialize(); titles hold no quotation mark

# What changes how a user is shown on everything that user did: names given anew, names hidden with a block.
_USER_CHANGES = frozenset({
    ("suppress", "block"),
    ("suppress", "reblock"),
    ("block", "reblock"),
    ("block", "unblock"),
    ("renameuser", "renameuser"),
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One committed row of a stream. `entity_ids`: whom it may concern, perhaps nobody; one too many does no harm.

    `rev_id`: which revision the store must have afterwards; None: none that is known. `users`: whose revisions may
    look different now. `at`: the row's own timestamp, which says nothing about when it was committed.
    """

    number: int
    at: str
    entity_ids: tuple[EntityId, ...]
    rev_id: int | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """The changes in a part of a range: from its beginning to as far as was looked."""

    covered: Range
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The wiki at one moment. `last`: the highest id of each stream.

    `server`: who answered, and when it was started (seconds since 1970); None: not known. `transactions`: names of
    all transactions under way that may write; None: it cannot be known here.
    """

    now: str
    last: Mapping[str, int]
    server: str | None = None
    started_s: int | None = None
    transactions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """The page of an entity, and its newest revision."""

    entity_id: EntityId
    page_id: int
    rev_id: int


@dataclass(frozen=True, slots=True)
class PageHeads:
    """Some of all heads. `after`: where the next batch begins, None at the end."""

    heads: Sequence[PageHead]
    after: str | None


def logged_entities(
    namespaces: Mapping[EntityType, int], namespace: int, title: str, page_id: int, params: str
) -> tuple[EntityId, ...]:
    """Return the entities that a log entry names: by its page, and in its parameters (the other page of a merge).

    `title` has no namespace; `params` may be PHP's or any text with the strings in it quoted so.
    """
    found: dict[EntityId, None] = {}
    if namespace in namespaces.values() and (entity_id := parse_entity_id(title.replace("_", " "))) is not None:
        found[entity_id] = None
    if namespace == _FILE_NAMESPACE and page_id:
        found[EntityId(f"M{page_id}")] = None
    for word in _STRING.findall(params):
        name = word.rpartition(":")[2]
        if (entity_id := parse_entity_id(name)) is not None and entity_id == name:
            found[entity_id] = None
    return tuple(found)


def changed_users(log_type: str, action: str, title: str, params: str) -> tuple[str, ...]:
    """Return the users whose revisions a log entry may make look different: the one in its title, the new name."""
    if (log_type, action) not in _USER_CHANGES:
        return ()
    named = re.search(r's:10:"5::newuser";s:\d+:"([^"]+)"', params)
    return tuple(dict.fromkeys([*([named[1]] if named else []), title.replace("_", " ")]))


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same ids as ranges that neither touch nor overlap, in order."""
    found: list[Range] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found
