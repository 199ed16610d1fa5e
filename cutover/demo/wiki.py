"""The sample wiki: a loopback server that answers like a real Wikibase, from a World.

    python -m cutover.demo.wiki --port 8085

A request that equals a recorded one gets the recorded answer while what it tells of is unedited;
everything else is rendered from the world. Status, headers and framing (chunked or not) are those
of the observed wiki; Date and X-Request-Id are new each time.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from cutover.demo.answers import HTML, Answer, Asked, error_page
from cutover.demo.api import Module, answer_call
from cutover.demo.calls import Call
from cutover.demo.edits import (
    create_claim,
    create_redirect,
    delete_page,
    edit_entity,
    set_aliases,
    set_description,
    set_label,
    undelete_page,
)
from cutover.demo.entities_api import get_claims, get_entities
from cutover.demo.files import send_big, static_script, swallow
from cutover.demo.forms import read_form
from cutover.demo.meta import run_login, run_logout
from cutover.demo.pages import answer_page
from cutover.demo.query import run_query
from cutover.demo.recorded import at_server
from cutover.demo.rest import answer_rest
from cutover.demo.sessions import Session
from cutover.demo.site_facts import run_paraminfo
from cutover.demo.world import World

MODULES: Mapping[str, Module] = {
    "paraminfo": Module(run=run_paraminfo),
    "query": Module(run=run_query),
    "wbgetentities": Module(run=get_entities),
    "wbgetclaims": Module(run=get_claims),
    "login": Module(run=run_login, writes=True),
    "logout": Module(run=run_logout, required=("token",), csrf=True),
    "wbsetlabel": Module(run=set_label, required=("language", "token"), csrf=True),
    "wbsetdescription": Module(run=set_description, required=("language", "token"), csrf=True),
    "wbsetaliases": Module(run=set_aliases, required=("language", "token"), csrf=True),
    "wbeditentity": Module(run=edit_entity, required=("data", "token"), csrf=True),
    "wbcreateclaim": Module(run=create_claim, required=("entity", "snaktype", "property", "token"), csrf=True),
    "wbcreateredirect": Module(run=create_redirect, required=("from", "to", "token"), csrf=True),
    "delete": Module(run=delete_page, required=("token",), csrf=True),
    "undelete": Module(run=undelete_page, required=("title", "token"), csrf=True),
}

BODY_BYTES_MAX = 64 << 20
SHUTDOWN_TIMEOUT_S = 2.0

_WORLD = web.AppKey("world", World)
_NOT_FOUND = (
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n"
    b"<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)


def make_app(world: World) -> web.Application:
    """Return the server's application. It answers every path and method."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[_WORLD] = world
    app.router.add_route("*", "/{path:.*}", _handle)
    return app


async def _handle(request: web.Request) -> web.StreamResponse:
    world = request.app[_WORLD]
    if world.answer_delay_s:
        await asyncio.sleep(world.answer_delay_s)
    broken = world.take_break()
    if broken is not None:
        return await _break(request, broken)
    raw_path, _, query = request.raw_path.partition("?")
    path = unquote(raw_path)
    if path.startswith("/w/images/") and path.endswith(".bin"):
        return await send_big(request, chunked="chunked" in request.query)
    if path in ("/wiki/Special:Upload", "/w/upload.php") and request.method in ("POST", "PUT"):
        return await _send(request, await swallow(request), secrets.token_hex(12))
    body = await request.read()
    request_id = secrets.token_hex(12)
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Asked(
        method=request.method,
        target=request.raw_path,
        path=path,
        query=query,
        headers=headers,
        form=read_form(query, body, headers.get("content-type", "")),
        body=body,
    )
    return await _send(request, _answer(world, asked, request_id), request_id)


def _answer(world: World, asked: Asked, request_id: str) -> Answer:
    session = world.sessions.find(asked.headers.get("cookie", ""))
    # A world that lags answers maxlag anew.
    lagging = world.lag_s >= 0 and "maxlag" in asked.values
    if world.use_recorded and session is None and not lagging:
        recorded = world.recorded.find(asked, touched=world.touched, unbuffered=world.unbuffered)
        if recorded:
            return at_server(recorded, world.server)
    if asked.path in ("/w/api.php", "/api.php"):
        return _unsniffed(_answer_api(world, asked, session, request_id))
    for prefix, answer in ROUTES:
        if asked.path.startswith(prefix):
            return _unsniffed(answer(world, asked))
    return Answer(status=404, headers=(("Content-Type", "text/html"),), body=_NOT_FOUND, chunked=False)


