"""A small wiki over HTTP that also says what changed: newest revisions, its log, heads in a list, a user's edits."""

from typing import Any

from aiohttp import web
from fakes.small_wiki import SmallPage, SmallRevision, SmallWiki, item


class ChangingWiki(SmallWiki):
    """`logged`: raw entries of the log, oldest first. What is not in `pages` was deleted."""

    def __init__(self, pages: list[SmallPage]) -> None:
        super().__init__(pages)
        self.logged: list[dict[str, Any]] = []
        self.newest = 0  # what the lists of the newest begin with; 0: the highest id

    def add(self, title: str, rev_id: int, word: str, **raw: Any) -> None:
        """Save a revision of an item."""
        name = f"Item:{title}"
        page = next((one for one in self.pages if one.title == name), None)
        if page is None:
            page = SmallPage(1000 + rev_id, 120, name, [])
            self.pages.append(page)
        page.revisions.append(SmallRevision(rev_id, item(title, word), raw=raw))

    def log(self, title: str, **more: Any) -> None:
        number = len(self.logged) + 1
        entry = {"logid": number, "ns": 120, "title": title, "logpage": 0, "type": "delete", "action": "delete"}
        self.logged.append({**entry, "timestamp": f"2026-11-22T15:24:{number:02}Z", "params": {}, **more})

    async def _answer(self, request: web.Request) -> web.Response:
        params = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        if params.get("generator") == "allpages":
            return self._heads_page(params)
        query = self._changes(params)
        return await super()._answer(request) if query is None else _json(query)

    def _changes(self, params: dict[str, str]) -> dict[str, Any] | None:
        """What is asked about changes and heads, None for everything else."""
        kind = params.get("list", "")
        query: dict[str, Any] | None = None
        if kind == "recentchanges|allrevisions":
            newest = self.newest or max((one.rev_id for page in self.pages for one in page.revisions), default=0)
            query = {"recentchanges": [{"revid": newest}], "allrevisions": [{"revisions": [{"revid": newest}]}]}
        elif kind == "logevents" and "meta" in params:
            query = {**self._siteinfo(params)["query"], "logevents": self.logged[-50:]}
        elif kind == "logevents":
            query = {"logevents": [one for one in self.logged if one["timestamp"] >= params["lestart"]]}
        elif kind == "allrevisions":
            query = {"allrevisions": [{"revisions": [{"revid": one.rev_id}]} for one in self._stamped(params)]}
        elif kind == "usercontribs":
            query = {"usercontribs": [{"ns": page.namespace, "title": page.title} for page in self.pages]}
        elif "titles" in params and params.get("prop") == "info":
            query = {"pages": [self._head(title) for title in params["titles"].split("|")]}
        elif "revids" in params and "content" not in params.get("rvprop", ""):
            query = self._revids(params)["query"]
            spaces = {page.page_id: page.namespace for page in self.pages}
            for page in query["pages"]:
                page["ns"] = spaces[page["pageid"]]
        return query

    def _stamped(self, params: dict[str, str]) -> list[SmallRevision]:
        found = [
            (self._told(page, one, content=False)["timestamp"], one.rev_id, one)
            for page in self.pages
            for one in page.revisions
        ]
        return [one for at, _, one in sorted(found, key=lambda each: each[:2]) if at >= params["arvstart"]]

    def _head(self, title: str) -> dict[str, Any]:
        page = next((one for one in self.pages if one.title == title), None)
        if page is None:
            return {"ns": 120, "title": title, "missing": True}
        head = page.head or page.revisions[-1].rev_id
        return {"ns": page.namespace, "title": title, "pageid": page.page_id, "lastrevid": head}

    def _heads_page(self, params: dict[str, str]) -> web.Response:
        titles = sorted(page.title for page in self.pages if page.namespace == int(params["gapnamespace"]))
        titles = [one for one in titles if one.rpartition(":")[2] >= params.get("gapcontinue", "")]
        size = int(params["gaplimit"])
        more = {"continue": {"gapcontinue": titles[size].rpartition(":")[2]}} if len(titles) > size else {}
        return web.json_response({**more, "query": {"pages": [self._head(title) for title in titles[:size]]}})


def _json(query: dict[str, Any]) -> web.Response:
    return web.json_response({"batchcomplete": True, "query": query})
