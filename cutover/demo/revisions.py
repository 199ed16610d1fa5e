"""prop=revisions: which revisions of a page, and what is shown of each (wikibase.md 1.1.2)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from cutover.demo.api import NOTICE, Result
from cutover.demo.calls import ApiError, Call, exception_error
from cutover.demo.records import COMMENT_BIT, SUPPRESSED_BIT, TEXT_BIT, USER_BIT, WikiRevision
from cutover.demo.shapes import TEXT

MISSING_TEXT = frozenset(("textmissing", "slotsmissing"))

_PROPS = [
    "ids",
    "flags",
    "timestamp",
    "user",
    "userid",
    "size",
    "slotsize",
    "sha1",
    "slotsha1",
    "contentmodel",
    "comment",
    "parsedcomment",
    "content",
    "tags",
    "roles",
]
_DEFAULT = ["ids", "timestamp", "flags", "comment", "user"]
_OF_SLOTS = frozenset(("slotsize", "slotsha1", "contentmodel", "content"))
_ROLES = ("main", "notes")
_LIST_OPTIONS = ("rvlimit", "rvstartid", "rvendid", "rvuser", "rvexcludeuser", "rvstart", "rvend")
_NAMED = '"rvlimit", "rvstartid", "rvendid", "rvdir=newer", "rvuser", "rvexcludeuser", "rvstart", and "rvend"'
_FORMATS = {"wikitext": "text/x-wiki"}
_FLAT = (
    'Because "rvslots" was not specified, a legacy format has been used for the output. '
    "This format is deprecated, and in the future the new format will always be used."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionQuery:
    """What was asked for. `listing`: a stretch of one page's history rather than one revision of each page."""

    props: Sequence[str]
    roles: Sequence[str] | None  # None: the flat layout of before slots
    listing: bool
    newer_first: bool
    limit: int
    start: tuple[str, int] | None = None
    end: tuple[str, int] | None = None
    user: str | None = None
    not_user: str | None = None
    tag: str | None = None

    def check_pages(self, count: int, *, by_revision: bool) -> None:
        """Refuse a stretch of history where it can mean nothing."""
        if self.listing and by_revision:
            info = f'The "revids" parameter may not be used with the list options ({_NAMED}).'
            raise ApiError("invalidparammix", info, module="revisions")
        if self.listing and count > 1:
            info = (
                f'"titles", "pageids" or a generator was used to supply multiple pages, but the {_NAMED} '
                "parameters may only be used on a single page."
            )
            raise ApiError("invalidparammix", info, module="revisions")

    def choose(self, history: Sequence[WikiRevision]) -> tuple[list[WikiRevision], WikiRevision | None]:
        """Return the stretch, and the revision after it when it was cut."""
        ordered = list(reversed(history)) if self.newer_first else list(history)
        kept = [one for one in ordered if self._within(one) and self._by(one)]
        return kept[: self.limit], kept[self.limit] if len(kept) > self.limit else None

    def _within(self, one: WikiRevision) -> bool:
        first, last = (self.end, self.start) if self.newer_first else (self.start, self.end)
        return (first is None or one.order >= first) and (last is None or one.order <= last)

    def _by(self, one: WikiRevision) -> bool:
        if self.tag is not None and self.tag not in one.tags:
            return False
        if self.user is not None and one.user != self.user:
            return False
        return self.not_user is None or (one.user is not None and one.user != self.not_user)


def read_revision_query(call: Call) -> RevisionQuery:
    """Read the rv parameters, in MediaWiki's way with wrong ones."""
    props = call.values("rvprop", _PROPS)
    roles = call.values("rvslots", (*_ROLES, "*"))
    slots = roles is not None
    props = _DEFAULT if props is None else props
    if not slots and _OF_SLOTS & set(props):
        call.warn("deprecation-help", NOTICE, module="main")
        call.warn("deprecation", _FLAT)
    newer_first = call.choice("rvdir", ("newer", "older"), "older") == "older"
    limit = call.limit("rvlimit", 10, _most(call, with_content="content" in props))
    listing = not newer_first or any(name in call.form.values for name in (*_LIST_OPTIONS, "rvcontinue", "rvtag"))
    return RevisionQuery(
        props=props,
        roles=None if roles is None else list(_ROLES) if "*" in roles else roles,
        listing=listing,
        newer_first=newer_first,
        limit=limit,
        start=_start(call, newer_first=newer_first),
        end=_bound(call, "rvend", last=not newer_first),
        user=_user_name(call.text("rvuser")),
        not_user=_user_name(call.text("rvexcludeuser")),
        tag=call.text("rvtag"),
    )


def _most(call: Call, *, with_content: bool) -> int:
    return (500 if call.high_limits else 50) if with_content else (5000 if call.high_limits else 500)


def _start(call: Call, *, newer_first: bool) -> tuple[str, int] | None:
    text = call.text("rvcontinue")
    if text is None:
        return _bound(call, "rvstart", last=newer_first)
    stamp, bar, rev_id = text.partition("|")
    if not bar or not stamp.isdigit() or not rev_id.isdigit():
        raise exception_error("Wikimedia\\Timestamp\\TimestampException", call.request_id)
    return iso_time(stamp), int(rev_id)