def _unsniffed(answer: Answer) -> Answer:
    """Return the answer with the header that MediaWiki, not the web server before it, puts on each."""
    return replace(answer, headers=(("X-Content-Type-Options", "nosniff"), *answer.headers))


def _answer_api(world: World, asked: Asked, session: Session | None, request_id: str) -> Answer:
    if asked.method == "OPTIONS":
        return Answer(headers=(("Content-Type", HTML), ("Access-Control-Allow-Origin", "*")))
    call = Call(
        world=world,
        form=asked.form,
        method=asked.method,
        headers=asked.headers,
        session=session,
        request_id=request_id,
    )
    return answer_call(call, MODULES)


def _api_with_path(world: World, asked: Asked) -> Answer:
    location = f"{world.server}/w/api.php" + (f"?{asked.query}" if asked.query else "")
    text = b"This endpoint takes no path after its name. Ask again without it."
    return Answer(status=301, headers=(("Content-Type", HTML), ("Location", location)), body=text)


def _page_by_path(world: World, asked: Asked) -> Answer:
    return answer_page(world, asked.path.removeprefix("/wiki/"), asked)


def _page_by_title(world: World, asked: Asked) -> Answer:
    title = asked.values.get("title") or asked.path.removeprefix("/w/index.php").removeprefix("/")
    return answer_page(world, title, asked)


def _script(_: World, asked: Asked) -> Answer:
    return static_script(asked.headers.get("if-none-match"))


ROUTES: tuple[tuple[str, Callable[[World, Asked], Answer]], ...] = (
    ("/w/api.php/", _api_with_path),
    ("/w/rest.php", answer_rest),
    ("/wiki/", _page_by_path),
    ("/w/index.php", _page_by_title),
    ("/w/load.php", _script),
)


async def _send(request: web.Request, answer: Answer, request_id: str) -> web.StreamResponse:
    headers: CIMultiDict[str] = CIMultiDict((("Server", "nginx/1.22.1"),))
    for name, value in answer.headers:
        headers.add(name, value)
    headers.add("X-Request-Id", request_id)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    if answer.chunked:
        response.enable_chunked_encoding()
    elif answer.status != HTTPStatus.NOT_MODIFIED:
        response.content_length = len(answer.body)
    await response.prepare(request)
    if request.method != "HEAD" and answer.body:
        await response.write(answer.body)
    await response.write_eof()
    return response


async def _break(request: web.Request, status: int) -> web.StreamResponse:
    """Answer with an error page that is not MediaWiki's, or cut the connection (status 0)."""
    if status == 0:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    page = error_page(status, "Wikimedia Error", "This answer was broken on purpose.", ())
    return await _send(request, page, secrets.token_hex(12))


class SampleWiki:
    """A running sample wiki: `async with SampleWiki(world=World.load()) as wiki: wiki.url, wiki.world`."""

    def __init__(self, *, world: World, host: str = "127.0.0.1", port: int = 0, keep_server: bool = False) -> None:
        """`port` 0 takes a free one. `keep_server`: leave $wgServer as recorded instead of naming this server."""
        self.world = world
        self.url = ""
        self._host = host
        self._port = port
        self._keep_server = keep_server
        self._runner = web.AppRunner(make_app(world), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self.url = f"http://{self._host}:{self._port}"
        if not self._keep_server:
            self.world.server = self.url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close what is open."""
        await self._runner.cleanup()


async def _serve(port: int) -> None:
    async with SampleWiki(world=World.load(), port=port) as wiki:
        print(f"{wiki.url}/wiki/Item:Q1: {wiki.world.entity_count} entities, {wiki.world.revision_count} revisions")
        await asyncio.Event().wait()


def main(argv: list[str] | None = None) -> int:
    """Run the sample wiki alone until interrupted. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m cutover.demo.wiki", description="Run the sample wiki alone.")
    parser.add_argument("--port", type=int, default=8085, help="port on 127.0.0.1, 0 for a free one")
    try:
        asyncio.run(_serve(parser.parse_args(argv).port))
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
