"""list=allpages (also as a generator) and list=recentchanges."""

from collections.abc import Sequence

from cutover.demo.api import Result
from cutover.demo.calls import ApiError, Call
from cutover.demo.records import COMMENT_BIT, USER_BIT, Change, Page
from cutover.demo.revisions import author_of, iso_time

_RC_PROPS = [
    "user",
    "userid",
    "comment",
    "parsedcomment",
    "flags",
    "timestamp",
    "title",
    "ids",
    "sizes",
    "redirect",
    "patrolled",
    "loginfo",
    "tags",
    "sha1",
]


def list_allpages(call: Call) -> tuple[Result, Result]:
    """Return one list of pages of a namespace, by title."""
    pages, following = _pages(call, "ap")
    shown = [{"pageid": page.page_id, "ns": page.ns, "title": page.title} for page in pages]
    return {"allpages": shown}, {"apcontinue": following} if following else {}


def pages_from(call: Call) -> tuple[list[Page], Result]:
    """Return the pages that generator=allpages yields."""
    call.choice("generator", ("allpages",))
    pages, following = _pages(call, "gap")
    return pages, {"gapcontinue": following} if following else {}


def _pages(call: Call, prefix: str) -> tuple[list[Page], str | None]:
    ns = call.integer(f"{prefix}namespace") or 0
    limit = call.limit(f"{prefix}limit", 10, 5000 if call.high_limits else 500)
    first = call.text(f"{prefix}continue") or call.text(f"{prefix}from") or ""
    last = call.text(f"{prefix}to")
    start_with = call.text(f"{prefix}prefix") or ""
    kind = call.choice(f"{prefix}filterredir", ("all", "redirects", "nonredirects"), "all")
    descending = call.choice(f"{prefix}dir", ("ascending", "descending"), "ascending") == "descending"
    chosen = []
    for page in call.world.pages.values():
        name = _name(page)
        if page.ns != ns or not name.startswith(start_with) or (last is not None and name > last):
            continue
        if first and (name > first if descending else name < first):
            continue
        if kind != "all" and _is_redirect(call, page) is not (kind == "redirects"):
            continue
        chosen.append(page)
    chosen.sort(key=lambda page: _name(page).encode(), reverse=descending)
    following = _name(chosen[limit]) if len(chosen) > limit else None
    return chosen[:limit], following


def _name(page: Page) -> str:
    name = page.title.partition(":")[2] if page.ns else page.title
    return name.replace(" ", "_")


def _is_redirect(call: Call, page: Page) -> bool:
    text = call.world.revisions[page.latest].text
    return text is not None and call.world.entity_of(page) is not None and text.startswith('{"entity"')


def list_recentchanges(call: Call) -> tuple[Result, Result]:
    """Return changes, the newest first unless rcdir=newer."""
    props = call.values("rcprop", _RC_PROPS)
    props = ["title", "timestamp", "ids"] if props is None else props
    kinds = call.values("rctype", ("edit", "new", "log", "external", "categorize"))
    spaces = call.values("rcnamespace")
    limit = call.limit("rclimit", 10, 5000 if call.high_limits else 500)
    newer = call.choice("rcdir", ("newer", "older"), "older") == "newer"
    start, end = _bounds(call, newer=newer)
    call.values("rcshow")
    call.text("rctag")
    ordered = sorted(call.world.changes, key=lambda one: (one.timestamp, one.rc_id), reverse=not newer)
    chosen = []
    for one in ordered:
        place = (one.timestamp, one.rc_id)
        outside = (
            (place < start or (end and place > end))
            if newer
            else ((start[0] and place > start) or (end and place < end))
        )
        wrong = (kinds and one.kind not in kinds) or (spaces and str(one.ns) not in spaces)
        if not outside and not wrong:
            chosen.append(one)
    shown = [_change(call, one, props) for one in chosen[:limit]]
    if len(chosen) <= limit:
        return {"recentchanges": shown}, {}
    following = chosen[limit]
    stamp = "".join(part for part in following.timestamp if part.isdigit())
    return {"recentchanges": shown}, {"rccontinue": f"{stamp}|{following.rc_id}"}


def _bounds(call: Call, *, newer: bool) -> tuple[tuple[str, int], tuple[str, int] | None]:
    start, end, more = call.text("rcstart"), call.text("rcend"), call.text("rccontinue")
    most = 1 << 62
    last = (iso_time(end), most if newer else 0) if end else None
    if more:
        stamp, _, rc_id = more.partition("|")
        if not (stamp.isdigit() and rc_id.isdigit()):
            info = "Invalid continue param. You should pass the original value returned by the previous query."
            raise ApiError("badcontinue", info, module="recentchanges")
        return (iso_time(stamp), int(rc_id)), last
    return (iso_time(start), 0 if newer else most) if start else ("", 0), last


def _change(call: Call, one: Change, props: list[str]) -> Result:
    revision = call.world.revisions.get(one.rev_id)
    bits = revision.deleted_bits if revision else 0
    ids = {"pageid": one.page_id, "revid": one.rev_id, "old_revid": one.old_rev_id, "rcid": one.rc_id}
    event = {"logid": one.log_id, "logtype": one.log_type, "logaction": one.log_action, "logparams": {}}
    author = {"userhidden": True} if bits & USER_BIT else author_of(props, one.user, one.user_id)
    note = {"commenthidden": True} if bits & COMMENT_BIT else {"comment": one.comment}
    parsed = {"commenthidden": True} if bits & COMMENT_BIT else {"parsedcomment": one.comment}
    parts: Sequence[tuple[set[str], Result]] = (
        ({"title"}, {"ns": one.ns, "title": one.title}),
        ({"ids"}, ids),
        ({"user", "userid"}, author),
        ({"flags"}, {"bot": one.bot, "new": one.kind == "new", "minor": one.minor}),
        ({"sizes"}, {"oldlen": one.old_size, "newlen": one.new_size}),
        ({"timestamp"}, {"timestamp": one.timestamp}),
        ({"comment"}, note),
        ({"parsedcomment"}, parsed),
        ({"loginfo"}, event if one.kind == "log" else {}),
        ({"tags"}, {"tags": list(one.tags)}),
    )
    out: Result = {"type": one.kind}
    for names, shown in parts:
        out |= shown if names & set(props) else {}
    return out
