"""The values a sample wiki is made of: pages, revisions, users, changes. Frozen; the World replaces them.

Also the reader of the packed data (`wiki.jsonl.zst`, made by scripts/pack_demo_data.py).
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import zstandard

TEXT_BIT, COMMENT_BIT, USER_BIT, SUPPRESSED_BIT = 1, 2, 4, 8
"""What a revision hides (wikibase.md 4.4)."""

_WINDOW_BYTES_MAX = 1 << 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The configuration of the wiki. `namespaces` and `sites` are as the packed file's first line has them."""

    server: str
    sitename: str
    wiki_id: str
    generator: str
    concept_base_uri: str
    namespaces: Mapping[int, Mapping[str, str]]
    sites: Mapping[str, str]  # site id -> page path with $1
    languages: frozenset[str]
    badge_items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that exists. `latest` is its current revision, which need not have the highest id."""

    page_id: int
    ns: int
    title: str  # with the namespace, spaces as spaces
    latest: int
    is_new: bool = False  # has one revision only


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot besides the main one."""

    size: int
    sha1: str
    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiRevision:
    """A revision as the public sees it: what its bits hide is None."""

    rev_id: int
    page_id: int
    parent_id: int
    timestamp: str  # "2026-11-22T15:24:12Z"
    user: str | None
    user_id: int | None  # 0: no account
    comment: str | None
    text: str | None  # the stored JSON; None: hidden or missing
    model: str
    size: int
    sha1: str | None  # hex, of all slots
    slot_sha1: str | None
    tags: tuple[str, ...] = ()
    minor: bool = False
    bot: bool | None = None
    deleted_bits: int = 0
    error: str | None = None  # "textmissing", "slotsmissing" or the class of the exception
    slot_size: int | None = None  # where it differs from size
    other_slots: Mapping[str, Slot] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, int]:
        """The place in the page's history (wikibase.md 4.2)."""
        return self.timestamp, self.rev_id


def masked(revision: WikiRevision, bits: int) -> WikiRevision:
    """Return the revision without what the bits hide, the bits added to its own."""
    no_text, no_user = bits & TEXT_BIT, bits & USER_BIT
    return replace(
        revision,
        deleted_bits=revision.deleted_bits | bits,
        text=None if no_text else revision.text,
        sha1=None if no_text else revision.sha1,
        slot_sha1=None if no_text else revision.slot_sha1,
        comment=None if bits & COMMENT_BIT else revision.comment,
        user=None if no_user else revision.user,
        user_id=None if no_user else revision.user_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Passwords are those of a wiki that lives on loopback for a minute."""

    name: str
    user_id: int
    groups: frozenset[str] = frozenset()
    password: str = "sample"  # noqa: S105  the published password of a throw-away wiki


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of recent changes: a revision (`rev_id`) or an event of a log (`log_type`)."""

    rc_id: int
    kind: str  # "new", "edit", "log"
    timestamp: str
    ns: int
    title: str
    page_id: int
    rev_id: int
    old_rev_id: int
    user: str | None
    user_id: int | None
    comment: str | None
    minor: bool = False
    bot: bool = False
    old_size: int = 0
    new_size: int = 0
    tags: tuple[str, ...] = ()
    log_id: int = 0
    log_type: str = ""
    log_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What the packed file holds."""

    facts: Facts
    users: tuple[User, ...]
    pages: tuple[Page, ...]
    revisions: tuple[WikiRevision, ...]
    rc_ids: Mapping[int, int]  # revision -> row of recent changes
    next_ids: Mapping[str, int]  # "rev", "page", "rc", "log", "item", "property"


def packed_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a packed file."""
    with path.open("rb") as packed:
        stream = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES_MAX).stream_reader(packed)
        for line in io.BufferedReader(stream, 1 << 20):
            yield orjson.loads(line)


def read_packed(path: Path) -> Packed:
    """Read a packed wiki. Raises ValueError where the file is not one."""
    lines = packed_lines(path)
    head = next(lines, {}).get("wiki")
    if head is None:
        raise ValueError(f"{path}: the first line must be the object {{'wiki': …}}")
    created = head["created"]
    pages: list[Page] = []
    revisions: list[WikiRevision] = []
    rc_ids: dict[int, int] = {}
    for line in lines:
        if "page" in line:
            page = line["page"]
            pages.append(Page(**page, is_new=created.get(str(page["page_id"]), False)))
        else:
            packed = line["revision"]
            rc_id = packed.pop("rc_id")
            if rc_id is not None:
                rc_ids[packed["rev_id"]] = rc_id
            slots = {role: Slot(**slot) for role, slot in packed.pop("other_slots", {}).items()}
            revisions.append(WikiRevision(**packed | {"tags": tuple(packed["tags"])}, other_slots=slots))
    return Packed(
        facts=_facts(head),
        users=tuple(User(name=u["name"], user_id=u["user_id"], groups=frozenset(u["groups"])) for u in head["users"]),
        pages=tuple(pages),
        revisions=tuple(revisions),
        rc_ids=rc_ids,
        next_ids={
            **{name: head[f"next_{name}_id"] for name in ("rev", "page", "rc", "log")},
            **{kind.removeprefix("wikibase-"): last + 1 for kind, last in head["id_counters"].items()},
        },
    )


def _facts(head: Mapping[str, Any]) -> Facts:
    plain = {key: head[key] for key in ("server", "sitename", "wiki_id", "generator", "concept_base_uri", "sites")}
    return Facts(
        **plain,
        namespaces={int(number): names for number, names in head["namespaces"].items()},
        languages=frozenset(head["languages"]),
        badge_items=tuple(head["badge_items"]),
    )
