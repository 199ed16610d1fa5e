"""A small wiki on loopback: just the reads of the Action API that an export makes, with faults on demand.

Not a sample of a real wiki: what it says is made up, how it says it is MediaWiki's (formatversion 2).
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Fault = Callable[[dict[str, str]], web.Response | None]


@dataclass
class SmallRevision:
    rev_id: int
    text: str | None
    raw: dict[str, Any] = field(default_factory=dict)  # put over what the API says of it
    main: dict[str, Any] = field(default_factory=dict)  # put over its main slot
    undecodable: bool = False  # makes a whole request for contents fail


@dataclass
class SmallPage:
    page_id: int
    namespace: int
    title: str
    revisions: list[SmallRevision]
    model: str = "wikibase-item"
    head: int | None = None


def item(entity_id: str, word: str) -> str:
    return json.dumps({"type": "item", "id": entity_id, "labels": {"en": {"language": "en", "value": word}}})


class SmallWiki:
    """The pages, and knobs. `faults` are asked in turn before each answer; `requests` remembers all parameters."""

    def __init__(self, pages: list[SmallPage]) -> None:
        self.pages = pages
        self.faults: list[Fault] = []
        self.requests: list[dict[str, str]] = []
        self.history_limit = 500
        self.content_bytes_max = 1 << 30
        self.gone_while_listed: set[str] = set()
        self.on_request: Callable[[web.Request], None] = lambda _: None
        self.most_at_once = 0
        self._at_once = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.on_request(request)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)
            return await self._answer(request)
        finally:
            self._at_once -= 1

    async def _answer(self, request: web.Request) -> web.Response:
        params = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
        self.requests.append(params)
        for fault in list(self.faults):
            if (answer := fault(params)) is not None:
                return answer
        if request.path.endswith("/index.php"):
            return self._entity_data(params)
        if params["action"] == "wbgetentities":
            return web.json_response(self._wbgetentities(params["ids"].split("|")))
        if params.get("prop") == "info":
            return web.json_response(self._info(params))
        if params.get("siprop") == "statistics":
            return web.json_response(self._marks())
        kinds = {"meta": self._siteinfo, "list": self._allpages, "revids": self._revids, "titles": self._history}
        return web.json_response(next(kinds[name] for name in kinds if name in params)(params))

    def calls(self, name: str) -> list[dict[str, str]]:
        return [one for one in self.requests if name in one]

    def _siteinfo(self, _params: dict[str, str]) -> dict[str, Any]:
        query = {
            "general": {
                "server": "http://wiki.example",
                "scriptpath": "/w",
                "articlepath": "/wiki/$1",
                "generator": "MediaWiki 1.39.17",
                "time": "2026-11-22T15:24:12Z",
                "lang": "en",
            },
            "namespaces": {
                "0": {"id": 0, "name": "", "canonical": ""},
                "120": {"id": 120, "name": "Item", "defaultcontentmodel": "wikibase-item"},
                "122": {"id": 122, "name": "Property", "defaultcontentmodel": "wikibase-property"},
            },
            "namespacealiases": [{"id": 120, "alias": "I"}],
        }
        return {"batchcomplete": True, "query": query}

    def _info(self, params: dict[str, str]) -> dict[str, Any]:
        told = self._history(params)["query"]["pages"][0]
        return {"batchcomplete": True, "query": {"pages": [{key: told[key] for key in told if key != "revisions"}]}}

    def _marks(self) -> dict[str, Any]:
        rev_ids = [one.rev_id for page in self.pages for one in page.revisions]
        query: dict[str, Any] = {"statistics": {"pages": len(self.pages), "edits": len(rev_ids)}}
        query["recentchanges"] = [{"rcid": 1, "revid": max(rev_ids, default=0)}]
        return {"batchcomplete": True, "query": {**query, "logevents": [{"logid": 7}, {"logid": 5}]}}

    def _allpages(self, params: dict[str, str]) -> dict[str, Any]:
        of = [page for page in self.pages if page.namespace == int(params["apnamespace"])]
        key = {page.title: page.title.rpartition(":")[2].replace(" ", "_") for page in of}  # without the namespace
        of = sorted((page for page in of if key[page.title] >= params.get("apcontinue", "")), key=lambda one: one.title)
        size = int(params["aplimit"])
        listed = [{"pageid": page.page_id, "ns": page.namespace, "title": page.title} for page in of[:size]]
        more = {"continue": {"apcontinue": key[of[size].title], "continue": "-||"}} if len(of) > size else {}
        return {"batchcomplete": True, **more, "query": {"allpages": listed}}

    def _history(self, params: dict[str, str]) -> dict[str, Any]:
        page = next((one for one in self.pages if one.title == params["titles"]), None)
        if page is None or page.title in self.gone_while_listed:
            return {"batchcomplete": True, "query": {"pages": [{"title": params["titles"], "missing": True}]}}
        start = int(params.get("rvcontinue", "0"))
        end = start + self.history_limit
        told: dict[str, Any] = {"pageid": page.page_id, "ns": page.namespace, "title": page.title}
        told |= {"contentmodel": page.model, "lastrevid": page.head or page.revisions[-1].rev_id}
        told["revisions"] = [self._told(page, one, content=False) for one in page.revisions[start:end]]
        more = {"continue": {"rvcontinue": str(end), "continue": "||info"}} if end < len(page.revisions) else {}
        return {**more, "query": {"pages": [told]}}

    def _revids(self, params: dict[str, str]) -> dict[str, Any]:
        wanted = [int(one) for one in params["revids"].split("|")]
        found = {one.rev_id: (page, one) for page in self.pages for one in page.revisions if one.rev_id in wanted}
        with_content = "content" in params["rvprop"].split("|")
        if with_content and any(one.undecodable for _, one in found.values()):
            info = "[1234567890abcdef12345678] Exception caught: Failed to decode as application/json"
            return {"error": {"code": "internal_api_error_MWContentSerializationException", "info": info}}
        pages: dict[int, dict[str, Any]] = {}
        size = 0
        more: dict[str, Any] = {}
        for rev_id in sorted(found):
            page, one = found[rev_id]
            if rev_id < int(params.get("rvcontinue", "0")):
                continue
            size += len(one.text or "") if with_content else 0
            if size > self.content_bytes_max and size > len(one.text or ""):
                more = {"continue": {"rvcontinue": str(rev_id), "continue": "||"}}
                break
            told = pages.setdefault(page.page_id, {"pageid": page.page_id, "title": page.title, "revisions": []})
            told["revisions"].append(self._told(page, one, content=with_content))
        bad = {str(one): {"revid": one, "missing": True} for one in wanted if one not in found}
        return {**more, "query": {"pages": list(pages.values()), **({"badrevids": bad} if bad else {})}}

    def _told(self, page: SmallPage, one: SmallRevision, *, content: bool) -> dict[str, Any]:
        place = page.revisions.index(one)
        main: dict[str, Any] = {"contentmodel": page.model}
        if content:
            main |= {"contentformat": "application/json", "content": one.text} if one.text is not None else {}
            main |= one.main
        return {
            "revid": one.rev_id,
            "parentid": page.revisions[place - 1].rev_id if place else 0,
            "minor": False,
            "user": "Alice",
            "timestamp": f"2026-11-22T15:{place // 60:02}:{place % 60:02}Z",
            "size": len(one.text or ""),
            "sha1": hashlib.sha1((one.text or "").encode()).hexdigest(),
            "comment": "/* x */",
            "tags": [],
            "slots": {"main": main},
        } | one.raw

    def _wbgetentities(self, ids: list[str]) -> dict[str, Any]:
        if bad := [one for one in ids if one.startswith("X")]:
            return {"error": {"code": "no-such-entity", "info": f'Could not find an entity with the ID "{bad[0]}".'}}
        entities: dict[str, Any] = {}
        for one in ids:
            page = next((page for page in self.pages if page.title.endswith(f":{one}")), None)
            if page is None:
                entities[one] = {"id": one, "missing": ""}
            else:
                entities[one] = {"id": one, "lastrevid": page.revisions[-1].rev_id, "modified": "2026-11-22T15:24:12Z"}
        return {"entities": entities, "success": 1}

    def _entity_data(self, params: dict[str, str]) -> web.Response:
        entity_id = params["title"].partition("/")[2].removesuffix(".json")
        page = next((page for page in self.pages if page.title.endswith(f":{entity_id}")), None)
        found = [one for one in page.revisions if str(one.rev_id) == params["revision"]] if page else []
        if not found or found[0].text is None:
            return web.Response(status=404, text="<html>no such revision</html>", content_type="text/html")
        return web.json_response({"entities": {entity_id: json.loads(found[0].text)}})


@asynccontextmanager
async def running(wiki: SmallWiki) -> AsyncIterator[SmallWiki]:
    app = web.Application()
    app.router.add_route("*", "/w/{script}", wiki.handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    wiki.url = f"http://127.0.0.1:{runner.addresses[0][1]}/w/api.php"
    try:
        yield wiki
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)


def times(count: int, response: Callable[[], web.Response]) -> Fault:
    """Return a fault that happens so many times and then no more."""
    left = [count]

    def fault(params: dict[str, str]) -> web.Response | None:
        if left[0] == 0:
            return None
        left[0] -= 1
        return response()

    return fault


def api_error(code: str, **headers: str) -> web.Response:
    return web.json_response({"error": {"code": code, "info": "why"}}, headers=headers)


class Clock:
    """Takes the place of sleeping: remembers how long was waited for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)