def _bound(call: Call, name: str, *, last: bool) -> tuple[str, int] | None:
    """Return the place that a time or a revision id names. `last`: of its second, rather than the first."""
    moment, rev_id = call.text(name), call.integer(f"{name}id")
    if rev_id is not None:
        revision = call.world.revisions.get(rev_id)
        if revision is None:
            raise ApiError(f"badid_{name}id", f'No revision was found for parameter "{name}id".', module="revisions")
        return revision.order
    if moment is None:
        return None
    return iso_time(moment), (1 << 62) if last else 0


def iso_time(text: str) -> str:
    """Return a timestamp in ISO form from either of the two forms in use (20260102030405 or ISO)."""
    digits = "".join(part for part in text if part.isdigit()).ljust(14, "0")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}Z"


def _user_name(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return text[:1].upper() + text[1:]
    return ":".join(f"{int(part, 16):X}" for part in address.exploded.split(":"))


def revision_elements(call: Call, asked: RevisionQuery, chosen: Sequence[WikiRevision]) -> list[Result]:
    """Return the elements of `revisions`."""
    # An element with nothing in it is a list to PHP; in formatversion 2 it is a map.
    empty: Any = {} if call.form.values.get("formatversion") in ("2", "latest") else []
    return [_element(call, asked, one) or empty for one in chosen]


def _element(call: Call, asked: RevisionQuery, one: WikiRevision) -> Result:
    props, bits = set(asked.props), one.deleted_bits
    out: Result = {}
    plain: Sequence[tuple[str, Result]] = (
        ("ids", {"revid": one.rev_id, "parentid": one.parent_id}),
        ("flags", {"minor": one.minor}),
        ("timestamp", {"timestamp": one.timestamp}),
        ("size", {"size": one.size}),
        ("roles", {"roles": ["main", *one.other_slots]}),
        ("tags", {"tags": list(one.tags)}),
    )
    for name, shown in plain:
        if name in props:
            out |= shown
    hideable: Sequence[tuple[str, set[str], int, Result]] = (
        ("userhidden", {"user", "userid"}, USER_BIT, author_of(props, one.user, one.user_id)),
        ("sha1hidden", {"sha1"}, TEXT_BIT, {"sha1": one.sha1}),
        ("commenthidden", {"comment"}, COMMENT_BIT, {"comment": one.comment}),
        ("commenthidden", {"parsedcomment"}, COMMENT_BIT, {"parsedcomment": one.comment}),
    )
    hidden = bool(bits & TEXT_BIT and props & {"content", "slotsha1"})
    for flag, names, bit, shown in hideable:
        if props & names:
            hidden = hidden or bool(bits & bit)
            out |= {flag: True} if bits & bit else shown
    if _OF_SLOTS & props:
        out |= _slots(call, asked, one)
    if hidden and bits & SUPPRESSED_BIT:
        out["suppressed"] = True
    return out


def author_of(props: Collection[str], user: str | None, user_id: int | None) -> Result:
    """Return who did it: name, the mark of one without account, number."""
    out: Result = {"user": user} if "user" in props else {}
    out |= {"anon": True} if user_id == 0 else {}
    return out | ({"userid": user_id} if "userid" in props else {})


def _slots(call: Call, asked: RevisionQuery, one: WikiRevision) -> Result:
    if one.error == "slotsmissing":
        return {"slotsmissing": True}
    if asked.roles is None:
        return _slot(call, asked.props, one, "main")
    present = [role for role in asked.roles if role == "main" or role in one.other_slots]
    return {"slots": {role: _slot(call, asked.props, one, role) for role in present}}


def _slot(call: Call, props: Sequence[str], one: WikiRevision, role: str) -> Result:
    extra = one.other_slots.get(role)
    size, sha1, model, text = one.slot_size or one.size, one.slot_sha1, one.model, one.text
    if extra:
        size, sha1, model, text = extra.size, extra.sha1, extra.model, extra.text
    hidden = one.deleted_bits & TEXT_BIT
    out: Result = {}
    if "slotsize" in props:
        out["size"] = size
    if "slotsha1" in props:
        out |= {"sha1hidden": True} if hidden else {"sha1": sha1}
    if "contentmodel" in props:
        out["contentmodel"] = model
    if "content" in props:
        if hidden:
            out["texthidden"] = True
        elif text is None:
            out |= _missing(call, one)
        else:
            out |= {
                "contentmodel": model,
                "contentformat": _FORMATS.get(model, "application/json"),
                TEXT + "content": text,
            }
    return out


def _missing(call: Call, one: WikiRevision) -> Result:
    if one.error in MISSING_TEXT or one.error is None:
        return {"textmissing": True}
    # One text that cannot be decoded makes the whole request fail.
    raise exception_error(one.error, call.request_id)
