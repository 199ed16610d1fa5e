"""action=query: which pages are asked for, then the props, lists and metas that speak of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cutover.demo.api import Result
from cutover.demo.calls import ApiError, Call
from cutover.demo.lists import list_allpages, list_recentchanges, pages_from
from cutover.demo.meta import meta_siteinfo, meta_tokens, meta_userinfo
from cutover.demo.records import Page
from cutover.demo.revisions import MISSING_TEXT, RevisionQuery, read_revision_query, revision_elements
from cutover.demo.shapes import ById, PhpMap
from cutover.demo.site_facts import meta_allmessages, meta_languageinfo
from cutover.demo.titles import TitleError, normalise_title
from cutover.demo.world import World

METAS: Mapping[str, Callable[[Call], Result]] = {
    "allmessages": meta_allmessages,
    "languageinfo": meta_languageinfo,
    "siteinfo": meta_siteinfo,
    "tokens": meta_tokens,
    "userinfo": meta_userinfo,
}
LISTS = {"allpages": list_allpages, "recentchanges": list_recentchanges}
PROPS = ("revisions", "info")
ILLEGAL = 'The requested page title contains invalid characters: "{}".'


@dataclass(slots=True)
class PageSet:
    """The pages asked for, in the order of their ids, and what became of the names."""

    pages: list[Page] = field(default_factory=list)
    revisions: dict[int, list[int]] = field(default_factory=dict)  # page -> the revisions asked for
    absent: dict[str, Result] = field(default_factory=dict)  # key of the pages map -> element
    notes: Result = field(default_factory=dict)  # normalized, redirects, badrevids
    by_revision: bool = False
    more: Result = field(default_factory=dict)  # continuation of a generator


def run_query(call: Call) -> Result:
    """Run action=query."""
    call.known.add("continue")
    props = call.values("prop", PROPS) or []
    lists = call.values("list", LISTS) or []
    metas = call.values("meta", METAS) or []
    query: Result = {}
    more: Result = {}
    pages = _page_set(call)
    call.vary = not {"tokens", "userinfo"} & set(metas)
    for name in metas:
        call.module = name
        query |= METAS[name](call)
    for name in lists:
        call.module = name
        found, next_page = LISTS[name](call)
        query |= found
        more |= next_page
    shown = _show_pages(call, pages, props)
    query |= shown[0]
    more |= shown[1]
    call.module = "query"
    done = not more or not shown[1]  # a list's own continuation leaves the batch complete
    rest = (
        {"continue": {**more, **pages.more, "continue": _continue(more, pages.more, lists)}}
        if more or pages.more
        else {}
    )
    if call.limits:
        rest["limits"] = dict(call.limits)
    return {**({"batchcomplete": True} if done else {}), **rest, **({"query": query} if query else {})}


def _continue(more: Result, generated: Result, lists: list[str]) -> str:
    if generated and not more:
        return "gapcontinue||"
    return "-||" if lists else "||"


def _page_set(call: Call) -> PageSet:
    call.module = "query"
    given = [name for name in ("titles", "pageids", "revids", "generator") if call.form.values.get(name)]
    sources = [name for name in given if name != "generator"]
    if len(sources) > 1:
        first, second = sources[-1], sources[0]
        raise ApiError("multisource", f'The "{first}" parameter cannot be used with "{second}".', module="query")
    found = PageSet()
    follow = call.has("redirects")
    for name in ("titles", "pageids", "revids", "generator"):
        call.known.add(name)
    if "generator" in given:
        found.pages, found.more = pages_from(call)
    elif "revids" in given:
        _by_revids(call, found)
    elif "pageids" in given:
        for page_id in _integers(call, "pageids"):
            if page_id in call.world.pages:
                found.pages.append(call.world.pages[page_id])
            else:
                found.absent[str(page_id)] = {"pageid": page_id, "missing": True}
    elif "titles" in given:
        _by_titles(call, found, follow=follow)
    found.pages.sort(key=lambda page: page.page_id)
    return found


def _integers(call: Call, name: str) -> list[int]:
    texts = call.values(name) or []
    for text in texts:
        if not text.lstrip("-").isdigit():
            raise ApiError("badinteger", f'Invalid value "{text}" for integer parameter "{name}".', module="query")
    return list(dict.fromkeys(map(int, texts)))


def _by_revids(call: Call, found: PageSet) -> None:
    found.by_revision = True
    bad: dict[int, Result] = {}
    for rev_id in _integers(call, "revids"):
        revision = call.world.revisions.get(rev_id)
        if revision is None or revision.page_id not in call.world.pages:
            bad[rev_id] = {"revid": rev_id, "missing": True}
            continue
        page = call.world.pages[revision.page_id]
        if page not in found.pages:
            found.pages.append(page)
        found.revisions.setdefault(page.page_id, []).append(rev_id)
    if bad:
        found.notes["badrevids"] = PhpMap(bad)


def _by_titles(call: Call, found: PageSet, *, follow: bool) -> None:
    normalized, redirects = [], []
    for asked in call.values("titles") or []:
        try:
            ns, title = normalise_title(asked, call.world.facts.namespaces)
        except TitleError as problem:
            reason = ILLEGAL.format(problem.character)
            found.absent[_negative(found)] = {"title": asked, "invalidreason": reason, "invalid": True}
            continue
        if title != asked:
            normalized.append({"fromencoded": False, "from": asked, "to": title})
        page = call.world.page(title)
        if page and follow and (target := _redirect_target(call.world, page)):
            redirects.append({"from": title, "to": target})
            title, page = target, call.world.page(target)
        if page is None:
            found.absent[_negative(found)] = {"ns": ns, "title": title, "missing": True}
        elif page not in found.pages:
            found.pages.append(page)
    if normalized:
        found.notes["normalized"] = normalized
    if redirects:
        found.notes["redirects"] = redirects


def _negative(found: PageSet) -> str:
    return str(-1 - len(found.absent))


def _redirect_target(world: World, page: Page) -> str | None:
    revision = world.revisions[page.latest]
    if world.entity_of(page) is None or revision.text is None:
        return None
    target = world.content(revision).get("redirect")
    return world.title_of(target) if target else None


def _show_pages(call: Call, pages: PageSet, props: list[str]) -> tuple[Result, Result]:
    shown: dict[str, Result] = dict(pages.absent)
    more: Result = {}
    asked = None
    if "revisions" in props:
        call.module = "revisions"
        asked = read_revision_query(call)
        asked.check_pages(len(pages.pages) + len(pages.absent), by_revision=pages.by_revision)
    for page in pages.pages:
        element: Result = {"pageid": page.page_id, "ns": page.ns, "title": page.title}
        if asked:
            found, next_page = _page_revisions(call, asked, page, pages)
            if found:
                element["revisions"] = found
            more |= next_page
        if "info" in props:
            call.module = "info"
            element |= _info(call, page)
        shown[str(page.page_id)] = element
    return {**pages.notes, **({"pages": ById(shown)} if shown else {})}, more


def _page_revisions(call: Call, asked: RevisionQuery, page: Page, pages: PageSet) -> tuple[list[Result], Result]:
    if pages.by_revision:
        chosen = [call.world.revisions[rev_id] for rev_id in sorted(pages.revisions[page.page_id])]
        return revision_elements(call, asked, chosen), {}
    if not asked.listing:
        return revision_elements(call, asked, [call.world.revisions[page.latest]]), {}
    chosen, following = asked.choose(call.world.history(page.page_id))
    more = {}
    if following:
        stamp = "".join(part for part in following.timestamp if part.isdigit())
        more = {"rvcontinue": f"{stamp}|{following.rev_id}"}
    return revision_elements(call, asked, chosen), more


def _info(call: Call, page: Page) -> Result:
    wanted = call.values("inprop") or []
    revision = call.world.revisions[page.latest]
    info: Result = {"contentmodel": revision.model, "pagelanguage": "en"}
    info |= {"pagelanguagehtmlcode": "en", "pagelanguagedir": "ltr", "touched": revision.timestamp}
    info |= {"lastrevid": page.latest, "length": revision.size}
    info |= {"redirect": _redirect_target(call.world, page) is not None, "new": page.is_new}
    # Unlike others these two are absent, not false, in formatversion 2 as well.
    info = {key: value for key, value in info.items() if value is not False}
    if "protection" in wanted:
        info |= {"protection": [], "restrictiontypes": ["edit"]}
    return info


__all__ = ["MISSING_TEXT", "run_query"]
