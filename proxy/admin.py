"""The admin port: health, readiness, metrics and status. Loopback by default; shows no content and no client."""

from collections.abc import Callable, Mapping

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from proxy.metrics import Counters


def admin_app(
    counters: Counters, *, ready: Callable[[], str], status: Callable[[], Mapping[str, object]]
) -> web.Application:
    """Return the app. `ready` gives the reason why this worker should get no traffic, or an empty string."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(counters)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        reason = ready()
        return web.Response(text=f"{reason or 'ready'}\n", status=503 if reason else 200)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(status(), option=orjson.OPT_INDENT_2), content_type="application/json")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/status", show)
    return app
